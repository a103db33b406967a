// A consumer: a producer on its way to one endpoint.

import type { SfuEvent } from '../events.js';
import type { ConsumerStats } from '../stats.js';
import { describe, type AppData } from './app_data.js';
import { layerCounts, producerType } from './codecs.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import type { EntityParts } from './entity.js';
import { InvalidStateError } from './errors.js';
import { Sink } from './flow.js';
import type { Producer, ProducerStat } from './producer.js';
import type { MediaKind, RtpCapabilities, RtpEncodingParameters, RtpParameters } from './rtp_parameters.js';
import { SCORES_MS, scoreOf } from './scores.js';
import { RateMeter, sendStats, type RtpStreamSendStats } from './stats.js';
import { Ticker } from './ticker.js';
import { checkTraceTypes, traceData } from './trace.js';

/** Options of `transport.consume`. */
export type ConsumerOptions<ConsumerAppData extends AppData = AppData> = {
  /** What to follow. */
  producerId: string;
  /** What the endpoint can receive. */
  rtpCapabilities: RtpCapabilities;
  /** Whether it starts paused; wise for video, until the endpoint is ready. */
  paused?: boolean;
  /** MID of its packets, unless `pipe` is set. */
  mid?: string;
  /** The most that is wanted of simulcast or SVC. */
  preferredLayers?: ConsumerLayers;
  /** Whether lost packets are sent again; by default so for video. */
  enableRtx?: boolean;
  /** Has no effect. */
  ignoreDtx?: boolean;
  /** All streams of the producer as they are, whatever the path carries; on a PipeTransport it is so anyway. */
  pipe?: boolean;
  appData?: ConsumerAppData;
};

/** As the producer's; `pipe` carries all streams. */
export type ConsumerType = 'simple' | 'simulcast' | 'svc' | 'pipe';

/** How well a consumer's stream gets to the endpoint. */
export type ConsumerScore = {
  /** 0 to 10. */
  score: number;
  /** Of the stream that the producer receives and that is forwarded. */
  producerScore: number;
  /** Of all streams of the producer. */
  producerScores: number[];
};

/** Layers of simulcast or SVC, from 0, the smallest. */
export type ConsumerLayers = { spatialLayer: number; temporalLayer?: number };

/** What `consumer.dump()` tells. */
export type ConsumerDump = SimpleConsumerDump | SimulcastConsumerDump | SvcConsumerDump | PipeConsumerDump;
export type SimpleConsumerDump = BaseConsumerDump & { type: string; rtpStream: RtpStreamDump };
export type SimulcastConsumerDump = BaseConsumerDump & {
  type: string;
  rtpStream: RtpStreamDump;
  preferredSpatialLayer: number;
  targetSpatialLayer: number;
  currentSpatialLayer: number;
  preferredTemporalLayer: number;
  targetTemporalLayer: number;
  currentTemporalLayer: number;
};
export type SvcConsumerDump = SimulcastConsumerDump;
export type PipeConsumerDump = BaseConsumerDump & { type: string; rtpStreams: RtpStreamDump[] };
export type BaseConsumerDump = {
  id: string;
  producerId: string;
  kind: MediaKind;
  rtpParameters: RtpParameters;
  consumableRtpEncodings?: RtpEncodingParameters[];
  supportedCodecPayloadTypes: number[];
  traceEventTypes: string[];
  paused: boolean;
  producerPaused: boolean;
  priority: number;
};
export type RtpStreamDump = { params: RtpStreamParametersDump; score: number; rtxStream?: RtxStreamDump };
export type RtpStreamParametersDump = {
  encodingIdx: number;
  ssrc: number;
  payloadType: number;
  mimeType: string;
  clockRate: number;
  rid?: string;
  cname: string;
  rtxSsrc?: number;
  rtxPayloadType?: number;
  useNack: boolean;
  usePli: boolean;
  useFir: boolean;
  useInBandFec: boolean;
  useDtx: boolean;
  spatialLayers: number;
  temporalLayers: number;
};
export type RtxStreamDump = { params: RtxStreamParameters };
export type RtxStreamParameters = {
  ssrc: number;
  payloadType: number;
  mimeType: string;
  clockRate: number;
  rrid?: string;
  cname: string;
};

/** Figures of a stream of a consumer. */
export type ConsumerStat = RtpStreamSendStats;

const TRACE_TYPES = ['rtp', 'keyframe', 'nack', 'pli', 'fir'] as const;

/** What can be traced of a consumer. */
export type ConsumerTraceEventType = (typeof TRACE_TYPES)[number];

/** A traced packet. */
export type ConsumerTraceEventData = {
  type: ConsumerTraceEventType;
  timestamp: number;
  direction: 'in' | 'out';
  info: Record<string, unknown>;
};

