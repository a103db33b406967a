// One end of a pipe between two routers.

import type { SfuEvent } from '../events.js';
import type { TransportStats } from '../stats.js';
import { checkAppData, describe, type AppData, type Either } from './app_data.js';
import type { Consumer } from './consumer.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import { InvalidStateError, NotFoundError } from './errors.js';
import type { TransportListenInfo, TransportListenIp } from './listen_info.js';
import { remoteSrtp, toSrtpParameters, type SfuSrtpParameters } from './plain_transport.js';
import type { RtpParameters } from './rtp_parameters.js';
import {
  negotiatedCapabilities,
  type SctpNegotiatedCapabilities,
  type SctpOptions,
  type SctpParameters,
  type SctpState,
  type SrtpParameters,
} from './sctp_parameters.js';
import type { BaseTransportStats } from './stats.js';
import {
  Transport,
  type BaseTransportDump,
  type TransportEvents,
  type TransportObserverEvents,
  type TransportParts,
} from './transport.js';
import { remoteAddress, tupleOf, type TransportTuple } from './tuple.js';

/** Options of `router.createPipeTransport`. */
export type PipeTransportOptions<PipeTransportAppData extends AppData = AppData> = {
  /** Lost packets are sent again. Not by default. */
  enableRtx?: boolean;
  /** SRTP, by AEAD_AES_256_GCM. Not by default. */
  enableSrtp?: boolean;
  appData?: PipeTransportAppData;
} & SctpOptions & Either<
  { listenInfo: TransportListenInfo },
  {
    /** @deprecated `listenInfo` says more. */
    listenIp: TransportListenIp | string;
    /** Port; by default one of the worker's. */
    port?: number;
  }
>;

/** Options of `consume` of a pipe. */
export type PipeConsumerOptions<ConsumerAppData extends AppData = AppData> = {
  /** What to send through the pipe. */
  producerId: string;
  appData?: ConsumerAppData;
};

/** What `dump()` tells. */
export type PipeTransportDump = BaseTransportDump & { tuple: TransportTuple; rtx: boolean; srtpParameters?: SrtpParameters };

/** Its figures. */
export type PipeTransportStat = BaseTransportStats & { type: string; tuple: TransportTuple };

export type PipeTransportEvents = TransportEvents & { sctpstatechange: [SctpState] };

export type PipeTransportObserver = EnhancedEventEmitter<PipeTransportObserverEvents>;

export type PipeTransportObserverEvents = TransportObserverEvents & { sctpstatechange: [SctpState] };

/** @internal What the SFU answers, and what was asked. */
export type PipeTransportMade = {
  localAddress: string;
  srtpParameters: SfuSrtpParameters | undefined;
  /** SCTP, if messages are carried. */
  sctpParameters: SctpParameters | undefined;
  rtx: boolean;
  /** What is told of our address. */
  address: string;
};

/** One end of a pipe to another router. Made by `router.createPipeTransport`. */
export class PipeTransport<PipeTransportAppData extends AppData = AppData> extends Transport<
  PipeTransportAppData,
  PipeTransportEvents,
  PipeTransportObserver
> {
  readonly #made: PipeTransportMade;
  #tuple: TransportTuple;
  #connected = false;
  #sctpState: SctpState | undefined;

  /** @internal */
  constructor(parts: TransportParts, made: PipeTransportMade) {
    super(parts, 'PipeTransport');
    this.#made = made;
    this.#tuple = tupleOf({ protocol: 'udp', local: made.localAddress }, made.address);
    this.#sctpState = made.sctpParameters ? 'new' : undefined;
  }

  override get type(): 'pipe' {
    return 'pipe';
  }

  override get observer(): PipeTransportObserver {
    return super.observer;
  }

  /** Our address, and the peer's once it is known. */
  get tuple(): TransportTuple {
    return this.#tuple;
  }

  get sctpParameters(): SctpParameters | undefined {
    return this.#made.sctpParameters;
  }

  /** `connecting` when the first data channel is opened, by either end. */
  get sctpState(): SctpState | undefined {
    return this.#sctpState;
  }

  /** Numbers of streams, once an association is there. */
  get sctpNegotiatedCapabilities(): SctpNegotiatedCapabilities | undefined {
    return negotiatedCapabilities(this.sctpParameters, this.sctpState);
  }

  /** Suite and key that we protect with, if SRTP is on. */
  get srtpParameters(): SrtpParameters | undefined {
    return toSrtpParameters(this.#made.srtpParameters);
  }

  override async dump(): Promise<PipeTransportDump> {
    const { sctpNegotiatedCapabilities, sctpParameters, sctpState, srtpParameters, tuple } = this;
    return {
      ...this.baseDump(),
      ...(sctpParameters ? { sctpParameters, sctpListener: this.sctpListener() } : {}),
      ...(sctpState ? { sctpState } : {}),
      ...(sctpNegotiatedCapabilities ? { sctpNegotiatedCapabilities } : {}),
      tuple,
      rtx: this.#made.rtx,
      ...(srtpParameters ? { srtpParameters } : {}),
    };
  }

  override async getStats(): Promise<PipeTransportStat[]> {
    const { base } = await this.baseStats();
    const { sctpState } = this;
    return [{ ...base, ...(sctpState ? { sctpState } : {}), type: 'pipe-transport', tuple: this.#tuple }];
  }

  /** Tells it of the other end; once. */
  override async connect({ ip, port, srtpParameters }: { ip: string; port: number; srtpParameters?: SrtpParameters }): Promise<void> {
    this.check('connect');
    if (this.#connected) throw new InvalidStateError('connect: expected to be called once');
    const address = remoteAddress(ip, port);
    const srtp = remoteSrtp(srtpParameters, this.srtpParameters);
    await this.call('connect', { address, ...(srtp ? { srtpParameters: srtp } : {}) });
    this.#connected = true;
    this.#tuple = { ...this.#tuple, remoteIp: ip, remotePort: port };
  }

  /** Sends all streams of a producer of the router to the other end. */
  override async consume<ConsumerAppData extends AppData = AppData>({
    producerId,
    appData,
  }: PipeConsumerOptions<ConsumerAppData>): Promise<Consumer<ConsumerAppData>> {
    if (typeof producerId !== 'string' || producerId === '') {
      throw new TypeError(`producerId: expected the id of a producer, got ${describe(producerId)}`);
    }
    checkAppData(appData);
    this.check('consume');
    const producer = this.parts.book.producers.get(producerId);
    if (!producer) throw new NotFoundError(`producerId: the router has no producer ${producerId}`);
    type Made = { id: string; ids: string[]; rtpParameters: RtpParameters };
    const made = await this.call<Made>('consume', { producer: producer.engineId });
    return this.consuming(producer, made, { paused: false, preferredLayers: undefined, appData, pipe: true });
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
    if (event.type === 'sctp-state-changed') this.#sctp(event.state);
    else if (event.type === 'lagged') this.#refresh().catch((error: unknown) => this.logger.error('the SCTP state is not known', error));
  }

  /** Asks for what an event would have told. */
  async #refresh(): Promise<void> {
    const { sctpState } = await this.call<TransportStats>('stats');
    if (sctpState && !this.closed) this.#sctp(sctpState);
  }

  #sctp(state: SctpState): void {
    if (!this.#sctpState || state === this.#sctpState) return;
    this.#sctpState = state;
    this.safeEmit('sctpstatechange', state);
    this.observer.safeEmit('sctpstatechange', state);
  }
}
