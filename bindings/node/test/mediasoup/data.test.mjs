// Data producers and data consumers: through direct transports, and what a client is told of channels.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOCAL, mediasoup, next, openRouter, record, eventually } from './media.mjs';

const { InvalidStateError } = mediasoup;
const CHANNELS = { ...LOCAL, enableSctp: true };

describe('a data producer', () => {
  test('has what it was made with', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createWebRtcTransport(CHANNELS);
    const told = next(transport.observer, 'newdataproducer');
    const sctpStreamParameters = { streamId: 666 };
    const producer = await transport.produceData({ sctpStreamParameters, label: 'foo', protocol: 'bar', appData: { foo: 1 } });
    assert.deepEqual(await told, [producer]);
    assert.deepEqual([producer.type, producer.label, producer.protocol, producer.paused, producer.closed, producer.appData], ['sctp', 'foo', 'bar', false, false, { foo: 1 }]);
    assert.equal(producer.sctpStreamParameters.streamId, 666);
    const lossy = await transport.produceData({ id: 'chosen', sctpStreamParameters: { streamId: 7, ordered: false, maxRetransmits: 3 }, paused: true });
    assert.deepEqual([lossy.id, lossy.paused, lossy.sctpStreamParameters.maxRetransmits], ['chosen', true, 3]);
    assert.deepEqual(await lossy.dump(), { id: 'chosen', paused: true, type: 'sctp', label: '', protocol: '', sctpStreamParameters: { streamId: 7, ordered: false, maxRetransmits: 3 } });
    const [stats] = await producer.getStats();
    assert.deepEqual([stats.type, stats.label, stats.protocol, stats.messagesReceived, stats.bytesReceived], ['data-producer', 'foo', 'bar', 0, 0]);
    const dump = await transport.dump();
    assert.deepEqual(dump.dataProducerIds, [producer.id, 'chosen']);
    assert.deepEqual(dump.sctpListener.streamIdTable, [{ key: 666, value: producer.id }, { key: 7, value: 'chosen' }]);
    assert.throws(() => producer.send('x'), InvalidStateError);
  });

  test('is refused where it cannot be', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createWebRtcTransport(CHANNELS);
    await transport.produceData({ id: 'taken', sctpStreamParameters: { streamId: 1 } });
    const wrong = [
      {},
      { sctpStreamParameters: {} },
      { sctpStreamParameters: { streamId: 'x' } },
      { sctpStreamParameters: { streamId: 70_000 } },
      { sctpStreamParameters: { streamId: 2, maxPacketLifeTime: 1, maxRetransmits: 1 } },
      { sctpStreamParameters: { streamId: 2, ordered: true, maxRetransmits: 1 } },
      { sctpStreamParameters: { streamId: 2, ordered: 'yes' } },
      { sctpStreamParameters: { streamId: 2 }, label: 7 },
      { sctpStreamParameters: { streamId: 2 }, id: 'taken' },
      { sctpStreamParameters: { streamId: 2 }, appData: 'x' },
    ];
    for (const options of wrong) await assert.rejects(transport.produceData(options), TypeError, JSON.stringify(options));
    await assert.rejects(transport.produceData({ sctpStreamParameters: { streamId: 1 } }), /in use/);
    const without = await router.createWebRtcTransport(LOCAL);
    await assert.rejects(without.produceData({ sctpStreamParameters: { streamId: 1 } }), InvalidStateError);
    const pipe = await router.createPipeTransport({ listenIp: '127.0.0.1' });
    await assert.rejects(pipe.produceData({ sctpStreamParameters: { streamId: 1 } }), InvalidStateError);
    const plain = await router.createPlainTransport({ listenIp: '127.0.0.1' });
    await assert.rejects(plain.produceData({ sctpStreamParameters: { streamId: 1 } }), InvalidStateError);
  });

  test('pauses, and is closed with its data consumers and its transport', async (t) => {
    const { router } = await openRouter(t);
    const [from, to] = [await router.createDirectTransport(), await router.createDirectTransport()];
    const producer = await from.produceData({ label: 'a' });
    const consumer = await to.consumeData({ dataProducerId: producer.id });
    const heard = [record(producer.observer, ['pause', 'resume', 'close']), record(consumer, ['dataproducerpause', 'dataproducerresume', 'dataproducerclose'])];
    await producer.pause();
    assert.deepEqual([producer.paused, consumer.dataProducerPaused, consumer.paused], [true, true, false]);
    await producer.resume();
    await producer.resume();
    const closed = next(consumer.observer, 'close');
    producer.close();
    producer.close();
    await closed;
    assert.deepEqual(heard, [['pause', 'resume', 'close'], ['dataproducerpause', 'dataproducerresume', 'dataproducerclose']]);
    for (const name of ['dump', 'getStats', 'pause', 'resume']) {
      await assert.rejects(producer[name](), InvalidStateError, name);
      await assert.rejects(consumer[name](), InvalidStateError, name);
    }
    const second = await from.produceData();
    const follower = await to.consumeData({ dataProducerId: second.id });
    const transportclose = record(second, ['transportclose']);
    const told = next(follower, 'dataproducerclose');
    from.close();
    await told;
    const third = await to.produceData();
    const own = await to.consumeData({ dataProducerId: third.id });
    const ownHeard = record(own, ['transportclose', 'dataproducerclose']);
    to.close();
    assert.deepEqual([transportclose, ownHeard], [['transportclose'], ['transportclose']]);
  });
});

