// The hello example, with a browser: Chromium gets its own camera, microphone and messages back.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { eventually } from '../support.mjs';

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--use-fake-device-for-media-stream=fps=10',
  '--use-fake-ui-for-media-stream',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
];

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Frames and audio energy of what the page receives. Runs in the page. */
async function received() {
  const all = [...(await window.pc.getStats()).values()];
  const of = (kind) => all.find((each) => each.type === 'inbound-rtp' && each.kind === kind) ?? {};
  return { frames: of('video').framesDecoded ?? 0, energy: of('audio').totalAudioEnergy ?? 0 };
}

/** What comes back of some messages over a channel. Runs in the page. */
async function messages() {
  const pc = new RTCPeerConnection();
  const channel = pc.createDataChannel('chat');
  channel.binaryType = 'arraybuffer';
  await pc.setLocalDescription();
  const reply = await fetch('/offer', { method: 'POST', body: pc.localDescription.sdp });
  await pc.setRemoteDescription({ type: 'answer', sdp: await reply.text() });
  await new Promise((resolve) => (channel.onopen = resolve));
  const got = [];
  // Messages that come before the server has answered on the channel are not kept: the first is sent until it is back.
  const first = new Promise((resolve) => (channel.onmessage = resolve));
  const timer = setInterval(() => channel.send('hello'), 50);
  await first;
  clearInterval(timer);
  const end = new Promise((resolve) => {
    channel.onmessage = ({ data }) => {
      if (data === 'hello') return;
      got.push(typeof data === 'string' ? data : [...new Uint8Array(data)]);
      if (data === 'end') resolve();
    };
  });
  for (const message of ['größer', new Uint8Array([1, 2, 3]), 'end']) channel.send(message);
  await end;
  return got;
}

describe('the hello example', { timeout: 180_000 }, () => {
  let browser, example, url;

  before(async () => {
    const port = await freePort();
    const file = new URL('../../examples/hello.mjs', import.meta.url).pathname;
    example = spawn(process.execPath, [file, '0.0.0.0:0', String(port)], { stdio: 'inherit' });
    url = `http://localhost:${port}`;
    await eventually('the example answers', () => fetch(url).then((answer) => answer.ok, () => false));
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: FLAGS,
      // A silenced element would report no audio energy.
      ignoreDefaultArgs: ['--mute-audio'],
    });
  });

  after(async () => {
    await browser?.close();
    example?.kill();
  });

  test('gives camera and microphone back', async () => {
    const page = await browser.newPage();
    await page.goto(url, { waitUntil: 'commit' });
    const first = await eventually('a first frame comes back', async () => {
      const now = await page.evaluate(received).catch(() => ({}));
      return now.frames > 0 && now.energy > 0 && now;
    });
    await eventually('the picture moves and the sound goes on', async () => {
      const now = await page.evaluate(received);
      return now.frames > first.frames + 20 && now.energy > first.energy;
    });
    await page.close();
  });

  test('gives messages back', async () => {
    const page = await browser.newPage();
    await page.goto(url, { waitUntil: 'commit' });
    assert.deepEqual(await page.evaluate(messages), ['größer', [1, 2, 3], 'end']);
    await page.close();
  });

  test('refuses what is no offer, and says why', async () => {
    const answer = await fetch(url, { method: 'POST', body: 'hello' });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /v=/);
  });
});
