// A worker: an Sfu of this process, with one thread for its media.

import { accessSync, constants, readFileSync } from 'node:fs';
import { checkAppData, describe, type AppData } from './app_data.js';
import { Engine } from './engine.js';
import { EnhancedEventEmitter } from './enhanced_events.js';
import { WorkerClosedError } from './errors.js';
import { newId } from './ids.js';
import { Listeners } from './listeners.js';
import { checkListenInfo, type TransportPortRange } from './listen_info.js';
import { Logger } from './logger.js';
import { checkMediaCodecs, checkRoutable } from './media_codecs.js';
import { Router, type RouterOptions } from './router.js';
import type { RtpCapabilities } from './rtp_parameters.js';
import { WebRtcServer, type WebRtcServerOptions } from './webrtc_server.js';

const LOG_LEVELS = ['debug', 'warn', 'error', 'none'] as const;
const LOG_TAGS = [
  'info',
  'ice',
  'dtls',
  'rtp',
  'srtp',
  'rtcp',
  'rtx',
  'bwe',
  'score',
  'simulcast',
  'svc',
  'sctp',
  'message',
] as const;

export type WorkerLogLevel = (typeof LOG_LEVELS)[number];
export type WorkerLogTag = (typeof LOG_TAGS)[number];

/** Settings of `createWorker`. */
export type WorkerSettings<WorkerAppData extends AppData = AppData> = {
  /** Has no effect. */
  logLevel?: WorkerLogLevel;
  /** Has no effect. */
  logTags?: WorkerLogTag[];
  /** Lowest port where none is said. 10000 by default. */
  rtcMinPort?: number;
  /** Highest port where none is said. 59999 by default. */
  rtcMaxPort?: number;
  /** File with the certificate that endpoints are shown, as PEM. By default each worker makes one. */
  dtlsCertificateFile?: string;
  /** File with its private key, as PEM: an EC key on P-256 that is not encrypted. */
  dtlsPrivateKeyFile?: string;
  /** Has no effect: there is no other program. */
  workerBin?: string;
  /** Has no effect. */
  libwebrtcFieldTrials?: string;
  /** Has no effect. */
  disableLiburing?: boolean;
  appData?: WorkerAppData;
};

/** Settings of `worker.updateSettings`. */
export type WorkerUpdateableSettings<T extends AppData = AppData> = Pick<WorkerSettings<T>, 'logLevel' | 'logTags'>;

/** Resources of the process, as libuv's `uv_rusage_t` names them. */
export type WorkerResourceUsage = {
  /** Milliseconds in user mode. */
  ru_utime: number;
  /** Milliseconds in the kernel. */
  ru_stime: number;
  ru_maxrss: number;
  ru_ixrss: number;
  ru_idrss: number;
  ru_isrss: number;
  ru_minflt: number;
  ru_majflt: number;
  ru_nswap: number;
  ru_inblock: number;
  ru_oublock: number;
  ru_msgsnd: number;
  ru_msgrcv: number;
  ru_nsignals: number;
  ru_nvcsw: number;
  ru_nivcsw: number;
};

/** What `worker.dump()` tells. */
export type WorkerDump = {
  pid: number;
  webRtcServerIds: string[];
  routerIds: string[];
  channelMessageHandlers: { channelRequestHandlers: string[]; channelNotificationHandlers: string[] };
  liburing?: { sqeProcessCount: number; sqeMissCount: number; userDataMissCount: number };
};

export type WorkerEvents = { died: [Error]; subprocessclose: []; '@success': []; '@failure': [Error] };

export type WorkerObserver = EnhancedEventEmitter<WorkerObserverEvents>;

export type WorkerObserverEvents = { close: []; newwebrtcserver: [WebRtcServer]; newrouter: [Router] };

/** Silence after which a peer counts as disconnected; the default of `iceConsentTimeout`. */
const DISCONNECTED_AFTER_MS = 30_000;
/** A transport stays until the application closes it, however long its peer is silent. */
const FAILED_AFTER_MS = 365 * 24 * 3_600_000;

const logger = new Logger('Worker');

/** An SFU of this process. Made by `createWorker`. */
export class Worker<WorkerAppData extends AppData = AppData> extends EnhancedEventEmitter<WorkerEvents> {
  #engine!: Engine;
  #listeners!: Listeners;
  readonly #portRange: TransportPortRange;
  readonly #observer: WorkerObserver = new EnhancedEventEmitter<WorkerObserverEvents>();
  readonly #routers = new Set<Router<any>>();
  readonly #webRtcServers = new Set<WebRtcServer<any>>();
  #appData: WorkerAppData;
  #closed = false;
  #died = false;
  #subprocessClosed = false;

