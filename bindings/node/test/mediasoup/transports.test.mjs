// WebRtcServers, routers, and the kinds of transports, as far as no media is needed.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { LOCAL, MEDIA_CODECS, mediasoup, next, openRouter, opus, record, vp8 } from './media.mjs';

const { InvalidStateError, UnsupportedError } = mediasoup;
const FINGERPRINT = { algorithm: 'sha-256', value: Array.from({ length: 32 }, (_, at) => at.toString(16).padStart(2, '0')).join(':').toUpperCase() };

/** Whether a UDP port of 127.0.0.1 can be bound. */
const udpFree = (port) =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });

/** Whether a TCP port of 127.0.0.1 can be bound. */
const tcpFree = (port) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

async function freePort() {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

/** Resolves when `check` does to true: the SFU gives ports up a moment later. */
async function soon(check) {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail('not within 2.5 s');
}

describe('a router', () => {
  test('has capabilities, by its codecs', async (t) => {
    const { worker, router } = await openRouter(t);
    const names = router.rtpCapabilities.codecs.map(({ mimeType }) => mimeType);
    assert.deepEqual(names, ['audio/opus', 'video/VP8', 'video/rtx', 'video/H264', 'video/rtx']);
    assert.ok(router.rtpCapabilities.headerExtensions.length > 0);
    for (const mediaCodecs of ['opus', [{}], [{ kind: 'audio', mimeType: 'video/VP8', clockRate: 90_000 }], [{ kind: 'audio', mimeType: 'audio/opus' }]]) {
      await assert.rejects(worker.createRouter({ mediaCodecs }), TypeError, JSON.stringify(mediaCodecs));
    }
    const unknown = [{ kind: 'audio', mimeType: 'audio/chicken', clockRate: 8000 }];
    await assert.rejects(worker.createRouter({ mediaCodecs: unknown }), UnsupportedError);
    const same = { ...MEDIA_CODECS[0], preferredPayloadType: 100 };
    await assert.rejects(worker.createRouter({ mediaCodecs: [same, { ...MEDIA_CODECS[1], preferredPayloadType: 100 }] }), TypeError);
    await assert.rejects(worker.createRouter({ appData: 'not an object' }), TypeError);
    const preferred = await worker.createRouter({ mediaCodecs: [same] });
    assert.equal(preferred.rtpCapabilities.codecs[0].preferredPayloadType, 100);
  });

  test('takes other codecs while it lives', async (t) => {
    const { worker } = await openRouter(t);
    const [audio, video, other] = MEDIA_CODECS;
    const router = await worker.createRouter({ mediaCodecs: [audio, video] });
    const { rtpCapabilities: before } = router;
    const transport = await router.createDirectTransport();
    const first = await transport.produce({ kind: 'video', rtpParameters: vp8(1) });
    const mediaCodecs = [other, audio];
    // What was begun before has the former codecs.
    const begun = transport.produce({ kind: 'video', rtpParameters: vp8(2) });
    assert.equal(router.updateMediaCodecs(mediaCodecs), undefined);
    assert.deepEqual(mediaCodecs, [other, audio]);
    const { rtpCapabilities: after } = router;
    assert.deepEqual(after.codecs.map(({ mimeType }) => mimeType), ['video/H264', 'video/rtx', 'audio/opus']);
    assert.deepEqual(after.headerExtensions, before.headerExtensions);
    assert.deepEqual(after.codecs[2], before.codecs[0], 'what stays has its payload type');
    const taken = before.codecs.map(({ preferredPayloadType }) => preferredPayloadType);
    for (const { preferredPayloadType } of after.codecs.slice(0, 2)) assert.ok(!taken.includes(preferredPayloadType));
    await begun;
    await assert.rejects(transport.produce({ kind: 'video', rtpParameters: vp8(3) }), UnsupportedError);
    const { mimeType, clockRate, parameters } = other;
    const h264 = { codecs: [{ mimeType, payloadType: 100, clockRate, parameters }], encodings: [{ ssrc: 9 }] };
    const second = await transport.produce({ kind: 'video', rtpParameters: h264 });
    // Each end consumes by what it knows.
    const old = { producerId: first.id, rtpCapabilities: before };
    assert.equal(router.canConsume(old), true);
    assert.equal(router.canConsume({ ...old, rtpCapabilities: after }), false);
    const consumer = await transport.consume(old);
    assert.equal(consumer.rtpParameters.codecs[0].payloadType, before.codecs[1].preferredPayloadType);
    const fresh = await transport.consume({ producerId: second.id, rtpCapabilities: after });
    assert.equal(fresh.rtpParameters.codecs[0].payloadType, after.codecs[0].preferredPayloadType);
    // A codec that comes back has what it had.
    router.updateMediaCodecs([audio, video]);
    assert.deepEqual(router.rtpCapabilities, before);

    for (const wrong of ['opus', [{}], [audio, audio]]) assert.throws(() => router.updateMediaCodecs(wrong), TypeError, JSON.stringify(wrong));
    assert.throws(() => router.updateMediaCodecs([{ kind: 'audio', mimeType: 'audio/chicken', clockRate: 8000 }]), UnsupportedError);
    assert.deepEqual(router.rtpCapabilities, before);
    router.close();
    assert.throws(() => router.updateMediaCodecs([audio]), InvalidStateError);
  });

  test('is told by its worker, and tells of what is made in it', async (t) => {
    const { worker } = await openRouter(t);
    const told = next(worker.observer, 'newrouter');
    const router = await worker.createRouter({ mediaCodecs: MEDIA_CODECS, appData: { foo: 1 } });
    assert.deepEqual(await told, [router]);
    assert.deepEqual(router.appData, { foo: 1 });
    const transports = [];
    router.observer.on('newtransport', (transport) => transports.push(transport.type));
    const observers = [];
    router.observer.on('newrtpobserver', (observer) => observers.push(observer.type));
    await router.createWebRtcTransport(LOCAL);
    await router.createPlainTransport({ listenIp: '127.0.0.1' });
    await router.createPipeTransport({ listenIp: '127.0.0.1' });
    await router.createDirectTransport();
    await router.createActiveSpeakerObserver();
    await router.createAudioLevelObserver();
    assert.deepEqual(transports, ['webrtc', 'plain', 'pipe', 'direct']);
    assert.deepEqual(observers, ['activespeaker', 'audiolevel']);
    const dump = await router.dump();
    assert.deepEqual([dump.id, dump.transportIds.length, dump.rtpObserverIds.length], [router.id, 4, 2]);
  });

  test('closes all that is in it', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createDirectTransport();
    const levels = await router.createAudioLevelObserver();
    const heard = [router.observer, transport, transport.observer, levels, levels.observer].map((emitter) => record(emitter, ['close', 'routerclose']));
    router.close();
    router.close();
    assert.deepEqual(heard, [['close'], ['routerclose'], ['close'], ['routerclose'], ['close']]);
    assert.deepEqual([router.closed, transport.closed, levels.closed], [true, true, true]);
    for (const call of [() => router.dump(), () => router.createDirectTransport(), () => transport.dump(), () => levels.pause()]) {
      await assert.rejects(call(), { name: 'NotFoundError' });
    }
  });
});

