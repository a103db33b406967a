// The smallest program on the library: a browser gets its own camera, microphone and messages back,
// over UDP and IPv6, and over TCP where a firewall lets nothing else through. GStreamer does the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Chromium } from './clients/chromium.mjs';
import { Firefox } from './clients/firefox.mjs';
import { EchoProgram, received } from './echo_program.mjs';
import { eventually } from './eventually.mjs';

const run = promisify(execFile);

/** Keeps only the candidates of one protocol in what the page is answered. */
function onlyBy(protocol) {
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    const kept = sdp.split('\r\n').filter((line) => {
      return !line.startsWith('a=candidate:') || line.split(' ')[2].toLowerCase() === protocol;
    });
    return original.call(this, { type, sdp: kept.join('\r\n') });
  };
}

/**
 * Messages of several data channels, one of them opened when all is connected, and what came back.
 * Runs in the page.
 */
async function messagesAndEchoes() {
  const pc = new RTCPeerConnection();
  const channels = [
    pc.createDataChannel('reliable', { protocol: 'echo' }),
    pc.createDataChannel('unordered', { ordered: false }),
    pc.createDataChannel('limited', { maxRetransmits: 5 }),
  ];
  await pc.setLocalDescription();
  const reply = await fetch('/offer', { method: 'POST', body: pc.localDescription.sdp });
  await pc.setRemoteDescription({ type: 'answer', sdp: await reply.text() });
  const opened = (channel) =>
    channel.readyState === 'open' || new Promise((resolve) => (channel.onopen = resolve));
  await Promise.all(channels.map(opened));
  channels.push(pc.createDataChannel('late'));
  await opened(channels.at(-1));
  // The server needs a moment to send a channel's messages back over it.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const big = new Uint8Array(200_000).map((_, at) => at * 31);
  const sent = ['hello', '', 'größer', big, new Uint8Array(0), ...Array.from({ length: 100 }, (_, at) => `${at}`)];
  const text = (data) => (typeof data === 'string' ? data : `${data.byteLength}:${new Uint8Array(data).join()}`);
  const echoes = channels.map((channel) => {
    channel.binaryType = 'arraybuffer';
    const got = [];
    const all = new Promise((resolve) => {
      channel.onmessage = ({ data }) => got.push(text(data)) === sent.length && resolve();
    });
    for (const message of sent) channel.send(message);
    return all.then(() => (channel.ordered ? got : got.sort()));
  });
  const expected = sent.map(text);
  const sorted = [...expected].sort();
  const whole = (await Promise.all(echoes)).map((got, at) => {
    return JSON.stringify(got) === JSON.stringify(channels[at].ordered ? expected : sorted);
  });
  const closed = new Promise((resolve) => (channels[0].onclose = resolve));
  channels[0].close();
  await closed;
  pc.close();
  return whole;
}

/** A PEM file with a key and a certificate of the kind that every WebRTC peer takes. */
async function ecdsaCertificate() {
  const folder = await mkdtemp(join(tmpdir(), 'plenum-'));
  const [key, certificate, both] = ['key.pem', 'certificate.pem', 'both.pem'].map((name) => join(folder, name));
  await run('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-subj', '/CN=gstreamer', '-days', '2', '-keyout', key, '-out', certificate,
  ]);
  await writeFile(both, (await readFile(key, 'utf8')) + (await readFile(certificate, 'utf8')));
  return both;
}

describe('the echo example', { timeout: 180_000 }, () => {
  let chromium, ipv4, ipv6;

  before(async () => {
    [ipv4, ipv6] = [await EchoProgram.start('echo', '0.0.0.0'), await EchoProgram.start('echo', '[fd91::1]')];
    chromium = await Chromium.launch();
  });

  after(async () => {
    await chromium?.close();
    ipv4?.stop();
    ipv6?.stop();
  });

  const ways = [
    { protocol: 'udp', version: 'IPv4', of: () => ipv4 },
    { protocol: 'tcp', version: 'IPv4', of: () => ipv4 },
    { protocol: 'udp', version: 'IPv6', of: () => ipv6 },
    { protocol: 'tcp', version: 'IPv6', of: () => ipv6 },
  ];
  for (const { protocol, version, of } of ways) {
    test(`gives camera and microphone back over ${protocol} and ${version}`, async () => {
      const prepare = { script: onlyBy, argument: protocol };
      const { page } = await chromium.person('Echo', { prepare });
      await page.goto(of().url, { waitUntil: 'commit' });
      const first = await eventually('a first frame comes back', async () => {
        const now = await page.evaluate(received);
        return now.frames > 0 && now.energy > 0 && now;
      });
      assert.equal(first.protocol, protocol);
      assert.equal(first.address.includes(':'), version === 'IPv6', first.address);
      await eventually('the picture moves and the sound goes on', async () => {
        const now = await page.evaluate(received);
        return now.frames > first.frames + 20 && now.energy > first.energy;
      });
      await page.close();
    });
  }

  test('gives the messages of data channels back', async () => {
    const { page } = await chromium.person('Data');
    await page.goto(ipv4.url, { waitUntil: 'commit' });
    assert.deepEqual(await page.evaluate(messagesAndEchoes), [true, true, true, true]);
    await page.close();
  });

  test('gives the messages of data channels back to Firefox', async () => {
    const firefox = await Firefox.launch();
    try {
      const { page } = await firefox.person('Data');
      await page.goto(ipv4.url);
      assert.deepEqual(await page.evaluate(messagesAndEchoes), [true, true, true, true]);
    } finally {
      await firefox.close();
    }
  });

  test('gives GStreamer its picture and sound back', async () => {
    const script = new URL('clients/gstreamer_echo.py', import.meta.url).pathname;
    const certificate = await ecdsaCertificate();
    const { stdout } = await run('/usr/bin/python3', [script, ipv4.url, '60', certificate]);
    const decoded = JSON.parse(stdout);
    assert.ok(decoded.video >= 30 && decoded.audio >= 100, stdout);
  });

  test('refuses what is no offer, and says why', async () => {
    const answer = await fetch(`${ipv4.url}/offer`, { method: 'POST', body: 'hello' });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /v=/);
  });
});
