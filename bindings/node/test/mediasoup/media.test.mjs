// Producers, consumers and observers, with RTP of the test itself through direct transports.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { describe, test } from 'node:test';
import { eventually, LOCAL, MEDIA_CODECS, mediasoup, next, openRouter, opus, record, rtp, stream, voice, vp8, vp8KeyFrame } from './media.mjs';

const { InvalidStateError, UnsupportedError } = mediasoup;

describe('a producer', () => {
  test('has what it was made with', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createWebRtcTransport(LOCAL);
    const told = next(transport.observer, 'newproducer');
    const audio = await transport.produce({ kind: 'audio', rtpParameters: opus(1), appData: { foo: 1 } });
    assert.deepEqual(await told, [audio]);
    assert.deepEqual([audio.kind, audio.type, audio.paused, audio.closed, audio.appData], ['audio', 'simple', false, false, { foo: 1 }]);
    assert.deepEqual(audio.rtpParameters, opus(1));
    assert.deepEqual(audio.score, []);
    const [codec] = audio.consumableRtpParameters.codecs;
    assert.equal(codec.payloadType, router.rtpCapabilities.codecs[0].preferredPayloadType);
    const video = await transport.produce({ id: 'chosen', kind: 'video', rtpParameters: vp8(100, 3), paused: true, keyFrameRequestDelay: 5000 });
    assert.deepEqual([video.id, video.type, video.paused, video.appData], ['chosen', 'simulcast', true, {}]);
    const svc = vp8(500);
    svc.encodings[0].scalabilityMode = 'L1T3';
    assert.equal((await transport.produce({ kind: 'video', rtpParameters: { ...svc, mid: 'svc' } })).type, 'svc');

    const dump = await video.dump();
    assert.deepEqual([dump.id, dump.kind, dump.type, dump.paused], ['chosen', 'video', 'simulcast', true]);
    assert.deepEqual(dump.rtpParameters, video.rtpParameters);
    const stats = await video.getStats();
    assert.deepEqual(stats.map(({ type, ssrc, rtxSsrc, kind, mimeType }) => [type, ssrc, rtxSsrc, kind, mimeType]), [0, 1, 2].map((at) => ['inbound-rtp', 100 + at, 200 + at, 'video', 'video/VP8']));
    assert.deepEqual((await transport.dump()).producerIds.length, 3);
    assert.ok((await transport.dump()).rtpListener.ssrcTable.some(({ key, value }) => key === 1 && value === audio.id));
  });

  test('is refused where its parameters are wrong', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createWebRtcTransport(LOCAL);
    await transport.produce({ id: 'taken', kind: 'audio', rtpParameters: opus(1) });
    const wrong = [
      undefined,
      { kind: 'chicken', rtpParameters: opus(2) },
      { kind: 'audio' },
      { kind: 'audio', rtpParameters: {} },
      { kind: 'audio', rtpParameters: { ...opus(2), codecs: [] } },
      { kind: 'audio', rtpParameters: { ...opus(2), encodings: 'x' } },
      { kind: 'audio', rtpParameters: { ...opus(2), mid: '' } },
      { kind: 'audio', rtpParameters: vp8(2) },
      { kind: 'video', rtpParameters: { ...vp8(2), codecs: vp8(2).codecs.slice(1) } },
      { kind: 'video', rtpParameters: { ...vp8(2), encodings: [{}, {}] } },
      { kind: 'audio', rtpParameters: opus(2), id: '' },
      { kind: 'audio', rtpParameters: opus(2), id: 'taken' },
      { kind: 'audio', rtpParameters: opus(2), appData: 'x' },
    ];
    for (const options of wrong) await assert.rejects(transport.produce(options), TypeError, JSON.stringify(options));
    const g711 = { ...opus(2), codecs: [{ mimeType: 'audio/PCMU', payloadType: 0, clockRate: 8000 }] };
    await assert.rejects(transport.produce({ kind: 'audio', rtpParameters: g711 }), UnsupportedError);
    await assert.rejects(transport.produce({ kind: 'audio', rtpParameters: opus(1) }), /SSRC/);
    const both = [1, 2].map(() => transport.produce({ id: 'twice', kind: 'audio', rtpParameters: opus(9, { mid: 'a' }) }));
    const results = await Promise.allSettled(both);
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.equal((await transport.dump()).producerIds.length, 2);
  });

  test('pauses, and is closed with its consumers', async (t) => {
    const { router } = await openRouter(t);
    const [from, to] = [await router.createDirectTransport(), await router.createWebRtcTransport(LOCAL)];
    const producer = await from.produce({ kind: 'audio', rtpParameters: opus(1) });
    const { rtpCapabilities } = router;
    const consumer = await to.consume({ producerId: producer.id, rtpCapabilities });
    const heard = [record(producer.observer, ['pause', 'resume', 'close']), record(consumer, ['producerpause', 'producerresume', 'producerclose'])];
    await producer.pause();
    await producer.pause();
    assert.deepEqual([producer.paused, consumer.producerPaused, consumer.paused], [true, true, false]);
    assert.equal((await to.consume({ producerId: producer.id, rtpCapabilities })).producerPaused, true);
    await producer.resume();
    assert.deepEqual([producer.paused, consumer.producerPaused], [false, false]);
    const closed = next(consumer.observer, 'close');
    producer.close();
    producer.close();
    await closed;
    assert.deepEqual(heard, [['pause', 'resume', 'close'], ['producerpause', 'producerresume', 'producerclose']]);
    assert.deepEqual([producer.closed, consumer.closed, from.closed], [true, true, false]);
    assert.deepEqual((await router.dump()).mapConsumerIdProducerId, []);
    for (const name of ['dump', 'getStats', 'pause', 'resume', 'enableTraceEvent']) await assert.rejects(producer[name](), InvalidStateError, name);
    await assert.rejects(to.consume({ producerId: producer.id, rtpCapabilities }), { name: 'NotFoundError' });
  });

  test('is closed with its transport', async (t) => {
    const { router } = await openRouter(t);
    const [from, to] = [await router.createDirectTransport(), await router.createWebRtcTransport(LOCAL)];
    const producer = await from.produce({ kind: 'audio', rtpParameters: opus(1) });
    const consumer = await to.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities });
    const heard = record(producer, ['transportclose']);
    const told = next(consumer, 'producerclose');
    from.close();
    assert.deepEqual([heard, producer.closed], [['transportclose'], true]);
    await told;
    const other = await to.produce({ kind: 'audio', rtpParameters: opus(2) });
    const own = await to.consume({ producerId: other.id, rtpCapabilities: router.rtpCapabilities });
    const ownHeard = record(own, ['transportclose', 'producerclose']);
    to.close();
    assert.deepEqual([ownHeard, own.closed], [['transportclose'], true]);
  });

  test('takes types of traces', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createDirectTransport();
    const producer = await transport.produce({ kind: 'video', rtpParameters: vp8(1) });
    await producer.enableTraceEvent(['keyframe', 'chicken', 'pli']);
    assert.deepEqual((await producer.dump()).traceEventTypes.sort(), ['keyframe', 'pli']);
    await assert.rejects(producer.enableTraceEvent('keyframe'), TypeError);
    const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities });
    await consumer.enableTraceEvent(['rtp', 'nack']);
    assert.deepEqual((await consumer.dump()).traceEventTypes.sort(), ['nack', 'rtp']);
    await assert.rejects(consumer.enableTraceEvent([1]), TypeError);
  });

  test('tells how its picture is turned, when that changes', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createDirectTransport();
    const parameters = { ...vp8(1), headerExtensions: [{ uri: 'urn:3gpp:video-orientation', id: 4 }] };
    const producer = await transport.produce({ kind: 'video', rtpParameters: parameters });
    const told = [];
    producer.on('videoorientationchange', (orientation) => told.push(orientation));
    const observed = next(producer.observer, 'videoorientationchange');
    // A one-byte element (RFC 8285) with the CVO byte: camera, flip, rotation.
    const turned = [0, 0, 1, 1, 8 | 4 | 3];
    for (const [seq, byte] of turned.entries()) {
      const packet = vp8KeyFrame({ ssrc: 1, seq, width: 320, height: 180 });
      packet.writeUInt8(0x90, 0);
      producer.send(Buffer.concat([packet.subarray(0, 12), Buffer.from([0xbe, 0xde, 0, 1, 4 << 4, byte, 0, 0]), packet.subarray(12)]));
    }
    await eventually('all changes are told', () => told.length === 3);
    assert.deepEqual(told, [{ camera: false, flip: false, rotation: 0 }, { camera: false, flip: false, rotation: 90 }, { camera: true, flip: true, rotation: 270 }]);
    assert.deepEqual(await observed, [told[0]]);
  });
});

