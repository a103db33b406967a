// What a server hears of a real endpoint: mediasoup-client in Chromium connects, receives messages of the server,
// restarts ICE, and hangs up.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { eventually, mediasoup, MEDIA_CODECS, next } from '../media.mjs';

/** mediasoup-client as a script that a page can take. */
async function clientScript() {
  const contents = "import * as client from 'mediasoup-client'; globalThis.mediasoupClient = client;";
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: new URL('..', import.meta.url).pathname },
    bundle: true,
    write: false,
    format: 'iife',
  });
  return outputFiles[0].text;
}

/** Loads a device and makes its receiving transport. Runs in the page. */
async function openDevice({ routerRtpCapabilities, parameters }) {
  globalThis.device = await globalThis.mediasoupClient.Device.factory();
  await globalThis.device.load({ routerRtpCapabilities });
  globalThis.transport = globalThis.device.createRecvTransport(parameters);
  globalThis.transport.on('connect', ({ dtlsParameters }, resolve, reject) => {
    globalThis.connectTransport(dtlsParameters).then(resolve, reject);
  });
  globalThis.received = [];
  globalThis.lengths = [];
}

/** Receives the messages of a data consumer. Runs in the page. */
async function receive(options) {
  const consumer = await globalThis.transport.consumeData(options);
  consumer.binaryType = 'arraybuffer';
  consumer.on('message', (data) => {
    if (typeof data === 'string') globalThis.received.push(data);
    else globalThis.lengths.push(data.byteLength);
  });
}

