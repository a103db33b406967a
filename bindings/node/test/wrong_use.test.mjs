// What cannot work gives a clear error, and nothing else.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Sfu, SfuError } from 'plenum-sfu';
import { loop, opus, rtp, sfuFor } from './support.mjs';

const run = promisify(execFile);
const { native } = createRequire(import.meta.url)('../dist/native.js');
const program = (name) => new URL(`programs/${name}`, import.meta.url).pathname;

/** Options that no method takes, as a program without types may give them. */
const NONSENSE = [null, 0, -1, NaN, '', 'text', true, [], [1], () => {}, Symbol('x'), 1n, new Map(), { unknown: 1 }, Buffer.alloc(3)];

describe('wrong arguments', { timeout: 120_000 }, () => {
  test('are refused by every method, with an error of ours', async (t) => {
    const sfu = await sfuFor(t);
    const { room, source, producer, sink, consumer } = await loop(sfu);
    const dataProducer = await source.produceData({ label: 'x' });
    const targets = {
      Sfu: sfu,
      Router: room,
      WebRtcTransport: await room.createWebRtcTransport(),
      PlainTransport: await room.createPlainTransport({ listen: '127.0.0.1:0' }),
      PipeTransport: await room.createPipeTransport({ listen: '127.0.0.1:0' }),
      DirectTransport: source,
      Producer: producer,
      Consumer: consumer,
      DataProducer: dataProducer,
      DataConsumer: await sink.consumeData({ dataProducer }),
      ActiveSpeakerObserver: await room.createActiveSpeakerObserver(),
      AudioLevelObserver: await room.createAudioLevelObserver(),
    };
    let [refused, tried] = [0, 0];
    for (const method of native().methods()) {
      const [noun, name] = method.split('.');
      const target = targets[noun];
      // Methods without parameters take no notice of what they are given, as in JavaScript.
      if (!target || target[name].length === 0 || name === 'close') continue;
      for (const nonsense of NONSENSE) {
        tried += 1;
        // What is meant as bytes may be bytes, what is meant as a number may be one; everything else is refused.
        await target[name](nonsense, nonsense).catch((error) => {
          assert.ok(error instanceof SfuError, `${method}(${String(nonsense)}): ${error.stack}`);
          assert.ok(error.message.length > 8, error.message);
          refused += 1;
        });
      }
    }
    assert.ok(tried > 300 && refused > tried * 0.7, `${refused} of ${tried}`);
  });

  test('are named', async (t) => {
    const sfu = await sfuFor(t);
    const { room, source, producer } = await loop(sfu);
    const cases = [
      [() => Sfu.create(), /listen/],
      [() => Sfu.create({ listen: [] }), /listen/],
      [() => Sfu.create({ listen: ['nowhere'] }), /./],
      [() => Sfu.create({ listen: ['127.0.0.1:0'], shards: 0 }), /shards/],
      [() => Sfu.create({ listen: ['127.0.0.1:0'], colour: 'red' }), /colour/],
      [() => sfu.createRouter({ shard: 9 }), /shard: expected 0 to 0/],
      [() => sfu.createRouter({ shard: NaN }), /shard: .* NaN/],
      [() => sfu.createRouter({ codecs: [{ mimeType: 'audio/opus' }] }), /kind/],
      [() => room.createWebRtcTransport({ upd: true }), /upd/],
      [() => room.createPlainTransport({ listen: 'x' }), /listen|address/],
      [() => source.produce({ kind: 'smell', rtpParameters: opus(1) }), /smell/],
      [() => source.produce({ kind: 'video', rtpParameters: opus(1) }), /./],
      [() => source.consume({ producer, rtpCapabilities: {}, preferredLayers: 3 }), /preferredLayers|3/],
      [() => source.consume({ rtpCapabilities: {} }), /producer: expected a handle or an id, found undefined/],
      [() => source.consume({ producer: {}, rtpCapabilities: {} }), /producer: expected a handle or an id, found object/],
      [() => source.consume({ producer: 'zebra', rtpCapabilities: {} }), /producer/],
      [() => source.sendRtp(producer, 'text'), /packets: expected a Buffer/],
      [() => source.sendRtp(producer, [rtp(1111, 1), 'text']), /packets\[1\]: expected a Buffer/],
    ];
    for (const [call, message] of cases) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof SfuError, error.stack);
        assert.match(error.message, message);
        assert.equal(error.code, 'InvalidParameters', error.message);
        return true;
      }, `${call}`);
    }
  });

  test('may be objects that refer to themselves, or are nested without end', async (t) => {
    const sfu = await sfuFor(t);
    const circle = {};
    circle.circle = circle;
    await assert.rejects(sfu.createRouter(circle), { code: 'InvalidParameters' });
    let nested = {};
    for (let depth = 0; depth < 1_000; depth += 1) nested = { nested };
    await assert.rejects(sfu.createRouter(nested), { code: 'InvalidParameters' });
  });

  test('do not matter to the native class either', async () => {
    const { Client } = native();
    for (const nonsense of NONSENSE) {
      assert.throws(() => new Client(nonsense, nonsense));
      assert.throws(() => Client(nonsense));
      assert.throws(() => Client.prototype.submit.call(nonsense, 'a', 'b', 'c', []));
    }
    const items = [];
    const client = new Client('{"listen":["127.0.0.1:0"]}', (json) => {
      items.push(...JSON.parse(json));
      client.ready();
    });
    for (const nonsense of NONSENSE) assert.throws(() => client.submit(nonsense, nonsense, nonsense, nonsense));
    while (items.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.throws(() => client.submit('Router.close', 'zebra', '', []), /16 hexadecimal/);
    assert.throws(() => client.submit('Router.close', '', '{', []), /parameters/);
    assert.throws(() => client.submit('Router.close', '', '', ['text']));
    const request = client.submit('Nobody.nothing', '', '', []);
    while (!items.some((item) => item.request === request && item.error)) await new Promise((resolve) => setTimeout(resolve, 5));
    client.close();
    client.close();
    while (!items.at(-1).closed) await new Promise((resolve) => setTimeout(resolve, 5));
    client.finish();
    client.finish();
    client.ready();
    assert.throws(() => client.submit('Sfu.shards', '', '', []), { code: 'Closed' });
  });
});