export type ConsumerEvents = {
  transportclose: [];
  producerclose: [];
  producerpause: [];
  producerresume: [];
  score: [ConsumerScore];
  layerschange: [ConsumerLayers?];
  trace: [ConsumerTraceEventData];
  rtp: [Buffer];
  '@close': [];
  '@producerclose': [];
};

export type ConsumerObserver = EnhancedEventEmitter<ConsumerObserverEvents>;

export type ConsumerObserverEvents = {
  close: [];
  pause: [];
  resume: [];
  score: [ConsumerScore];
  layerschange: [ConsumerLayers?];
  trace: [ConsumerTraceEventData];
};

/** @internal What a consumer is made of. */
export type ConsumerParts = EntityParts & {
  /** Ids of all its streams in the SFU: several if it carries all of the producer. */
  engineIds: string[];
  producer: Producer<any>;
  rtpParameters: RtpParameters;
  pipe: boolean;
  paused: boolean;
  preferredLayers: ConsumerLayers | undefined;
};

/** In the SFU: all layers that there are. */
const ALL = 255;

/** A producer on its way to one endpoint. Made by `transport.consume`. */
export class Consumer<ConsumerAppData extends AppData = AppData> extends Sink<ConsumerAppData, ConsumerEvents, ConsumerObserver> {
  readonly #parts: ConsumerParts;
  readonly #type: ConsumerType;
  readonly #meter = new RateMeter();
  readonly #ticker: Ticker;
  #priority = 1;
  #preferredLayers: ConsumerLayers | undefined;
  #currentLayers: ConsumerLayers | undefined;
  #targetLayers: ConsumerLayers | undefined;
  #score = 10;
  #told = '';
  #traceTypes: ConsumerTraceEventType[] = [];

