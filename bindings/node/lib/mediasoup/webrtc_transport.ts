// A transport to a WebRTC endpoint: ICE, DTLS, and data channels if they are wanted.

import { isDeepStrictEqual } from 'node:util';
import type { SfuEvent } from '../events.js';
import type { Tuple } from '../parameters.js';
import type { TransportStats } from '../stats.js';
import { describe, type AppData, type Either } from './app_data.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import { InvalidStateError, NotFoundError } from './errors.js';
import type { Listener } from './listeners.js';
import { iceCandidates, splitHostAndPort, type IceCandidate, type TransportListenInfo, type TransportListenIp } from './listen_info.js';
import { negotiatedCapabilities, type SctpNegotiatedCapabilities, type SctpOptions, type SctpParameters, type SctpState } from './sctp_parameters.js';
import type { BaseTransportStats } from './stats.js';
import {
  Transport,
  type BaseTransportDump,
  type TransportEvents,
  type TransportObserverEvents,
  type TransportParts,
} from './transport.js';
import { tupleOf, type TransportTuple } from './tuple.js';
import type { WebRtcServer } from './webrtc_server.js';

/** Options of `router.createWebRtcTransport`. */
export type WebRtcTransportOptions<WebRtcTransportAppData extends AppData = AppData> = {
  /** By UDP. So by default. */
  enableUdp?: boolean;
  /** By TCP. So by default with a WebRtcServer only. */
  enableTcp?: boolean;
  /** UDP before TCP. */
  preferUdp?: boolean;
  /** TCP before UDP. */
  preferTcp?: boolean;
  /** Seconds of silence after which the endpoint counts as disconnected: 30, or 0 for never. */
  iceConsentTimeout?: number;
  /** Has no effect. */
  initialAvailableOutgoingBitrate?: number;
  appData?: WebRtcTransportAppData;
} & SctpOptions & Either<
  Either<
    { listenInfos: TransportListenInfo[] },
    {
      /** @deprecated `listenInfos` say more. */
      listenIps: (TransportListenIp | string)[];
      /** Port of all of them; by default one of the worker's. */
      port?: number;
    }
  >,
  { webRtcServer: WebRtcServer }
>;

export type { IceCandidate } from './listen_info.js';

/** ICE credentials of one side. */
export type IceParameters = { usernameFragment: string; password: string; iceLite?: boolean };

/** Hash functions of fingerprints. */
export type FingerprintAlgorithm = 'sha-1' | 'sha-224' | 'sha-256' | 'sha-384' | 'sha-512';

/** A digest of a certificate. */
export type DtlsFingerprint = { algorithm: FingerprintAlgorithm; value: string };

/** DTLS of one side. */
export type DtlsParameters = { role?: DtlsRole; fingerprints: DtlsFingerprint[] };

export type IceRole = 'controlled' | 'controlling';
export type IceState = 'new' | 'connected' | 'completed' | 'disconnected' | 'closed';
export type IceCandidateType = 'host';
export type IceCandidateTcpType = 'passive';
export type DtlsRole = 'auto' | 'client' | 'server';
export type DtlsState = 'new' | 'connecting' | 'connected' | 'failed' | 'closed';

/** What `dump()` tells. */
export type WebRtcTransportDump = BaseTransportDump & {
  iceRole: 'controlled';
  iceParameters: IceParameters;
  iceCandidates: IceCandidate[];
  iceState: IceState;
  iceSelectedTuple?: TransportTuple;
  dtlsParameters: DtlsParameters;
  dtlsState: DtlsState;
  dtlsRemoteCert?: string;
};

/** Its figures. */
export type WebRtcTransportStat = BaseTransportStats & {
  type: string;
  iceRole: string;
  iceState: IceState;
  iceSelectedTuple?: TransportTuple;
  dtlsState: DtlsState;
};

export type WebRtcTransportEvents = TransportEvents & WebRtcStateEvents;

export type WebRtcTransportObserver = EnhancedEventEmitter<WebRtcTransportObserverEvents>;

export type WebRtcTransportObserverEvents = TransportObserverEvents & WebRtcStateEvents;

type WebRtcStateEvents = {
  icestatechange: [IceState];
  iceselectedtuplechange: [TransportTuple];
  dtlsstatechange: [DtlsState];
  sctpstatechange: [SctpState];
};

/** @internal What the SFU answers, and what is listened on. */
export type WebRtcTransportMade = {
  iceParameters: IceParameters;
  dtlsParameters: DtlsParameters;
  sctpParameters: SctpParameters | undefined;
  listeners: Listener[];
  /** Whether `listeners` end with the transport. */
  ownListeners: boolean;
  prefer: { udp: boolean; tcp: boolean };
  /** Whether a silent endpoint ever counts as disconnected. */
  consent: boolean;
};

