// What all kinds of transports have in common.

import type { SfuEvent, TransportTraceEvent } from '../events.js';
import type { TransportStats } from '../stats.js';
import { checkAppData, describe, type AppData } from './app_data.js';
import { consumableParameters, withoutRepair } from './codecs.js';
import { checkLayers, Consumer, type ConsumerLayers, type ConsumerOptions } from './consumer.js';
import { DataConsumer, type DataConsumerOptions } from './data_consumer.js';
import { DataProducer, type DataProducerOptions } from './data_producer.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import { Entity, type EntityParts } from './entity.js';
import { NotFoundError } from './errors.js';
import { newId } from './ids.js';
import { checkSubchannels } from './messages.js';
import { Producer, type ProducerOptions } from './producer.js';
import type { RouterBook } from './router_book.js';
import type { RtpEncodingParameters, RtpParameters } from './rtp_parameters.js';
import type { SctpNegotiatedCapabilities, SctpParameters, SctpState, SctpStreamParameters } from './sctp_parameters.js';
import { RateMeter, transportStats, type BaseTransportStats } from './stats.js';
import { checkTraceTypes, traceData } from './trace.js';
import { checkBitrate, checkNewId, checkReliability, checkRtpParameters, checkSctpStreamParameters } from './transport_arguments.js';

/** Kind of a transport. */
export type TransportType = 'webrtc' | 'plain' | 'pipe' | 'direct';

/** Tables of a dump. */
type Table = { key: number; value: string }[];

export type RtpListenerDump = { ssrcTable: Table; midTable: Table; ridTable: Table };
export type SctpListenerDump = { streamIdTable: Table };

/** Numbers of header extensions that arrive. */
export type RecvRtpHeaderExtensions = {
  mid?: number;
  rid?: number;
  rrid?: number;
  absSendTime?: number;
  transportWideCc01?: number;
};

/** What `dump()` of every kind tells. */
export type BaseTransportDump = {
  id: string;
  producerIds: string[];
  consumerIds: string[];
  mapSsrcConsumerId: Table;
  mapRtxSsrcConsumerId: Table;
  recvRtpHeaderExtensions: RecvRtpHeaderExtensions;
  rtpListener: RtpListenerDump;
  maxSendMessageSize: number;
  maxReceiveMessageSize: number;
  maxMessageSize: number;
  dataProducerIds: string[];
  dataConsumerIds: string[];
  sctpParameters?: SctpParameters;
  sctpState?: SctpState;
  sctpNegotiatedCapabilities?: SctpNegotiatedCapabilities;
  sctpListener?: SctpListenerDump;
  traceEventTypes?: string[];
};

/** The least bit rate that the SFU asks of an endpoint. */
const LEAST_BITRATE = 10_000;

const TRACE_TYPES = ['probation', 'bwe'] as const;

/** What can be traced of a transport. */
export type TransportTraceEventType = (typeof TRACE_TYPES)[number];

/** Something traced. */
export type TransportTraceEventData = {
  type: TransportTraceEventType;
  timestamp: number;
  direction: 'in' | 'out';
  info: unknown;
};

export type TransportEvents = {
  routerclose: [];
  listenserverclose: [];
  trace: [TransportTraceEventData];
  '@close': [];
  '@newproducer': [Producer];
  '@producerclose': [Producer];
  '@newdataproducer': [DataProducer];
  '@dataproducerclose': [DataProducer];
  '@listenserverclose': [];
};

export type TransportObserver = EnhancedEventEmitter<TransportObserverEvents>;

export type TransportObserverEvents = {
  close: [];
  newproducer: [Producer];
  newconsumer: [Consumer];
  newdataproducer: [DataProducer];
  newdataconsumer: [DataConsumer];
  trace: [TransportTraceEventData];
};

/** @internal What a transport is made of. */
export type TransportParts = EntityParts & {
  book: RouterBook;
  messageSize: { send: number; receive: number };
};

const EXTENSIONS: Record<string, keyof RecvRtpHeaderExtensions> = {
  'urn:ietf:params:rtp-hdrext:sdes:mid': 'mid',
  'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id': 'rid',
  'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id': 'rrid',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time': 'absSendTime',
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01': 'transportWideCc01',
};

type Limits = { maxIncomingBitrate?: number; maxOutgoingBitrate?: number; minOutgoingBitrate?: number };

/** A way by which media and messages enter and leave a router. */
export abstract class Transport<
  TransportAppData extends AppData = AppData,
  Events extends TransportEvents = TransportEvents,
  Observer extends TransportObserver = TransportObserver,