describe('RTP of the application', () => {
  test('reaches consumers of direct transports, and is counted and scored', async (t) => {
    const { router } = await openRouter(t);
    const [from, to] = [await router.createDirectTransport(), await router.createDirectTransport()];
    const producer = await from.produce({ kind: 'audio', rtpParameters: opus(1) });
    const consumer = await to.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities });
    assert.throws(() => producer.send('packet'), TypeError);
    const packets = [];
    consumer.on('rtp', (packet) => packets.push(packet));
    const scores = [];
    producer.on('score', (score) => scores.push(score));
    const consumerScored = next(consumer, 'score');
    const stop = stream(producer, voice(1));
    t.after(() => stop());
    await eventually('packets arrive', () => packets.length > 20);
    const [{ ssrc }] = consumer.rtpParameters.encodings;
    const [{ payloadType }] = consumer.rtpParameters.codecs;
    for (const [at, packet] of packets.entries()) {
      assert.ok(Buffer.isBuffer(packet));
      assert.deepEqual([packet.readUInt32BE(8), packet[1] & 0x7f], [ssrc, payloadType]);
      if (at > 0) assert.equal(packet.readUInt16BE(2), (packets[at - 1].readUInt16BE(2) + 1) & 0xffff);
    }
    await eventually('it is scored', () => scores.at(-1)?.[0]?.score === 10);
    assert.deepEqual(scores.at(-1), [{ encodingIdx: 0, ssrc: 1, score: 10 }]);
    assert.deepEqual(producer.score, scores.at(-1));
    assert.equal((await consumerScored)[0].score, 10);
    await eventually('the consumer knows it', () => consumer.score.producerScore === 10);
    assert.deepEqual(consumer.score, { score: 10, producerScore: 10, producerScores: [10] });
    const [received] = await producer.getStats();
    assert.ok(received.packetCount > 20 && received.byteCount > 0 && received.packetsLost === 0, JSON.stringify(received));
    const [sent, forwarded] = await consumer.getStats();
    assert.deepEqual([sent.type, forwarded.type], ['outbound-rtp', 'inbound-rtp']);
    assert.ok(sent.packetCount > 20);
    await consumer.pause();
    const count = packets.length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(packets.length <= count + 1, 'a packet may have been on its way');
    await consumer.resume();
    await eventually('packets arrive again', () => packets.length > count + 10);
    stop();
    await eventually('silence is scored', () => scores.at(-1)[0].score === 0);
    assert.equal((await producer.getStats())[0].bitrate, 0);
  });

  test('is for producers of direct transports only', async (t) => {
    const { router } = await openRouter(t);
    const producer = await (await router.createWebRtcTransport(LOCAL)).produce({ kind: 'audio', rtpParameters: opus(1) });
    assert.throws(() => producer.send(voice(1)(0)), InvalidStateError);
  });
});