  private constructor(portRange: TransportPortRange, appData: WorkerAppData) {
    super();
    this.#portRange = portRange;
    this.#appData = appData;
    logger.watch(this);
  }

  /** @internal Starts the SFU of a new worker. */
  static async start<WorkerAppData extends AppData>(settings: WorkerSettings<WorkerAppData>): Promise<Worker<WorkerAppData>> {
    checkSettings(settings);
    const { rtcMinPort: min = 10_000, rtcMaxPort: max = 59_999, dtlsCertificateFile, dtlsPrivateKeyFile, appData } = settings;
    const worker = new Worker<WorkerAppData>({ min, max }, (appData ?? {}) as WorkerAppData);
    // What is listened on is said later, by WebRtcServers and transports.
    const options = {
      listen: ['127.0.0.1:0'],
      tcp: false,
      shards: 1,
      ...(dtlsCertificateFile === undefined ? {} : { certificate: readFileSync(dtlsCertificateFile, 'utf8') }),
      ...(dtlsPrivateKeyFile === undefined ? {} : { privateKey: readFileSync(dtlsPrivateKeyFile, 'utf8') }),
      disconnectedAfterMs: DISCONNECTED_AFTER_MS,
      failedAfterMs: FAILED_AFTER_MS,
    };
    worker.#engine = await Engine.start(options, () => worker.#ended());
    worker.#listeners = new Listeners(worker.#engine, worker.#portRange);
    return worker;
  }