> extends Entity<TransportAppData, Events, Observer> {
  /** @internal */
  protected readonly parts: TransportParts;
  readonly #producers = new Map<string, Producer<any>>();
  readonly #consumers = new Map<string, Consumer<any>>();
  readonly #dataProducers = new Map<string, DataProducer<any>>();
  readonly #dataConsumers = new Map<string, DataConsumer<any>>();
  readonly #meter = new RateMeter();
  readonly #limits: Limits = {};
  /** Canonical name of what the endpoint sends. */
  #cname: string | undefined;
  #traceTypes: TransportTraceEventType[] = [];

  /** @internal */
  constructor(parts: TransportParts, noun: string) {
    super(parts, noun);
    this.parts = parts;
    this.hear(parts.engineId, (event) => {
      if (event?.type === 'transport-trace') this.#traced(event);
      else if (event) this.heard(event);
    });
  }

  abstract get type(): TransportType;

  /** @private Its router was closed. */
  routerClosed(): void {
    this.end({ tell: false, event: 'routerclose' });
  }

  /** @private The WebRtcServer that it listens by was closed. */
  listenServerClosed(): void {
    this.end({ tell: true, internal: '@listenserverclose', event: 'listenserverclose' });
  }

  /** @internal */
  protected override ended(): void {
    for (const all of [this.#producers, this.#consumers, this.#dataProducers, this.#dataConsumers]) {
      for (const each of all.values()) {
        // What the application does on hearing of it must find it gone from the router.
        this.parts.book.forget(each.id);
        each.transportClosed();
      }
      all.clear();
    }
  }

  /** @internal An event of the SFU about it. */
  protected abstract heard(event: SfuEvent): void;

  /** What is in it. */
  abstract dump(): Promise<unknown>;

  /** Its figures. */
  abstract getStats(): Promise<unknown[]>;

  /** Tells it of the other end. */
  abstract connect(params: unknown): Promise<void>;

  /** Asks the endpoint to send no more than so many bit/s in all; 0 is without limit. The least is 10,000. */
  async setMaxIncomingBitrate(bitrate: number): Promise<void> {
    checkBitrate(bitrate);
    this.check('setMaxIncomingBitrate');
    // Through a pipe as much goes as the other end wants.
    if (this.type !== 'pipe') await this.call('setMaxIncomingBitrate', { bitrate: bitrate === 0 ? null : Math.max(LEAST_BITRATE, Math.floor(bitrate)) });
    this.#limits.maxIncomingBitrate = bitrate;
  }

  /** Video for the endpoint is chosen to fit into so many bit/s; 0 is without limit. */
  async setMaxOutgoingBitrate(bitrate: number): Promise<void> {
    checkBitrate(bitrate);
    this.check('setMaxOutgoingBitrate');
    const { minOutgoingBitrate = 0 } = this.#limits;
    if (bitrate > 0 && bitrate < minOutgoingBitrate) {
      throw new TypeError(`bitrate: expected at least the minimum of ${minOutgoingBitrate}, got ${bitrate}`);
    }
    await this.call('setAvailableOutgoingBitrate', { bitrate: bitrate === 0 ? null : Math.floor(bitrate) });
    this.#limits.maxOutgoingBitrate = bitrate;
  }

  /** Takes a lower bound for what is assumed of the path, in bit/s. It has no effect. */
  async setMinOutgoingBitrate(bitrate: number): Promise<void> {
    checkBitrate(bitrate);
    this.check('setMinOutgoingBitrate');
    const { maxOutgoingBitrate = 0 } = this.#limits;
    if (maxOutgoingBitrate > 0 && bitrate > maxOutgoingBitrate) {
      throw new TypeError(`bitrate: expected at most the maximum of ${maxOutgoingBitrate}, got ${bitrate}`);
    }
    this.#limits.minOutgoingBitrate = bitrate;
  }

  /** Takes in what the endpoint sends. */
  async produce<ProducerAppData extends AppData = AppData>(
    options: ProducerOptions<ProducerAppData>,
  ): Promise<Producer<ProducerAppData>> {
    const { id, kind, paused = false, appData } = options ?? {};
    let { rtpParameters } = options ?? {};
    const { book } = this.parts;
    checkNewId(id, book, 'producer');
    if (kind !== 'audio' && kind !== 'video') throw new TypeError(`kind: expected "audio" or "video", got ${describe(kind)}`);
    checkRtpParameters(rtpParameters, kind);
    checkAppData(appData);
    this.check('produce');
    // What is wrong is best told before anything has been made.
    rtpParameters = this.#named(rtpParameters);
    const consumableRtpParameters = consumableParameters(kind, rtpParameters, book.rtpCapabilities);
    const producerId = id ?? newId();
    const made = await book.reserve(producerId, () => this.call<{ id: string }>('produce', { kind, rtpParameters, paused }));
    this.checkStill('produce');
    const producer = new Producer<ProducerAppData>({
      engine: this.engine,
      engineId: made.id,
      transportEngineId: this.parts.engineId,
      id: producerId,
      kind,
      rtpParameters,
      consumableRtpParameters,
      paused,
      direct: this.type === 'direct',
      appData,
    });
    this.#producers.set(producer.id, producer);
    book.producers.set(producer.id, producer);
    producer.on('@close', () => {
      this.#producers.delete(producer.id);
      book.forget(producer.id);
      this.#emitter.emit('@producerclose', producer);
    });
    this.#emitter.emit('@newproducer', producer);
    this.observer.safeEmit('newproducer', producer);
    return producer;
  }

  /**
   * A copy with a canonical name. Endpoints often leave it out of all parameters but the first; the streams of one
   * transport have the same, as receivers play streams of the same name in step.
   */
  #named(parameters: RtpParameters): RtpParameters {
    if (this.type === 'pipe') return structuredClone(parameters);
    this.#cname = parameters.rtcp?.cname || this.#cname || newId().slice(0, 8);
    return structuredClone({ ...parameters, rtcp: { ...parameters.rtcp, cname: this.#cname } });
  }

  /** Sends a producer of the router to the endpoint. */
  async consume<ConsumerAppData extends AppData = AppData>(
    options: ConsumerOptions<ConsumerAppData>,
  ): Promise<Consumer<ConsumerAppData>> {
    const { producerId, rtpCapabilities, paused = false, mid, preferredLayers, enableRtx, pipe = false, appData } = options ?? {};
    if (typeof producerId !== 'string' || producerId === '') {
      throw new TypeError(`producerId: expected the id of a producer, got ${describe(producerId)}`);
    }
    checkAppData(appData);
    if (mid !== undefined && (typeof mid !== 'string' || mid === '')) {
      throw new TypeError(`mid: expected a text that is not empty, got ${describe(mid)}`);
    }
    if (typeof rtpCapabilities !== 'object' || rtpCapabilities === null) {
      throw new TypeError(`rtpCapabilities: expected an object, got ${describe(rtpCapabilities)}`);
    }
    if (preferredLayers !== undefined) {
      const { spatialLayer, temporalLayer } = preferredLayers;
      checkLayers({ spatialLayer, temporalLayer });
    }
    this.check('consume');
    const producer = this.parts.book.producers.get(producerId);
    if (!producer) throw new NotFoundError(`producerId: the router has no producer ${producerId}`);
    const repaired = enableRtx ?? producer.kind === 'video';
    const wanted = {
      producer: producer.engineId,
      rtpCapabilities: repaired ? rtpCapabilities : withoutRepair(rtpCapabilities),
      paused,
    };
    if (pipe) {
      type Made = { id: string; ids: string[]; rtpParameters: RtpParameters };
      const made = await this.call<Made>('consumePipe', wanted);
      return this.consuming(producer, made, { paused, preferredLayers: undefined, appData, pipe });
    }
    const parameters = {
      ...wanted,
      ...(preferredLayers === undefined ? {} : { preferredLayers }),
      ...(mid === undefined ? {} : { mid }),
    };
    const made = await this.call<{ id: string; rtpParameters: RtpParameters }>('consume', parameters);
    return this.consuming(producer, { ...made, ids: [made.id] }, { paused, preferredLayers, appData, pipe });
  }

  /** @internal The consumer that the SFU has made. */
  protected consuming<ConsumerAppData extends AppData>(
    producer: Producer<any>,
    made: { id: string; ids: string[]; rtpParameters: RtpParameters },
    options: { paused: boolean; preferredLayers: ConsumerLayers | undefined; appData: AppData | undefined; pipe: boolean },
  ): Consumer<ConsumerAppData> {
    this.checkStill('consume');
    if (producer.closed) {
      this.engine.tell(`${options.pipe ? 'PipeConsumer' : 'Consumer'}.close`, made.id);
      throw new NotFoundError(`consume: the producer ${producer.id} was closed meanwhile`);
    }
    const consumer = new Consumer<ConsumerAppData>({
      engine: this.engine,
      engineId: made.id,
      engineIds: made.ids,
      id: newId(),
      producer,
      rtpParameters: made.rtpParameters,
      ...options,
    });
    this.#consumers.set(consumer.id, consumer);
    this.parts.book.consumers.set(consumer.id, consumer);
    const gone = (): void => {
      this.#consumers.delete(consumer.id);
      this.parts.book.forget(consumer.id);
    };
    consumer.on('@close', gone);
    consumer.on('@producerclose', gone);
    this.observer.safeEmit('newconsumer', consumer);
    return consumer;
  }

  /** Takes in messages: of the endpoint's data channel or, on a DirectTransport, of the application. */
  async produceData<DataProducerAppData extends AppData = AppData>(
    options: DataProducerOptions<DataProducerAppData> = {},
  ): Promise<DataProducer<DataProducerAppData>> {
    const { id, sctpStreamParameters, label = '', protocol = '', paused = false, appData } = options;
    const { book } = this.parts;
    checkNewId(id, book, 'data producer');
    checkAppData(appData);
    for (const [name, text] of Object.entries({ label, protocol })) {
      if (typeof text !== 'string') throw new TypeError(`${name}: expected a text, got ${describe(text)}`);
    }
    const direct = this.type === 'direct';
    // A direct transport has no channels: what is said about one is of no meaning there.
    const stream = direct ? undefined : sctpStreamParameters;
    if (!direct) checkSctpStreamParameters(stream);
    this.check('produceData');
    this.checkData('produceData');
    const dataProducerId = id ?? newId();
    const parameters = { label, protocol, paused, ...(stream ? { sctpStreamParameters: stream } : {}) };
    const made = await book.reserve(dataProducerId, () => this.call<{ id: string }>('produceData', parameters));
    this.checkStill('produceData');
    const dataProducer = new DataProducer<DataProducerAppData>({
      engine: this.engine,
      engineId: made.id,
      id: dataProducerId,
      type: direct ? 'direct' : 'sctp',
      sctpStreamParameters: stream && { ...stream },
      label,
      protocol,
      paused,
      appData,
    });
    this.#dataProducers.set(dataProducer.id, dataProducer);
    book.dataProducers.set(dataProducer.id, dataProducer);
    dataProducer.on('@close', () => {
      this.#dataProducers.delete(dataProducer.id);
      book.forget(dataProducer.id);
      this.#emitter.emit('@dataproducerclose', dataProducer);
    });
    this.#emitter.emit('@newdataproducer', dataProducer);
    this.observer.safeEmit('newdataproducer', dataProducer);
    return dataProducer;
  }

  /** Sends the messages of a data producer of the router: to the endpoint or, on a DirectTransport, to the application. */
  async consumeData<DataConsumerAppData extends AppData = AppData>(
    options: DataConsumerOptions<DataConsumerAppData>,
  ): Promise<DataConsumer<DataConsumerAppData>> {
    const { dataProducerId, ordered, maxPacketLifeTime, maxRetransmits, paused = false, subchannels = [], appData } = options ?? {};
    if (typeof dataProducerId !== 'string' || dataProducerId === '') {
      throw new TypeError(`dataProducerId: expected the id of a data producer, got ${describe(dataProducerId)}`);
    }
    checkAppData(appData);
    checkSubchannels(subchannels);
    const direct = this.type === 'direct';
    checkReliability({ ordered, maxPacketLifeTime, maxRetransmits });
    this.check('consumeData');
    this.checkData('consumeData');
    const dataProducer = this.parts.book.dataProducers.get(dataProducerId);
    if (!dataProducer) throw new NotFoundError(`dataProducerId: the router has no data producer ${dataProducerId}`);
    type Made = { id: string; label: string; protocol: string; sctpStreamParameters?: SctpStreamParameters | null };
    const channel = {
      negotiated: true,
      ...(ordered === undefined ? {} : { ordered }),
      ...(maxPacketLifeTime === undefined ? {} : { maxPacketLifeTime }),
      ...(maxRetransmits === undefined ? {} : { maxRetransmits }),
    };
    const parameters = { dataProducer: dataProducer.engineId, paused, ...(direct ? {} : channel) };
    const made = await this.call<Made>('consumeData', parameters);
    this.checkStill('consumeData');
    if (dataProducer.closed) {
      this.engine.tell('DataConsumer.close', made.id);
      throw new NotFoundError(`consumeData: the data producer ${dataProducer.id} was closed meanwhile`);
    }
    const dataConsumer = new DataConsumer<DataConsumerAppData>({
      engine: this.engine,
      engineId: made.id,
      id: newId(),
      dataProducer,
      type: direct ? 'direct' : 'sctp',
      sctpStreamParameters: made.sctpStreamParameters ?? undefined,
      label: dataProducer.label,
      protocol: dataProducer.protocol,
      paused,
      subchannels,
      appData,
    });
    this.#dataConsumers.set(dataConsumer.id, dataConsumer);
    this.parts.book.dataConsumers.set(dataConsumer.id, dataConsumer);
    const gone = (): void => {
      this.#dataConsumers.delete(dataConsumer.id);
      this.parts.book.forget(dataConsumer.id);
    };
    dataConsumer.on('@close', gone);
    dataConsumer.on('@dataproducerclose', gone);
    this.observer.safeEmit('newdataconsumer', dataConsumer);
    return dataConsumer;
  }

  /** Chooses what `trace` events are told: `bwe` each time that layers are chosen; there is no probation. */
  async enableTraceEvent(types: TransportTraceEventType[] = []): Promise<void> {
    const chosen = checkTraceTypes(types, TRACE_TYPES);
    this.check('enableTraceEvent');
    await this.call('enableTraceEvent', { types: chosen.filter((type) => type === 'bwe') });
    this.#traceTypes = chosen;
  }

  #traced({ trace, timestampMs }: TransportTraceEvent): void {
    const data = traceData<TransportTraceEventType>(trace, timestampMs, 'out');
    this.#emitter.safeEmit('trace', data);
    (this.observer as unknown as EnhancedEventEmitter<TransportObserverEvents>).safeEmit('trace', data);
  }

  /** @internal Refuses data where there are no data channels. */
  protected checkData(_method: string): void {}

  /** @internal */
  protected async baseStats(): Promise<{ base: BaseTransportStats; stats: TransportStats }> {
    this.check('getStats');
    const stats = await this.call<TransportStats>('stats');
    return { base: transportStats(this.id, stats, this.#limits, this.#meter), stats };
  }

  /** @internal */
  protected baseDump(): BaseTransportDump {
    this.check('dump');
    const consumers = [...this.#consumers.values()];
    const producers = [...this.#producers.values()];
    const received: RecvRtpHeaderExtensions = {};
    for (const { uri, id } of producers.flatMap((producer) => producer.rtpParameters.headerExtensions ?? [])) {
      const name = EXTENSIONS[uri];
      if (name) received[name] = id;
    }
    return {
      id: this.id,
      producerIds: producers.map((producer) => producer.id),
      consumerIds: consumers.map((consumer) => consumer.id),
      mapSsrcConsumerId: ssrcTable(consumers, ({ ssrc }) => ssrc),
      mapRtxSsrcConsumerId: ssrcTable(consumers, ({ rtx }) => rtx?.ssrc),
      recvRtpHeaderExtensions: received,
      rtpListener: {
        ssrcTable: ssrcTable(producers, ({ ssrc }) => ssrc),
        midTable: [],
        ridTable: [],
      },
      maxSendMessageSize: this.parts.messageSize.send,
      maxReceiveMessageSize: this.parts.messageSize.receive,
      maxMessageSize: this.parts.messageSize.receive,
      dataProducerIds: [...this.#dataProducers.keys()],
      dataConsumerIds: [...this.#dataConsumers.keys()],
      traceEventTypes: [...this.#traceTypes],
    };
  }

  /** @internal Table of the channels that arrive, for dumps. */
  protected sctpListener(): SctpListenerDump {
    const all = [...this.#dataProducers.values()];
    return {
      streamIdTable: all.flatMap(({ id, sctpStreamParameters }) =>
        sctpStreamParameters ? [{ key: sctpStreamParameters.streamId, value: id }] : [],
      ),
    };
  }

  /** The events that all kinds have. */
  get #emitter(): EnhancedEventEmitter<TransportEvents> {
    return this as unknown as EnhancedEventEmitter<TransportEvents>;
  }
}

/** Which SSRC belongs to whom. */
function ssrcTable(all: (Producer | Consumer)[], ssrcOf: (encoding: RtpEncodingParameters) => number | undefined): Table {
  return all.flatMap(({ id, rtpParameters }) =>
    (rtpParameters.encodings ?? []).flatMap((encoding) => {
      const key = ssrcOf(encoding);
      return key === undefined ? [] : [{ key, value: id }];
    }),
  );
}