describe('a consumer', () => {
  test('has what the endpoint needs', async (t) => {
    const { router } = await openRouter(t);
    const [from, to] = [await router.createWebRtcTransport(LOCAL), await router.createWebRtcTransport(LOCAL)];
    const producer = await from.produce({ kind: 'video', rtpParameters: vp8(1, 3) });
    const { rtpCapabilities } = router;
    assert.equal(router.canConsume({ producerId: producer.id, rtpCapabilities }), true);
    const told = next(to.observer, 'newconsumer');
    const consumer = await to.consume({ producerId: producer.id, rtpCapabilities, paused: true, preferredLayers: { spatialLayer: 12 }, appData: { foo: 1 } });
    assert.deepEqual(await told, [consumer]);
    assert.deepEqual([consumer.producerId, consumer.kind, consumer.type, consumer.paused, consumer.producerPaused, consumer.priority], [producer.id, 'video', 'simulcast', true, false, 1]);
    assert.deepEqual([consumer.preferredLayers, consumer.currentLayers, consumer.appData], [{ spatialLayer: 2, temporalLayer: 0 }, undefined, { foo: 1 }]);
    const { codecs, encodings } = consumer.rtpParameters;
    assert.deepEqual(codecs.map(({ mimeType }) => mimeType), ['video/VP8', 'video/rtx']);
    assert.equal(encodings.length, 1);
    assert.ok(encodings[0].ssrc > 0 && encodings[0].rtx.ssrc > 0);
    const withoutRtx = await to.consume({ producerId: producer.id, rtpCapabilities, enableRtx: false });
    assert.deepEqual(withoutRtx.rtpParameters.codecs.map(({ mimeType }) => mimeType), ['video/VP8']);
    assert.ok(!withoutRtx.rtpParameters.codecs[0].rtcpFeedback.some(({ type, parameter }) => type === 'nack' && !parameter));
    const dump = await consumer.dump();
    assert.deepEqual([dump.id, dump.producerId, dump.kind, dump.type, dump.paused, dump.producerPaused], [consumer.id, producer.id, 'video', 'simulcast', true, false]);
    assert.deepEqual([dump.preferredSpatialLayer, dump.currentSpatialLayer, dump.rtpStream.params.ssrc], [2, -1, encodings[0].ssrc]);
    assert.ok((await to.dump()).mapSsrcConsumerId.some(({ key, value }) => key === encodings[0].ssrc && value === consumer.id));
    assert.deepEqual((await router.dump()).mapProducerIdConsumerIds, [{ key: producer.id, values: [consumer.id, withoutRtx.id] }]);

    const heard = record(consumer.observer, ['pause', 'resume', 'close']);
    await consumer.resume();
    await consumer.resume();
    assert.equal(consumer.paused, false);
    await consumer.pause();
    await consumer.setPreferredLayers({ spatialLayer: 1, temporalLayer: 3 });
    assert.deepEqual(consumer.preferredLayers, { spatialLayer: 1, temporalLayer: 0 });
    await consumer.setPriority(2);
    assert.equal(consumer.priority, 2);
    await consumer.unsetPriority();
    assert.equal(consumer.priority, 1);
    await consumer.requestKeyFrame();
    for (const layers of [{}, { spatialLayer: '1' }, { spatialLayer: 1, temporalLayer: 'x' }]) await assert.rejects(consumer.setPreferredLayers(layers), TypeError);
    for (const priority of [0, -1, 256, '1', undefined]) await assert.rejects(consumer.setPriority(priority), TypeError);
    consumer.close();
    consumer.close();
    assert.deepEqual(heard, ['resume', 'pause', 'close']);
    const calls = { dump: [], getStats: [], pause: [], resume: [], setPreferredLayers: [{ spatialLayer: 1 }], setPriority: [1], unsetPriority: [], requestKeyFrame: [], enableTraceEvent: [] };
    for (const [name, args] of Object.entries(calls)) await assert.rejects(consumer[name](...args), InvalidStateError, name);
    assert.equal(producer.closed, false);
  });

  test('is refused where it cannot be', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createWebRtcTransport(LOCAL);
    const producer = await transport.produce({ kind: 'audio', rtpParameters: opus(1) });
    const { rtpCapabilities } = router;
    const good = { producerId: producer.id, rtpCapabilities };
    for (const more of [{ producerId: undefined }, { producerId: 7 }, { rtpCapabilities: undefined }, { rtpCapabilities: { codecs: 'x' } }, { mid: '' }, { mid: 5 }, { appData: 'x' }, { preferredLayers: { spatialLayer: 'x' } }]) {
      await assert.rejects(transport.consume({ ...good, ...more }), TypeError, JSON.stringify(more));
    }
    await assert.rejects(transport.consume({ ...good, producerId: 'nobody' }), { name: 'NotFoundError' });
    const other = [{ kind: 'audio', mimeType: 'audio/PCMA', clockRate: 8000, preferredPayloadType: 8 }];
    assert.equal(router.canConsume({ ...good, rtpCapabilities: { codecs: other } }), false);
    await assert.rejects(transport.consume({ ...good, rtpCapabilities: { codecs: other, headerExtensions: [] } }), UnsupportedError);
    await assert.rejects(transport.consume({ ...good, pipe: true, rtpCapabilities: { codecs: other, headerExtensions: [] } }), UnsupportedError);
    assert.equal((await transport.consume({ ...good, mid: 'm' })).rtpParameters.mid, 'm');
    assert.equal(router.canConsume({ ...good, rtpCapabilities: {} }), false);
    assert.equal(router.canConsume({ ...good, rtpCapabilities: null }), false);
  });

  test('carries all streams with pipe: true, on every transport', async (t) => {
    const { router } = await openRouter(t);
    const from = await router.createDirectTransport();
    const producer = await from.produce({ kind: 'video', rtpParameters: vp8(1, 3) });
    const { rtpCapabilities } = router;
    const all = { producerId: producer.id, rtpCapabilities, pipe: true };
    const made = [await router.createWebRtcTransport(LOCAL), await router.createPlainTransport({ listenIp: '127.0.0.1' }), from];
    for (const transport of made) {
      const told = next(transport.observer, 'newconsumer');
      const consumer = await transport.consume({ ...all, mid: 'x', preferredLayers: { spatialLayer: 0 }, appData: { foo: 1 } });
      assert.deepEqual(await told, [consumer]);
      assert.deepEqual([consumer.type, consumer.kind, consumer.paused, consumer.appData], ['pipe', 'video', false, { foo: 1 }]);
      const { codecs, encodings, mid } = consumer.rtpParameters;
      assert.equal(mid, undefined);
      assert.deepEqual(codecs.map(({ payloadType }) => payloadType), rtpCapabilities.codecs.slice(1, 3).map(({ preferredPayloadType }) => preferredPayloadType));
      const numbers = encodings.flatMap(({ ssrc, rtx }) => [ssrc, rtx.ssrc]);
      assert.deepEqual([encodings.length, new Set(numbers).size], [3, 6]);
      const dump = await consumer.dump();
      assert.deepEqual([dump.type, dump.rtpStreams.map(({ params }) => params.ssrc)], ['pipe', encodings.map(({ ssrc }) => ssrc)]);
      assert.deepEqual((await consumer.getStats()).map(({ type, ssrc }) => [type, ssrc]), encodings.map(({ ssrc }) => ['outbound-rtp', ssrc]));
      // It has no layers to choose from, and says nothing against it.
      await consumer.setPreferredLayers({ spatialLayer: 0, temporalLayer: 0 });
      assert.deepEqual([consumer.preferredLayers, consumer.currentLayers], [undefined, undefined]);
      await consumer.setPriority(2);
      await consumer.requestKeyFrame();
      assert.deepEqual((await transport.dump()).consumerIds.includes(consumer.id), true);
    }
    // Without RTX and NACK, and nothing before it is resumed.
    const consumer = await from.consume({ ...all, enableRtx: false, paused: true });
    assert.equal(consumer.paused, true);
    assert.ok(consumer.rtpParameters.encodings.every(({ rtx }) => rtx === undefined));
    assert.deepEqual(consumer.rtpParameters.codecs.map(({ mimeType }) => mimeType), ['video/VP8']);
    const heard = new Map();
    consumer.on('rtp', (packet) => {
      const ssrc = packet.readUInt32BE(8);
      heard.set(ssrc, [...(heard.get(ssrc) ?? []), packet.readUInt16LE(packet.length - 204)]);
    });
    const sizes = [320, 640, 1280];
    const each = (n) => vp8KeyFrame({ ssrc: 1 + (n % 3), seq: Math.floor(n / 3), width: sizes[n % 3], height: 180 });
    t.after(stream(producer, each));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(heard.size, 0);
    await consumer.resume();
    const { encodings } = consumer.rtpParameters;
    await eventually('all streams come', () => encodings.every(({ ssrc }) => (heard.get(ssrc)?.length ?? 0) > 2));
    for (const [at, { ssrc }] of encodings.entries()) {
      assert.deepEqual([...new Set(heard.get(ssrc))], [sizes[at]]);
    }
    assert.equal(heard.size, 3);
    const closed = next(consumer, 'producerclose');
    producer.close();
    await closed;
    assert.equal(consumer.closed, true);
    assert.deepEqual((await from.dump()).consumerIds, []);
  });

  test('agrees with the SFU about who can consume', async (t) => {
    const { worker } = await openRouter(t);
    const h264 = (profile, mode = 1) => ({ kind: 'video', mimeType: 'video/H264', clockRate: 90_000, parameters: { 'packetization-mode': mode, 'profile-level-id': profile } });
    const vp9 = (profile) => ({ kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, ...(profile === undefined ? {} : { parameters: { 'profile-id': profile } }) });
    const codecs = [h264('42e01f'), h264('42001f'), h264('4d8028'), h264('4d001f'), h264('640c1f'), h264('64001f'), h264('42e01f', 0), vp9(), vp9(0), vp9(2), ...MEDIA_CODECS.slice(0, 2)];
    let [can, cannot] = [0, 0];
    for (const codec of codecs) {
      const router = await worker.createRouter({ mediaCodecs: [codec] });
      const transport = await router.createDirectTransport();
      const { kind, mimeType, clockRate, channels, parameters } = codec;
      const rtpParameters = { codecs: [{ mimeType, payloadType: 100, clockRate, ...(channels ? { channels } : {}), parameters }], encodings: [{ ssrc: 1 }] };
      const producer = await transport.produce({ kind, rtpParameters });
      for (const device of codecs) {
        const rtpCapabilities = { codecs: [{ ...device, preferredPayloadType: 100 }], headerExtensions: [] };
        const says = router.canConsume({ producerId: producer.id, rtpCapabilities });
        const does = await transport.consume({ producerId: producer.id, rtpCapabilities }).then(() => true, () => false);
        assert.equal(says, does, `${JSON.stringify(codec)} to ${JSON.stringify(device)}`);
        if (does) can += 1;
        else cannot += 1;
      }
      router.close();
    }
    assert.ok(can >= codecs.length && cannot > can, `${can} can, ${cannot} cannot`);
  });

  test('changes layers with what is sent and wanted', async (t) => {
    const { router } = await openRouter(t);
    const [from, to] = [await router.createDirectTransport(), await router.createDirectTransport()];
    const producer = await from.produce({ kind: 'video', rtpParameters: vp8(1, 2) });
    const consumer = await to.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities, paused: true });
    const observed = [];
    consumer.observer.on('layerschange', (layers) => observed.push(layers?.spatialLayer));
    const both = (n) => vp8KeyFrame({ ssrc: 1 + (n % 2), seq: n >> 1, width: 320 << n % 2, height: 180 << n % 2 });
    t.after(stream(producer, both));
    const first = next(consumer, 'layerschange');
    await consumer.resume();
    await first;
    await eventually('the larger picture is forwarded', () => consumer.currentLayers?.spatialLayer === 1);
    await consumer.setPreferredLayers({ spatialLayer: 0, temporalLayer: 0 });
    await eventually('the smaller one is forwarded', () => consumer.currentLayers?.spatialLayer === 0);
    const dump = await consumer.dump();
    assert.deepEqual([dump.preferredSpatialLayer, dump.currentSpatialLayer, dump.targetSpatialLayer], [0, 0, 0]);
    assert.equal(observed.at(-1), 0);
    // What is forwarded is what the statistics are of.
    assert.equal((await consumer.getStats())[1].ssrc, 1);
    await producer.pause();
    await eventually('nothing is forwarded', () => consumer.currentLayers === undefined);
    const [, again] = [await producer.resume(), await eventually('it goes on', () => consumer.currentLayers)];
    assert.equal(again.spatialLayer, 0);
  });

  test('asks for key frames by RTCP of the application', async (t) => {
    const { router } = await openRouter(t);
    const [from, to] = [await router.createPlainTransport({ listenIp: '127.0.0.1', comedia: true }), await router.createDirectTransport()];
    const producer = await from.produce({ kind: 'video', rtpParameters: vp8(1) });
    const consumer = await to.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities });
    const socket = createSocket('udp4');
    await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
    // A few key frames, and then none.
    const camera = (n) => n < 25 ? vp8KeyFrame({ ssrc: 1, seq: n, width: 320, height: 180 }) : rtp({ payloadType: 101, ssrc: 1, seq: n, timestamp: n * 3000, marker: true, payload: Buffer.from([0x10, 0x51, 1, 0, 1, 2, 3]) });
    const stop = stream({ send: (packet) => socket.send(packet, from.tuple.localPort, '127.0.0.1') }, camera);
    t.after(() => {
      stop();
      socket.close();
    });
    let forwarded = 0;
    consumer.on('rtp', () => (forwarded += 1));
    await eventually('pictures are forwarded', () => forwarded > 30);
    const asked = async () => (await producer.getStats())[0].pliCount;
    const before = await asked();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(await asked(), before, 'nobody needs a key frame');
    const pli = Buffer.alloc(12);
    pli.writeUInt32BE((0x81 << 24 | 206 << 16 | 2) >>> 0, 0);
    pli.writeUInt32BE(consumer.rtpParameters.encodings[0].ssrc, 8);
    await eventually('a key frame is asked for', async () => {
      to.sendRtcp(pli);
      return (await asked()) > before;
    });
  });
});