  /** That of this process, in which the SFU runs. */
  get pid(): number {
    return process.pid;
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether it ended without being told to. */
  get died(): boolean {
    return this.#died;
  }

  /** Whether the SFU's threads are gone. */
  get subprocessClosed(): boolean {
    return this.#subprocessClosed;
  }

  get appData(): WorkerAppData {
    return this.#appData;
  }

  set appData(appData: WorkerAppData) {
    this.#appData = appData;
  }

  get observer(): WorkerObserver {
    return this.#observer;
  }

  /** @internal Ports that WebRTC transports share. */
  get listeners_(): Listeners {
    return this.#listeners;
  }

  /** @internal Ports to choose from where none is said. */
  get portRange_(): TransportPortRange {
    return this.#portRange;
  }

  /** Closes it, with all in it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#engine.close().catch((error: unknown) => logger.error('the SFU did not end well', error));
    this.#closeAll();
    this.#observer.safeEmit('close');
  }

  /** What is in it. */
  async dump(): Promise<WorkerDump> {
    this.#check('dump');
    const ids = (all: Iterable<{ id: string }>): string[] => [...all].map((each) => each.id);
    return {
      pid: this.pid,
      webRtcServerIds: ids(this.#webRtcServers),
      routerIds: ids(this.#routers),
      channelMessageHandlers: { channelRequestHandlers: [], channelNotificationHandlers: [] },
    };
  }

  /** Resources of this process, in which the SFU runs. */
  async getResourceUsage(): Promise<WorkerResourceUsage> {
    this.#check('getResourceUsage');
    const usage = process.resourceUsage();
    return {
      ru_utime: usage.userCPUTime / 1000,
      ru_stime: usage.systemCPUTime / 1000,
      ru_maxrss: usage.maxRSS,
      ru_ixrss: usage.sharedMemorySize,
      ru_idrss: usage.unsharedDataSize,
      ru_isrss: usage.unsharedStackSize,
      ru_minflt: usage.minorPageFault,
      ru_majflt: usage.majorPageFault,
      ru_nswap: usage.swappedOut,
      ru_inblock: usage.fsRead,
      ru_oublock: usage.fsWrite,
      ru_msgsnd: usage.ipcSent,
      ru_msgrcv: usage.ipcReceived,
      ru_nsignals: usage.signalsCount,
      ru_nvcsw: usage.voluntaryContextSwitches,
      ru_nivcsw: usage.involuntaryContextSwitches,
    };
  }

  /** Takes other log settings. They have no effect. */
  async updateSettings(options: WorkerUpdateableSettings<WorkerAppData> = {}): Promise<void> {
    checkLogSettings(options);
    this.#check('updateSettings');
  }

  /** Opens ports that many WebRTC transports share. */
  async createWebRtcServer<WebRtcServerAppData extends AppData = AppData>(
    options: WebRtcServerOptions<WebRtcServerAppData>,
  ): Promise<WebRtcServer<WebRtcServerAppData>> {
    const { listenInfos, appData } = options ?? {};
    if (!Array.isArray(listenInfos) || listenInfos.length === 0) {
      throw new TypeError(`listenInfos: expected an array that is not empty, got ${describe(listenInfos)}`);
    }
    listenInfos.forEach((info) => checkListenInfo(info, 'listenInfos[]'));
    checkAppData(appData);
    this.#check('createWebRtcServer');
    const listeners = await this.#listeners.open(listenInfos, { exclusive: true });
    this.#checkStill('createWebRtcServer');
    const server = new WebRtcServer<WebRtcServerAppData>({ id: newId(), worker: this as Worker<any>, listeners, appData });
    this.#webRtcServers.add(server);
    server.on('@close', () => this.#webRtcServers.delete(server));
    this.#observer.safeEmit('newwebrtcserver', server);
    return server;
  }

  /** Makes a router. */
  async createRouter<RouterAppData extends AppData = AppData>(
    options: RouterOptions<RouterAppData> = {},
  ): Promise<Router<RouterAppData>> {
    const { mediaCodecs = [], appData } = options;
    checkMediaCodecs(mediaCodecs);
    checkAppData(appData);
    this.#check('createRouter');
    checkRoutable(mediaCodecs);
    const made = await this.#engine.call<{ id: string; rtpCapabilities: RtpCapabilities }>('Sfu.createRouter', null, {
      codecs: mediaCodecs,
    });
    this.#checkStill('createRouter');
    const router = new Router<RouterAppData>({
      engine: this.#engine,
      engineId: made.id,
      id: newId(),
      worker: this as Worker<any>,
      rtpCapabilities: made.rtpCapabilities,
      appData,
    });
    this.#routers.add(router);
    router.on('@close', () => this.#routers.delete(router));
    this.#observer.safeEmit('newrouter', router);
    return router;
  }

  /** The SFU has ended, because it was told to or not. */
  #ended(): void {
    this.#subprocessClosed = true;
    if (!this.#closed) {
      this.#closed = true;
      this.#died = true;
      this.#closeAll();
      this.safeEmit('died', new Error('the SFU of the worker has ended'));
      this.#observer.safeEmit('close');
    }
    this.safeEmit('subprocessclose');
  }

  #closeAll(): void {
    for (const router of this.#routers) router.workerClosed();
    this.#routers.clear();
    for (const server of this.#webRtcServers) server.workerClosed();
    this.#webRtcServers.clear();
  }

  #check(method: string): void {
    if (this.#closed) throw new WorkerClosedError(`${method}: the worker is closed`);
  }

  #checkStill(method: string): void {
    if (this.#closed) throw new WorkerClosedError(`${method}: the worker was closed meanwhile`);
  }
}

function checkSettings(settings: WorkerSettings): void {
  const { rtcMinPort, rtcMaxPort, dtlsCertificateFile, dtlsPrivateKeyFile, libwebrtcFieldTrials, appData } = settings;
  checkAppData(appData);
  checkLogSettings(settings);
  const [min, max] = [rtcMinPort ?? 10_000, rtcMaxPort ?? 59_999];
  for (const [name, port] of Object.entries({ rtcMinPort: min, rtcMaxPort: max })) {
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw new TypeError(`${name}: expected 1 to 65535, got ${describe(port)}`);
  }
  if (min > max) throw new TypeError(`rtcMinPort, rtcMaxPort: expected a minimum not above the maximum, got ${min} and ${max}`);
  if (libwebrtcFieldTrials !== undefined && typeof libwebrtcFieldTrials !== 'string') {
    throw new TypeError(`libwebrtcFieldTrials: expected a text, got ${describe(libwebrtcFieldTrials)}`);
  }
  for (const [name, file] of Object.entries({ dtlsCertificateFile, dtlsPrivateKeyFile })) {
    if (file === undefined) continue;
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      throw new TypeError(`${name}: expected a file that can be read, got ${describe(file)}`, { cause: error });
    }
  }
  if ((dtlsCertificateFile === undefined) !== (dtlsPrivateKeyFile === undefined)) {
    throw new TypeError('dtlsCertificateFile, dtlsPrivateKeyFile: expected both or neither');
  }
}

function checkLogSettings({ logLevel, logTags }: Pick<WorkerSettings, 'logLevel' | 'logTags'>): void {
  if (logLevel !== undefined && !LOG_LEVELS.includes(logLevel)) {
    throw new TypeError(`logLevel: expected one of ${LOG_LEVELS.join(', ')}, got ${describe(logLevel)}`);
  }
  if (logTags === undefined) return;
  if (!Array.isArray(logTags)) throw new TypeError(`logTags: expected an array, got ${describe(logTags)}`);
  for (const tag of logTags) {
    if (!LOG_TAGS.includes(tag)) throw new TypeError(`logTags: expected some of ${LOG_TAGS.join(', ')}, got ${describe(tag)}`);
  }
}