/** A transport to a WebRTC endpoint. Made by `router.createWebRtcTransport`. */
export class WebRtcTransport<WebRtcTransportAppData extends AppData = AppData> extends Transport<
  WebRtcTransportAppData,
  WebRtcTransportEvents,
  WebRtcTransportObserver
> {
  readonly #made: WebRtcTransportMade;
  readonly #candidates: IceCandidate[];
  #iceParameters: IceParameters;
  #iceState: IceState = 'new';
  #tuple: TransportTuple | undefined;
  #dtlsParameters: DtlsParameters;
  #dtlsState: DtlsState = 'new';
  #sctpState: SctpState | undefined;
  #connected = false;

  /** @internal */
  constructor(parts: TransportParts, made: WebRtcTransportMade) {
    super(parts, 'WebRtcTransport');
    this.#made = made;
    this.#candidates = iceCandidates(made.listeners, made.prefer);
    this.#iceParameters = made.iceParameters;
    this.#dtlsParameters = made.dtlsParameters;
    this.#sctpState = made.sctpParameters ? 'new' : undefined;
  }

  override get type(): 'webrtc' {
    return 'webrtc';
  }

  override get observer(): WebRtcTransportObserver {
    return super.observer;
  }

  /** Always controlled: the server is a lite agent. */
  get iceRole(): 'controlled' {
    return 'controlled';
  }

  get iceParameters(): IceParameters {
    return this.#iceParameters;
  }

  get iceCandidates(): IceCandidate[] {
    return this.#candidates;
  }

  get iceState(): IceState {
    return this.#iceState;
  }

  get iceSelectedTuple(): TransportTuple | undefined {
    return this.#tuple;
  }

  get dtlsParameters(): DtlsParameters {
    return this.#dtlsParameters;
  }

  get dtlsState(): DtlsState {
    return this.#dtlsState;
  }

  /** The SFU keeps the fingerprint that it checked, and no certificate. */
  get dtlsRemoteCert(): string | undefined {
    return undefined;
  }

  get sctpParameters(): SctpParameters | undefined {
    return this.#made.sctpParameters;
  }

  get sctpState(): SctpState | undefined {
    return this.#sctpState;
  }

  /** Numbers of streams, once the association is there. */
  get sctpNegotiatedCapabilities(): SctpNegotiatedCapabilities | undefined {
    return negotiatedCapabilities(this.sctpParameters, this.sctpState);
  }

  override async dump(): Promise<WebRtcTransportDump> {
    const { sctpParameters, sctpState, sctpNegotiatedCapabilities, iceSelectedTuple } = this;
    return {
      ...this.baseDump(),
      ...(sctpParameters ? { sctpParameters, sctpListener: this.sctpListener() } : {}),
      ...(sctpState ? { sctpState } : {}),
      ...(sctpNegotiatedCapabilities ? { sctpNegotiatedCapabilities } : {}),
      iceRole: this.iceRole,
      iceParameters: this.#iceParameters,
      iceCandidates: this.#candidates,
      iceState: this.#iceState,
      ...(iceSelectedTuple ? { iceSelectedTuple } : {}),
      dtlsParameters: this.#dtlsParameters,
      dtlsState: this.#dtlsState,
    };
  }

  override async getStats(): Promise<WebRtcTransportStat[]> {
    const { base } = await this.baseStats();
    const { iceSelectedTuple, iceRole, iceState, dtlsState, sctpState } = this;
    return [
      {
        ...base,
        ...(sctpState ? { sctpState } : {}),
        type: 'webrtc-transport',
        iceRole,
        iceState,
        ...(iceSelectedTuple ? { iceSelectedTuple } : {}),
        dtlsState,
      },
    ];
  }

  /** Tells it of the endpoint's certificate; once. */
  override async connect({ dtlsParameters }: { dtlsParameters: DtlsParameters }): Promise<void> {
    checkDtlsParameters(dtlsParameters);
    this.check('connect');
    if (this.#connected) throw new InvalidStateError('connect: expected to be called once');
    this.#connected = true;
    try {
      await this.call('connect', { dtlsParameters });
    } catch (error) {
      this.#connected = false;
      throw error;
    }
    // Whoever leaves the role to us is let begin the handshake.
    const role = dtlsParameters.role === 'server' ? 'client' : 'server';
    this.#dtlsParameters = { ...this.#dtlsParameters, role };
  }

  /** New credentials for the endpoint, which keeps its media meanwhile. */
  async restartIce(): Promise<IceParameters> {
    this.check('restartIce');
    const { iceParameters } = await this.call<{ iceParameters: IceParameters }>('restartIce');
    this.#iceParameters = iceParameters;
    return iceParameters;
  }

  /** @internal */
  protected override checkData(method: string): void {
    if (!this.#made.sctpParameters) {
      throw new InvalidStateError(`${method}: expected a transport with enableSctp: true`);
    }
  }

  /** @internal */
  protected override ended(): void {
    super.ended();
    this.#iceState = 'closed';
    this.#tuple = undefined;
    this.#dtlsState = 'closed';
    if (this.#sctpState) this.#sctpState = 'closed';
    if (this.#made.ownListeners) for (const listener of this.#made.listeners) listener.release();
  }

  /** @internal */
  protected override heard(event: SfuEvent): void {
    switch (event.type) {
      case 'transport-state-changed':
        this.#ice(event.ice);
        this.#dtls(event.dtls);
        break;
      case 'transport-tuple-selected':
        this.#selected(event.tuple);
        break;
      case 'sctp-state-changed':
        this.#sctp(event.state);
        break;
      case 'transport-closed':
        this.#lost(event.reason);
        break;
      case 'lagged':
        this.#refresh().catch((error: unknown) => this.logger.error('the states are not known', error));
        break;
      default:
    }
  }

  /** Asks for what events would have told. */
  async #refresh(): Promise<void> {
    const { iceState, dtlsState, sctpState, tuple } = await this.call<TransportStats>('stats').catch((error: unknown) => {
      if (!(error instanceof NotFoundError)) throw error;
      return { iceState: null, dtlsState: 'closed' as const, sctpState: null, tuple: null };
    });
    if (this.closed) return;
    if (iceState) this.#ice(iceState);
    if (tuple) this.#selected(tuple);
    if (dtlsState) this.#dtls(dtlsState);
    if (sctpState) this.#sctp(sctpState);
  }

  #selected(path: Tuple): void {
    const tuple = tupleOf(path, this.#addressOf(path.local));
    if (!isDeepStrictEqual(tuple, this.#tuple)) {
      this.#tuple = tuple;
      this.#tell('iceselectedtuplechange', tuple);
    }
    if (this.#iceState === 'connected') this.#setIce('completed');
  }

  #sctp(state: SctpState): void {
    if (state === this.#sctpState) return;
    this.#sctpState = state;
    this.#tell('sctpstatechange', state);
  }

  /** Which of our addresses was used, as told to peers. */
  #addressOf(local: string): string {
    const { port } = splitHostAndPort(local);
    const found = this.#candidates.find((candidate) => candidate.port === port);
    return found?.address ?? splitHostAndPort(local).ip;
  }

  #ice(state: 'new' | 'connected' | 'disconnected' | 'failed' | 'closed'): void {
    switch (state) {
      case 'connected':
        if (this.#iceState === 'new' || this.#iceState === 'disconnected') {
          this.#setIce('connected');
          if (this.#tuple) this.#setIce('completed');
        }
        break;
      case 'disconnected':
      case 'failed':
        if (this.#made.consent && this.#iceState !== 'new') this.#setIce('disconnected');
        break;
      default:
    }
  }

  #setIce(state: IceState): void {
    if (state === this.#iceState) return;
    this.#iceState = state;
    this.#tell('icestatechange', state);
  }

  #dtls(state: DtlsState): void {
    if (state === this.#dtlsState) return;
    this.#dtlsState = state;
    this.#tell('dtlsstatechange', state);
  }

  /** The SFU has closed it. Here it stays, for the application to close. */
  #lost(reason: string): void {
    switch (reason) {
      case 'dtls-failed':
        this.#dtls('failed');
        break;
      case 'consent-lost':
        this.#setIce('disconnected');
        this.#dtls('closed');
        break;
      default:
        this.#dtls('closed');
    }
  }

  #tell<K extends keyof WebRtcStateEvents>(name: K, ...args: WebRtcStateEvents[K]): void {
    for (const emitter of [this, this.observer] as { safeEmit(name: string, ...args: unknown[]): boolean }[]) {
      emitter.safeEmit(name, ...args);
    }
  }
}

function checkDtlsParameters(parameters: unknown): asserts parameters is DtlsParameters {
  if (typeof parameters !== 'object' || parameters === null) {
    throw new TypeError(`dtlsParameters: expected an object with fingerprints, got ${describe(parameters)}`);
  }
  const { role, fingerprints } = parameters as Partial<DtlsParameters>;
  if (role !== undefined && !['auto', 'client', 'server'].includes(role)) {
    throw new TypeError(`dtlsParameters.role: expected "auto", "client" or "server", got ${describe(role)}`);
  }
  if (!Array.isArray(fingerprints) || fingerprints.length === 0) {
    throw new TypeError(`dtlsParameters.fingerprints: expected at least one, got ${describe(fingerprints)}`);
  }
  for (const { algorithm, value } of fingerprints) {
    if (typeof algorithm !== 'string' || !/^sha-(1|224|256|384|512)$/.test(algorithm)) {
      throw new TypeError(`dtlsParameters.fingerprints[].algorithm: expected sha-256 or the like, got ${describe(algorithm)}`);
    }
    if (typeof value !== 'string') {
      throw new TypeError(`dtlsParameters.fingerprints[].value: expected a text, got ${describe(value)}`);
    }
  }
}
