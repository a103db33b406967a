// The module can be used as mediasoup itself, by a program that was typed for mediasoup. Compiled, not run.
import type * as mediasoup from 'mediasoup';
import type * as facade from '../../../lib/mediasoup/index.js';

/** `ortc` are internals of mediasoup; `default` is how a module without one is seen from an ES module. */
type Mediasoup = Omit<typeof mediasoup, 'ortc' | 'default'>;

declare const ours: typeof facade;
export const asModule: Mediasoup = ours;
export const asIndex: mediasoup.types.Index = ours;
export const byDefault: Mediasoup = await import('../../../lib/mediasoup/index.mjs').then((it) => it.default);

/** A room of an application, typed by mediasoup. */
type Room = { name: string; peers: number };

export async function program(module: Mediasoup): Promise<void> {
  const worker: mediasoup.types.Worker<{ index: number }> = await module.createWorker({
    logLevel: 'warn',
    rtcMinPort: 40_000,
    rtcMaxPort: 49_999,
    appData: { index: 3 },
  });
  worker.on('died', (error) => console.error(error.message, worker.appData.index.toFixed()));
  worker.observer.on('newrouter', (router) => console.log(router.id));
  const mediaCodecs: mediasoup.types.RouterRtpCodecCapability[] = [
    { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 },
    { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000, parameters: { 'x-google-start-bitrate': 1_000 } },
  ];
  const router = await worker.createRouter<Room>({ mediaCodecs, appData: { name: 'lobby', peers: 0 } });
  router.appData.peers += 1;
  const webRtcServer = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '0.0.0.0', port: 44_444 }] });
  const transport = await router.createWebRtcTransport({ webRtcServer, enableSctp: true, initialAvailableOutgoingBitrate: 1e6 });
  transport.on('dtlsstatechange', (state) => state === 'closed' && transport.close());
  transport.on('listenererror', (name, error) => console.error(name, error.stack));
  await transport.connect({ dtlsParameters: { role: 'client', fingerprints: [] } });
  const producer = await transport.produce({ kind: 'audio', rtpParameters: { codecs: [] }, appData: { source: 'mic' } });
  producer.on('score', (scores) => scores.map(({ encodingIdx, score }) => encodingIdx + score));
  const { rtpCapabilities } = router;
  if (!router.canConsume({ producerId: producer.id, rtpCapabilities })) return;
  const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities, paused: true });
  consumer.on('layerschange', (layers) => layers?.spatialLayer);
  consumer.on('producerclose', () => consumer.close());
  await consumer.setPreferredLayers({ spatialLayer: 1 });
  const stats = await consumer.getStats();
  console.log(stats.map(({ type, bitrate }) => `${type} ${bitrate}`), producer.appData.source.toUpperCase());
  const levels = await router.createAudioLevelObserver({ maxEntries: 2, threshold: -70, interval: 500 });
  levels.on('volumes', (volumes) => volumes.map(({ producer: { id }, volume }) => `${id} ${volume}`));
  const speakers = await router.createActiveSpeakerObserver();
  speakers.on('dominantspeaker', ({ producer: { id } }) => console.log(id));
  const direct = await router.createDirectTransport();
  const dataConsumer = await direct.consumeData({ dataProducerId: (await transport.produceData()).id });
  dataConsumer.on('message', (message, ppid) => console.log(message.toString('utf8'), ppid));
}

export async function mistakes(module: typeof facade): Promise<void> {
  const worker = await module.createWorker({ appData: { index: 3 } });
  // @ts-expect-error There is no such level.
  await worker.updateSettings({ logLevel: 'loud' });
  // @ts-expect-error The application's data have no such field.
  console.log(worker.appData.name);
  const router = await worker.createRouter();
  // @ts-expect-error One of them has to be given.
  await router.createWebRtcTransport({});
  // @ts-expect-error There is no such event.
  router.on('close', () => undefined);
}
