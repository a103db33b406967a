// Pipes between routers: of one worker, of two, and by hand.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually, MEDIA_CODECS, mediasoup, next, openRouter, opus, record, stream, voice, vp8, vp8KeyFrame } from './media.mjs';

const { InvalidStateError } = mediasoup;

/** A router of another worker. */
async function elsewhere(t) {
  const worker = await mediasoup.createWorker();
  t.after(() => worker.close());
  return worker.createRouter({ mediaCodecs: MEDIA_CODECS });
}

/** Packets that a consumer of `router` gets of a producer there. */
async function receive(router, producerId) {
  const transport = await router.createDirectTransport();
  const consumer = await transport.consume({ producerId, rtpCapabilities: router.rtpCapabilities });
  const packets = [];
  consumer.on('rtp', (packet) => packets.push(packet));
  return { consumer, packets };
}

for (const [where, target] of [
  ['another worker', elsewhere],
  ['the same worker', (t, { worker }) => worker.createRouter({ mediaCodecs: MEDIA_CODECS })],
]) {
  describe(`pipeToRouter to a router of ${where}`, () => {
    test('brings audio there, with pauses, until it is closed', async (t) => {
      const here = await openRouter(t);
      const [router, there] = [here.router, await target(t, here)];
      const transport = await router.createDirectTransport();
      const producer = await transport.produce({ kind: 'audio', rtpParameters: opus(1), paused: true, appData: { foo: 1 } });
      const { pipeConsumer, pipeProducer } = await router.pipeToRouter({ producerId: producer.id, router: there, enableSrtp: true, enableRtx: true });
      assert.deepEqual([pipeConsumer.type, pipeConsumer.kind, pipeConsumer.producerId, pipeConsumer.producerPaused], ['pipe', 'audio', producer.id, true]);
      assert.deepEqual([pipeProducer.id, pipeProducer.kind, pipeProducer.paused, pipeProducer.appData], [producer.id, 'audio', true, { foo: 1 }]);
      assert.equal(there.canConsume({ producerId: pipeProducer.id, rtpCapabilities: there.rtpCapabilities }), true);
      const { consumer, packets } = await receive(there, pipeProducer.id);
      t.after(stream(producer, voice(1)));
      const resumed = next(consumer, 'producerresume');
      await producer.resume();
      await resumed;
      await eventually('packets arrive', () => packets.length > 10);
      assert.deepEqual([(await pipeConsumer.dump()).type, (await pipeConsumer.getStats())[0].type], ['pipe', 'outbound-rtp']);
      const paused = next(consumer, 'producerpause');
      await producer.pause();
      await paused;
      const closed = next(consumer, 'producerclose');
      producer.close();
      await closed;
      assert.deepEqual([pipeConsumer.closed, pipeProducer.closed], [true, true]);
    });

    test('brings all sizes of a picture there', async (t) => {
      const here = await openRouter(t);
      const [router, there] = [here.router, await target(t, here)];
      const transport = await router.createDirectTransport();
      const producer = await transport.produce({ kind: 'video', rtpParameters: vp8(1, 2) });
      const { pipeConsumer, pipeProducer } = await router.pipeToRouter({ producerId: producer.id, router: there });
      assert.deepEqual([pipeConsumer.rtpParameters.encodings.length, pipeProducer.type], [2, 'simulcast']);
      const { consumer, packets } = await receive(there, pipeProducer.id);
      const both = (n) => vp8KeyFrame({ ssrc: 1 + (n % 2), seq: n >> 1, width: 320 << n % 2, height: 180 << n % 2 });
      t.after(stream(producer, both));
      await eventually('the larger picture arrives', () => consumer.currentLayers?.spatialLayer === 1 && packets.length > 5);
      await consumer.setPreferredLayers({ spatialLayer: 0 });
      await eventually('the smaller picture arrives', () => consumer.currentLayers?.spatialLayer === 0);
      pipeProducer.close();
      assert.equal(pipeConsumer.closed, true);
      assert.equal(producer.closed, false);
    });

    test('brings messages there', async (t) => {
      const here = await openRouter(t);
      const [router, there] = [here.router, await target(t, here)];
      const transport = await router.createDirectTransport();
      const dataProducer = await transport.produceData({ label: 'chat', protocol: 'p', appData: { foo: 1 } });
      const { pipeDataConsumer, pipeDataProducer } = await router.pipeToRouter({ dataProducerId: dataProducer.id, router: there });
      assert.deepEqual([pipeDataProducer.id, pipeDataProducer.label, pipeDataProducer.protocol, pipeDataProducer.appData], [dataProducer.id, 'chat', 'p', { foo: 1 }]);
      assert.deepEqual([pipeDataConsumer.type, pipeDataProducer.type], ['sctp', 'sctp']);
      assert.equal(pipeDataConsumer.sctpStreamParameters.streamId, pipeDataProducer.sctpStreamParameters.streamId);
      const receiver = await (await there.createDirectTransport()).consumeData({ dataProducerId: pipeDataProducer.id });
      const got = [];
      receiver.on('message', (message, ppid) => got.push([String(message), ppid]));
      dataProducer.send('hello');
      dataProducer.send(Buffer.from([49]));
      await eventually('both arrive', () => got.length === 2);
      assert.deepEqual(got, [['hello', 51], ['1', 53]]);
      const closed = next(receiver, 'dataproducerclose');
      dataProducer.close();
      await closed;
      assert.deepEqual([pipeDataConsumer.closed, pipeDataProducer.closed], [true, true]);
    });
  });
}

