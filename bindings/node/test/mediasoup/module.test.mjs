// The module itself: workers, capabilities, scalability modes, logs, emitters, errors.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { mediasoup, next, openRouter, record } from './media.mjs';

const { createWorker, extras, observer } = mediasoup;

describe('the module', () => {
  test('has what mediasoup has, for import and for require', () => {
    const names = ['createWorker', 'errors', 'extras', 'getSupportedRtpCapabilities', 'observer', 'parseScalabilityMode', 'setLogEventListeners', 'version', 'workerBin'];
    const required = createRequire(import.meta.url)('../../dist/mediasoup/index.js');
    for (const name of names) {
      assert.notEqual(mediasoup[name], undefined, name);
      assert.equal(mediasoup.default[name], mediasoup[name], name);
      assert.equal(required[name], mediasoup[name], `${name}: two copies of the classes`);
    }
    assert.match(mediasoup.version, /^\d+\.\d+\.\d+/);
  });

  test('gives capabilities as a copy', () => {
    const capabilities = mediasoup.getSupportedRtpCapabilities();
    assert.ok(capabilities.codecs.some(({ mimeType }) => mimeType === 'video/VP8'));
    capabilities.codecs.length = 0;
    assert.ok(mediasoup.getSupportedRtpCapabilities().codecs.length > 0);
  });

  test('reads scalability modes', () => {
    const { parseScalabilityMode: parse } = mediasoup;
    const one = { spatialLayers: 1, temporalLayers: 1, ksvc: false };
    assert.deepEqual(parse('L1T3'), { ...one, temporalLayers: 3 });
    assert.deepEqual(parse('S3T2'), { ...one, spatialLayers: 3, temporalLayers: 2 });
    assert.deepEqual(parse('L3T2_KEY'), { spatialLayers: 3, temporalLayers: 2, ksvc: true });
    assert.deepEqual(parse('L12T3'), { ...one, spatialLayers: 12, temporalLayers: 3 });
    for (const none of [undefined, '', 'foo', 'L0T1', 'L1T0', 'T1L1', null]) assert.deepEqual(parse(none), one, String(none));
  });

  test('tells of new workers', async () => {
    const told = next(observer, 'newworker');
    const worker = await createWorker();
    assert.deepEqual(await told, [worker]);
    worker.close();
  });

  test('logs to the functions that it was given, until it is given none', async (t) => {
    const logs = [];
    mediasoup.setLogEventListeners({ onerror: (namespace, log, error) => logs.push([namespace, log, error]) });
    t.after(() => mediasoup.setLogEventListeners());
    const { router } = await openRouter(t);
    assert.equal(router.canConsume({ producerId: 'nobody', rtpCapabilities: router.rtpCapabilities }), false);
    assert.equal(logs.length, 1);
    assert.match(logs[0][0], /:Router$/);
    assert.match(logs[0][1], /nobody/);
    mediasoup.setLogEventListeners();
    router.canConsume({ producerId: 'nobody', rtpCapabilities: router.rtpCapabilities });
    assert.equal(logs.length, 1);
  });

  test('has errors with names', () => {
    for (const name of ['InvalidStateError', 'UnsupportedError', 'NotFoundError', 'WorkerClosedError']) {
      const error = new mediasoup.errors[name]('why');
      assert.ok(error instanceof Error);
      assert.deepEqual([error.name, error.message], [name, 'why']);
      assert.match(error.stack, /why/);
    }
    assert.ok(new mediasoup.errors.NotFoundError('') instanceof mediasoup.InvalidStateError);
  });
});

describe('an emitter', () => {
  test('tells exceptions of its listeners instead of throwing them', () => {
    const emitter = new extras.EnhancedEventEmitter();
    const failures = [];
    emitter.on('listenererror', (name, error) => failures.push([name, error.message]));
    emitter.on('event', () => {
      throw new Error('of a listener');
    });
    assert.equal(emitter.safeEmit('event', 1), true);
    assert.deepEqual(failures, [['event', 'of a listener']]);
    assert.equal(emitter.safeEmit('other'), false);
    assert.throws(() => emitter.emit('event'), /of a listener/);
    emitter.on('listenererror', () => {
      throw new Error('again');
    });
    assert.equal(emitter.safeEmit('event'), true);
  });

  test('has any number of listeners, in any order', async () => {
    const emitter = new extras.EnhancedEventEmitter();
    const heard = [];
    emitter.on('x', () => heard.push('on'));
    emitter.prependListener('x', () => heard.push('first'));
    emitter.once('x', () => heard.push('once'));
    emitter.prependOnceListener('x', () => heard.push('once first'));
    const waited = extras.enhancedOnce(emitter, 'x');
    emitter.safeEmit('x', 7, 8);
    emitter.safeEmit('x');
    assert.deepEqual(heard, ['once first', 'first', 'on', 'once', 'first', 'on']);
    assert.deepEqual(await waited, [7, 8]);
    assert.equal(emitter.getMaxListeners(), Infinity);
    assert.equal(emitter.listenerCount('x'), 2);
    emitter.removeAllListeners('x');
    assert.deepEqual(emitter.listeners('x'), []);
  });
});