  /** @internal */
  constructor(parts: ConsumerParts) {
    super(parts, parts.pipe ? 'PipeConsumer' : 'Consumer', parts.paused, parts.producer, 'producer');
    this.#parts = parts;
    this.#type = parts.pipe ? 'pipe' : producerType(parts.producer.rtpParameters);
    if (this.#hasLayers()) this.#preferredLayers = this.#clamp(parts.preferredLayers ?? { spatialLayer: ALL });
    this.#ticker = new Ticker(SCORES_MS, () => this.#poll());
    for (const emitter of [this, this.observer]) {
      emitter.on('newListener' as never, (name: string) => {
        if (name !== 'score' || this.closed) return;
        this.#ticker.start();
        void parts.producer.score;
      });
    }
    for (const id of parts.engineIds) this.hear(id, (event, packets) => this.#on(event, packets));
  }

  /** What it follows. */
  get producerId(): string {
    return this.#parts.producer.id;
  }

  get kind(): MediaKind {
    return this.#parts.producer.kind;
  }

  /** What the endpoint is sent. */
  get rtpParameters(): RtpParameters {
    return this.#parts.rtpParameters;
  }

  get type(): ConsumerType {
    return this.#type;
  }

  /** Whether its producer is paused. */
  get producerPaused(): boolean {
    return this.sourcePaused;
  }

  /** 1 to 255; see `setPriority`. */
  get priority(): number {
    return this.#priority;
  }

  /** How well the stream gets to the endpoint. */
  get score(): ConsumerScore {
    const scores = this.#parts.producer.score;
    const encodings = this.#parts.producer.rtpParameters.encodings ?? [];
    const producerScores = encodings.map((_, index) => scores.find((each) => each.encodingIdx === index)?.score ?? 0);
    const forwarded = encodings.length > 1 ? this.#currentLayers?.spatialLayer : 0;
    const producerScore = (forwarded === undefined ? undefined : producerScores[forwarded]) ?? Math.max(0, ...producerScores);
    return { score: this.#score, producerScore, producerScores };
  }

  /** The most that is wanted; none for a single stream without layers. */
  get preferredLayers(): ConsumerLayers | undefined {
    return this.#preferredLayers;
  }

  /** What the endpoint gets; none if nothing, or for a single stream without layers. */
  get currentLayers(): ConsumerLayers | undefined {
    return this.#currentLayers;
  }

  /** @internal Scores of its producer changed. */
  producerScored(): void {
    if (!this.closed) this.#tellScore();
  }

  /** What is in it. */
  async dump(): Promise<ConsumerDump> {
    this.check('dump');
    const { producer } = this.#parts;
    const { rtpParameters } = this;
    const base: BaseConsumerDump = {
      id: this.id,
      producerId: this.producerId,
      kind: this.kind,
      rtpParameters,
      consumableRtpEncodings: producer.consumableRtpParameters.encodings ?? [],
      supportedCodecPayloadTypes: rtpParameters.codecs.map((codec) => codec.payloadType),
      traceEventTypes: [...this.#traceTypes],
      paused: this.paused,
      producerPaused: this.producerPaused,
      priority: this.#priority,
    };
    const streams = (rtpParameters.encodings ?? []).map((_, index) => this.#streamDump(index));
    if (this.#type === 'pipe') return { ...base, type: 'pipe', rtpStreams: streams };
    const [rtpStream] = streams;
    if (!rtpStream) throw new InvalidStateError(`dump: the consumer ${this.id} has no stream`);
    if (!this.#hasLayers()) return { ...base, type: this.#type, rtpStream };
    const layer = (layers: ConsumerLayers | undefined, key: keyof ConsumerLayers): number => layers?.[key] ?? -1;
    return {
      ...base,
      type: this.#type,
      rtpStream,
      preferredSpatialLayer: layer(this.#preferredLayers, 'spatialLayer'),
      targetSpatialLayer: layer(this.#targetLayers, 'spatialLayer'),
      currentSpatialLayer: layer(this.#currentLayers, 'spatialLayer'),
      preferredTemporalLayer: layer(this.#preferredLayers, 'temporalLayer'),
      targetTemporalLayer: layer(this.#targetLayers, 'temporalLayer'),
      currentTemporalLayer: layer(this.#currentLayers, 'temporalLayer'),
    };
  }

  /** Figures of its streams and, unless it is a pipe's, of the producer's stream that is forwarded. */
  async getStats(): Promise<(ConsumerStat | ProducerStat)[]> {
    this.check('getStats');
    const stats = await this.#stats();
    const sent = stats.map((each, index) => {
      return sendStats(this.kind, this.rtpParameters, each, index, this.#score, this.#meter);
    });
    const { producer } = this.#parts;
    if (this.#type === 'pipe' || producer.closed) return sent;
    const received = await producer.getStats();
    const current = producer.type === 'simulcast' ? this.#currentLayers?.spatialLayer : 0;
    const rid = producer.rtpParameters.encodings?.[current ?? 0]?.rid;
    const forwarded = rid === undefined ? received[current ?? 0] : received.find((each) => each.rid === rid);
    return forwarded ? [...sent, forwarded] : sent;
  }

  /** Says what is the most that is wanted of simulcast or SVC. */
  async setPreferredLayers({ spatialLayer, temporalLayer }: ConsumerLayers): Promise<void> {
    checkLayers({ spatialLayer, temporalLayer });
    this.check('setPreferredLayers');
    if (!this.#hasLayers()) return;
    const layers = this.#clamp(temporalLayer === undefined ? { spatialLayer } : { spatialLayer, temporalLayer });
    await this.call('setPreferredLayers', layers);
    this.#preferredLayers = layers;
  }

  /** Weight against the other video of the same endpoint while its path is too narrow for all, 1 to 255. */
  async setPriority(priority: number): Promise<void> {
    if (typeof priority !== 'number' || !(priority >= 1 && priority <= 255)) {
      throw new TypeError(`priority: expected a number from 1 to 255, got ${describe(priority)}`);
    }
    this.check('setPriority');
    if (this.kind === 'video' && this.#type !== 'pipe') {
      // A picture larger than any: only the weight is to count.
      const demand = { width: 0xffff, height: 0xffff, priority: Math.floor(priority) };
      await this.call('setDemand', demand);
    }
    this.#priority = Math.floor(priority);
  }

  /** Weight 1 again. */
  async unsetPriority(): Promise<void> {
    this.check('unsetPriority');
    if (this.#priority !== 1) await this.setPriority(1);
  }

  /** Asks the publisher for a key frame. */
  async requestKeyFrame(): Promise<void> {
    this.check('requestKeyFrame');
    if (this.kind === 'video') await this.call('requestKeyFrame');
  }

  /** Chooses what `trace` events are told. */
  async enableTraceEvent(types: ConsumerTraceEventType[] = []): Promise<void> {
    const chosen = checkTraceTypes(types, TRACE_TYPES);
    this.check('enableTraceEvent');
    await this.call('enableTraceEvent', { types: chosen });
    this.#traceTypes = chosen;
  }

  #on(event: SfuEvent | undefined, packets: Buffer[]): void {
    for (const packet of packets) this.safeEmit('rtp', packet);
    switch (event?.type) {
      case 'consumer-layers-changed':
        this.#layersChanged(event.current, event.target);
        break;
      case 'consumer-trace': {
        // What is about packets went to the endpoint; the rest was asked by it.
        const direction = ['rtp', 'keyframe'].includes(event.trace.type) ? 'out' : 'in';
        const data = traceData<ConsumerTraceEventType>(event.trace, event.timestampMs, direction);
        this.safeEmit('trace', data);
        this.observer.safeEmit('trace', data);
        break;
      }
      case 'consumer-closed':
        // The transport is gone for a reason of its own, and tells so itself; or a pipe's producer is closed.
        if (event.reason === 'origin-closed') this.sourceClosed();
        break;
      case 'lagged':
        if (!this.#hasLayers()) break;
        this.#stats()
          .then(([stats]) => stats && !this.closed && this.#layersChanged(stats.currentLayers, stats.currentLayers))
          .catch((error: unknown) => this.logger.debug(`the layers are not known: ${String(error)}`));
        break;
      default:
    }
  }

  #layersChanged(current: ConsumerLayers | null, target: ConsumerLayers | null): void {
    if (!this.#hasLayers()) return;
    const before = this.#currentLayers;
    this.#targetLayers = target ? this.#clamp(target) : undefined;
    const now = current ? this.#clamp(current) : undefined;
    if (before?.spatialLayer === now?.spatialLayer && before?.temporalLayer === now?.temporalLayer) return;
    this.#currentLayers = now;
    this.safeEmit('layerschange', now);
    this.observer.safeEmit('layerschange', now);
  }

  /** Within the layers that the producer has. */
  #clamp({ spatialLayer, temporalLayer = ALL }: ConsumerLayers): Required<ConsumerLayers> {
    const { spatial, temporal } = layerCounts(this.#parts.producer.rtpParameters);
    return {
      spatialLayer: Math.min(spatialLayer, spatial - 1),
      temporalLayer: Math.min(temporalLayer, temporal - 1),
    };
  }

  #hasLayers(): boolean {
    return this.#type === 'simulcast' || this.#type === 'svc';
  }

  /** @internal */
  protected override ended(): void {
    super.ended();
    this.#ticker.stop();
  }

  async #stats(): Promise<ConsumerStats[]> {
    const stats = await this.call<ConsumerStats | ConsumerStats[]>('stats');
    return Array.isArray(stats) ? stats : [stats];
  }

  async #poll(): Promise<void> {
    const stats = await this.#stats();
    if (this.closed) return;
    this.#score = scoreOf(Math.max(0, ...stats.map((each) => each.fractionLost)));
    this.#tellScore();
  }

  #tellScore(): void {
    const { score } = this;
    const text = JSON.stringify(score);
    if (text === this.#told) return;
    this.#told = text;
    this.safeEmit('score', score);
    this.observer.safeEmit('score', score);
  }

  #streamDump(encodingIdx: number): RtpStreamDump {
    const { codecs, encodings = [], rtcp } = this.rtpParameters;
    const { ssrc = 0, rtx, dtx = false } = encodings[encodingIdx] ?? {};
    const codec = codecs[0];
    const rtxCodec = codecs.find((each) => Number(each.parameters?.['apt']) === codec?.payloadType);
    const cname = rtcp?.cname ?? '';
    const has = (type: string, parameter = ''): boolean =>
      codec?.rtcpFeedback?.some((each) => each.type === type && (each.parameter ?? '') === parameter) ?? false;
    const { spatial, temporal } = layerCounts(this.#parts.producer.rtpParameters);
    return {
      params: {
        encodingIdx,
        ssrc,
        payloadType: codec?.payloadType ?? 0,
        mimeType: codec?.mimeType ?? '',
        clockRate: codec?.clockRate ?? 0,
        cname,
        ...(rtx ? { rtxSsrc: rtx.ssrc } : {}),
        ...(rtxCodec ? { rtxPayloadType: rtxCodec.payloadType } : {}),
        useNack: has('nack'),
        usePli: has('nack', 'pli'),
        useFir: has('ccm', 'fir'),
        useInBandFec: Number(codec?.parameters?.['useinbandfec']) === 1,
        useDtx: dtx || Number(codec?.parameters?.['usedtx']) === 1,
        spatialLayers: spatial,
        temporalLayers: temporal,
      },
      score: this.#score,
      ...(rtx && rtxCodec
        ? {
            rtxStream: {
              params: {
                ssrc: rtx.ssrc,
                payloadType: rtxCodec.payloadType,
                mimeType: rtxCodec.mimeType,
                clockRate: rtxCodec.clockRate,
                cname,
              },
            },
          }
        : {}),
    };
  }
}

/** Refuses layers that are no numbers. */
export function checkLayers({ spatialLayer, temporalLayer }: { spatialLayer: unknown; temporalLayer: unknown }): void {
  if (!Number.isInteger(spatialLayer) || (spatialLayer as number) < 0) {
    throw new TypeError(`spatialLayer: expected a whole number from 0, got ${describe(spatialLayer)}`);
  }
  if (temporalLayer !== undefined && (!Number.isInteger(temporalLayer) || (temporalLayer as number) < 0)) {
    throw new TypeError(`temporalLayer: expected a whole number from 0, got ${describe(temporalLayer)}`);
  }
}