describe('pipeToRouter', () => {
  test('uses one pipe for all, in both directions, until it is closed', async (t) => {
    const { router } = await openRouter(t);
    const there = await elsewhere(t);
    const made = [];
    for (const each of [router, there]) each.observer.on('newtransport', (transport) => transport.type === 'pipe' && made.push(transport));
    const [here1, there1] = [await router.createDirectTransport(), await there.createDirectTransport()];
    const producers = [await here1.produce({ kind: 'audio', rtpParameters: opus(1) }), await here1.produce({ kind: 'video', rtpParameters: vp8(2) })];
    const back = await there1.produce({ kind: 'audio', rtpParameters: opus(1) });
    const [one, two] = await Promise.all([
      ...producers.map(({ id: producerId }) => router.pipeToRouter({ producerId, router: there })),
      there.pipeToRouter({ producerId: back.id, router, keepId: false }),
    ]);
    assert.equal(made.length, 2);
    assert.deepEqual(made.map(({ tuple }) => tuple.remotePort), made.map(({ tuple }) => tuple.localPort).reverse());
    assert.deepEqual([one.pipeProducer.id, two.pipeProducer.id], producers.map(({ id }) => id));
    await assert.rejects(router.pipeToRouter({ producerId: producers[0].id, router: there }), TypeError);
    const heard = record(one.pipeProducer.observer, ['close']);
    made[0].close();
    assert.deepEqual([heard, made[1].closed, one.pipeConsumer.closed], [['close'], true, true]);
    await router.pipeToRouter({ producerId: producers[0].id, router: there });
    assert.equal(made.length, 4);
    router.close();
    await eventually('the other end is closed', () => made.every(({ closed }) => closed));
    assert.equal(there.closed, false);
  });

  test('gives other ids if it is asked to', async (t) => {
    const { worker, router } = await openRouter(t);
    const there = await worker.createRouter({ mediaCodecs: MEDIA_CODECS });
    const transport = await router.createDirectTransport();
    const producer = await transport.produce({ kind: 'audio', rtpParameters: opus(1) });
    const { pipeProducer } = await router.pipeToRouter({ producerId: producer.id, router: there, keepId: false });
    assert.notEqual(pipeProducer.id, producer.id);
  });

  test('refuses wrong options', async (t) => {
    const { worker, router } = await openRouter(t);
    const there = await worker.createRouter({ mediaCodecs: MEDIA_CODECS });
    const producer = await (await router.createDirectTransport()).produce({ kind: 'audio', rtpParameters: opus(1) });
    const producerId = producer.id;
    for (const options of [undefined, {}, { router: there }, { producerId, dataProducerId: 'x', router: there }, { producerId }, { producerId, router: {} }, { producerId, router }, { producerId, router: there, listenIp: 'localhost' }, { producerId, router: there, listenIp: '127.0.0.1', listenInfo: { protocol: 'udp', ip: '127.0.0.1' } }]) {
      await assert.rejects(router.pipeToRouter(options), TypeError);
    }
    for (const options of [{ producerId: 'nobody', router: there }, { dataProducerId: 'nobody', router: there }]) {
      await assert.rejects(router.pipeToRouter(options), { name: 'NotFoundError' });
    }
    there.close();
    await assert.rejects(router.pipeToRouter({ producerId, router: there }), InvalidStateError);
  });
});

