// RTP in and out of this process.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually, loop, once, opus, rtp, sfuFor } from './support.mjs';

describe('RTP', { timeout: 120_000 }, () => {
  test('goes in and comes out in batches, every packet of it', async (t) => {
    const { source, producer, consumer } = await loop(await sfuFor(t));
    const packets = consumer.packets();
    const [batches, size] = [40, 250];
    const sending = (async () => {
      for (let batch = 0; batch < batches; batch += 1) {
        const all = Array.from({ length: size }, (_, at) => rtp(1111, batch * size + at));
        await source.sendRtp(producer, all);
      }
    })();
    const payloads = [];
    let largest = 0;
    for await (const batch of packets) {
      largest = Math.max(largest, batch.length);
      for (const packet of batch) payloads.push(packet.subarray(12).toString());
      if (payloads.length >= batches * size) break;
    }
    await sending;
    assert.deepEqual(payloads, Array.from({ length: batches * size }, (_, at) => `${at}`));
    assert.equal(packets.lost, 0);
    assert.ok(largest > 1, 'packets come in batches');
    const { rtpParameters } = consumer;
    assert.equal((await consumer.stats()).ssrc, rtpParameters.encodings[0].ssrc);
  });

  test('is told as an event, too', async (t) => {
    const { source, producer, consumer } = await loop(await sfuFor(t));
    const told = once(consumer, 'rtp');
    await source.sendRtp(producer, rtp(1111, 7));
    const [packets] = await told;
    assert.equal(packets[0].subarray(12).toString(), '7');
  });

  test('comes out of all encodings of a producer, each as it is', async (t) => {
    const { room, source } = await loop(await sfuFor(t));
    const rtpParameters = { ...opus(1), encodings: [{ ssrc: 1 }, { ssrc: 2 }] };
    const producer = await source.produce({ kind: 'audio', rtpParameters });
    const consumer = await source.consumePipe({ producer, rtpCapabilities: room.rtpCapabilities, paused: true });
    assert.deepEqual([consumer.ids.length, consumer.id, consumer.paused], [2, consumer.ids[0], true]);
    assert.deepEqual(source.pipeConsumers, [consumer]);
    await source.sendRtp(producer, [rtp(1, 1), rtp(2, 1)]);
    await consumer.resume();
    const packets = consumer.packets();
    const told = [];
    consumer.on('rtp', (batch) => told.push(...batch));
    await source.sendRtp(producer, [rtp(1, 2), rtp(2, 20), rtp(1, 3), rtp(2, 30)]);
    const heard = new Map(consumer.rtpParameters.encodings.map(({ ssrc }) => [ssrc, []]));
    for await (const batch of packets) {
      for (const packet of batch) heard.get(packet.readUInt32BE(8)).push(packet.subarray(12).toString());
      if ([...heard.values()].flat().length === 4) break;
    }
    assert.deepEqual([...heard.values()], [['2', '3'], ['20', '30']]);
    assert.equal(told.length, 4);
    assert.deepEqual((await consumer.stats()).map(({ packetsSent }) => packetsSent), [2, 2]);
    await consumer.enableTraceEvent(['rtp']);
    await consumer.requestKeyFrame();
    const traced = once(consumer, 'trace');
    await source.sendRtp(producer, rtp(2, 31));
    assert.equal((await traced)[0].consumer, consumer.ids[1]);
    const closed = once(consumer, 'closed');
    await producer.close();
    assert.deepEqual(await closed, ['origin-closed']);
    assert.deepEqual(source.pipeConsumers, []);
    const refused = source.consumePipe({ producer: consumer.producer, rtpCapabilities: room.rtpCapabilities });
    await assert.rejects(refused, { code: 'NotFound' });
  });

  test('is refused by the packet that is wrong', async (t) => {
    const { source, producer } = await loop(await sfuFor(t));
    const packets = [rtp(1111, 1), rtp(1111, 2, Buffer.alloc(2_000)), rtp(1111, 3)];
    await assert.rejects(source.sendRtp(producer, packets), { code: 'InvalidParameters', message: /1/ });
  });

  test('is counted, as in a network, when it is none', async (t) => {
    const { source, producer } = await loop(await sfuFor(t));
    await source.sendRtp(producer, [Buffer.alloc(3), Buffer.alloc(40), rtp(1111, 1)]);
    assert.equal((await source.stats()).refused.rtp, 2);
    assert.equal((await producer.stats()).encodings[0].packetsReceived, 1);
  });

  test('is counted when nobody takes it in time', async (t) => {
    const { source, producer, consumer } = await loop(await sfuFor(t));
    const packets = consumer.packets(100);
    let came = 0;
    consumer.on('rtp', (batch) => (came += batch.length));
    for (let at = 0; at < 1_000; at += 50) {
      await source.sendRtp(producer, Array.from({ length: 50 }, (_, more) => rtp(1111, at + more)));
    }
    await eventually('all have come', () => came === 1_000);
    let taken = 0;
    consumer.close();
    for await (const batch of packets) taken += batch.length;
    assert.ok(packets.lost >= 900, `${packets.lost}`);
    assert.equal(packets.lost + taken, 1_000);
  });

  test('moves from one producer to the other with a switch', async (t) => {
    const { source, producer, consumer, room } = await loop(await sfuFor(t));
    const other = await source.produce({ kind: 'audio', rtpParameters: { ...producer.rtpParameters, encodings: [{ ssrc: 2222 }] } });
    await consumer.switch(other);
    assert.equal(consumer.producer, other.id);
    const told = once(consumer, 'rtp');
    await source.sendRtp(other, rtp(2222, 1, Buffer.from('other')));
    assert.equal((await told)[0][0].subarray(12).toString(), 'other');
    const emptied = once(consumer, 'producer-closed');
    await other.close();
    assert.deepEqual(await emptied, [other.id]);
    assert.equal(consumer.producer, null);
    assert.equal((await consumer.explain()).rule, 'empty');
    assert.equal((await room.dump()).transports.flatMap(({ consumers }) => consumers).length, 1);
  });
});
