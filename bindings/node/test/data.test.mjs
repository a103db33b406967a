// Messages between direct transports, and between plain ones.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually, once, sfuFor } from './support.mjs';

async function channel(sfu, options = {}) {
  const room = await sfu.createRouter();
  const [one, other] = [await room.createDirectTransport(), await room.createDirectTransport()];
  const dataProducer = await one.produceData({ label: 'chat', protocol: 'p', ...options });
  const dataConsumer = await other.consumeData({ dataProducer });
  return { room, one, other, dataProducer, dataConsumer };
}

describe('messages', { timeout: 120_000 }, () => {
  test('arrive as they were sent, in order, from a few bytes to the longest', async (t) => {
    const { dataProducer, dataConsumer } = await channel(await sfuFor(t));
    const sent = ['hello', '', 'größer', Buffer.from([0, 1, 2]), Buffer.alloc(16_383, 3), Buffer.alloc(16_384, 4), Buffer.alloc(200_000, 5), 'last'];
    const stream = dataConsumer.messages();
    for (const message of sent) await dataProducer.send(message);
    const got = [];
    for await (const message of stream) if (got.push(message) === sent.length) break;
    assert.deepEqual(got, sent);
    assert.equal(stream.lost, 0);
    assert.equal((await dataProducer.stats()).messagesReceived, sent.length);
    assert.equal((await dataConsumer.stats()).messagesSent, sent.length);
  });

  test('are told to whoever listens right after the call', async (t) => {
    const sfu = await sfuFor(t);
    const { room, dataProducer } = await channel(sfu);
    // The message is under way before the consumer is: in one batch with its completion, as often as not.
    for (let round = 0; round < 200; round += 1) {
      const transport = await room.createDirectTransport();
      const [dataConsumer] = await Promise.all([transport.consumeData({ dataProducer }), dataProducer.send(`${round}`)]);
      const [message] = await Promise.all([once(dataConsumer, 'message'), dataProducer.send('again')]);
      assert.ok(['again', `${round}`].includes(message[0]), message[0]);
      await transport.close();
    }
  });

  test('are counted when nobody takes them in time', async (t) => {
    const { dataProducer, dataConsumer } = await channel(await sfuFor(t));
    const stream = dataConsumer.messages(10);
    for (let at = 0; at < 100; at += 1) await dataProducer.send(`${at}`);
    await eventually('all have come', () => stream.lost === 90);
    assert.equal((await stream.next()).value, '90');
  });

  test('go between plain transports beside RTP, on streams that were agreed upon', async (t) => {
    const sfu = await sfuFor(t);
    const rooms = [await sfu.createRouter(), await sfu.createRouter()];
    const listen = { listen: '127.0.0.1:0', dataChannels: true, maxMessageSize: 100_000 };
    const plain = [await rooms[0].createPlainTransport(listen), await rooms[1].createPlainTransport(listen)];
    const { port, maxMessageSize } = plain[0].sctpParameters;
    assert.deepEqual([port, maxMessageSize], [5000, 100_000]);
    assert.equal((await rooms[0].createPlainTransport({ listen: '127.0.0.1:0' })).sctpParameters, undefined);
    const states = plain.map((transport) => {
      const told = [];
      transport.on('sctp-state-changed', (state) => told.push(state));
      return told;
    });
    for (const at of [0, 1]) await plain[at].connect({ address: plain[1 - at].localAddress });
    await eventually('both are connected', () => states.every((told) => told.at(-1) === 'connected'));
    const source = await (await rooms[0].createDirectTransport()).produceData({ label: 'chat' });
    await assert.rejects(plain[0].consumeData({ dataProducer: source }), /negotiated/);
    await assert.rejects(plain[1].produceData({ label: 'chat' }), /stream/);
    const { sctpStreamParameters } = await plain[0].consumeData({ dataProducer: source, negotiated: true });
    const beyond = await plain[1].produceData({ label: 'chat', sctpStreamParameters });
    const messages = (await (await rooms[1].createDirectTransport()).consumeData({ dataProducer: beyond })).messages();
    for (const message of ['hello', Buffer.alloc(50_000, 7)]) {
      await source.send(message);
      assert.deepEqual((await messages.next()).value, message);
    }
    assert.equal((await plain[0].stats()).refused.sctp, 0);
    await plain[0].close();
    await eventually('the other is told', () => states[1].at(-1) === 'closed');
  });

  test('stop while paused', async (t) => {
    const { dataProducer, dataConsumer } = await channel(await sfuFor(t));
    const got = [];
    dataConsumer.on('message', (message) => got.push(message));
    await dataConsumer.pause();
    assert.equal(dataConsumer.paused, true);
    await dataProducer.send('lost');
    await dataConsumer.resume();
    await dataProducer.pause();
    await dataProducer.send('lost, too');
    await dataProducer.resume();
    await dataProducer.send('kept');
    await eventually('a message came', () => got.length > 0);
    assert.deepEqual(got, ['kept']);
  });

  test('end with their producer', async (t) => {
    const { dataProducer, dataConsumer } = await channel(await sfuFor(t));
    const closed = once(dataConsumer, 'closed');
    await dataProducer.close();
    assert.equal(dataProducer.closed, true);
    const [reason] = await closed;
    assert.equal(typeof reason, 'string');
    assert.deepEqual(await dataConsumer.messages().next(), { done: true, value: undefined });
  });
});
