/** The kinds of transport that peers come by. */

import type { Connection } from './connection.js';
import { Consumer, PipeConsumer, type ConsumerDescription, type PipeConsumerDescription } from './consumer.js';
import { DataConsumer, type DataConsumerDescription } from './data_consumer.js';
import { DataProducer, type DataProducerDescription } from './data_producer.js';
import { SfuError } from './errors.js';
import type { DataChannelOpenedEvent, RouterEvent, TraceType, TransportStateChangedEvent, TransportTraceEvent } from './events.js';
import { bytesOf, Handle, idOf, optionsOf, type HandleEvents } from './handle.js';
import type {
  ConnectOptions,
  ConsumeOptions,
  ConsumePipeOptions,
  DataConsumeOptions,
  DataProduceOptions,
  EnableDataOptions,
  PipeConsumeOptions,
  ProduceOptions,
  SlotOptions,
} from './options.js';
import type {
  DtlsParameters,
  IceCandidate,
  IceParameters,
  Id,
  SctpParameters,
  SrtpParameters,
  Tuple,
} from './parameters.js';
import { Producer, type ProducerDescription } from './producer.js';
import type { SctpState, TransportKind, TransportStats } from './stats.js';

/** Events of every transport. */
export interface TransportEvents extends HandleEvents {
  /** Media now goes to this path. */
  'tuple-selected': [tuple: Tuple];
  /** Bit rates, each time that layers are chosen; see `enableTraceEvent`. */
  trace: [event: TransportTraceEvent];
  /** The peer, or the other end of a pipe, opened a data channel, which is a data producer now. */
  'data-channel-opened': [dataProducer: DataProducer, event: DataChannelOpenedEvent];
}

/** Events of a {@link PlainTransport}. */
export interface PlainTransportEvents extends TransportEvents {
  /** The peer's address of RTCP was learnt, where that has a port of its own. */
  'rtcp-tuple-selected': [tuple: Tuple];
  /** Its SCTP state changed. */
  'sctp-state-changed': [state: SctpState];
}

/** Events of a {@link DirectTransport}. */
export interface DirectTransportEvents extends TransportEvents {
  /** A compound RTCP packet, in the clear: what a peer would be sent. */
  rtcp: [packet: Buffer];
}

/** Events of a {@link PipeTransport}. */
export interface PipeTransportEvents extends TransportEvents {
  /** Its SCTP state changed. */
  'sctp-state-changed': [state: SctpState];
}

/** Events of a {@link WebRtcTransport}. */
export interface WebRtcTransportEvents extends TransportEvents {
  /** Its ICE or DTLS state changed. */
  'state-changed': [event: TransportStateChangedEvent];
  /** Its SCTP state changed. */
  'sctp-state-changed': [state: SctpState];
}

/** How the SFU describes a transport. @internal */
export interface TransportDescription {
  id: Id;
  router: Id;
  kind: TransportKind;
  iceParameters?: IceParameters;
  iceCandidates?: IceCandidate[];
  dtlsParameters?: DtlsParameters;
  sctpParameters?: SctpParameters;
  localAddress?: string;
  localRtcpAddress?: string;
  srtpParameters?: SrtpParameters;
}

/** What every kind of transport can do. */
export abstract class BaseTransport<
  Events extends TransportEvents & Record<keyof Events, any[]> = any,
