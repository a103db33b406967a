// Pipes between the routers of one process: what `router.pipeToRouter` makes.

import type { Consumer } from './consumer.js';
import type { DataConsumer } from './data_consumer.js';
import type { DataProducer } from './data_producer.js';
import { NotFoundError } from './errors.js';
import type { TransportListenInfo } from './listen_info.js';
import { Logger } from './logger.js';
import type { PipeTransport } from './pipe_transport.js';
import type { Producer } from './producer.js';
import type { Router } from './router.js';

/** The two ends of a pipe, by the ids of their routers. */
export type PipeTransportPair = { [key: string]: PipeTransport };

/** How the two ends of a pipe talk. */
export type PipeSettings = { listenInfo: TransportListenInfo; enableRtx: boolean; enableSrtp: boolean };

const logger = new Logger('Router');

/** Name of the pipe between two routers, the same from either side. */
export const pairKey = (a: Router, b: Router): string => [a.id, b.id].sort().join(' ');

/** Makes a pipe between two routers: over UDP, as they may be of different workers. */
export async function connectRouters(a: Router, b: Router, { listenInfo, enableRtx, enableSrtp }: PipeSettings): Promise<PipeTransportPair> {
  // Two ends cannot have the same port.
  const { port: _, ...info } = listenInfo;
  const made: PipeTransport[] = [];
  try {
    for (const router of [a, b]) {
      made.push(await router.createPipe({ listenInfo: info, enableSctp: true, enableRtx, enableSrtp }, { demand: true }));
    }
    const [near, far] = made as [PipeTransport, PipeTransport];
    await Promise.all([connect(near, far), connect(far, near)]);
    for (const [end, other] of [[near, far], [far, near]] as const) end.observer.on('close', () => other.close());
    return { [a.id]: near, [b.id]: far };
  } catch (error) {
    for (const transport of made) transport.close();
    throw error;
  }
}

function connect(end: PipeTransport, other: PipeTransport): Promise<void> {
  const { localAddress: ip, localPort: port } = other.tuple;
  const { srtpParameters } = other;
  return end.connect({ ip, port, ...(srtpParameters ? { srtpParameters } : {}) });
}

/** Has a producer of `from` appear in `to`, under this id. */
export async function pipeProducer(
  { from, to }: { from: PipeTransport; to: PipeTransport },
  producer: Producer<any>,
  id: string,
): Promise<{ pipeConsumer: Consumer; pipeProducer: Producer }> {
  const consumer = await from.consume({ producerId: producer.id });
  let made: Producer | undefined;
  try {
    const { kind, rtpParameters, producerPaused: paused } = consumer;
    made = await to.produce({ id, kind, rtpParameters, paused, appData: producer.appData });
    if (producer.closed) throw new NotFoundError(`pipeToRouter: the producer ${producer.id} was closed meanwhile`);
  } catch (error) {
    consumer.close();
    made?.close();
    throw error;
  }
  const far = made;
  const follow = (paused: boolean): void => {
    if (far.closed || far.paused === paused) return;
    (paused ? far.pause() : far.resume()).catch((error: unknown) => logger.error('a piped producer did not follow', error));
  };
  follow(consumer.producerPaused);
  consumer.observer.on('close', () => far.close());
  consumer.observer.on('pause', () => follow(true));
  consumer.observer.on('resume', () => follow(false));
  far.observer.on('close', () => consumer.close());
  return { pipeConsumer: consumer, pipeProducer: far };
}

/** Has a data producer of `from` appear in `to`, under this id. */
export async function pipeDataProducer(
  { from, to }: { from: PipeTransport; to: PipeTransport },
  dataProducer: DataProducer<any>,
  id: string,
): Promise<{ pipeDataConsumer: DataConsumer; pipeDataProducer: DataProducer }> {
  const { label, protocol, paused, appData } = dataProducer;
  // Nothing is sent before the other end knows of the channel.
  const near = await from.consumeData({ dataProducerId: dataProducer.id, paused: true });
  let made: DataProducer | undefined;
  try {
    const { sctpStreamParameters } = near;
    made = await to.produceData({ id, label, protocol, paused, appData, ...(sctpStreamParameters ? { sctpStreamParameters } : {}) });
    await near.resume();
    if (dataProducer.closed) throw new NotFoundError(`pipeToRouter: the data producer ${dataProducer.id} was closed meanwhile`);
  } catch (error) {
    near.close();
    made?.close();
    throw error;
  }
  const far = made;
  const follow = (still: boolean): void => {
    if (far.closed || far.paused === still) return;
    (still ? far.pause() : far.resume()).catch((error: unknown) => logger.error('a piped data producer did not follow', error));
  };
  follow(near.dataProducerPaused);
  near.observer.on('close', () => far.close());
  near.observer.on('pause', () => follow(true));
  near.observer.on('resume', () => follow(false));
  far.observer.on('close', () => near.close());
  return { pipeDataConsumer: near, pipeDataProducer: far };
}