describe('traces', () => {
  test('tell packets and requests, both ways', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createDirectTransport();
    const producer = await transport.produce({ kind: 'video', rtpParameters: vp8(1) });
    const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities });
    const gather = (emitter) => {
      const all = [];
      emitter.on('trace', (trace) => all.push(trace));
      return all;
    };
    const [came, observed, went] = [gather(producer), gather(producer.observer), gather(consumer)];
    const rtcp = [next(transport, 'rtcp'), next(transport.observer, 'rtcp')];
    // A key frame each two seconds, so that a request is not answered before it is sent.
    const picture = (seq) => rtp({ payloadType: 101, ssrc: 1, seq, timestamp: seq * 3_000, marker: true, payload: Buffer.from([0x10, 0x51, 1, 0, 1, 2, 3]) });
    t.after(stream(producer, (n) => (n % 100 === 0 ? vp8KeyFrame({ ssrc: 1, seq: n, width: 320, height: 180 }) : picture(n))));
    await rtcp[0];
    assert.deepEqual([came.length, went.length], [0, 0]);
    await producer.enableTraceEvent(['keyframe', 'rtp', 'pli']);
    await consumer.enableTraceEvent(['rtp', 'pli', 'fir', 'nack']);
    await eventually('packets are traced', () => came.some(({ type }) => type === 'keyframe') && went.length > 3);
    const { type, timestamp, direction, info } = came.find((trace) => trace.type === 'keyframe');
    assert.deepEqual([type, direction, info.isRtx, info.rtpPacket.ssrc, info.rtpPacket.isKeyFrame, info.rtpPacket.payloadType], ['keyframe', 'in', false, 1, true, 101]);
    assert.ok(Math.abs(timestamp - Date.now()) < 60_000, String(timestamp));
    assert.equal(observed.length, came.length);
    const [{ ssrc }] = consumer.rtpParameters.encodings;
    assert.deepEqual([went[0].type, went[0].direction, went[0].info.rtpPacket.ssrc], ['rtp', 'out', ssrc]);
    const pli = Buffer.alloc(12);
    pli.writeUInt32BE((0x81 << 24 | 206 << 16 | 2) >>> 0, 0);
    pli.writeUInt32BE(ssrc, 8);
    transport.sendRtcp(pli);
    const asked = await eventually('the request is traced', () => went.find((trace) => trace.type === 'pli'));
    assert.deepEqual([asked.direction, asked.info], ['in', { ssrc }]);
    await eventually('and what came of it', () => came.some((trace) => trace.type === 'pli' && trace.direction === 'out'));
    await producer.enableTraceEvent();
    const before = came.length;
    const packets = went.length;
    await eventually('packets go on', () => went.length > packets + 5);
    assert.equal(came.length, before);
    const [sent] = await consumer.getStats();
    assert.deepEqual([sent.pliCount, sent.firCount], [1, 0]);
  });

  test('tell of bit rates when layers are chosen', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createPlainTransport({ listenIp: '127.0.0.1' });
    const told = [next(transport, 'trace'), next(transport.observer, 'trace')];
    await transport.enableTraceEvent(['bwe', 'probation']);
    await transport.setMaxOutgoingBitrate(700_000);
    const [[trace], [observed]] = await Promise.all(told);
    assert.deepEqual([trace.type, trace.direction, trace.info.availableBitrate], ['bwe', 'out', 700_000]);
    assert.deepEqual(observed, trace);
  });
});