describe('messages of the application', () => {
  test('arrive in order, as text or bytes, empty ones too', async (t) => {
    const { router } = await openRouter(t);
    const [from, to] = [await router.createDirectTransport(), await router.createDirectTransport()];
    const producer = await from.produceData({ label: 'foo', protocol: 'bar', appData: { foo: 1 } });
    assert.deepEqual([producer.type, producer.sctpStreamParameters], ['direct', undefined]);
    const told = next(to.observer, 'newdataconsumer');
    const consumer = await to.consumeData({ dataProducerId: producer.id, appData: { baz: 2 } });
    assert.deepEqual(await told, [consumer]);
    assert.deepEqual([consumer.type, consumer.label, consumer.protocol, consumer.dataProducerId, consumer.appData], ['direct', 'foo', 'bar', producer.id, { baz: 2 }]);
    const got = [];
    consumer.on('message', (message, ppid) => got.push([message.toString('utf8'), ppid]));
    const reused = Buffer.from('first');
    producer.send(reused);
    reused.fill('x');
    producer.send('größer');
    producer.send('');
    producer.send(Buffer.alloc(0));
    producer.send(Buffer.from('as text'), 51);
    producer.send('as bytes', 53);
    producer.send(' ', 56);
    for (let n = 0; n < 1000; n += 1) producer.send(String(n));
    await eventually('all arrive', () => got.length === 1007);
    assert.deepEqual(got.slice(0, 7), [['first', 53], ['größer', 51], ['', 56], ['', 57], ['as text', 51], ['as bytes', 53], ['', 56]]);
    assert.deepEqual(got.slice(7).map(([text]) => Number(text)), Array.from({ length: 1000 }, (_, n) => n));
    assert.equal((await producer.getStats())[0].messagesReceived, 1007);
    const [stats] = await consumer.getStats();
    assert.deepEqual([stats.type, stats.label, stats.messagesSent, stats.bufferedAmount], ['data-consumer', 'foo', 1007, 0]);
    for (const message of [undefined, 7, {}, []]) assert.throws(() => producer.send(message), TypeError);
    assert.throws(() => producer.send('x', 99), TypeError);
    await consumer.pause();
    assert.equal(consumer.paused, true);
    producer.send('not heard');
    await consumer.resume();
    producer.send('heard');
    await eventually('it goes on', () => got.length > 1007);
    assert.equal(got.at(-1)[0], 'heard');
  });

  test('may be for some subchannels only', async (t) => {
    const { router } = await openRouter(t);
    const transport = await router.createDirectTransport();
    const producer = await transport.produceData();
    const dataProducerId = producer.id;
    const [none, one, both] = [
      await transport.consumeData({ dataProducerId }),
      await transport.consumeData({ dataProducerId, subchannels: [1, 1] }),
      await transport.consumeData({ dataProducerId, subchannels: [1, 2] }),
    ];
    assert.deepEqual([none.subchannels, one.subchannels, both.subchannels], [[], [1], [1, 2]]);
    const got = { none: [], one: [], both: [] };
    for (const [name, consumer] of Object.entries({ none, one, both })) consumer.on('message', (message) => got[name].push(String(message)));
    producer.send('all');
    producer.send('1 or 2', undefined, [1, 2]);
    producer.send('2', undefined, [2]);
    producer.send('1 and required 2', undefined, [1], 2);
    producer.send('not 2', undefined, undefined, undefined, 2);
    producer.send('end');
    await eventually('all arrive', () => Object.values(got).every((each) => each.at(-1) === 'end'));
    assert.deepEqual(got, { none: ['all', 'not 2', 'end'], one: ['all', '1 or 2', 'not 2', 'end'], both: ['all', '1 or 2', '2', '1 and required 2', 'end'] });
    await one.addSubchannel(3);
    await one.removeSubchannel(1);
    assert.deepEqual(one.subchannels, [3]);
    await one.setSubchannels([5, 5, 6]);
    assert.deepEqual((await one.dump()).subchannels, [5, 6]);
    for (const wrong of ['1', [-1], [70_000], ['1']]) await assert.rejects(one.setSubchannels(wrong), TypeError);
    await assert.rejects(one.addSubchannel('1'), TypeError);
    await assert.rejects(one.removeSubchannel(1.5), TypeError);
    assert.throws(() => producer.send('x', undefined, 'y'), TypeError);
    assert.throws(() => producer.send('x', undefined, [], -1), TypeError);
  });
});