describe('the wrong moment', { timeout: 120_000 }, () => {
  test('is after the end of a thing', async (t) => {
    const sfu = await sfuFor(t);
    const { room, source, producer, consumer } = await loop(sfu);
    await producer.close();
    for (const call of [() => producer.close(), () => producer.pause(), () => producer.stats(), () => consumer.switch(producer), () => source.sendRtp(producer, rtp(1111, 1))]) {
      await assert.rejects(call, { code: 'NotFound', number: 2 });
    }
    await room.close();
    await assert.rejects(room.close(), { code: 'NotFound' });
    await assert.rejects(room.createDirectTransport(), { code: 'NotFound' });
    assert.deepEqual(await room.events().next(), { done: true, value: undefined });
  });

  test('is after the end of everything', async () => {
    const sfu = await Sfu.create({ listen: ['127.0.0.1:0'] });
    const { room, source, producer, consumer } = await loop(sfu);
    const [events, all, packets] = [room.events(), sfu.events(), consumer.packets()];
    const outstanding = Array.from({ length: 50 }, () => room.createDirectTransport());
    const results = Promise.allSettled(outstanding);
    await Promise.all([sfu.close(), sfu.close()]);
    await sfu.close();
    for (const result of await results) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'Closed', result.reason.stack);
    }
    assert.ok(sfu.closed && room.closed && producer.closed && consumer.closed);
    for (const call of [() => sfu.createRouter(), () => room.close(), () => source.sendRtp(producer, rtp(1111, 1)), () => consumer.stats()]) {
      await assert.rejects(call, { code: 'Closed', number: 3 });
    }
    for (const stream of [events, all, packets]) {
      for await (const _ of stream);
    }
    assert.deepEqual(await sfu.events().next(), { done: true, value: undefined });
    sfu.ref().unref();
  });

  test('is a thing of another SFU', async (t) => {
    const [here, there] = [await loop(await sfuFor(t)), await loop(await sfuFor(t))];
    const calls = [
      [() => here.consumer.switch(there.producer), 'InvalidParameters'],
      [() => here.source.sendRtp(there.producer, rtp(1111, 1)), 'InvalidParameters'],
      [() => here.room.pipeToRouter({ producer: here.producer, router: there.room }), 'InvalidParameters'],
      [() => here.consumer.switch(there.producer.id), 'NotFound'],
      [() => here.sink.consume({ producer: there.producer.id, rtpCapabilities: here.room.rtpCapabilities }), 'NotFound'],
    ];
    for (const [call, code] of calls) await assert.rejects(call, { code });
  });

  test('is a thing that was copied', async (t) => {
    const { producer, consumer } = await loop(await sfuFor(t));
    const copy = Object.assign(Object.create(Object.getPrototypeOf(producer)), producer);
    await assert.rejects(consumer.switch({ ...producer }), { code: 'InvalidParameters' });
    await consumer.switch(copy);
    assert.deepEqual(JSON.parse(JSON.stringify(producer)), { noun: 'Producer', id: producer.id });
  });

  test('is an error in a listener, which keeps nobody else from the events', async () => {
    const { stdout } = await run(process.execPath, [program('throwing_listener.mjs')]);
    assert.deepEqual(stdout.trim().split('\n').sort(), ['second listener', 'uncaught: from a listener']);
  });
});

describe('the end of a process or a worker', { timeout: 300_000 }, () => {
  const ways = ['exit', 'end', 'throw', 'busy', 'collected', 'unref', 'terminate', 'workers', 'early'];
  for (const way of ways) {
    test(`is clean: ${way}`, async () => {
      const outcome = await run(process.execPath, ['--expose-gc', program('ending.mjs'), way], { timeout: 120_000 }).catch((error) => error);
      assert.equal(outcome.signal ?? null, null, `${outcome.stderr}`);
      assert.equal(outcome.code ?? 0, way === 'throw' ? 1 : 0, `${outcome.stdout}${outcome.stderr}`);
      assert.match(outcome.stdout, /^ok$/m, `${outcome.stdout}${outcome.stderr}`);
    });
  }
});

test('a thousand SFUs, opened and closed, leave no memory behind', { timeout: 600_000 }, async () => {
  const { stdout } = await run(process.execPath, ['--expose-gc', program('cycles.mjs')], { timeout: 600_000 });
  const { early, late, threads } = JSON.parse(stdout);
  // Without a leak both are the same but for what the allocator keeps; a leak of one SFU's state is much more.
  assert.ok(late - early < 8e6, stdout);
  assert.ok(threads < 40, stdout);
});