> extends Handle<Events> {
  /** Id of its router. */
  readonly router: Id;
  /** Its kind. */
  abstract readonly kind: TransportKind;

  /** @internal */
  constructor(connection: Connection, description: TransportDescription) {
    super(connection, description.id, connection.find(description.router));
    this.router = description.router;
  }

  /** @internal */
  override receive(event: RouterEvent): void {
    const self = this as unknown as BaseTransport<TransportEvents>;
    if (event.type === 'transport-closed') this.markClosed(event.reason);
    else if (event.type === 'transport-tuple-selected') self.tell('tuple-selected', event.tuple);
    else if (event.type === 'transport-trace') self.tell('trace', event);
    else if (event.type === 'data-channel-opened') self.tell('data-channel-opened', this.#opened(event), event);
  }

  #opened(event: DataChannelOpenedEvent): DataProducer {
    const { label, protocol, ordered } = event.parameters;
    return new DataProducer(this.connection, {
      id: event.producer,
      router: event.router,
      transport: event.transport,
      label,
      protocol,
      sctpStreamParameters: { streamId: event.stream, ordered },
      paused: false,
    });
  }

  /** The open producers of it. */
  get producers(): Producer[] {
    return this.childrenOf(Producer);
  }

  /** The open data producers of it. */
  get dataProducers(): DataProducer[] {
    return this.childrenOf(DataProducer);
  }

  /** The open data consumers of it. */
  get dataConsumers(): DataConsumer[] {
    return this.childrenOf(DataConsumer);
  }

  /** Takes in what the peer sends. */
  async produce(options: ProduceOptions): Promise<Producer> {
    const { speaker, ...rest } = optionsOf('options', options);
    const parameters = speaker === undefined ? rest : { ...rest, speaker: idOf(this.connection, 'speaker', speaker) };
    return new Producer(this.connection, (await this.call('produce', parameters)) as ProducerDescription);
  }

  /** Takes in messages: of a channel that is known by signalling, or of this process. */
  async produceData(options?: DataProduceOptions): Promise<DataProducer> {
    const answer = await this.call('produceData', optionsOf('options', options));
    return new DataProducer(this.connection, answer as DataProducerDescription);
  }

  /**
   * Sends the messages of a data producer of the router to the peer or, on a direct transport, to this process. Through
   * a pipe they go to the other end, which tells of them by `'data-channel-opened'` unless the channel is `negotiated`.
   */
  async consumeData(options: DataConsumeOptions): Promise<DataConsumer> {
    const { dataProducer, ...rest } = optionsOf('options', options);
    const parameters = { ...rest, dataProducer: idOf(this.connection, 'dataProducer', dataProducer) };
    return new DataConsumer(this.connection, (await this.call('consumeData', parameters)) as DataConsumerDescription);
  }

  /** Has `'trace'` told of these types from now on: `bwe`, or none. */
  async enableTraceEvent(types: TraceType[] = []): Promise<void> {
    await this.call('enableTraceEvent', { types });
  }

  /** Its figures. */
  async stats(): Promise<TransportStats> {
    return (await this.call('stats')) as TransportStats;
  }
}

/** What every kind of transport but the pipe can do. */
export abstract class PeerTransport<
  Events extends TransportEvents & Record<keyof Events, any[]> = any,
> extends BaseTransport<Events> {
  /** The open consumers of it, but those of all encodings. */
  get consumers(): Consumer[] {
    return this.childrenOf(Consumer);
  }

  /** The open consumers of all encodings of a producer. */
  get pipeConsumers(): PipeConsumer[] {
    return this.childrenOf(PipeConsumer);
  }

  /** Sends a producer of the router to the peer. */
  async consume(options: ConsumeOptions): Promise<Consumer> {
    const { producer, ...rest } = optionsOf('options', options);
    const parameters = { ...rest, producer: idOf(this.connection, 'producer', producer) };
    return new Consumer(this.connection, (await this.call('consume', parameters)) as ConsumerDescription);
  }

  /**
   * Sends all encodings of a producer to the peer, each as it is and under its own SSRC, whatever the path carries: for
   * recorders and other SFUs. Layers of other video are chosen from what is left.
   */
  async consumePipe(options: ConsumePipeOptions): Promise<PipeConsumer> {
    const { producer, ...rest } = optionsOf('options', options);
    const parameters = { ...rest, producer: idOf(this.connection, 'producer', producer) };
    return new PipeConsumer(this.connection, (await this.call('consumePipe', parameters)) as PipeConsumerDescription);
  }

  /** Makes an empty receive slot: a consumer that can be pointed at any producer, and re-pointed. */
  async consumeSlot(options: SlotOptions): Promise<Consumer> {
    const answer = await this.call('consumeSlot', optionsOf('options', options));
    return new Consumer(this.connection, answer as ConsumerDescription);
  }

  /** Says what the path to the peer carries, in bit/s; none is without limit. */
  async setAvailableOutgoingBitrate(bitrate: number | null): Promise<void> {
    await this.call('setAvailableOutgoingBitrate', { bitrate });
  }
}