describe('a real endpoint', { timeout: 120_000 }, () => {
  let browser, worker, router, script;

  before(async () => {
    script = await clientScript();
    worker = await mediasoup.createWorker();
    router = await worker.createRouter({ mediaCodecs: MEDIA_CODECS });
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless=new', '--no-sandbox', '--disable-gpu'] });
  });

  after(async () => {
    await browser?.close();
    worker?.close();
  });

  /** An empty page with mediasoup-client, of an origin that may use WebRTC. */
  async function openPage() {
    const page = await browser.newPage();
    await page.route('https://page.invalid/', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
    await page.goto('https://page.invalid/');
    await page.addScriptTag({ content: script });
    return page;
  }

  /** A page with mediasoup-client, and the transport that it receives by; states are recorded in order. */
  async function connect() {
    const transport = await router.createWebRtcTransport({ listenInfos: [{ protocol: 'udp', ip: '10.92.0.1' }], enableSctp: true });
    const states = [];
    for (const emitter of [transport, transport.observer]) {
      const name = emitter === transport ? 'transport' : 'observer';
      for (const event of ['icestatechange', 'dtlsstatechange', 'sctpstatechange', 'iceselectedtuplechange']) {
        emitter.on(event, (state) => states.push(`${name} ${event} ${state.protocol ?? state}`));
      }
    }
    const page = await openPage();
    await page.exposeFunction('connectTransport', (dtlsParameters) => transport.connect({ dtlsParameters }));
    const { id, iceParameters, iceCandidates, dtlsParameters, sctpParameters } = transport;
    const parameters = { id, iceParameters, iceCandidates, dtlsParameters, sctpParameters };
    await page.evaluate(openDevice, { routerRtpCapabilities: router.rtpCapabilities, parameters });
    const direct = await router.createDirectTransport();
    const producer = await direct.produceData({ label: 'news' });
    const consumer = await transport.consumeData({ dataProducerId: producer.id });
    const { id: of, dataProducerId, sctpStreamParameters, label, protocol } = consumer;
    await page.evaluate(receive, { id: of, dataProducerId, sctpStreamParameters, label, protocol });
    await eventually('the channel is there', () => transport.sctpState === 'connected');
    return { transport, states, page, direct, producer, consumer };
  }

  test('tells its states in order, gets messages, and is heard when it hangs up', async () => {
    const { transport, states, page, producer, consumer } = await connect();
    const of = (event) => states.filter((each) => each.startsWith(`transport ${event}`)).map((each) => each.split(' ')[2]);
    assert.deepEqual(of('icestatechange'), ['connected', 'completed']);
    assert.deepEqual(of('dtlsstatechange'), ['connecting', 'connected']);
    assert.deepEqual(of('sctpstatechange'), ['connecting', 'connected']);
    assert.deepEqual(of('iceselectedtuplechange'), ['udp']);
    const names = (name) => states.filter((each) => each.startsWith(name)).map((each) => each.slice(name.length));
    assert.deepEqual(names('observer'), names('transport'));
    assert.deepEqual([transport.iceState, transport.dtlsState, transport.iceSelectedTuple.remoteIp], ['completed', 'connected', '10.92.0.1']);
    assert.deepEqual(transport.sctpNegotiatedCapabilities, { negotiatedMaxOutboundStreams: 1024, negotiatedMaxInboundStreams: 1024 });

    producer.send('to all');
    await consumer.send('to you');
    await consumer.pause();
    producer.send('not heard');
    await consumer.resume();
    producer.send('again');
    await eventually('the messages arrive', async () => (await page.evaluate(() => globalThis.received)).length === 3);
    assert.deepEqual(await page.evaluate(() => globalThis.received), ['to all', 'to you', 'again']);
    const [{ type, messagesSent }] = await consumer.getStats();
    assert.deepEqual([type, messagesSent], ['data-consumer', 3]);
    const [{ bytesSent, sctpState }] = await transport.getStats();
    assert.deepEqual([bytesSent, sctpState], ['to all'.length + 'to you'.length + 'again'.length, 'connected']);

    const closed = next(transport, 'dtlsstatechange');
    await page.evaluate(() => globalThis.transport.close());
    assert.deepEqual(await closed, ['closed']);
    assert.equal(transport.closed, false, 'that is left to the server');
    const ended = next(consumer.observer, 'close');
    transport.close();
    await ended;
    await page.close();
  });

  test('tells when what waits for it has been sent', async () => {
    const { transport, page, direct, consumer } = await connect();
    await consumer.setBufferedAmountLowThreshold(1_000);
    const low = next(consumer, 'bufferedamountlow');
    let most = 0;
    for (let n = 0; n < 4; n += 1) most = Math.max(most, await consumer.send(Buffer.alloc(200_000, n)));
    assert.ok(most > 1_000, `${most} bytes wait`);
    const [waits] = await low;
    assert.ok(waits <= most);
    await eventually('all arrive', async () => (await page.evaluate(() => globalThis.lengths)).length === 4);
    assert.deepEqual(await page.evaluate(() => globalThis.lengths), [200_000, 200_000, 200_000, 200_000]);
    await eventually('all is acknowledged', async () => (await consumer.getBufferedAmount()) === 0);
    direct.close();
    transport.close();
    await page.close();
  });

  test('goes on through a restart of ICE', async () => {
    const { transport, page, producer } = await connect();
    const iceParameters = await transport.restartIce();
    await page.evaluate((iceParameters) => globalThis.transport.restartIce({ iceParameters }), iceParameters);
    producer.send('still here');
    await eventually('the message arrives', async () => (await page.evaluate(() => globalThis.received)).includes('still here'));
    await eventually('ICE is complete', () => transport.iceState === 'completed');
    assert.equal(transport.dtlsState, 'connected');
    transport.close();
    await page.close();
  });

  test('is refused with a wrong fingerprint', async () => {
    const transport = await router.createWebRtcTransport({ listenInfos: [{ protocol: 'udp', ip: '10.92.0.1' }], enableSctp: true });
    const page = await openPage();
    await page.exposeFunction('connectTransport', (dtlsParameters) => {
      for (const fingerprint of dtlsParameters.fingerprints) fingerprint.value = fingerprint.value.replace(/[0-9a-f]{2}/gi, '00');
      return transport.connect({ dtlsParameters });
    });
    const { id, iceParameters, iceCandidates, dtlsParameters, sctpParameters } = transport;
    await page.evaluate(openDevice, { routerRtpCapabilities: router.rtpCapabilities, parameters: { id, iceParameters, iceCandidates, dtlsParameters, sctpParameters } });
    const producer = await (await router.createDirectTransport()).produceData();
    const { id: of, dataProducerId, sctpStreamParameters } = await transport.consumeData({ dataProducerId: producer.id });
    const states = [];
    transport.on('dtlsstatechange', (state) => states.push(state));
    await page.evaluate(receive, { id: of, dataProducerId, sctpStreamParameters, label: '', protocol: '' });
    await eventually('DTLS has failed', () => transport.dtlsState === 'failed');
    assert.equal(states.at(-1), 'failed');
    transport.close();
    await page.close();
  });
});