describe('two PipeTransports', () => {
  test('carry a producer when they are connected by hand', async (t) => {
    const { router } = await openRouter(t);
    const there = await elsewhere(t);
    const options = { listenInfo: { protocol: 'udp', ip: '127.0.0.1' }, enableRtx: true, enableSrtp: true };
    const [near, far] = [await router.createPipeTransport({ ...options, appData: { foo: 1 } }), await there.createPipeTransport(options)];
    assert.deepEqual([near.type, near.appData, near.srtpParameters.cryptoSuite, near.sctpParameters, near.sctpState], ['pipe', { foo: 1 }, 'AEAD_AES_256_GCM', undefined, undefined]);
    const to = ({ tuple, srtpParameters }) => ({ ip: tuple.localAddress, port: tuple.localPort, srtpParameters });
    await assert.rejects(near.connect({ ip: '127.0.0.1', port: 1 }), TypeError);
    await assert.rejects(near.connect({}), TypeError);
    await near.connect(to(far));
    await far.connect(to(near));
    await assert.rejects(far.connect(to(near)), InvalidStateError);
    assert.deepEqual([near.tuple.remotePort, far.tuple.remotePort], [far.tuple.localPort, near.tuple.localPort]);
    const [dump, [stats]] = [await near.dump(), await near.getStats()];
    assert.deepEqual([dump.rtx, dump.tuple, stats.type, stats.tuple], [true, near.tuple, 'pipe-transport', near.tuple]);
    const producer = await (await router.createDirectTransport()).produce({ kind: 'audio', rtpParameters: opus(1) });
    const told = next(near.observer, 'newconsumer');
    const consumer = await near.consume({ producerId: producer.id, appData: { bar: 2 } });
    assert.deepEqual(await told, [consumer]);
    assert.deepEqual([consumer.type, consumer.appData, consumer.preferredLayers], ['pipe', { bar: 2 }, undefined]);
    const piped = await far.produce({ id: producer.id, kind: consumer.kind, rtpParameters: consumer.rtpParameters });
    const { packets } = await receive(there, piped.id);
    t.after(stream(producer, voice(1)));
    await eventually('packets arrive', () => packets.length > 10);
    await consumer.pause();
    assert.equal(consumer.paused, true);
    await consumer.resume();
    await assert.rejects(near.consume({}), TypeError);
    await assert.rejects(near.consume({ producerId: 'nobody' }), { name: 'NotFoundError' });
  });

  test('carry messages when they are connected by hand', async (t) => {
    const { router } = await openRouter(t);
    const there = await elsewhere(t);
    const options = { listenInfo: { protocol: 'udp', ip: '127.0.0.1' }, enableSctp: true, enableSrtp: true };
    const [near, far] = [await router.createPipeTransport(options), await there.createPipeTransport(options)];
    const { port, isDataChannel, maxMessageSize } = near.sctpParameters;
    assert.deepEqual([port, isDataChannel, maxMessageSize, near.sctpState], [5000, false, 262_144, 'new']);
    const to = ({ tuple, srtpParameters }) => ({ ip: tuple.localAddress, port: tuple.localPort, srtpParameters });
    await near.connect(to(far));
    await far.connect(to(near));
    const source = await (await router.createDirectTransport()).produceData({ label: 'chat' });
    const told = [near, near.observer, far].map((emitter) => {
      const states = [];
      emitter.on('sctpstatechange', (state) => states.push(state));
      return states;
    });
    const consumer = await near.consumeData({ dataProducerId: source.id, ordered: false, maxRetransmits: 3 });
    const { label, protocol, sctpStreamParameters } = consumer;
    assert.deepEqual([sctpStreamParameters.ordered, sctpStreamParameters.maxRetransmits], [false, 3]);
    const piped = await far.produceData({ id: source.id, label, protocol, sctpStreamParameters });
    const receiver = await (await there.createDirectTransport()).consumeData({ dataProducerId: piped.id });
    await eventually('the association stands', () => told.every((states) => states.at(-1) === 'connected'));
    assert.deepEqual(near.sctpNegotiatedCapabilities, { negotiatedMaxOutboundStreams: 1024, negotiatedMaxInboundStreams: 1024 });
    const got = next(receiver, 'message');
    source.send('hello');
    assert.equal(String((await got)[0]), 'hello');
    const [dump, [stats]] = [await far.dump(), await far.getStats()];
    assert.deepEqual([dump.sctpState, stats.sctpState], ['connected', 'connected']);
    assert.deepEqual(dump.sctpListener.streamIdTable, [{ key: sctpStreamParameters.streamId, value: piped.id }]);
    const without = await router.createPipeTransport({ listenIp: '127.0.0.1' });
    await assert.rejects(without.consumeData({ dataProducerId: source.id }), InvalidStateError);
    near.close();
    assert.equal(near.sctpState, 'closed');
  });
});