describe('a data consumer', () => {
  test('has a channel, whose parameters are the data producer\'s or its own', async (t) => {
    const { router } = await openRouter(t);
    const [from, to] = [await router.createWebRtcTransport(CHANNELS), await router.createWebRtcTransport(CHANNELS)];
    const producer = await from.produceData({ sctpStreamParameters: { streamId: 12, ordered: false, maxPacketLifeTime: 5000 }, label: 'foo', protocol: 'bar' });
    const inherited = await to.consumeData({ dataProducerId: producer.id });
    assert.deepEqual([inherited.type, inherited.label, inherited.protocol], ['sctp', 'foo', 'bar']);
    assert.deepEqual([inherited.sctpStreamParameters.ordered, inherited.sctpStreamParameters.maxPacketLifeTime], [false, 5000]);
    const own = await to.consumeData({ dataProducerId: producer.id, ordered: false, maxRetransmits: 2 });
    assert.equal(own.sctpStreamParameters.maxRetransmits, 2);
    assert.notEqual(own.sctpStreamParameters.streamId, inherited.sctpStreamParameters.streamId);
    assert.deepEqual((await to.dump()).dataConsumerIds, [inherited.id, own.id]);
    assert.deepEqual((await router.dump()).mapDataProducerIdDataConsumerIds, [{ key: producer.id, values: [inherited.id, own.id] }]);
    assert.deepEqual((await router.dump()).mapDataConsumerIdDataProducerId[0], { key: inherited.id, value: producer.id });
    await own.setBufferedAmountLowThreshold(2000);
    const dump = await own.dump();
    assert.deepEqual([dump.id, dump.type, dump.dataProducerId, dump.paused, dump.dataProducerPaused, dump.bufferedAmountLowThreshold, dump.bufferedAmount], [own.id, 'sctp', producer.id, false, false, 2000, 0]);
    assert.equal(await own.getBufferedAmount(), 0);
    for (const threshold of [-1, 'x', 1.5]) await assert.rejects(own.setBufferedAmountLowThreshold(threshold), TypeError);
    await assert.rejects(own.send(7), TypeError);
    for (const options of [{}, { dataProducerId: 7 }, { dataProducerId: producer.id, subchannels: 'x' }, { dataProducerId: producer.id, maxRetransmits: 1, maxPacketLifeTime: 1 }, { dataProducerId: producer.id, ordered: true, maxRetransmits: 1 }, { dataProducerId: producer.id, appData: 'x' }]) {
      await assert.rejects(to.consumeData(options), TypeError, JSON.stringify(options));
    }
    await assert.rejects(to.consumeData({ dataProducerId: 'nobody' }), { name: 'NotFoundError' });
    const without = await router.createWebRtcTransport(LOCAL);
    await assert.rejects(without.consumeData({ dataProducerId: producer.id }), InvalidStateError);
    const heard = record(own.observer, ['pause', 'resume', 'close']);
    await own.pause();
    await own.resume();
    own.close();
    assert.deepEqual(heard, ['pause', 'resume', 'close']);
    const calls = { dump: [], getStats: [], pause: [], resume: [], getBufferedAmount: [], setBufferedAmountLowThreshold: [1], send: ['x'], setSubchannels: [[]], addSubchannel: [1], removeSubchannel: [1] };
    for (const [name, args] of Object.entries(calls)) await assert.rejects(own[name](...args), InvalidStateError, name);
  });
});
