/** A producer: one source of media in a router. */

import type { Connection } from './connection.js';
import type { ProducerDemandChangedEvent, ProducerTraceEvent, ProducerVideoOrientationChangedEvent, RouterEvent, TraceType } from './events.js';
import { Handle, idOf, type HandleEvents } from './handle.js';
import type { Id, MediaKind, RtpParameters } from './parameters.js';
import type { ProducerStats } from './stats.js';

/** Events of a {@link Producer}. */
export interface ProducerEvents extends HandleEvents {
  /** What consumers want of it, all together, has changed. */
  'demand-changed': [event: ProducerDemandChangedEvent];
  /** Its picture is to be turned otherwise. */
  'video-orientation-changed': [event: ProducerVideoOrientationChangedEvent];
  /** Something that was to be traced; see {@link Producer.enableTraceEvent}. */
  trace: [event: ProducerTraceEvent];
}

/** How the SFU describes a producer. @internal */
export interface ProducerDescription {
  id: Id;
  router: Id;
  transport: Id;
  kind: MediaKind;
  rtpParameters: RtpParameters;
  paused: boolean;
}

/** One source of media: a microphone, a camera, a screen. */
export class Producer extends Handle<ProducerEvents> {
  /** @internal */
  readonly noun = 'Producer';
  /** Id of its router. */
  readonly router: Id;
  /** Id of its transport. */
  readonly transport: Id;
  /** Audio or video. */
  readonly kind: MediaKind;
  /** What the publisher sends. */
  readonly rtpParameters: RtpParameters;
  #paused: boolean;

  /** @internal */
  constructor(connection: Connection, description: ProducerDescription) {
    super(connection, description.id, connection.find(description.transport));
    this.router = description.router;
    this.transport = description.transport;
    this.kind = description.kind;
    this.rtpParameters = description.rtpParameters;
    this.#paused = description.paused;
  }

  /** Whether it is paused. */
  get paused(): boolean {
    return this.#paused;
  }

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'producer-closed') this.markClosed(event.reason);
    else if (event.type === 'producer-demand-changed') this.tell('demand-changed', event);
    else if (event.type === 'producer-video-orientation-changed') this.tell('video-orientation-changed', event);
    else if (event.type === 'producer-trace') this.tell('trace', event);
  }

  /** Forwards nothing of it until {@link resume}. */
  async pause(): Promise<void> {
    await this.call('pause');
    this.#paused = true;
  }

  /** Forwards again; video from the next key frame on, which is asked for. */
  async resume(): Promise<void> {
    await this.call('resume');
    this.#paused = false;
  }

  /** Says whose voice belongs to this video; none unlinks it. */
  async setSpeaker(speaker: Producer | Id | null): Promise<void> {
    await this.call('setSpeaker', { speaker: speaker === null ? null : idOf(this.connection, 'speaker', speaker) });
  }

  /** Has `'trace'` told of these types from now on; none of them is none. For debugging: each packet is an event. */
  async enableTraceEvent(types: TraceType[] = []): Promise<void> {
    await this.call('enableTraceEvent', { types });
  }

  /** Its figures. */
  async stats(): Promise<ProducerStats> {
    return (await this.call('stats')) as ProducerStats;
  }
}
