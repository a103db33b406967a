// Messages between direct transports.
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