describe('a WebRtcServer', () => {
  test('listens until it is closed, and its transports with it', async (t) => {
    const { worker, router } = await openRouter(t);
    const port = await freePort();
    const listenInfos = ['udp', 'tcp'].map((protocol) => ({ protocol, ip: '127.0.0.1', announcedAddress: 'sfu.example.org', port }));
    const told = next(worker.observer, 'newwebrtcserver');
    const server = await worker.createWebRtcServer({ listenInfos, appData: { foo: 1 } });
    assert.deepEqual(await told, [server]);
    assert.deepEqual(server.appData, { foo: 1 });
    assert.deepEqual([await udpFree(port), await tcpFree(port)], [false, false]);
    await assert.rejects(worker.createWebRtcServer({ listenInfos: [listenInfos[0]] }), /listened on already/);

    const handled = next(server.observer, 'webrtctransporthandled');
    const transport = await router.createWebRtcTransport({ webRtcServer: server, preferTcp: true });
    assert.deepEqual(await handled, [transport]);
    const candidates = transport.iceCandidates.map(({ protocol, address, port: at, tcpType }) => [protocol, address, at, tcpType]);
    assert.deepEqual(candidates, [['tcp', 'sfu.example.org', port, 'passive'], ['udp', 'sfu.example.org', port, undefined]]);
    assert.ok(transport.iceCandidates[0].priority > transport.iceCandidates[1].priority);
    const onlyUdp = await router.createWebRtcTransport({ webRtcServer: server, enableTcp: false });
    assert.deepEqual(onlyUdp.iceCandidates.map(({ protocol }) => protocol), ['udp']);
    await assert.rejects(router.createWebRtcTransport({ webRtcServer: server, enableTcp: false, enableUdp: false }), TypeError);

    const dump = await server.dump();
    assert.deepEqual([dump.udpSockets, dump.tcpServers], [[{ ip: '127.0.0.1', port }], [{ ip: '127.0.0.1', port }]]);
    assert.deepEqual(dump.webRtcTransportIds.sort(), [transport.id, onlyUdp.id].sort());
    assert.ok(dump.localIceUsernameFragments.some((each) => each.localIceUsernameFragment === transport.iceParameters.usernameFragment));
    const unhandled = next(server.observer, 'webrtctransportunhandled');
    onlyUdp.close();
    assert.deepEqual(await unhandled, [onlyUdp]);

    const heard = [server.observer, transport, transport.observer].map((emitter) => record(emitter, ['close', 'listenserverclose']));
    server.close();
    server.close();
    assert.deepEqual(heard, [['close'], ['listenserverclose'], ['close']]);
    assert.deepEqual([server.closed, transport.closed, router.closed], [true, true, false]);
    await soon(() => udpFree(port));
    await soon(() => tcpFree(port));
    await assert.rejects(server.dump(), InvalidStateError);
    await assert.rejects(router.createWebRtcTransport({ webRtcServer: server }), InvalidStateError);
    const again = await worker.createWebRtcServer({ listenInfos });
    assert.notEqual(again.id, server.id);
  });

  test('refuses what cannot be listened on', async (t) => {
    const { worker, router } = await openRouter(t);
    const wrong = [
      undefined,
      {},
      { listenInfos: [] },
      { listenInfos: '127.0.0.1' },
      { listenInfos: ['127.0.0.1'] },
      { listenInfos: [{ protocol: 'sctp', ip: '127.0.0.1' }] },
      { listenInfos: [{ protocol: 'udp', ip: 'localhost' }] },
      { listenInfos: [{ protocol: 'udp', ip: '127.0.0.1', port: 70_000 }] },
      { listenInfos: [{ protocol: 'udp', ip: '127.0.0.1', portRange: { min: 5, max: 4 } }] },
      { listenInfos: [{ protocol: 'udp', ip: '127.0.0.1', announcedAddress: '' }] },
      { listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }], appData: 'x' },
    ];
    for (const options of wrong) await assert.rejects(worker.createWebRtcServer(options), TypeError, JSON.stringify(options));
    const taken = createSocket('udp4');
    await new Promise((resolve) => taken.bind(0, '127.0.0.1', resolve));
    t.after(() => taken.close());
    const { port } = taken.address();
    const infos = [{ protocol: 'tcp', ip: '127.0.0.1', port }, { protocol: 'udp', ip: '127.0.0.1', port }];
    await assert.rejects(worker.createWebRtcServer({ listenInfos: infos }), new RegExp(`127.0.0.1:${port}`));
    // What was had before the failure is given back.
    await soon(() => tcpFree(port));
    await assert.rejects(worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '203.0.113.1' }] }));
    const other = await mediasoup.createWorker();
    t.after(() => other.close());
    const foreign = await other.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }] });
    await assert.rejects(router.createWebRtcTransport({ webRtcServer: foreign }), TypeError);
    await assert.rejects(router.createWebRtcTransport({ webRtcServer: {} }), TypeError);
  });

  test('takes a port of the range that is asked for', async (t) => {
    const { worker } = await openRouter(t, { rtcMinPort: 41_000, rtcMaxPort: 41_099 });
    const one = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '127.0.0.1', portRange: { min: 42_000, max: 42_049 } }] });
    const [{ port }] = (await one.dump()).udpSockets;
    assert.ok(port >= 42_000 && port <= 42_049, String(port));
    const two = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }] });
    const [{ port: of }] = (await two.dump()).udpSockets;
    assert.ok(of >= 41_000 && of <= 41_099, String(of));
  });
});

