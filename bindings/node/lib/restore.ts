/** Handles of all that is in a router that was restored. */

import type { Connection } from './connection.js';
import { Consumer, PipeConsumer } from './consumer.js';
import { DataConsumer } from './data_consumer.js';
import { DataProducer } from './data_producer.js';
import { SfuError } from './errors.js';
import { ActiveSpeakerObserver, AudioLevelObserver } from './observer.js';
import type { Id } from './parameters.js';
import { Producer } from './producer.js';
import type { Router } from './router.js';
import type {
  ConsumerStats,
  DataConsumerStats,
  DataProducerStats,
  ProducerStats,
  RouterDump,
  TransportDump,
} from './stats.js';
import { transportOf } from './transport.js';

/** Makes handles of all that a router contains. Its figures tell what the handles need to know. */
export async function adopt(router: Router, contents: RouterDump): Promise<void> {
  const { connection } = router;
  for (const { id, kind } of contents.observers) {
    const description = { id, router: router.id };
    if (kind === 'active-speaker') new ActiveSpeakerObserver(connection, description);
    else new AudioLevelObserver(connection, description);
  }
  await Promise.all(contents.transports.map((transport) => adoptTransport(router, transport)));
}

async function adoptTransport(router: Router, dump: TransportDump): Promise<void> {
  const { connection, id: room } = router;
  const { id: transport, kind } = dump;
  transportOf(connection, { id: transport, router: room, kind });
  const place = { router: room, transport, rtpParameters: { codecs: [] } };
  const producers = dump.producers.map(async (id) => {
    const stats = await figures<ProducerStats>(connection, 'Producer', id);
    if (stats) new Producer(connection, { ...place, id, kind: stats.kind, paused: stats.paused });
  });
  const consumers = dump.consumers.map(async (id) => {
    if (kind === 'pipe') return adoptPipeConsumer(connection, place, id);
    const stats = await figures<ConsumerStats>(connection, 'Consumer', id);
    if (stats) new Consumer(connection, { ...place, id, kind: stats.kind, producer: stats.producer, paused: stats.paused });
  });
  const dataProducers = dump.dataProducers.map(async (id) => {
    const stats = await figures<DataProducerStats>(connection, 'DataProducer', id);
    if (stats) new DataProducer(connection, { ...place, ...stats });
  });
  const dataConsumers = dump.dataConsumers.map(async (id) => {
    const stats = await figures<DataConsumerStats>(connection, 'DataConsumer', id);
    if (stats) new DataConsumer(connection, { ...place, ...stats, dataProducer: stats.producer });
  });
  await Promise.all([...producers, ...consumers, ...dataProducers, ...dataConsumers]);
}

/** A pipe consumer has several ids, and goes by the first of them. */
async function adoptPipeConsumer(
  connection: Connection,
  place: Omit<ConstructorParameters<typeof PipeConsumer>[1], 'id' | 'ids' | 'kind' | 'producer' | 'paused'>,
  id: Id,
): Promise<void> {
  const all = await figures<ConsumerStats[]>(connection, 'PipeConsumer', id);
  const first = all?.[0];
  if (!all || !first?.producer) return;
  const ids = all.map((stats) => stats.id);
  new PipeConsumer(connection, { ...place, id, ids, kind: first.kind, producer: first.producer, paused: first.paused });
}

/** Figures of something; none if it was closed meanwhile, or does not go by this id. */
async function figures<T>(connection: Connection, noun: string, id: Id): Promise<T | undefined> {
  try {
    return (await connection.call(noun, 'stats', id)).value as T;
  } catch (error) {
    if (error instanceof SfuError && error.code === 'NotFound') return undefined;
    throw error;
  }
}