describe('a worker', () => {
  test('shows the certificate that it was given', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const files = (kind, options) => {
      const { publicKey, privateKey } = generateKeyPairSync(kind, options);
      // Only the key in it is looked at, and the digest of the whole.
      const der = publicKey.export({ type: 'spki', format: 'der' });
      const names = [join(folder, `${kind}.crt`), join(folder, `${kind}.key`)];
      writeFileSync(names[0], `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`);
      writeFileSync(names[1], privateKey.export({ type: 'pkcs8', format: 'pem' }));
      return { der, settings: { dtlsCertificateFile: names[0], dtlsPrivateKeyFile: names[1] } };
    };
    const { der, settings } = files('ec', { namedCurve: 'P-256' });
    const worker = await createWorker(settings);
    t.after(() => worker.close());
    const router = await worker.createRouter();
    const { dtlsParameters } = await router.createWebRtcTransport({ listenIps: ['127.0.0.1'] });
    const digest = createHash('sha256').update(der).digest('hex').toUpperCase().match(/../g).join(':');
    assert.equal(dtlsParameters.fingerprints.find(({ algorithm }) => algorithm === 'sha-256').value.toUpperCase(), digest);
    const { settings: rsa } = files('rsa', { modulusLength: 2048 });
    await assert.rejects(createWorker(rsa), mediasoup.UnsupportedError);
    await assert.rejects(createWorker({ ...settings, dtlsPrivateKeyFile: rsa.dtlsPrivateKeyFile }), mediasoup.UnsupportedError);
  });

  test('has settings, which are checked', async () => {
    const wrong = [
      { logLevel: 'chicken' },
      { logTags: 'ice' },
      { logTags: ['chicken'] },
      { rtcMinPort: 1000, rtcMaxPort: 999 },
      { rtcMinPort: 0 },
      { rtcMaxPort: 70_000 },
      { dtlsCertificateFile: '/not/there.pem' },
      { dtlsPrivateKeyFile: '/not/there.pem' },
      { libwebrtcFieldTrials: 7 },
      { appData: 'not an object' },
      { appData: null },
    ];
    for (const settings of wrong) {
      await assert.rejects(createWorker(settings), TypeError, JSON.stringify(settings));
    }
    const file = new URL(import.meta.url).pathname;
    await assert.rejects(createWorker({ dtlsCertificateFile: file, dtlsPrivateKeyFile: file }), TypeError);
    await assert.rejects(createWorker({ dtlsCertificateFile: file }), TypeError);
    const worker = await createWorker({
      logLevel: 'debug',
      logTags: ['info', 'sctp'],
      rtcMinPort: 40_000,
      rtcMaxPort: 40_100,
      libwebrtcFieldTrials: 'WebRTC-Bwe-AlrLimitedBackoff/Disabled/',
      disableLiburing: true,
      appData: { bar: 456 },
    });
    assert.deepEqual(worker.appData, { bar: 456 });
    worker.appData = { bar: 457 };
    assert.deepEqual(worker.appData, { bar: 457 });
    await worker.updateSettings({ logLevel: 'none', logTags: [] });
    await worker.updateSettings();
    await assert.rejects(worker.updateSettings({ logLevel: 'loud' }), TypeError);
    worker.close();
  });

  test('tells what is in it, and what it uses', async (t) => {
    const { worker, router } = await openRouter(t);
    const server = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }] });
    assert.equal(worker.pid, process.pid);
    const dump = await worker.dump();
    assert.deepEqual([dump.pid, dump.routerIds, dump.webRtcServerIds], [process.pid, [router.id], [server.id]]);
    const usage = await worker.getResourceUsage();
    for (const name of ['ru_utime', 'ru_stime', 'ru_maxrss', 'ru_minflt', 'ru_nvcsw', 'ru_nivcsw', 'ru_nsignals', 'ru_inblock']) {
      assert.equal(typeof usage[name], 'number', name);
    }
    assert.ok(usage.ru_maxrss > 0);
    router.close();
    server.close();
    assert.deepEqual((await worker.dump()).routerIds, []);
    assert.deepEqual((await worker.dump()).webRtcServerIds, []);
  });

  test('closes all that is in it, and then refuses everything', async (t) => {
    const { worker, router } = await openRouter(t);
    const server = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }] });
    const transport = await router.createWebRtcTransport({ webRtcServer: server });
    const heard = [
      record(worker.observer, ['close']),
      record(router, ['workerclose']),
      record(router.observer, ['close']),
      record(server, ['workerclose']),
      record(server.observer, ['close']),
      record(transport, ['routerclose']),
      record(transport.observer, ['close']),
    ];
    const ended = next(worker, 'subprocessclose');
    assert.deepEqual([worker.closed, worker.subprocessClosed], [false, false]);
    worker.close();
    worker.close();
    assert.deepEqual(heard, [['close'], ['workerclose'], ['close'], ['workerclose'], ['close'], ['routerclose'], ['close']]);
    assert.deepEqual([worker.closed, worker.died, router.closed, server.closed, transport.closed], [true, false, true, true, true]);
    await ended;
    assert.equal(worker.subprocessClosed, true);
    for (const call of [
      () => worker.dump(),
      () => worker.getResourceUsage(),
      () => worker.updateSettings(),
      () => worker.createRouter(),
      () => worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }] }),
      () => router.dump(),
      () => router.createDirectTransport(),
      () => transport.getStats(),
    ]) {
      await assert.rejects(call(), (error) => error instanceof mediasoup.InvalidStateError && error.name === 'WorkerClosedError');
    }
  });

  test('refuses what was begun when it is closed meanwhile', async () => {
    const worker = await createWorker();
    const begun = worker.createRouter();
    worker.close();
    await assert.rejects(begun, { name: 'WorkerClosedError' });
  });
});
