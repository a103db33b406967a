// A producer: one source of audio or video that the router receives.

import type { SfuEvent } from '../events.js';
import type { ProducerStats } from '../stats.js';
import type { AppData } from './app_data.js';
import { producerType } from './codecs.js';
import type { Consumer } from './consumer.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import type { EntityParts } from './entity.js';
import { InvalidStateError } from './errors.js';
import { Source } from './flow.js';
import type { MediaKind, RtpParameters } from './rtp_parameters.js';
import { Scores } from './scores.js';
import { receiveStats, type RtpStreamRecvStats } from './stats.js';
import { checkTraceTypes, traceData } from './trace.js';

/** Options of `transport.produce`. */
export type ProducerOptions<ProducerAppData extends AppData = AppData> = {
  /** Its id; by default a new one. */
  id?: string;
  kind: MediaKind;
  /** What the endpoint sends. */
  rtpParameters: RtpParameters;
  /** Whether it starts paused. Not by default. */
  paused?: boolean;
  /** Milliseconds between requests for key frames. The SFU spaces them by itself. */
  keyFrameRequestDelay?: number;
  /** Has no effect. */
  enableMediasoupPacketIdHeaderExtension?: boolean;
  appData?: ProducerAppData;
};

/** One stream; several (simulcast); or one with layers inside. */
export type ProducerType = 'simple' | 'simulcast' | 'svc';

/** How well one stream of a producer arrives. */
export type ProducerScore = {
  /** Place in `rtpParameters.encodings`. */
  encodingIdx: number;
  ssrc: number;
  rid?: string;
  /** 0 (nothing arrives) to 10. */
  score: number;
};

/** How a picture has to be turned. */
export type ProducerVideoOrientation = { camera: boolean; flip: boolean; rotation: number };

/** What `producer.dump()` tells. */
export type ProducerDump = {
  id: string;
  kind: string;
  type: ProducerType;
  rtpParameters: RtpParameters;
  rtpMapping: unknown;
  rtpStreams: unknown;
  traceEventTypes: string[];
  paused: boolean;
};

/** Figures of one stream of a producer. */
export type ProducerStat = RtpStreamRecvStats;

const TRACE_TYPES = ['rtp', 'keyframe', 'nack', 'pli', 'fir', 'sr'] as const;

/** What can be traced of a producer. */
export type ProducerTraceEventType = (typeof TRACE_TYPES)[number];

/** A traced packet. */
export type ProducerTraceEventData = {
  type: ProducerTraceEventType;
  timestamp: number;
  direction: 'in' | 'out';
  info: Record<string, unknown>;
};

export type ProducerEvents = {
  transportclose: [];
  score: [ProducerScore[]];
  videoorientationchange: [ProducerVideoOrientation];
  trace: [ProducerTraceEventData];
  '@close': [];
};

export type ProducerObserver = EnhancedEventEmitter<ProducerObserverEvents>;

export type ProducerObserverEvents = {
  close: [];
  pause: [];
  resume: [];
  score: [ProducerScore[]];
  videoorientationchange: [ProducerVideoOrientation];
  trace: [ProducerTraceEventData];
};

/** @internal What a producer is made of. */
export type ProducerParts = EntityParts & {
  /** Id of the transport in the SFU. */
  transportEngineId: string;
  kind: MediaKind;
  rtpParameters: RtpParameters;
  /** `rtpParameters` in the router's numbers. */
  consumableRtpParameters: RtpParameters;
  paused: boolean;
  direct: boolean;
};

/** A source of audio or video that the router receives. Made by `transport.produce`. */
export class Producer<ProducerAppData extends AppData = AppData> extends Source<
  ProducerAppData,
  ProducerEvents,
  ProducerObserver,
  Consumer