/** A transport for browsers and other WebRTC endpoints: ICE-lite, DTLS, SRTP. */
export class WebRtcTransport extends PeerTransport<WebRtcTransportEvents> {
  /** @internal */
  readonly noun = 'WebRtcTransport';
  readonly kind = 'webrtc';
  /** Addresses to reach it at, the preferred one first. */
  readonly iceCandidates: IceCandidate[];
  /** DTLS role and certificate fingerprints. */
  readonly dtlsParameters: DtlsParameters;
  /** SCTP, if data channels are enabled. */
  readonly sctpParameters: SctpParameters | undefined;
  #iceParameters: IceParameters;

  /** @internal */
  constructor(connection: Connection, description: TransportDescription) {
    super(connection, description);
    this.#iceParameters = description.iceParameters ?? { usernameFragment: '', password: '', iceLite: true };
    this.iceCandidates = description.iceCandidates ?? [];
    this.dtlsParameters = description.dtlsParameters ?? { role: 'auto', fingerprints: [] };
    this.sctpParameters = description.sctpParameters;
  }

  /** ICE credentials; others after {@link restartIce}. */
  get iceParameters(): IceParameters {
    return this.#iceParameters;
  }

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'transport-state-changed') this.tell('state-changed', event);
    else if (event.type === 'sctp-state-changed') this.tell('sctp-state-changed', event.state);
    else super.receive(event);
  }

  /** Asks the peer to send no more than so many bit/s in all, at least 10,000; none is without limit. */
  async setMaxIncomingBitrate(bitrate: number | null): Promise<void> {
    await this.call('setMaxIncomingBitrate', { bitrate });
  }

  /** Tells the transport the peer's DTLS parameters; once. */
  async connect(options: { dtlsParameters: DtlsParameters }): Promise<void> {
    await this.call('connect', optionsOf('options', options));
  }

  /** New ICE credentials, for a peer whose network changed. */
  async restartIce(): Promise<IceParameters> {
    const answer = (await this.call('restartIce')) as { iceParameters: IceParameters };
    this.#iceParameters = answer.iceParameters;
    return answer.iceParameters;
  }

  /** Lets data channels be used, if the options did not do so. To be called before {@link connect}. */
  async enableData(options?: EnableDataOptions): Promise<void> {
    await this.call('enableData', optionsOf('options', options));
  }
}

/** A transport for RTP or SRTP over UDP without ICE, such as GStreamer or FFmpeg speak. */
export class PlainTransport extends PeerTransport<PlainTransportEvents> {
  /** @internal */
  readonly noun = 'PlainTransport';
  readonly kind = 'plain';
  /** `address:port` that the peer sends RTP to. */
  readonly localAddress: string;
  /** `address:port` that the peer sends RTCP to, if it is not multiplexed. */
  readonly localRtcpAddress: string | undefined;
  /** The key that we protect with, if SRTP is on. */
  readonly srtpParameters: SrtpParameters | undefined;
  /** SCTP, for the peer; only with data channels. */
  readonly sctpParameters: SctpParameters | undefined;

