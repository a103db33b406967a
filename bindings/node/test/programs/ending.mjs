// Ends in the way that is named, with an SFU open. It is clean if the process says ok and ends by itself.
import { once } from 'node:events';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Sfu } from 'plenum-sfu';
import { loop, rtp } from '../support.mjs';

const open = () => Sfu.create({ listen: ['127.0.0.1:0'], shards: 2 });

/** Packets in and out, without end. */
async function busy() {
  const { source, producer, consumer } = await loop(await open());
  let came = 0;
  consumer.on('rtp', (packets) => (came += packets.length));
  const send = async (sequence) => {
    await source.sendRtp(producer, Array.from({ length: 60 }, (_, at) => rtp(1111, sequence + at)));
    setImmediate(send, sequence + 60);
  };
  await send(0);
  while (came < 1_000) await new Promise((resolve) => setTimeout(resolve, 1));
}

const ways = {
  async exit() {
    await loop(await open());
    console.log('ok');
    process.exit(0);
  },
  // An open SFU keeps the process alive; a closed one does not.
  async end() {
    const sfu = await open();
    await loop(sfu);
    setTimeout(async () => {
      await sfu.close();
      console.log('ok');
    }, 100);
  },
  async throw() {
    await loop(await open());
    console.log('ok');
    setImmediate(() => {
      throw new Error('on purpose');
    });
  },
  async busy() {
    await busy();
    console.log('ok');
    process.exit(0);
  },
  // Handles are forgotten and collected in whatever order, open and closed, and their SFUs after them.
  async collected() {
    for (let round = 0; round < 20; round += 1) {
      const sfu = await open();
      let held = await loop(sfu);
      const keys = Object.keys(held).sort(() => Math.random() - 0.5);
      for (const key of keys) {
        delete held[key];
        globalThis.gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
      held = undefined;
      if (round % 2) await sfu.close();
      else sfu.unref();
      globalThis.gc();
    }
    console.log('ok');
  },
  async unref() {
    const sfu = await open();
    await loop(sfu);
    sfu.unref();
    console.log('ok');
  },
  async terminate() {
    for (let round = 0; round < 5; round += 1) {
      const worker = new Worker(new URL(import.meta.url), { argv: ['in-worker'] });
      await once(worker, 'message');
      await worker.terminate();
    }
    console.log('ok');
  },
  async 'in-worker'() {
    await busy();
    parentPort.postMessage('busy');
  },
  // Several at once, each with its own SFU, which end by themselves.
  async workers() {
    const workers = [0, 1, 2, 3].map((number) => new Worker(new URL(import.meta.url), { argv: ['of-many'], workerData: number }));
    const sfu = await open();
    const told = await Promise.all(workers.map(async (worker) => {
      const [[message], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
      return code === 0 && message;
    }));
    await sfu.createRouter();
    await sfu.close();
    console.log(told.every((message) => message === 'closed') ? 'ok' : told.join());
  },
  async 'of-many'() {
    for (let round = 0; round < 3; round += 1) {
      const sfu = await open();
      await loop(sfu);
      if (round < 2 || workerData % 2) await sfu.close();
      else sfu.unref();
    }
    parentPort.postMessage('closed');
  },
  // Before the threads have started.
  async early() {
    open();
    console.log('ok');
    process.exit(0);
  },
};

if (!isMainThread && !parentPort) throw new Error('no port');
await ways[process.argv[2]]();
