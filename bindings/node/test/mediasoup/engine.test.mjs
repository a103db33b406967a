// When the SFU below does what no call asked for: it loses events, or ends.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { eventually, LOCAL, mediasoup, next, openRouter, record, stream, vp8, vp8KeyFrame } from './media.mjs';

const { Engine } = createRequire(import.meta.url)('../../dist/mediasoup/engine.js');

test('events that are lost are logged, and states are right all the same', async (t) => {
  const { start } = Engine;
  Engine.start = (options, closed) => start.call(Engine, { ...options, eventCapacity: 8 }, closed);
  t.after(() => {
    Engine.start = start;
    mediasoup.setLogEventListeners();
  });
  const errors = [];
  mediasoup.setLogEventListeners({ onerror: (namespace, log) => errors.push(log) });
  const { router } = await openRouter(t);
  const [from, to] = [await router.createDirectTransport(), await router.createDirectTransport()];
  const webrtc = await router.createWebRtcTransport(LOCAL);
  const producer = await from.produce({ kind: 'video', rtpParameters: vp8(1, 2) });
  const consumer = await to.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities });
  const both = (n) => vp8KeyFrame({ ssrc: 1 + (n % 2), seq: n >> 1, width: 320 << n % 2, height: 180 << n % 2 });
  t.after(stream(producer, both));
  await eventually('pictures are forwarded', () => consumer.currentLayers);
  const dataProducer = await from.produceData();
  const dataConsumer = await to.consumeData({ dataProducerId: dataProducer.id });
  let got = 0;
  dataConsumer.on('message', () => (got += 1));
  for (let n = 0; n < 500; n += 1) dataProducer.send('x'.repeat(1_000));
  await consumer.setPreferredLayers({ spatialLayer: 0 });
  // Nothing is heard meanwhile.
  const end = Date.now() + 500;
  while (Date.now() < end);
  await eventually('the loss is logged', () => errors.some((error) => /events were lost/.test(error)));
  assert.ok(got < 500, `${got} messages arrived`);
  await eventually('the layers are known', () => consumer.currentLayers?.spatialLayer === 0);
  assert.deepEqual([webrtc.iceState, webrtc.dtlsState, webrtc.closed], ['new', 'new', false]);
  assert.deepEqual(errors.filter((error) => !/events were lost/.test(error)), []);
});

test('a worker whose SFU ends has died, with all that is in it', async (t) => {
  const { start } = Engine;
  t.after(() => (Engine.start = start));
  let engine;
  Engine.start = async (options, closed) => (engine = await start.call(Engine, options, closed));
  const { worker, router } = await openRouter(t);
  const transport = await router.createWebRtcTransport(LOCAL);
  const heard = [record(router, ['workerclose']), record(transport, ['routerclose']), record(worker.observer, ['close'])];
  const died = next(worker, 'died');
  const ended = next(worker, 'subprocessclose');
  await engine.close();
  const [error] = await died;
  assert.ok(error instanceof Error);
  await ended;
  assert.deepEqual(heard, [['workerclose'], ['routerclose'], ['close']]);
  assert.deepEqual([worker.died, worker.closed, worker.subprocessClosed], [true, true, true]);
  await assert.rejects(worker.createRouter(), { name: 'WorkerClosedError' });
});
