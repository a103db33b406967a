// Opens and closes a thousand SFUs, and tells the resident memory after the first few hundred and in the end.
import { readdirSync } from 'node:fs';
import { Sfu } from 'plenum-sfu';
import { loop } from '../support.mjs';

async function memory() {
  for (let round = 0; round < 5; round += 1) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage.rss();
}

let early = 0;
for (let cycle = 1; cycle <= 1_000; cycle += 1) {
  const sfu = await Sfu.create({ listen: ['127.0.0.1:0'] });
  const { source } = await loop(sfu);
  await source.produceData({ label: 'x' });
  await sfu.close();
  if (cycle === 400) early = await memory();
}
const late = await memory();
console.log(JSON.stringify({ early, late, threads: readdirSync('/proc/self/task').length }));