describe('a WebRtcTransport', () => {
  test('has what a client needs', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createWebRtcTransport({
      listenInfos: [
        { protocol: 'udp', ip: '127.0.0.1', announcedAddress: '198.51.100.1', exposeInternalIp: true },
        { protocol: 'tcp', ip: '127.0.0.1', announcedIp: '198.51.100.2' },
      ],
      preferUdp: true,
      enableSctp: true,
      numSctpStreams: { OS: 1024, MIS: 1024 },
      maxSctpMessageSize: 100_000,
      appData: { foo: 1 },
    });
    assert.deepEqual([transport.type, transport.iceRole, transport.iceState, transport.dtlsState, transport.sctpState], ['webrtc', 'controlled', 'new', 'new', 'new']);
    assert.deepEqual(transport.appData, { foo: 1 });
    const { usernameFragment, password, iceLite } = transport.iceParameters;
    assert.ok(usernameFragment.length >= 4 && password.length >= 22 && iceLite === true);
    assert.deepEqual(transport.iceCandidates.map(({ address }) => address), ['198.51.100.1', '127.0.0.1', '198.51.100.2']);
    for (const candidate of transport.iceCandidates) assert.equal(candidate.ip, candidate.address);
    const priorities = transport.iceCandidates.map(({ priority }) => priority);
    assert.deepEqual(priorities, [...priorities].sort((a, b) => b - a));
    assert.equal(transport.dtlsParameters.role, 'auto');
    assert.ok(transport.dtlsParameters.fingerprints.some(({ algorithm }) => algorithm === 'sha-256'));
    const { port, OS, MIS, maxMessageSize, isDataChannel } = transport.sctpParameters;
    assert.deepEqual([port, OS, MIS, maxMessageSize, isDataChannel], [5000, 1024, 1024, 100_000, true]);
    assert.deepEqual([transport.iceSelectedTuple, transport.dtlsRemoteCert, transport.sctpNegotiatedCapabilities], [undefined, undefined, undefined]);

    const [stats] = await transport.getStats();
    assert.deepEqual([stats.type, stats.transportId, stats.iceState, stats.sctpState], ['webrtc-transport', transport.id, 'new', 'new']);
    for (const name of ['timestamp', 'bytesReceived', 'recvBitrate', 'rtpBytesSent', 'rtxSendBitrate', 'probationBytesSent']) assert.equal(typeof stats[name], 'number', name);
    const dump = await transport.dump();
    assert.deepEqual([dump.id, dump.producerIds, dump.consumerIds, dump.maxReceiveMessageSize], [transport.id, [], [], 100_000]);
    assert.deepEqual(dump.iceCandidates, transport.iceCandidates);

    const plain = await router.createWebRtcTransport({ listenIps: ['127.0.0.1', { ip: '127.0.0.1', announcedIp: '198.51.100.3' }], enableTcp: true });
    assert.deepEqual(plain.iceCandidates.map(({ protocol }) => protocol), ['udp', 'udp', 'tcp', 'tcp']);
    assert.deepEqual([plain.sctpParameters, plain.sctpState], [undefined, undefined]);
  });

  test('shares ports, and gives them up', async (t) => {
    const { router } = await openRouter(t);
    const port = await freePort();
    const [one, two] = [await router.createWebRtcTransport({ listenIps: ['127.0.0.1'], port }), await router.createWebRtcTransport({ listenIps: ['127.0.0.1'], port })];
    assert.deepEqual([one.iceCandidates[0].port, two.iceCandidates[0].port], [port, port]);
    one.close();
    assert.equal(await udpFree(port), false);
    two.close();
    await soon(() => udpFree(port));
  });

  test('is connected once, and restarts ICE', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createWebRtcTransport(LOCAL);
    const wrong = [undefined, {}, { fingerprints: [] }, { role: 'chicken', fingerprints: [FINGERPRINT] }, { fingerprints: [{ algorithm: 'sha-257', value: 'x' }] }, { fingerprints: [{ ...FINGERPRINT, value: 7 }] }];
    for (const dtlsParameters of wrong) await assert.rejects(transport.connect({ dtlsParameters }), TypeError, JSON.stringify(dtlsParameters));
    await transport.connect({ dtlsParameters: { role: 'client', fingerprints: [FINGERPRINT] } });
    assert.equal(transport.dtlsParameters.role, 'server');
    await assert.rejects(transport.connect({ dtlsParameters: { fingerprints: [FINGERPRINT] } }), InvalidStateError);
    const before = transport.iceParameters;
    const after = await transport.restartIce();
    assert.notEqual(after.usernameFragment, before.usernameFragment);
    assert.notEqual(after.password, before.password);
    assert.deepEqual(transport.iceParameters, after);
  });

  test('takes bounds of bit rates', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createWebRtcTransport(LOCAL);
    await transport.setMaxIncomingBitrate(1_500_000);
    await transport.setMinOutgoingBitrate(100_000);
    await transport.setMaxOutgoingBitrate(2_000_000);
    await assert.rejects(transport.setMaxOutgoingBitrate(50_000), TypeError);
    await assert.rejects(transport.setMinOutgoingBitrate(3_000_000), TypeError);
    const [stats] = await transport.getStats();
    assert.deepEqual([stats.maxIncomingBitrate, stats.maxOutgoingBitrate, stats.minOutgoingBitrate], [1_500_000, 2_000_000, 100_000]);
    assert.equal(stats.availableOutgoingBitrate, 2_000_000);
    await transport.setMaxOutgoingBitrate(0);
    assert.equal((await transport.getStats())[0].availableOutgoingBitrate, undefined);
    for (const name of ['setMaxIncomingBitrate', 'setMaxOutgoingBitrate', 'setMinOutgoingBitrate']) {
      for (const bitrate of ['1000', -1, Number.NaN]) await assert.rejects(transport[name](bitrate), TypeError);
    }
    await transport.enableTraceEvent(['probation', 'bwe', 'chicken']);
    assert.deepEqual((await transport.dump()).traceEventTypes, ['probation', 'bwe']);
    await transport.enableTraceEvent();
    assert.deepEqual((await transport.dump()).traceEventTypes, []);
    await assert.rejects(transport.enableTraceEvent('bwe'), TypeError);
    await assert.rejects(transport.enableTraceEvent([7]), TypeError);
  });

  test('refuses wrong options', async (t) => {
    const { router } = await openRouter(t);
    const wrong = [
      undefined,
      {},
      { listenInfos: [] },
      { listenIps: [] },
      { listenIps: [123] },
      { listenIps: ['localhost'] },
      { ...LOCAL, listenIps: ['127.0.0.1'] },
      { ...LOCAL, numSctpStreams: 'chicken' },
      { ...LOCAL, numSctpStreams: { OS: 1 } },
      { ...LOCAL, maxSctpMessageSize: 'long' },
      { ...LOCAL, appData: 'not an object' },
    ];
    for (const options of wrong) await assert.rejects(router.createWebRtcTransport(options), TypeError, JSON.stringify(options));
  });

  test('is closed, once', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createWebRtcTransport({ ...LOCAL, enableSctp: true });
    const heard = record(transport.observer, ['close']);
    transport.close();
    transport.close();
    assert.deepEqual(heard, ['close']);
    assert.deepEqual([transport.closed, transport.iceState, transport.dtlsState, transport.sctpState], [true, 'closed', 'closed', 'closed']);
    assert.deepEqual((await router.dump()).transportIds, []);
    const calls = {
      dump: [],
      getStats: [],
      restartIce: [],
      connect: [{ dtlsParameters: { fingerprints: [FINGERPRINT] } }],
      setMaxIncomingBitrate: [1],
      setMaxOutgoingBitrate: [1],
      setMinOutgoingBitrate: [1],
      enableTraceEvent: [],
      produce: [{ kind: 'audio', rtpParameters: opus(1) }],
      consume: [{ producerId: 'x', rtpCapabilities: {} }],
      produceData: [{ sctpStreamParameters: { streamId: 1 } }],
      consumeData: [{ dataProducerId: 'x' }],
    };
    for (const [name, args] of Object.entries(calls)) await assert.rejects(transport[name](...args), InvalidStateError, name);
  });
});

