// A transport by plain RTP or SRTP, to a recorder, a gateway, a media server.

import type { SfuEvent } from '../events.js';
import { describe, type AppData, type Either } from './app_data.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import { InvalidStateError, UnsupportedError } from './errors.js';
import type { TransportListenInfo, TransportListenIp } from './listen_info.js';
import {
  negotiatedCapabilities,
  type SctpNegotiatedCapabilities,
  type SctpOptions,
  type SctpParameters,
  type SctpState,
  type SrtpCryptoSuite,
  type SrtpParameters,
} from './sctp_parameters.js';
import type { Tuple } from '../parameters.js';
import type { TransportStats } from '../stats.js';
import type { BaseTransportStats } from './stats.js';
import {
  Transport,
  type BaseTransportDump,
  type TransportEvents,
  type TransportObserverEvents,
  type TransportParts,
} from './transport.js';
import { remoteAddress, tupleOf, type TransportTuple } from './tuple.js';

/** Options of `router.createPlainTransport`. */
export type PlainTransportOptions<PlainTransportAppData extends AppData = AppData> = {
  /** RTP and RTCP share the port. So by default. */
  rtcpMux?: boolean;
  /** The peer's address is learnt from its first packet. Not by default. */
  comedia?: boolean;
  /** SRTP. Not by default. */
  enableSrtp?: boolean;
  /** Suite of SRTP. `AES_CM_128_HMAC_SHA1_80` by default. */
  srtpCryptoSuite?: SrtpCryptoSuite;
  appData?: PlainTransportAppData;
} & SctpOptions & Either<
  {
    listenInfo: TransportListenInfo;
    /** For RTCP without rtcpMux: the same address, and the next port. */
    rtcpListenInfo?: TransportListenInfo;
  },
  {
    /** @deprecated `listenInfo` says more. */
    listenIp: TransportListenIp | string;
    /** Port; by default one of the worker's. */
    port?: number;
  }
>;

/** What `dump()` tells. */
export type PlainTransportDump = BaseTransportDump & {
  rtcpMux: boolean;
  comedia: boolean;
  tuple: TransportTuple;
  rtcpTuple?: TransportTuple;
  srtpParameters?: SrtpParameters;
};

/** Its figures. */
export type PlainTransportStat = BaseTransportStats & {
  type: string;
  rtcpMux: boolean;
  comedia: boolean;
  tuple: TransportTuple;
  rtcpTuple?: TransportTuple;
};

export type PlainTransportEvents = TransportEvents & {
  tuple: [TransportTuple];
  rtcptuple: [TransportTuple];
  sctpstatechange: [SctpState];
};

export type PlainTransportObserver = EnhancedEventEmitter<PlainTransportObserverEvents>;

export type PlainTransportObserverEvents = TransportObserverEvents & {
  tuple: [TransportTuple];
  rtcptuple: [TransportTuple];
  sctpstatechange: [SctpState];
};

/** Suite and key as the SFU has them. */
export type SfuSrtpParameters = { profile: SrtpCryptoSuite; keyBase64: string };

/** @internal What the SFU answers, and what was asked. */
export type PlainTransportMade = {
  localAddress: string;
  localRtcpAddress: string | undefined;
  srtpParameters: SfuSrtpParameters | undefined;
  sctpParameters: SctpParameters | undefined;
  rtcpMux: boolean;
  comedia: boolean;
  /** What is told of our address. */
  address: string;
};

/** A transport by plain RTP or SRTP, and SCTP beside it. Made by `router.createPlainTransport`. */
export class PlainTransport<PlainTransportAppData extends AppData = AppData> extends Transport<
  PlainTransportAppData,
  PlainTransportEvents,
  PlainTransportObserver
