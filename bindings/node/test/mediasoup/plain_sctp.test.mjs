// SCTP beside RTP on plain transports: with another implementation, werift-sctp, and between two of ours.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { describe, test } from 'node:test';
import { createUdpTransport, SCTP, WEBRTC_PPID } from 'werift-sctp';
import { eventually, mediasoup, next, openRouter, record } from './media.mjs';

const { InvalidStateError } = mediasoup;
const PLAIN = { listenIp: '127.0.0.1', enableSctp: true };

describe('a PlainTransport with SCTP', () => {
  test('says what it has', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createPlainTransport({ ...PLAIN, numSctpStreams: { OS: 256, MIS: 256 }, maxReceiveMessageSize: 100_000 });
    const { port, OS, MIS, maxMessageSize, maxSendMessageSize, maxReceiveMessageSize, isDataChannel } = transport.sctpParameters;
    assert.deepEqual([port, OS, MIS, maxMessageSize, maxSendMessageSize, maxReceiveMessageSize, isDataChannel], [5000, 1024, 1024, 100_000, 262_144, 100_000, false]);
    assert.deepEqual([transport.sctpState, transport.sctpNegotiatedCapabilities], ['new', undefined]);
    const producer = await transport.produceData({ sctpStreamParameters: { streamId: 12, ordered: true } });
    const consumers = [];
    for (let at = 0; at < 3; at += 1) consumers.push(await transport.consumeData({ dataProducerId: producer.id }));
    assert.deepEqual(consumers.map(({ sctpStreamParameters }) => sctpStreamParameters.streamId), [0, 1, 2]);
    const dump = await transport.dump();
    assert.deepEqual([dump.sctpParameters, dump.sctpState, dump.sctpListener.streamIdTable], [transport.sctpParameters, 'new', [{ key: 12, value: producer.id }]]);
    assert.deepEqual([dump.maxSendMessageSize, dump.maxReceiveMessageSize], [262_144, 100_000]);
    assert.equal((await transport.getStats())[0].sctpState, 'new');
    transport.close();
    assert.equal(transport.sctpState, 'closed');
  });

  test('refuses what is not to be had', async (t) => {
    const { router } = await openRouter(t);
    for (const options of [{ ...PLAIN, numSctpStreams: { OS: 'x' } }, { ...PLAIN, numSctpStreams: null }, { ...PLAIN, maxSctpMessageSize: -1 }]) {
      await assert.rejects(router.createPlainTransport(options), TypeError, JSON.stringify(options));
    }
    const transport = await router.createPlainTransport(PLAIN);
    for (const options of [{}, { sctpStreamParameters: {} }, { sctpStreamParameters: { streamId: 70_000 } }, { sctpStreamParameters: { streamId: 1, ordered: true, maxRetransmits: 1 } }]) {
      await assert.rejects(transport.produceData(options), TypeError, JSON.stringify(options));
    }
    const producer = await transport.produceData({ sctpStreamParameters: { streamId: 1 } });
    await assert.rejects(transport.produceData({ sctpStreamParameters: { streamId: 1 } }), /in use/);
    const without = await router.createPlainTransport({ listenIp: '127.0.0.1' });
    assert.deepEqual([without.sctpParameters, without.sctpState], [undefined, undefined]);
    await assert.rejects(without.produceData({ sctpStreamParameters: { streamId: 1 } }), InvalidStateError);
    await assert.rejects(without.consumeData({ dataProducerId: producer.id }), InvalidStateError);
  });

  test('exchanges messages with another implementation, which it learns of by comedia', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createPlainTransport({ ...PLAIN, comedia: true });
    const states = record(transport, ['sctpstatechange']);
    const [connected, learnt] = [eventually('an association', () => transport.sctpState === 'connected'), next(transport, 'tuple')];
    const socket = createSocket('udp4');
    const client = SCTP.client(createUdpTransport(socket, { port: transport.tuple.localPort, address: '127.0.0.1' }));
    t.after(async () => {
      await client.stop();
      client.transport.close();
    });
    const established = client.stateChanged.connected.asPromise();
    await client.start(5000);
    await Promise.all([established, connected, learnt]);
    assert.equal(transport.tuple.remotePort, socket.address().port);
    assert.ok(states.length >= 1);
    assert.ok(transport.sctpNegotiatedCapabilities.negotiatedMaxInboundStreams > 0);
    // Both directions have stream 0, and this data producer another one.
    const back = await transport.produceData({ sctpStreamParameters: { streamId: 0 }, label: 'back' });
    const producer = await transport.produceData({ sctpStreamParameters: { streamId: 123, ordered: true }, label: 'sctp', protocol: 'foo' });
    const consumer = await transport.consumeData({ dataProducerId: producer.id });
    const direct = await router.createDirectTransport();
    const own = await direct.consumeData({ dataProducerId: back.id });
    const got = [];
    const told = [];
    client.onReceive.subscribe((stream, ppid, data) => got.push([stream, ppid, data.toString()]));
    own.on('message', (message, ppid) => told.push([message.toString(), ppid]));
    const stream = consumer.sctpStreamParameters.streamId;
    const expected = [];
    for (let id = 0; id < 200; id += 1) {
      const ppid = id % 2 === 0 ? WEBRTC_PPID.STRING : WEBRTC_PPID.BINARY;
      await client.send(123, ppid, Buffer.from(String(id)));
      expected.push([stream, ppid, String(id)]);
    }
    await eventually('200 messages', () => got.length === 200);
    assert.deepEqual(got, expected);
    const long = 'x'.repeat(20_000);
    await client.send(0, WEBRTC_PPID.STRING, Buffer.from(long));
    await eventually('a long message', () => told.length === 1);
    assert.deepEqual(told, [[long, WEBRTC_PPID.STRING]]);
    const [stats] = await producer.getStats();
    assert.equal(stats.messagesReceived, 200);
    assert.equal((await consumer.getStats())[0].messagesSent, 200);
  });

  test('joins two routers, and ends with the other', async (t) => {
    const { router, worker } = await openRouter(t);
    const routers = [router, await worker.createRouter()];
    const transports = [];
    for (const each of routers) transports.push(await each.createPlainTransport({ ...PLAIN, enableSrtp: true, srtpCryptoSuite: 'AEAD_AES_128_GCM' }));
    for (const [at, transport] of transports.entries()) {
      const { tuple, srtpParameters } = transports[1 - at];
      await transport.connect({ ip: '127.0.0.1', port: tuple.localPort, srtpParameters });
    }
    await eventually('associations', () => transports.every(({ sctpState }) => sctpState === 'connected'));
    const direct = [];
    for (const each of routers) direct.push(await each.createDirectTransport());
    const told = [[], []];
    const sources = [];
    for (const at of [0, 1]) {
      const source = await direct[at].produceData({ label: 'chat' });
      const { sctpStreamParameters } = await transports[at].consumeData({ dataProducerId: source.id });
      const beyond = await transports[1 - at].produceData({ sctpStreamParameters, label: 'chat' });
      const consumer = await direct[1 - at].consumeData({ dataProducerId: beyond.id });
      consumer.on('message', (message) => told[at].push(message.toString()));
      sources.push(source);
    }
    for (const source of sources) for (const text of ['one', 'two', '']) source.send(text);
    await eventually('all messages', () => told.every((messages) => messages.length === 3));
    assert.deepEqual(told, [['one', 'two', ''], ['one', 'two', '']]);
    const closed = next(transports[1], 'sctpstatechange');
    transports[0].close();
    assert.deepEqual(await closed, ['closed']);
    assert.equal(transports[1].sctpState, 'closed');
  });
});