> {
  readonly #parts: ProducerParts;
  readonly #type: ProducerType;
  readonly #scores: Scores;
  #traceTypes: ProducerTraceEventType[] = [];
  #unsent: Buffer[] = [];

  /** @internal */
  constructor(parts: ProducerParts) {
    super(parts, 'Producer', parts.paused);
    this.#parts = parts;
    this.#type = producerType(parts.rtpParameters);
    this.#scores = new Scores(() => this.#poll());
    this.hear(parts.engineId, (event) => this.#on(event));
    for (const emitter of [this, this.observer]) {
      emitter.on('newListener' as never, (name: string) => {
        if (name === 'score' && !this.closed) this.#scores.start();
      });
    }
  }

  get kind(): MediaKind {
    return this.#parts.kind;
  }

  /** What the endpoint sends. */
  get rtpParameters(): RtpParameters {
    return this.#parts.rtpParameters;
  }

  get type(): ProducerType {
    return this.#type;
  }

  /** Its parameters in the router's numbers; consumers are made from them. */
  get consumableRtpParameters(): RtpParameters {
    return this.#parts.consumableRtpParameters;
  }

  /** How well its streams arrive; empty until the first have been measured. */
  get score(): ProducerScore[] {
    if (!this.closed) this.#scores.start();
    return this.#scores.current;
  }

  /** @internal */
  protected override ended(): void {
    super.ended();
    this.#scores.stop();
    this.#unsent = [];
  }

  /** What is in it. */
  async dump(): Promise<ProducerDump> {
    const stats = await this.#stats();
    const { id, kind, type, rtpParameters, paused } = this;
    const consumable = this.#parts.consumableRtpParameters.codecs;
    return {
      id,
      kind,
      type,
      rtpParameters,
      rtpMapping: {
        codecs: rtpParameters.codecs.flatMap(({ payloadType }, index) => {
          const ours = consumable[index];
          return ours ? [{ payloadType, mappedPayloadType: ours.payloadType }] : [];
        }),
        encodings: rtpParameters.encodings ?? [],
      },
      rtpStreams: stats.encodings.map((encoding, index) => ({ ...encoding, rid: rtpParameters.encodings?.[index]?.rid })),
      traceEventTypes: [...this.#traceTypes],
      paused,
    };
  }

  /** Figures of the streams that have begun. */
  async getStats(): Promise<ProducerStat[]> {
    const { encodings } = await this.#stats();
    const scores = this.#scores.current;
    return encodings.flatMap((encoding, index) => {
      const score = scores.find((each) => each.encodingIdx === index)?.score ?? (encoding.active ? 10 : 0);
      return receiveStats(this.kind, this.rtpParameters, encoding, index, score) ?? [];
    });
  }

  /** Chooses what `trace` events are told. */
  async enableTraceEvent(types: ProducerTraceEventType[] = []): Promise<void> {
    const chosen = checkTraceTypes(types, TRACE_TYPES);
    this.check('enableTraceEvent');
    await this.call('enableTraceEvent', { types: chosen });
    this.#traceTypes = chosen;
  }

  /** Feeds an RTP packet to a producer of a direct transport. */
  send(rtpPacket: Buffer): void {
    if (!((rtpPacket as unknown) instanceof Uint8Array)) throw new TypeError('rtpPacket: expected a Buffer');
    if (!this.#parts.direct) throw new InvalidStateError('send: expected a producer of a DirectTransport');
    if (this.closed) return;
    // What one turn of the event loop sends goes down together. The caller may reuse its buffer.
    if (this.#unsent.push(Buffer.from(rtpPacket)) > 1) return;
    setImmediate(() => {
      const packets = this.#unsent.splice(0);
      if (packets.length > 0) this.engine.tell('DirectTransport.sendRtp', this.#parts.transportEngineId, { producer: this.engineId }, packets);
    });
  }

  #on(event: SfuEvent | undefined): void {
    switch (event?.type) {
      case 'producer-video-orientation-changed': {
        const { backCamera: camera, flip, rotation } = event;
        this.#tell('videoorientationchange', { camera, flip, rotation });
        break;
      }
      case 'producer-trace': {
        // What is about the endpoint's packets came from it; the rest was asked of it.
        const direction = ['rtp', 'keyframe', 'sr'].includes(event.trace.type) ? 'in' : 'out';
        this.#tell('trace', traceData<ProducerTraceEventType>(event.trace, event.timestampMs, direction));
        break;
      }
      default:
    }
  }

  #tell<K extends 'videoorientationchange' | 'trace'>(name: K, ...args: ProducerEvents[K]): void {
    for (const emitter of [this, this.observer] as { safeEmit(name: string, ...args: unknown[]): boolean }[]) {
      emitter.safeEmit(name, ...args);
    }
  }

  #stats(): Promise<ProducerStats> {
    this.check('getStats');
    return this.call('stats');
  }

  async #poll(): Promise<void> {
    const { encodings } = await this.call<ProducerStats>('stats');
    const rids = (this.rtpParameters.encodings ?? []).map((each) => each.rid);
    if (this.closed || !this.#scores.update(encodings, rids)) return;
    const score = this.#scores.current;
    this.safeEmit('score', score);
    this.observer.safeEmit('score', score);
    for (const consumer of this.consumers) consumer.producerScored();
  }
}