describe('observers', () => {
  test('tell who speaks, and how loud', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createDirectTransport();
    const [loud, quiet] = [await transport.produce({ kind: 'audio', rtpParameters: opus(1, { mid: 'a' }) }), await transport.produce({ kind: 'audio', rtpParameters: opus(2, { mid: 'b' }) })];
    const levels = await router.createAudioLevelObserver({ maxEntries: 2, threshold: -60, interval: 200, appData: { foo: 1 } });
    const speakers = await router.createActiveSpeakerObserver({ interval: 100 });
    assert.deepEqual([levels.type, speakers.type, levels.paused, levels.closed, levels.appData], ['audiolevel', 'activespeaker', false, false, { foo: 1 }]);
    const added = record(levels.observer, ['addproducer', 'removeproducer', 'pause', 'resume', 'close']);
    for (const { id: producerId } of [loud, quiet]) {
      await levels.addProducer({ producerId });
      await speakers.addProducer({ producerId });
    }
    assert.deepEqual((await router.dump()).mapProducerIdObserverIds[0], { key: loud.id, values: [levels.id, speakers.id] });
    const dominant = next(speakers, 'dominantspeaker');
    const observed = next(speakers.observer, 'dominantspeaker');
    const stop = [stream(loud, voice(1, 10)), stream(quiet, voice(2, 100))];
    t.after(() => stop.forEach((each) => each()));
    const [volumes] = await next(levels, 'volumes');
    assert.deepEqual(volumes.map(({ producer }) => producer.id), [loud.id]);
    assert.ok(volumes[0].volume <= 0 && volumes[0].volume > -30, String(volumes[0].volume));
    assert.equal(volumes[0].producer, loud);
    const [{ producer }] = await dominant;
    assert.equal(producer, loud);
    assert.equal((await observed)[0].producer, loud);
    stop.shift()();
    await next(levels, 'silence');
    await levels.removeProducer({ producerId: loud.id });
    await levels.pause();
    await levels.pause();
    assert.equal(levels.paused, true);
    await levels.resume();
    await assert.rejects(levels.addProducer({ producerId: 'nobody' }), { name: 'NotFoundError' });
    levels.close();
    levels.close();
    assert.deepEqual(added, ['addproducer', 'addproducer', 'removeproducer', 'pause', 'resume', 'close']);
    for (const [name, args] of Object.entries({ pause: [], resume: [], addProducer: [{ producerId: loud.id }], removeProducer: [{ producerId: loud.id }] })) {
      await assert.rejects(levels[name](...args), InvalidStateError, name);
    }
  });

  test('are refused wrong options', async (t) => {
    const { router } = await openRouter(t);
    for (const options of [{ interval: 'x' }, { interval: 0 }, { appData: 'x' }]) {
      await assert.rejects(router.createActiveSpeakerObserver(options), TypeError);
      await assert.rejects(router.createAudioLevelObserver(options), TypeError);
    }
    for (const options of [{ maxEntries: 0 }, { maxEntries: 'x' }, { threshold: 5 }, { threshold: -128 }, { threshold: 'x' }]) {
      await assert.rejects(router.createAudioLevelObserver(options), TypeError, JSON.stringify(options));
    }
  });
});
