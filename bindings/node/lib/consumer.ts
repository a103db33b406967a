/** A consumer: what one receiver gets. */

import type { Connection } from './connection.js';
import type { ConsumerLayersChangedEvent, ConsumerTraceEvent, RouterEvent, TraceType } from './events.js';
import { Handle, idOf, optionsOf, type HandleEvents } from './handle.js';
import type { Demand, SpeakerSlot } from './options.js';
import type { Id, Layers, MediaKind, RtpParameters } from './parameters.js';
import type { Producer } from './producer.js';
import type { ConsumerStats, Explanation } from './stats.js';
import { PacketStream } from './stream.js';

/** Events of a {@link PipeConsumer}. */
export interface PipeConsumerEvents extends HandleEvents {
  /** Something that was to be traced; see {@link PipeConsumer.enableTraceEvent}. */
  trace: [event: ConsumerTraceEvent];
  /** RTP packets of one stream, in the clear; only of a direct transport. */
  rtp: [packets: Buffer[]];
}

/** Events of a {@link Consumer}. */
export interface ConsumerEvents extends PipeConsumerEvents {
  /** What it follows was closed; the slot is empty now. */
  'producer-closed': [producer: Id];
  /** It now gets other layers, or is to get others, or for another reason. */
  'layers-changed': [event: ConsumerLayersChangedEvent];
}

/** How the SFU describes a consumer. @internal */
export interface ConsumerDescription {
  id: Id;
  router: Id;
  transport: Id;
  kind: MediaKind;
  producer: Id | null;
  rtpParameters: RtpParameters;
  paused: boolean;
}

/** A consumer of any kind. */
export abstract class MediaConsumer<Events extends PipeConsumerEvents & Record<keyof Events, any[]>> extends Handle<Events> {
  readonly #streams = new Set<PacketStream>();

