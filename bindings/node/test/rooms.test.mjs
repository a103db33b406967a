// Routers, pipes, snapshots, offers, observers and events.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Consumer, DataConsumer, DirectTransport, Producer, Sfu } from 'plenum-sfu';
import { eventually, loop, once, opus, rtp, sfuFor } from './support.mjs';

const OFFER = readFileSync(new URL('offer.sdp', import.meta.url), 'utf8').replaceAll('\n', '\r\n');

/** Sends packets until `told` resolves. */
async function talk(source, producer, told, ssrc = 1111) {
  let sequence = 1_000;
  const timer = setInterval(() => source.sendRtp(producer, rtp(ssrc, sequence++)).catch(() => {}), 20);
  try {
    return await told;
  } finally {
    clearInterval(timer);
  }
}

describe('a router', { timeout: 120_000 }, () => {
  test('says what is in it', async (t) => {
    const { room, source, producer, sink, consumer } = await loop(await sfuFor(t));
    const observer = await room.createActiveSpeakerObserver();
    const { transports, observers } = await room.dump();
    assert.deepEqual(observers, [{ id: observer.id, kind: 'active-speaker' }]);
    const [one, other] = [source, sink].map(({ id }) => transports.find((transport) => transport.id === id));
    assert.deepEqual(one.producers, [producer.id]);
    assert.deepEqual(other.consumers, [consumer.id]);
    assert.deepEqual(room.transports, [source, sink]);
    assert.deepEqual(room.observers, [observer]);
    assert.deepEqual([source.producers, sink.consumers], [[producer], [consumer]]);
  });

  test('takes other codecs, and goes on with what there is', async (t) => {
    const { room, source, consumer } = await loop(await sfuFor(t));
    const { rtpCapabilities: before } = room;
    const named = (name) => ({ ...before.codecs.find(({ mimeType }) => mimeType === name), preferredPayloadType: undefined });
    const after = await room.updateMediaCodecs([named('video/VP8')]);
    assert.equal(room.rtpCapabilities, after);
    assert.deepEqual(after.codecs, before.codecs.slice(1, 3));
    await assert.rejects(source.produce({ kind: 'audio', rtpParameters: opus(2222) }), { code: 'InvalidParameters' });
    assert.equal((await consumer.stats()).paused, false);
    await assert.rejects(room.updateMediaCodecs([{ kind: 'audio', mimeType: 'audio/chicken', clockRate: 8000 }]), {
      code: 'InvalidParameters',
      message: /chicken/,
    });
    assert.equal(room.rtpCapabilities, after);
    await room.updateMediaCodecs([named('audio/opus')]);
    await source.produce({ kind: 'audio', rtpParameters: opus(2222) });
  });

  test('closes all that is in it', async (t) => {
    const sfu = await sfuFor(t);
    const { room, source, producer, sink, consumer } = await loop(sfu);
    const observer = await room.createAudioLevelObserver();
    const reasons = [];
    for (const each of [room, source, producer, sink, consumer, observer]) {
      each.on('closed', (reason) => reasons.push([each.noun, reason]));
    }
    await room.close();
    assert.ok([room, source, producer, sink, consumer, observer].every((each) => each.closed));
    assert.equal(reasons.length, 6);
    assert.deepEqual(reasons.at(-1), ['Router', 'requested']);
    assert.equal(sfu.find(producer.id), undefined);
    // What the SFU itself tells of it later is not told twice.
    await sfu.createRouter();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(reasons.length, 6);
  });

  test('tells what happens, in order, until it ends', async (t) => {
    const sfu = await sfuFor(t);
    const { room, producer, consumer } = await loop(sfu);
    const [events, all] = [room.events(), sfu.events()];
    await producer.close();
    await room.close();
    const types = [];
    for await (const event of events) types.push(event.type);
    assert.deepEqual(types.filter((type) => type.startsWith('producer') || type.endsWith('producer-closed')), [
      'producer-closed',
      'consumer-producer-closed',
    ].sort((a, b) => types.indexOf(a) - types.indexOf(b)));
    assert.equal(types.at(-1), 'router-closed');
    assert.ok(types.includes('consumer-closed'), types.join());
    assert.ok(consumer.closed);
    await all.return();
    assert.deepEqual(await all.next(), { done: true, value: undefined });
  });

  test('counts the events that nobody took in time', async (t) => {
    const sfu = await sfuFor(t);
    const room = await sfu.createRouter();
    const [few, many] = [room.events(3), room.events()];
    for (let at = 0; at < 10; at += 1) await (await room.createDirectTransport()).close();
    await room.close();
    const [got, expected] = [[], []];
    for await (const event of many) expected.push(event);
    for await (const event of few) got.push(event);
    assert.deepEqual(got[0], { type: 'lagged', count: expected.length - 3 });
    assert.deepEqual(got.slice(1), expected.slice(-3));
  });

  test('knows what was closed while events were lost', async (t) => {
    const sfu = await sfuFor(t, { eventCapacity: 4 });
    const room = await sfu.createRouter();
    const source = await room.createDirectTransport();
    const [dataProducer, noise] = [await source.produceData({ label: 'short-lived' }), await source.produceData({ label: 'noise' })];
    const sink = await room.createDirectTransport();
    await sink.consumeData({ dataProducer: noise });
    const consumers = await Promise.all(Array.from({ length: 50 }, () => sink.consumeData({ dataProducer })));
    const [lagged, all] = [once(sfu, 'lagged'), room.events()];
    // This thread is busy until all is on its way, and more happens meanwhile than is kept for it.
    const calls = Array.from({ length: 4_000 }, () => noise.send('noise'));
    calls.push(dataProducer.close());
    const busyUntil = Date.now() + 300;
    while (Date.now() < busyUntil);
    await Promise.all(calls);
    const [count] = await lagged;
    assert.ok(count > 0);
    await eventually('all data consumers are known to be closed', () => consumers.every((consumer) => consumer.closed));
    assert.equal(sink.dataConsumers.length, 1);
    await room.close();
    let lost = 0;
    for await (const event of all) if (event.type === 'lagged') lost += event.count;
    assert.ok(lost >= count);
  });

  test('gives its producers to another router, on another shard', async (t) => {
    const sfu = await sfuFor(t, { shards: 2 });
    const { room, source, producer } = await loop(sfu, { shard: 0 });
    const other = await sfu.createRouter({ shard: 1 });
    const piped = await room.pipeToRouter({ producer, router: other });
    assert.equal(piped.producer.router, other.id);
    assert.equal(piped.pipeConsumer.kind, 'audio');
    const again = await room.pipeToRouter({ producer, router: other });
    assert.equal(again.producer, piped.producer);
    assert.equal(again.pipeConsumer, piped.pipeConsumer);
    const sink = await other.createDirectTransport();
    const view = await sink.consume({ producer: piped.producer, rtpCapabilities: other.rtpCapabilities });
    const [packets] = await talk(source, producer, once(view, 'rtp'));
    assert.ok(Number(packets[0].subarray(12).toString()) >= 1_000);
    const closed = once(piped.producer, 'closed');
    await producer.close();
    assert.deepEqual(await closed, ['origin-closed']);
    await eventually('the pipe consumer is closed', () => piped.pipeConsumer.closed);
  });

  test('gives its messages to another router, on another shard', async (t) => {
    const sfu = await sfuFor(t, { shards: 2 });
    const [room, other] = [await sfu.createRouter({ shard: 0 }), await sfu.createRouter({ shard: 1 })];
    const dataProducer = await (await room.createDirectTransport()).produceData({ label: 'chat' });
    const piped = await room.pipeDataToRouter({ dataProducer, router: other });
    assert.equal(piped.dataProducer.router, other.id);
    const again = await room.pipeDataToRouter({ dataProducer, router: other });
    assert.equal(again.dataProducer, piped.dataProducer);
    assert.equal(again.dataConsumer, piped.dataConsumer);
    const reader = await (await other.createDirectTransport()).consumeData({ dataProducer: piped.dataProducer });
    const [[message]] = await Promise.all([once(reader, 'message'), dataProducer.send('far')]);
    assert.equal(message, 'far');
    const closed = once(piped.dataProducer, 'closed');
    await dataProducer.close();
    assert.deepEqual(await closed, ['origin-closed']);
    await eventually('the way in is closed', () => piped.dataConsumer.closed);
  });

  test('is taken up by another SFU where a snapshot left off', async (t) => {
    const first = await sfuFor(t);
    const { room, source, producer, consumer } = await loop(first);
    const dataProducer = await source.produceData({ label: 'chat' });
    await source.consumeData({ dataProducer });
    await room.createActiveSpeakerObserver();
    await talk(source, producer, once(consumer, 'rtp'));
    const snapshot = await room.snapshot();
    const second = await sfuFor(t);
    const restored = await second.restoreRouter(snapshot);
    assert.equal(restored.id, room.id);
    assert.deepEqual(restored.transports.map(({ id }) => id).sort(), room.transports.map(({ id }) => id).sort());
    assert.equal(restored.observers.length, 1);
    const [view, voice] = [second.find(consumer.id), second.find(producer.id)];
    assert.ok(view instanceof Consumer && voice instanceof Producer);
    assert.equal(view.producer, producer.id);
    assert.deepEqual(view.rtpParameters, consumer.rtpParameters);
    assert.deepEqual(voice.rtpParameters, producer.rtpParameters);
    const contents = await restored.contents();
    assert.equal(contents.consumers[0], view);
    assert.equal(contents.producers[0], voice);
    assert.deepEqual(contents.transports, restored.transports);
    assert.deepEqual(contents.observers, restored.observers);
    assert.equal(contents.dataProducers[0].label, 'chat');
    const way = second.find(source.id);
    assert.ok(way instanceof DirectTransport && way.dataConsumers[0] instanceof DataConsumer);
    assert.equal(second.find(dataProducer.id).label, 'chat');
    await talk(way, voice, once(view, 'rtp'));
    const { ssrc } = await view.stats();
    assert.equal(ssrc, consumer.rtpParameters.encodings[0].ssrc);
  });

  test('refuses what is no snapshot', async (t) => {
    const sfu = await sfuFor(t);
    await assert.rejects(sfu.restoreRouter(Buffer.from('nothing')), { code: 'InvalidParameters' });
    await assert.rejects(sfu.restoreRouter('text'), { code: 'InvalidParameters', message: /snapshot/ });
  });

  test('accepts an offer', async (t) => {
    const room = await (await sfuFor(t)).createRouter();
    const session = await room.acceptOffer(OFFER);
    assert.match(session.answer, /^v=0\r\n/);
    assert.equal(session.producers[0].producer.kind, 'audio');
    assert.equal(session.producers[0].mid, '0');
    assert.equal(session.slots[0].consumer.kind, 'audio');
    assert.equal(session.data, '1');
    await session.slots[0].consumer.switch(session.producers[0].producer);
    await session.close();
    assert.ok(session.slots[0].consumer.closed);
    await assert.rejects(room.acceptOffer('v=1'), { code: 'InvalidParameters', message: /v=/ });
    await assert.rejects(room.acceptOffer(7), { code: 'InvalidParameters' });
  });

  test('tells who speaks', async (t) => {
    const room = await (await sfuFor(t)).createRouter({ speakers: { places: 2, holdMs: 100 } });
    const source = await room.createDirectTransport();
    const extension = { uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', id: 1 };
    const rtpParameters = { ...opus(1111), headerExtensions: [extension] };
    const producer = await source.produce({ kind: 'audio', rtpParameters });
    const observer = await room.createAudioLevelObserver({ intervalMs: 200, threshold: -80 });
    await observer.addProducer(producer);
    const speakers = await room.createActiveSpeakerObserver({ intervalMs: 200, scope: 'router' });
    const told = Promise.all([once(observer, 'audio-levels'), once(speakers, 'active-speaker'), once(room, 'active-speaker'), once(room, 'speakers-changed')]);
    let sequence = 0;
    const timer = setInterval(() => {
      const packet = rtp(1111, sequence++, Buffer.concat([Buffer.from([0xbe, 0xde, 0, 1, 0x10, 10, 0, 0]), Buffer.alloc(40)]));
      packet[0] = 0x90;
      source.sendRtp(producer, packet).catch(() => {});
    }, 20);
    t.after(() => clearInterval(timer));
    const [[levels], [speaker], [ofRouter], [places]] = await told;
    assert.deepEqual(levels, [{ producer: producer.id, volume: -10 }]);
    assert.deepEqual([speaker, ofRouter], [producer.id, producer.id]);
    assert.equal(places[0], producer.id);
    assert.deepEqual((await room.speakers()).recent, [producer.id]);
    clearInterval(timer);
    await once(observer, 'silence');
    await observer.pause();
    await observer.resume();
    await observer.removeProducer(producer);
    await observer.close();
  });
});

describe('transports', { timeout: 120_000 }, () => {
  test('of two SFUs are joined by a pipe', async (t) => {
    const [here, there] = [await sfuFor(t), await sfuFor(t)];
    const { room, source, producer } = await loop(here);
    const other = await there.createRouter();
    const near = await room.createPipeTransport({ listen: '127.0.0.1:0', srtpProfile: 'AEAD_AES_128_GCM' });
    const far = await other.createPipeTransport({ listen: '127.0.0.1:0', srtpProfile: 'AEAD_AES_128_GCM' });
    await near.connect({ address: far.localAddress, srtpParameters: far.srtpParameters });
    await far.connect({ address: near.localAddress, srtpParameters: near.srtpParameters });
    const piped = await near.consume({ producer });
    const arrived = await far.produce({ kind: piped.kind, rtpParameters: piped.rtpParameters });
    const sink = await other.createDirectTransport();
    const view = await sink.consume({ producer: arrived, rtpCapabilities: other.rtpCapabilities });
    await talk(source, producer, once(view, 'rtp'));
    assert.equal((await piped.stats())[0].producer, producer.id);
    // Messages, too: told by the channel itself.
    const chat = await source.produceData({ label: 'chat' });
    const opened = once(far, 'data-channel-opened');
    const crossing = await near.consumeData({ dataProducer: chat });
    const [arriving] = await opened;
    assert.equal(arriving.label, 'chat');
    assert.deepEqual([near.dataConsumers, far.dataProducers], [[crossing], [arriving]]);
    const reader = await sink.consumeData({ dataProducer: arriving });
    const message = once(reader, 'message');
    await chat.send('hello');
    assert.deepEqual(await message, ['hello']);
    await piped.pause();
    await piped.resume();
    await piped.close();
  });

  test('have what they were asked to have', async (t) => {
    const sfu = await sfuFor(t);
    const room = await sfu.createRouter();
    const webrtc = await room.createWebRtcTransport({ tcp: false, dataChannels: true, maxMessageSize: 1_000 });
    assert.ok(webrtc.iceCandidates.every(({ protocol }) => protocol === 'udp'));
    assert.equal(webrtc.sctpParameters.maxMessageSize, 1_000);
    assert.equal(webrtc.iceParameters.iceLite, true);
    const { usernameFragment } = webrtc.iceParameters;
    assert.notEqual((await webrtc.restartIce()).usernameFragment, usernameFragment);
    assert.notEqual(webrtc.iceParameters.usernameFragment, usernameFragment);
    assert.equal((await webrtc.stats()).iceState, 'new');
    await webrtc.setAvailableOutgoingBitrate(1_000_000);
    assert.equal((await webrtc.stats()).availableOutgoingBitrate, 1_000_000);
    const plain = await room.createPlainTransport({ listen: '127.0.0.1:0', rtcpMux: false, comedia: true, srtpProfile: 'AES_CM_128_HMAC_SHA1_80' });
    assert.match(plain.localAddress, /^127\.0\.0\.1:\d+$/);
    assert.match(plain.localRtcpAddress, /^127\.0\.0\.1:\d+$/);
    assert.equal(Buffer.from(plain.srtpParameters.keyBase64, 'base64').length, 30);
    const slot = await plain.consumeSlot({ kind: 'audio', rtpCapabilities: room.rtpCapabilities });
    assert.equal(slot.producer, null);
    await slot.followSpeaker({ rank: 0 });
    const more = await sfu.listen({ address: '127.0.0.1:0', protocol: 'tcp' });
    assert.match(more, /^127\.0\.0\.1:\d+$/);
    await sfu.unlisten({ address: more, protocol: 'tcp' });
  });

  test('refuse an address that is in use', async (t) => {
    const sfu = await sfuFor(t);
    const [address] = await sfu.addresses();
    await assert.rejects(Sfu.create({ listen: [address] }), { code: 'Io', number: 6, name: 'IoError' });
  });
});
