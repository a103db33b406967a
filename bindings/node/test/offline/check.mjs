// Runs in a folder with nothing in it but the installed package: both kinds of import, the examples, the README.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const node = (...options) => run(process.execPath, options, { timeout: 120_000 });
const installed = 'node_modules/plenum-sfu';
cpSync(`${installed}/examples`, '.', { recursive: true });

const PROGRAM = `
  const sfu = await Sfu.create({ listen: ['127.0.0.1:0'] });
  const room = await sfu.createRouter();
  console.log(room.rtpCapabilities.codecs.length > 0, (await sfu.addresses()).length);
  await sfu.close();`;

test('works with import', async () => {
  writeFileSync('import.mjs', `import { Sfu } from 'plenum-sfu';${PROGRAM}`);
  assert.equal((await node('import.mjs')).stdout, 'true 1\n');
});

test('works with require', async () => {
  writeFileSync('require.cjs', `const { Sfu } = require('plenum-sfu'); (async () => {${PROGRAM}})();`);
  assert.equal((await node('require.cjs')).stdout, 'true 1\n');
});

test('has the facade of mediasoup, for both', async () => {
  writeFileSync('import_facade.mjs', `import * as mediasoup from 'plenum-sfu/mediasoup'; console.log(typeof mediasoup.createWorker);`);
  writeFileSync('require_facade.cjs', `console.log(typeof require('plenum-sfu/mediasoup').createWorker);`);
  for (const file of ['import_facade.mjs', 'require_facade.cjs']) assert.equal((await node(file)).stdout, 'function\n');
});

test('runs the example of levels', async () => {
  assert.equal((await node('levels.cjs')).stdout, 'loud -10\nquiet -50\n');
});

test('runs the hello example', async () => {
  const example = spawn(process.execPath, ['hello.mjs', '127.0.0.1:0', '18090'], { stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => example.kill());
  await new Promise((resolve) => example.stdout.once('data', resolve));
  const page = await fetch('http://127.0.0.1:18090');
  assert.match(await page.text(), /getUserMedia/);
  const refused = await fetch('http://127.0.0.1:18090', { method: 'POST', body: 'hello' });
  assert.equal(refused.status, 400);
});

test('runs each program of the README', async () => {
  const programs = [...readFileSync('README.md', 'utf8').matchAll(/^```js\n(.*?)^```/gms)].map(([, text]) => text);
  assert.ok(programs.length >= 2);
  for (const [at, text] of programs.entries()) {
    writeFileSync(`readme${at}.mjs`, text);
    const { stdout } = await node(`readme${at}.mjs`);
    for (const [, expected] of text.matchAll(/\/\/ prints: (.*)$/gm)) assert.ok(stdout.includes(expected), `${expected} in ${stdout}`);
  }
});

test('says which package is missing when the binary is', async () => {
  const { platformName } = createRequire(import.meta.url)('./node_modules/plenum-sfu/dist/platforms.js');
  const binary = `${installed}/plenum-sfu.${platformName()}.node`;
  assert.ok(existsSync(binary));
  renameSync(binary, `${binary}.away`);
  try {
    const error = await node('import.mjs').catch((thrown) => thrown);
    assert.match(error.stderr, /Install the package plenum-sfu-(linux|darwin)-/);
  } finally {
    renameSync(`${binary}.away`, binary);
  }
});