  /** @internal */
  override receivePackets(packets: Buffer[]): void {
    for (const stream of this.#streams) stream.push(packets);
    (this as unknown as MediaConsumer<PipeConsumerEvents>).tell('rtp', packets);
  }

  protected override atClose(): void {
    for (const stream of [...this.#streams]) stream.end();
  }

  /**
   * RTP packets from now on, in batches of one stream; only of a direct transport. At most `capacity` packets wait for
   * the reader; the oldest of more are lost, and counted in `lost`.
   */
  packets(capacity = 16_384): PacketStream {
    const stream: PacketStream = new PacketStream(capacity, () => this.#streams.delete(stream));
    if (this.closed) stream.end();
    else this.#streams.add(stream);
    return stream;
  }
}

/** What one receiver gets of a producer, or of one after the other. */
export class Consumer extends MediaConsumer<ConsumerEvents> {
  /** @internal */
  readonly noun = 'Consumer';
  /** Id of its router. */
  readonly router: Id;
  /** Id of its transport. */
  readonly transport: Id;
  /** Audio or video. */
  readonly kind: MediaKind;
  /** What the receiver is sent, for its side of the negotiation. */
  readonly rtpParameters: RtpParameters;
  #producer: Id | null;
  #paused: boolean;

  /** @internal */
  constructor(connection: Connection, description: ConsumerDescription) {
    super(connection, description.id, connection.find(description.transport));
    this.router = description.router;
    this.transport = description.transport;
    this.kind = description.kind;
    this.rtpParameters = description.rtpParameters;
    this.#producer = description.producer;
    this.#paused = description.paused;
  }

  /** Id of the producer that it was pointed at; none if at none, or if it follows speakers. */
  get producer(): Id | null {
    return this.#producer;
  }

  /** Whether it is paused itself; its producer may be paused as well. */
  get paused(): boolean {
    return this.#paused;
  }

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'consumer-closed') this.markClosed(event.reason);
    else if (event.type === 'consumer-producer-closed') {
      if (this.#producer === event.producer) this.#producer = null;
      this.tell('producer-closed', event.producer);
    } else if (event.type === 'consumer-layers-changed') this.tell('layers-changed', event);
    else if (event.type === 'consumer-trace') this.tell('trace', event);
  }

  /** Points it at another producer of the router, or at none; the stream to the receiver goes on without a gap. */
  async switch(producer: Producer | Id | null): Promise<void> {
    const id = producer === null ? null : idOf(this.connection, 'producer', producer);
    await this.call('switch', { producer: id });
    this.#producer = id;
  }

  /** Has it follow whoever speaks, until {@link switch}. */
  async followSpeaker(slot: SpeakerSlot): Promise<void> {
    const { except, ...rest } = optionsOf('slot', slot);
    await this.call('followSpeaker', except === undefined ? rest : { ...rest, except: idOf(this.connection, 'except', except) });
    this.#producer = null;
  }

  /** The most that is wanted of its producer. */
  async setPreferredLayers(layers: Layers): Promise<void> {
    await this.call('setPreferredLayers', optionsOf('layers', layers));
  }

  /** Says how the receiver shows it; layers are chosen so that the sum is worth most to the viewer. */
  async setDemand(demand: Demand): Promise<void> {
    await this.call('setDemand', optionsOf('demand', demand));
  }

  /** Sends nothing until {@link resume}. */
  async pause(): Promise<void> {
    await this.call('pause');
    this.#paused = true;
  }

  /** Sends again; video from the next key frame on, which is asked for. */
  async resume(): Promise<void> {
    await this.call('resume');
    this.#paused = false;
  }

  /** Asks the publisher for a key frame. */
  async requestKeyFrame(): Promise<void> {
    await this.call('requestKeyFrame');
  }

  /** Has `'trace'` told of these types from now on; none of them is none. For debugging: each packet is an event. */
  async enableTraceEvent(types: TraceType[] = []): Promise<void> {
    await this.call('enableTraceEvent', { types });
  }

  /** Its figures. */
  async stats(): Promise<ConsumerStats> {
    return (await this.call('stats')) as ConsumerStats;
  }

  /** Why it gets what it gets: the inputs and the rule that decided. */
  async explain(): Promise<Explanation> {
    return (await this.call('explain')) as Explanation;
  }
}

/** How the SFU describes a pipe consumer. @internal */
export interface PipeConsumerDescription {
  ids: Id[];
  id: Id;
  router: Id;
  transport: Id;
  kind: MediaKind;
  producer: Id;
  rtpParameters: RtpParameters;
  paused: boolean;
}

/** A producer on its way through a pipe, or to a receiver that takes all its encodings. It is closed with the producer. */
export class PipeConsumer extends MediaConsumer<PipeConsumerEvents> {
  /** @internal */
  readonly noun = 'PipeConsumer';
  /** Ids of the consumers that carry it, one for each encoding, the smallest first. */
  readonly ids: readonly Id[];
  /** Id of its router. */
  readonly router: Id;
  /** Id of its transport. */
  readonly transport: Id;
  /** Audio or video. */
  readonly kind: MediaKind;
  /** Id of what is sent. */
  readonly producer: Id;
  /** What is sent: at the other end of a pipe, what to produce. */
  readonly rtpParameters: RtpParameters;
  #paused: boolean;

  /** @internal */
  constructor(connection: Connection, description: PipeConsumerDescription) {
    super(connection, description.id, connection.find(description.transport) ?? connection.find(description.router));
    this.ids = description.ids;
    this.router = description.router;
    this.transport = description.transport;
    this.kind = description.kind;
    this.producer = description.producer;
    this.rtpParameters = description.rtpParameters;
    this.#paused = description.paused;
    for (const id of this.ids) connection.register(this, id);
  }

  /** Whether it is paused. */
  get paused(): boolean {
    return this.#paused;
  }

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'consumer-closed') this.markClosed(event.reason);
    else if (event.type === 'consumer-trace') this.tell('trace', event);
  }

  protected override atClose(): void {
    super.atClose();
    for (const id of this.ids) this.connection.unregister(this, id);
  }

  /** Sends nothing until {@link resume}; the producer at the other end of a pipe is paused meanwhile. */
  async pause(): Promise<void> {
    await this.call('pause');
    this.#paused = true;
  }

  /** Sends again; video from the next key frame on, which is asked for. */
  async resume(): Promise<void> {
    await this.call('resume');
    this.#paused = false;
  }

  /** Asks the publisher for a key frame of each encoding. */
  async requestKeyFrame(): Promise<void> {
    await this.call('requestKeyFrame');
  }

  /** Has `'trace'` told of these types from now on, under the ids of its encodings; none of the types is none. */
  async enableTraceEvent(types: TraceType[] = []): Promise<void> {
    await this.call('enableTraceEvent', { types });
  }

  /** Figures of each encoding, the smallest first. */
  async stats(): Promise<ConsumerStats[]> {
    return (await this.call('stats')) as ConsumerStats[];
  }
}