describe('a PlainTransport', () => {
  test('listens, connects, and tells of it', async (t) => {
    const { router } = await openRouter(t);
    const port = await freePort();
    const transport = await router.createPlainTransport({ listenInfo: { protocol: 'udp', ip: '127.0.0.1', announcedAddress: '198.51.100.1', port }, appData: { foo: 1 } });
    assert.deepEqual(transport.tuple, { localIp: '198.51.100.1', localAddress: '198.51.100.1', localPort: port, protocol: 'udp' });
    assert.deepEqual([transport.type, transport.rtcpTuple, transport.srtpParameters, transport.sctpParameters, transport.sctpState], ['plain', undefined, undefined, undefined, undefined]);
    for (const args of [{}, { ip: '127.0.0.1' }, { ip: 127, port: 5 }, { ip: '127.0.0.1', port: 0 }, { ip: '127.0.0.1', port: 5, rtcpPort: 6 }, { ip: '127.0.0.1', port: 5, srtpParameters: { cryptoSuite: 'AEAD_AES_128_GCM', keyBase64: '' } }]) {
      await assert.rejects(transport.connect(args), TypeError, JSON.stringify(args));
    }
    await transport.connect({ ip: '127.0.0.1', port: 5004 });
    assert.deepEqual([transport.tuple.remoteIp, transport.tuple.remotePort], ['127.0.0.1', 5004]);
    await assert.rejects(transport.connect({ ip: '127.0.0.1', port: 5004 }), InvalidStateError);
    const [stats] = await transport.getStats();
    assert.deepEqual([stats.type, stats.rtcpMux, stats.comedia, stats.tuple], ['plain-rtp-transport', true, false, transport.tuple]);
    const dump = await transport.dump();
    assert.deepEqual([dump.rtcpMux, dump.comedia, dump.tuple], [true, false, transport.tuple]);
    await assert.rejects(transport.produceData({ sctpStreamParameters: { streamId: 1 } }), InvalidStateError);
    transport.close();
    await soon(() => udpFree(port));
  });

  test('has a port of its own for RTCP, and keys for SRTP', async (t) => {
    const { router } = await openRouter(t);
    const options = { listenIp: { ip: '127.0.0.1', announcedIp: '198.51.100.1' }, rtcpMux: false, enableSrtp: true, srtpCryptoSuite: 'AEAD_AES_256_GCM' };
    const transport = await router.createPlainTransport(options);
    assert.equal(transport.rtcpTuple.localPort, transport.tuple.localPort + 1);
    const { cryptoSuite, keyBase64 } = transport.srtpParameters;
    assert.equal(cryptoSuite, 'AEAD_AES_256_GCM');
    assert.equal(Buffer.from(keyBase64, 'base64').length, 32 + 12);
    await assert.rejects(transport.connect({ ip: '127.0.0.1', port: 5004, rtcpPort: 5005 }), TypeError);
    await assert.rejects(transport.connect({ ip: '127.0.0.1', port: 5004, rtcpPort: 5005, srtpParameters: { cryptoSuite: 'chicken', keyBase64 } }), TypeError);
    await transport.connect({ ip: '127.0.0.1', port: 5004, rtcpPort: 5005, srtpParameters: { cryptoSuite, keyBase64 } });
    assert.equal(transport.rtcpTuple.remotePort, 5005);
    assert.deepEqual((await transport.dump()).rtcpTuple, transport.rtcpTuple);
  });

  test('learns its peer by comedia', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createPlainTransport({ listenIp: '127.0.0.1', comedia: true });
    await assert.rejects(transport.connect({ ip: '127.0.0.1', port: 5004 }), TypeError);
    await transport.produce({ kind: 'audio', rtpParameters: opus(77) });
    const told = next(transport, 'tuple');
    const observed = next(transport.observer, 'tuple');
    const socket = createSocket('udp4');
    await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
    t.after(() => socket.close());
    const packet = Buffer.from([0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 77, 1, 2, 3]);
    socket.send(packet, transport.tuple.localPort, '127.0.0.1');
    const [tuple] = await told;
    assert.deepEqual([tuple.remoteIp, tuple.remotePort], ['127.0.0.1', socket.address().port]);
    assert.deepEqual(transport.tuple, tuple);
    assert.deepEqual(await observed, [tuple]);
  });

  test('learns the port of RTCP, too', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createPlainTransport({ listenIp: '127.0.0.1', comedia: true, rtcpMux: false });
    await transport.produce({ kind: 'audio', rtpParameters: opus(77) });
    const told = [next(transport, 'tuple'), next(transport, 'rtcptuple'), next(transport.observer, 'rtcptuple')];
    const sockets = [createSocket('udp4'), createSocket('udp4')];
    for (const socket of sockets) {
      await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
      t.after(() => socket.close());
    }
    const receiverReport = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 77]);
    sockets[0].send(Buffer.from([0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 77, 1, 2, 3]), transport.tuple.localPort, '127.0.0.1');
    sockets[1].send(receiverReport, transport.rtcpTuple.localPort, '127.0.0.1');
    const [[tuple], [rtcpTuple], [observed]] = await Promise.all(told);
    assert.deepEqual([tuple.remotePort, rtcpTuple.remotePort], sockets.map((socket) => socket.address().port));
    assert.deepEqual([transport.tuple, transport.rtcpTuple, observed], [tuple, rtcpTuple, rtcpTuple]);
  });

  test('refuses wrong options, and what the SFU does not have', async (t) => {
    const { router } = await openRouter(t);
    const local = { listenIp: '127.0.0.1' };
    for (const options of [undefined, {}, { listenIp: 'localhost' }, { ...local, listenInfo: { protocol: 'udp', ip: '127.0.0.1' } }, { listenInfo: { protocol: 'tcp', ip: '127.0.0.1' } }, { ...local, appData: 'x' }, { ...local, srtpCryptoSuite: 'chicken' }]) {
      await assert.rejects(router.createPlainTransport(options), TypeError, JSON.stringify(options));
      if (!options?.srtpCryptoSuite) await assert.rejects(router.createPipeTransport(options), TypeError, JSON.stringify(options));
    }
    const info = { protocol: 'udp', ip: '127.0.0.1', port: 40_500 };
    for (const options of [{ ...local, srtpCryptoSuite: 'AES_CM_128_HMAC_SHA1_32' }, { listenInfo: info, rtcpMux: false, rtcpListenInfo: { ...info, port: 40_600 } }]) {
      await assert.rejects(router.createPlainTransport(options), UnsupportedError, JSON.stringify(options));
    }
    const taken = createSocket('udp4');
    await new Promise((resolve) => taken.bind(0, '127.0.0.1', resolve));
    t.after(() => taken.close());
    await assert.rejects(router.createPlainTransport({ ...local, port: taken.address().port }), /127\.0\.0\.1/);
  });
});

describe('a DirectTransport', () => {
  test('has no path', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createDirectTransport({ maxMessageSize: 1024, appData: { foo: 1 } });
    assert.deepEqual([transport.type, transport.appData], ['direct', { foo: 1 }]);
    await transport.connect();
    for (const name of ['setMaxIncomingBitrate', 'setMaxOutgoingBitrate', 'setMinOutgoingBitrate']) {
      await assert.rejects(transport[name](1_000), UnsupportedError, name);
    }
    assert.equal((await transport.dump()).maxReceiveMessageSize, 1024);
    assert.equal((await transport.getStats())[0].type, 'direct-transport');
    assert.throws(() => transport.sendRtcp('not a buffer'), TypeError);
    transport.sendRtcp(Buffer.from([0x80, 0xc9, 0, 1, 0, 0, 0, 1]));
    for (const options of [{ maxMessageSize: -2 }, { maxMessageSize: 'x' }, { appData: 7 }]) await assert.rejects(router.createDirectTransport(options), TypeError);
    transport.close();
    assert.throws(() => transport.sendRtcp(Buffer.alloc(8)), InvalidStateError);
  });
});