  /** @internal */
  constructor(connection: Connection, description: TransportDescription) {
    super(connection, description);
    this.localAddress = description.localAddress ?? '';
    this.localRtcpAddress = description.localRtcpAddress;
    this.srtpParameters = description.srtpParameters;
    this.sctpParameters = description.sctpParameters;
  }

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'transport-rtcp-tuple-selected') this.tell('rtcp-tuple-selected', event.tuple);
    else if (event.type === 'sctp-state-changed') this.tell('sctp-state-changed', event.state);
    else super.receive(event);
  }

  /** Asks the peer to send no more than so many bit/s in all, at least 10,000; none is without limit. */
  async setMaxIncomingBitrate(bitrate: number | null): Promise<void> {
    await this.call('setMaxIncomingBitrate', { bitrate });
  }

  /** Tells the transport its peer's address and key; once. */
  async connect(options?: ConnectOptions): Promise<void> {
    await this.call('connect', optionsOf('options', options));
  }
}

/** A transport to a router on another host, or in another process. */
export class PipeTransport extends BaseTransport<PipeTransportEvents> {
  /** @internal */
  readonly noun = 'PipeTransport';
  readonly kind = 'pipe';
  /** `address:port` that the other end sends to; none within one `Sfu`. */
  readonly localAddress: string | undefined;
  /** The key that we protect with, if SRTP is on. */
  readonly srtpParameters: SrtpParameters | undefined;

  /** @internal */
  constructor(connection: Connection, description: TransportDescription) {
    super(connection, description);
    this.localAddress = description.localAddress;
    this.srtpParameters = description.srtpParameters;
  }

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'sctp-state-changed') this.tell('sctp-state-changed', event.state);
    else super.receive(event);
  }

  /** Tells the transport where the other end is, and its key; once. */
  async connect(options?: ConnectOptions): Promise<void> {
    await this.call('connect', optionsOf('options', options));
  }

  /** The open consumers of it. */
  get consumers(): PipeConsumer[] {
    return this.childrenOf(PipeConsumer);
  }

  /** Sends a producer through the pipe; the other end produces with its `rtpParameters`. */
  async consume(options: PipeConsumeOptions): Promise<PipeConsumer> {
    const { producer, ...rest } = optionsOf('options', options);
    const parameters = { ...rest, producer: idOf(this.connection, 'producer', producer) };
    return new PipeConsumer(this.connection, (await this.call('consume', parameters)) as PipeConsumerDescription);
  }
}

/** A transport that ends in this process: RTP and messages in and out as buffers. */
export class DirectTransport extends PeerTransport<DirectTransportEvents> {
  /** @internal */
  readonly noun = 'DirectTransport';
  readonly kind = 'direct';

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'rtcp') this.tell('rtcp', event.packet);
    else super.receive(event);
  }

  /**
   * Takes in a compound RTCP packet, in the clear: what a peer would send. Requests for lost packets and key frames of
   * consumers of this transport are heeded, and so are reports.
   */
  async sendRtcp(packet: Uint8Array): Promise<void> {
    await this.call('sendRtcp', {}, [bytesOf('packet', packet)]);
  }

  /**
   * Feeds RTP packets, in the clear, to a producer of this transport. Await it before sending more: that is the
   * back-pressure. The error is that of the first packet that was refused; the others are taken all the same.
   */
  async sendRtp(producer: Producer | Id, packets: Uint8Array | readonly Uint8Array[]): Promise<void> {
    const id = idOf(this.connection, 'producer', producer);
    if (!Array.isArray(packets) && !(packets instanceof Uint8Array)) {
      throw SfuError.of('InvalidParameters', 'packets: expected a Buffer or an array of them');
    }
    const all = packets instanceof Uint8Array ? [packets] : packets.map((packet, at) => bytesOf(`packets[${at}]`, packet));
    await this.call('sendRtp', { producer: id }, all);
  }
}

/** Any transport. */
export type Transport = WebRtcTransport | PlainTransport | PipeTransport | DirectTransport;

/** The transport of this description, as a handle. @internal */
export function transportOf(connection: Connection, description: TransportDescription): Transport {
  switch (description.kind) {
    case 'webrtc':
      return new WebRtcTransport(connection, description);
    case 'plain':
      return new PlainTransport(connection, description);
    case 'pipe':
      return new PipeTransport(connection, description);
    case 'direct':
      return new DirectTransport(connection, description);
  }
}