> {
  readonly #made: PlainTransportMade;
  #tuple: TransportTuple;
  #rtcpTuple: TransportTuple | undefined;
  #sctpState: SctpState | undefined;
  #connected = false;

  /** @internal */
  constructor(parts: TransportParts, made: PlainTransportMade) {
    super(parts, 'PlainTransport');
    this.#made = made;
    this.#tuple = tupleOf({ protocol: 'udp', local: made.localAddress }, made.address);
    this.#rtcpTuple = made.localRtcpAddress ? tupleOf({ protocol: 'udp', local: made.localRtcpAddress }, made.address) : undefined;
    this.#sctpState = made.sctpParameters ? 'new' : undefined;
  }

  override get type(): 'plain' {
    return 'plain';
  }

  override get observer(): PlainTransportObserver {
    return super.observer;
  }

  /** Our address, and the peer's once it is known. */
  get tuple(): TransportTuple {
    return this.#tuple;
  }

  /** The same of RTCP, if it has a port of its own. */
  get rtcpTuple(): TransportTuple | undefined {
    return this.#rtcpTuple;
  }

  get sctpParameters(): SctpParameters | undefined {
    return this.#made.sctpParameters;
  }

  get sctpState(): SctpState | undefined {
    return this.#sctpState;
  }

  get sctpNegotiatedCapabilities(): SctpNegotiatedCapabilities | undefined {
    return negotiatedCapabilities(this.sctpParameters, this.sctpState);
  }

  /** Suite and key that we protect with, if SRTP is on. */
  get srtpParameters(): SrtpParameters | undefined {
    return toSrtpParameters(this.#made.srtpParameters);
  }

  override async dump(): Promise<PlainTransportDump> {
    const { rtcpTuple, srtpParameters, tuple, sctpParameters, sctpState, sctpNegotiatedCapabilities } = this;
    const { rtcpMux, comedia } = this.#made;
    return {
      ...this.baseDump(),
      ...(sctpParameters ? { sctpParameters, sctpListener: this.sctpListener() } : {}),
      ...(sctpState ? { sctpState } : {}),
      ...(sctpNegotiatedCapabilities ? { sctpNegotiatedCapabilities } : {}),
      rtcpMux,
      comedia,
      tuple,
      ...(rtcpTuple ? { rtcpTuple } : {}),
      ...(srtpParameters ? { srtpParameters } : {}),
    };
  }

  override async getStats(): Promise<PlainTransportStat[]> {
    const { base } = await this.baseStats();
    const { rtcpTuple, tuple, sctpState } = this;
    const { rtcpMux, comedia } = this.#made;
    const sctp = sctpState ? { sctpState } : {};
    return [{ ...base, ...sctp, type: 'plain-rtp-transport', rtcpMux, comedia, tuple, ...(rtcpTuple ? { rtcpTuple } : {}) }];
  }

  /** Tells it of the peer's address, unless that is learnt, and of its key if SRTP is on; once. */
  override async connect({
    ip,
    port,
    rtcpPort,
    srtpParameters,
  }: {
    ip?: string;
    port?: number;
    rtcpPort?: number;
    srtpParameters?: SrtpParameters;
  } = {}): Promise<void> {
    this.check('connect');
    if (this.#connected) throw new InvalidStateError('connect: expected to be called once');
    const { comedia, rtcpMux } = this.#made;
    if (comedia && (ip !== undefined || port !== undefined || rtcpPort !== undefined)) {
      throw new TypeError('ip, port, rtcpPort: expected none, as comedia learns them');
    }
    if (rtcpMux && rtcpPort !== undefined) throw new TypeError('rtcpPort: expected none, as RTCP shares the port of RTP');
    const address = comedia ? undefined : remoteAddress(ip, port);
    const rtcpAddress = comedia || rtcpMux ? undefined : remoteAddress(ip, rtcpPort, 'rtcpPort');
    const srtp = remoteSrtp(srtpParameters, this.srtpParameters);
    await this.call('connect', {
      ...(address ? { address } : {}),
      ...(rtcpAddress ? { rtcpAddress } : {}),
      ...(srtp ? { srtpParameters: srtp } : {}),
    });
    this.#connected = true;
    if (ip !== undefined && port !== undefined) this.#tuple = { ...this.#tuple, remoteIp: ip, remotePort: port };
    if (ip !== undefined && rtcpPort !== undefined && this.#rtcpTuple) {
      this.#rtcpTuple = { ...this.#rtcpTuple, remoteIp: ip, remotePort: rtcpPort };
    }
  }

  /** @internal */
  protected override checkData(method: string): void {
    if (!this.#made.sctpParameters) throw new InvalidStateError(`${method}: expected a transport with enableSctp: true`);
  }

  /** @internal */
  protected override ended(): void {
    super.ended();
    if (this.#sctpState) this.#sctpState = 'closed';
  }

  /** @internal */
  protected override heard(event: SfuEvent): void {
    if (event.type === 'transport-tuple-selected') this.#learnt(event.tuple);
    else if (event.type === 'transport-rtcp-tuple-selected') this.#learntRtcp(event.tuple);
    else if (event.type === 'sctp-state-changed') this.#sctp(event.state);
    else if (event.type === 'lagged') this.#refresh().catch((error: unknown) => this.logger.error('the addresses are not known', error));
  }

  /** Asks for what events would have told. */
  async #refresh(): Promise<void> {
    const { tuple, rtcpTuple, sctpState } = await this.call<TransportStats>('stats');
    if (this.closed) return;
    if (tuple) this.#learnt(tuple);
    if (rtcpTuple) this.#learntRtcp(rtcpTuple);
    if (sctpState) this.#sctp(sctpState);
  }

  #sctp(state: SctpState): void {
    if (!this.#sctpState || state === this.#sctpState) return;
    this.#sctpState = state;
    this.safeEmit('sctpstatechange', state);
    this.observer.safeEmit('sctpstatechange', state);
  }

  #learnt(path: Tuple): void {
    if (this.#tuple.remoteIp !== undefined) return;
    this.#tuple = tupleOf(path, this.#made.address);
    this.safeEmit('tuple', this.#tuple);
    this.observer.safeEmit('tuple', this.#tuple);
  }

  #learntRtcp(path: Tuple): void {
    if (!this.#rtcpTuple || this.#rtcpTuple.remoteIp !== undefined) return;
    this.#rtcpTuple = tupleOf(path, this.#made.address);
    this.safeEmit('rtcptuple', this.#rtcpTuple);
    this.observer.safeEmit('rtcptuple', this.#rtcpTuple);
  }
}

/** The SFU's suite and key, in the API's form. */
export function toSrtpParameters(srtp: SfuSrtpParameters | undefined): SrtpParameters | undefined {
  return srtp && { cryptoSuite: srtp.profile, keyBase64: srtp.keyBase64 };
}

/** The peer's suite and key in the SFU's form; there must be some exactly if we have some. */
export function remoteSrtp(theirs: SrtpParameters | undefined, ours: SrtpParameters | undefined): SfuSrtpParameters | undefined {
  if (!ours) {
    if (theirs !== undefined) throw new TypeError('srtpParameters: expected none on a transport without enableSrtp');
    return undefined;
  }
  if (typeof theirs !== 'object' || theirs === null) {
    throw new TypeError(`srtpParameters: expected an object with cryptoSuite and keyBase64, got ${describe(theirs)}`);
  }
  const { cryptoSuite, keyBase64 } = theirs;
  checkCryptoSuite(cryptoSuite, 'srtpParameters.cryptoSuite');
  if (typeof keyBase64 !== 'string') throw new TypeError(`srtpParameters.keyBase64: expected a text, got ${describe(keyBase64)}`);
  return { profile: cryptoSuite, keyBase64 };
}

/** Refuses suites that nobody knows, and the one that the SFU does not have. */
export function checkCryptoSuite(suite: unknown, name: string): void {
  if (suite === 'AES_CM_128_HMAC_SHA1_32') throw new UnsupportedError(`${name}: expected a suite with a tag of 80 bits or more`);
  if (!['AEAD_AES_256_GCM', 'AEAD_AES_128_GCM', 'AES_CM_128_HMAC_SHA1_80'].includes(suite as string)) {
    throw new TypeError(`${name}: expected the name of an SRTP suite, got ${describe(suite)}`);
  }
}
