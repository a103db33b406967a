// The two C programs in Chromium: it gets its own camera and microphone back. Called by
// bindings/c/run-tests, which builds them into the folder PLENUM_C_BIN.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Chromium } from '../meeting/tests/clients/chromium.mjs';
import { eventually } from '../meeting/tests/eventually.mjs';

const folder = process.env.PLENUM_C_BIN;

/** Frames and audio energy of what the page receives. */
async function received() {
  const all = [...(await window.pc.getStats()).values()];
  const of = (kind) => all.find((s) => s.type === 'inbound-rtp' && s.kind === kind) ?? {};
  return { frames: of('video').framesDecoded ?? 0, energy: of('audio').totalAudioEnergy ?? 0 };
}

async function seesAndHearsItself(page) {
  const first = await eventually('a first frame comes back', async () => {
    const now = await page.evaluate(received);
    return now.frames > 0 && now.energy > 0 && now;
  });
  await eventually('the picture moves and the sound goes on', async () => {
    const now = await page.evaluate(received);
    return now.frames > first.frames + 20 && now.energy > first.energy;
  });
}

/** A message that goes out and comes back. Runs in the page. */
async function echoed(message) {
  const pc = new RTCPeerConnection();
  const channel = pc.createDataChannel('chat');
  const back = new Promise((resolve) => (channel.onmessage = ({ data }) => resolve(data)));
  await pc.setLocalDescription();
  const reply = await fetch('/offer', { method: 'POST', body: pc.localDescription.sdp });
  await pc.setRemoteDescription({ type: 'answer', sdp: await reply.text() });
  await new Promise((resolve) => (channel.onopen = resolve));
  // Until the server sends back over the channel, messages go nowhere.
  const again = setInterval(() => channel.send(message), 200);
  const data = await back;
  clearInterval(again);
  pc.close();
  return data;
}

describe('the C examples', { timeout: 180_000 }, () => {
  let chromium, echo;

  before(async () => {
    echo = spawn(join(folder, 'c-echo'), ['0.0.0.0:40100', '8090'], { stdio: ['ignore', 'inherit', 'inherit'] });
    await eventually('the echo answers', async () => (await fetch('http://127.0.0.1:8090')).ok);
    chromium = await Chromium.launch();
  });

  after(async () => {
    await chromium?.close();
    echo?.kill();
  });

  test('c-echo gives camera and microphone back', async () => {
    const { page } = await chromium.person('Echo');
    await page.goto('http://127.0.0.1:8090', { waitUntil: 'commit' });
    await seesAndHearsItself(page);
    await page.close();
  });

  test('c-echo gives messages back', async () => {
    const { page } = await chromium.person('Data');
    await page.goto('http://127.0.0.1:8090', { waitUntil: 'commit' });
    assert.equal(await page.evaluate(echoed, 'größer'), 'größer');
    await page.close();
  });

  test('hello, in at most 30 lines, gives camera and microphone back', async () => {
    const source = await readFile(new URL('hello.c', import.meta.url), 'utf8');
    assert.ok(source.trimEnd().split('\n').length <= 30);
    const hello = spawn(join(folder, 'hello'), ['0.0.0.0:40200'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const { page } = await chromium.person('Hello');
    // The page of the other program, with its offer carried to this one.
    await page.route('**/offer', async (route) => {
      hello.stdin.end(route.request().postData());
      let answer = '';
      for await (const part of hello.stdout) answer += part;
      await route.fulfill({ body: answer, contentType: 'application/sdp' });
    });
    try {
      await page.goto('http://127.0.0.1:8090', { waitUntil: 'commit' });
      await seesAndHearsItself(page);
    } finally {
      hello.kill();
      await page.close();
    }
  });
});
