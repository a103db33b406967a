// A data consumer: the messages of a data producer on their way to one endpoint, or to the application.

import type { SfuEvent } from '../events.js';
import { describe, type AppData } from './app_data.js';
import type { DataProducer } from './data_producer.js';
import type { Engine } from './engine.js';
import { EnhancedEventEmitter } from './enhanced_events.js';
import { closedError } from './errors.js';
import { Logger } from './logger.js';
import { checkSubchannels, encodeMessage, ppidOf } from './messages.js';
import type { SctpStreamParameters } from './sctp_parameters.js';

/** Options of `transport.consumeData`. */
export type DataConsumerOptions<DataConsumerAppData extends AppData = AppData> = {
  /** What to follow. */
  dataProducerId: string;
  /** Whether messages arrive in order; by default as with the data producer. */
  ordered?: boolean;
  /** Milliseconds for which delivery is tried; by default as with the data producer. */
  maxPacketLifeTime?: number;
  /** How often delivery is tried again; by default as with the data producer. */
  maxRetransmits?: number;
  /** Whether it starts paused. Not by default. */
  paused?: boolean;
  /** Subchannels that it hears at first. */
  subchannels?: number[];
  appData?: DataConsumerAppData;
};

/** Over a data channel, or to the application by a DirectTransport. */
export type DataConsumerType = 'sctp' | 'direct';

/** What `dataConsumer.dump()` tells. */
export type DataConsumerDump = {
  id: string;
  paused: boolean;
  dataProducerPaused: boolean;
  subchannels: number[];
  dataProducerId: string;
  type: DataConsumerType;
  sctpStreamParameters?: SctpStreamParameters;
  label: string;
  protocol: string;
  /** Bytes that wait to be sent or acknowledged. */
  bufferedAmount: number;
  bufferedAmountLowThreshold: number;
};

/** Figures of a data consumer. */
export type DataConsumerStat = {
  type: string;
  timestamp: number;
  label: string;
  protocol: string;
  messagesSent: number;
  bytesSent: number;
  bufferedAmount: number;
};

export type DataConsumerEvents = {
  transportclose: [];
  dataproducerclose: [];
  dataproducerpause: [];
  dataproducerresume: [];
  message: [Buffer, number];
  sctpsendbufferfull: [];
  bufferedamountlow: [number];
  '@close': [];
  '@dataproducerclose': [];
};

export type DataConsumerObserver = EnhancedEventEmitter<DataConsumerObserverEvents>;

export type DataConsumerObserverEvents = { close: []; pause: []; resume: [] };

/** @internal What a data consumer is made of. */
export type DataConsumerParts = {
  engine: Engine;
  engineId: string;
  id: string;
  dataProducer: DataProducer<any>;
  type: DataConsumerType;
  sctpStreamParameters: SctpStreamParameters | undefined;
  label: string;
  protocol: string;
  paused: boolean;
  subchannels: number[];
  appData: AppData | undefined;
};

type Counted = { messagesSent: number; bytesSent: number; bufferedAmount: number };

const logger = new Logger('DataConsumer');

/** Messages on their way to one endpoint. Made by `transport.consumeData`. */
export class DataConsumer<DataConsumerAppData extends AppData = AppData> extends EnhancedEventEmitter<DataConsumerEvents> {
  readonly #engine: Engine;
  readonly #parts: DataConsumerParts;
  readonly #observer: DataConsumerObserver = new EnhancedEventEmitter<DataConsumerObserverEvents>();
  #appData: DataConsumerAppData;
  #closed = false;
  #paused: boolean;
  #dataProducerPaused: boolean;
  #subchannels: Set<number>;
  #threshold = 0;

  /** @internal */
  constructor(parts: DataConsumerParts) {
    super();
    this.#parts = parts;
    this.#engine = parts.engine;
    this.#paused = parts.paused;
    this.#dataProducerPaused = parts.dataProducer.paused;
    this.#subchannels = new Set(parts.subchannels);
    this.#appData = (parts.appData ?? {}) as DataConsumerAppData;
    logger.watch(this);
    parts.dataProducer.consumers.add(this);
    this.#engine.handle(parts.engineId, (event) => this.#on(event));
  }

  get id(): string {
    return this.#parts.id;
  }

  /** @internal Its id in the SFU. */
  get engineId(): string {
    return this.#parts.engineId;
  }

  /** What it follows. */
  get dataProducerId(): string {
    return this.#parts.dataProducer.id;
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  get type(): DataConsumerType {
    return this.#parts.type;
  }

  /** The channel to the endpoint; none on a DirectTransport. */
  get sctpStreamParameters(): SctpStreamParameters | undefined {
    return this.#parts.sctpStreamParameters;
  }

  get label(): string {
    return this.#parts.label;
  }

  get protocol(): string {
    return this.#parts.protocol;
  }

  /** Whether it is paused itself. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Whether its data producer is paused. */
  get dataProducerPaused(): boolean {
    return this.#dataProducerPaused;
  }

  /** Subchannels that it hears. */
  get subchannels(): number[] {
    return [...this.#subchannels];
  }

  get appData(): DataConsumerAppData {
    return this.#appData;
  }

  set appData(appData: DataConsumerAppData) {
    this.#appData = appData;
  }

  get observer(): DataConsumerObserver {
    return this.#observer;
  }

  close(): void {
    if (this.#closed) return;
    this.#engine.tell('DataConsumer.close', this.engineId);
    this.#end();
    this.emit('@close');
    this.#observer.safeEmit('close');
  }

  /** @private Its transport was closed. */
  transportClosed(): void {
    if (this.#closed) return;
    this.#end();
    this.safeEmit('transportclose');
    this.#observer.safeEmit('close');
  }

  /** @internal What it follows was closed. */
  dataProducerClosed(): void {
    if (this.#closed) return;
    this.#end();
    this.emit('@dataproducerclose');
    this.safeEmit('dataproducerclose');
    this.#observer.safeEmit('close');
  }

  /** @internal */
  dataProducerPaused_(): void {
    if (this.#closed || this.#dataProducerPaused) return;
    this.#dataProducerPaused = true;
    this.safeEmit('dataproducerpause');
    if (!this.#paused) this.#observer.safeEmit('pause');
  }

  /** @internal */
  dataProducerResumed(): void {
    if (this.#closed || !this.#dataProducerPaused) return;
    this.#dataProducerPaused = false;
    this.safeEmit('dataproducerresume');
    if (!this.#paused) this.#observer.safeEmit('resume');
  }

  /** @internal A message that is for some data consumers only. */
  deliver(text: boolean, payload: Buffer): void {
    if (this.#closed || this.#paused) return;
    this.#engine.tell('DataConsumer.send', this.engineId, { text }, [payload]);
  }

  /** What is in it. */
  async dump(): Promise<DataConsumerDump> {
    const { bufferedAmount } = await this.#stats('dump');
    const { id, paused, dataProducerPaused, subchannels, dataProducerId, type, sctpStreamParameters, label, protocol } = this;
    return {
      id,
      paused,
      dataProducerPaused,
      subchannels,
      dataProducerId,
      type,
      ...(sctpStreamParameters ? { sctpStreamParameters } : {}),
      label,
      protocol,
      bufferedAmount,
      bufferedAmountLowThreshold: this.#threshold,
    };
  }

  /** Its figures. */
  async getStats(): Promise<DataConsumerStat[]> {
    const { messagesSent, bytesSent, bufferedAmount } = await this.#stats('getStats');
    const { label, protocol } = this;
    return [{ type: 'data-consumer', timestamp: Date.now(), label, protocol, messagesSent, bytesSent, bufferedAmount }];
  }

  /** Sends no message until it is resumed. */
  async pause(): Promise<void> {
    this.#check('pause');
    await this.#engine.call('DataConsumer.pause', this.engineId);
    if (this.#paused) return;
    this.#paused = true;
    if (!this.#dataProducerPaused) this.#observer.safeEmit('pause');
  }

  /** Undoes a pause. */
  async resume(): Promise<void> {
    this.#check('resume');
    await this.#engine.call('DataConsumer.resume', this.engineId);
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.#dataProducerPaused) this.#observer.safeEmit('resume');
  }

  /** Has `bufferedamountlow` told when what waits to be sent falls to so many bytes. */
  async setBufferedAmountLowThreshold(threshold: number): Promise<void> {
    if (!Number.isInteger(threshold) || threshold < 0) {
      throw new TypeError(`threshold: expected a number of bytes from 0, got ${describe(threshold)}`);
    }
    this.#check('setBufferedAmountLowThreshold');
    await this.#engine.call('DataConsumer.setBufferedAmountLowThreshold', this.engineId, { bytes: threshold });
    this.#threshold = threshold;
  }

  /** Bytes that wait to be sent or acknowledged. */
  async getBufferedAmount(): Promise<number> {
    return (await this.#stats('getBufferedAmount')).bufferedAmount;
  }

  /** Sends a message to this endpoint alone. Gives the bytes that wait then. */
  async send(message: string | Buffer, ppid?: number): Promise<number> {
    const { text, payload } = encodeMessage(message, ppid);
    this.#check('send');
    await this.#engine.call('DataConsumer.send', this.engineId, { text }, [payload]);
    return this.getBufferedAmount();
  }

  /** Hears these subchannels and no others. */
  async setSubchannels(subchannels: number[]): Promise<void> {
    checkSubchannels(subchannels);
    this.#check('setSubchannels');
    this.#subchannels = new Set(subchannels);
  }

  /** Hears this subchannel, too. */
  async addSubchannel(subchannel: number): Promise<void> {
    checkSubchannels([subchannel]);
    this.#check('addSubchannel');
    this.#subchannels.add(subchannel);
  }

  /** Hears this subchannel no longer. */
  async removeSubchannel(subchannel: number): Promise<void> {
    checkSubchannels([subchannel]);
    this.#check('removeSubchannel');
    this.#subchannels.delete(subchannel);
  }

  #on(event: SfuEvent | undefined): void {
    if (this.#closed) return;
    switch (event?.type) {
      case 'message': {
        const text = typeof event.data === 'string';
        const payload = text ? Buffer.from(event.data as string) : (event.data as Buffer);
        this.safeEmit('message', payload, ppidOf(text, payload));
        break;
      }
      case 'data-buffered-amount-low':
        this.#stats('bufferedamountlow')
          .then(({ bufferedAmount }) => !this.#closed && this.safeEmit('bufferedamountlow', bufferedAmount))
          .catch((error: unknown) => logger.debug(`closed before it was told: ${String(error)}`));
        break;
      case 'data-consumer-closed':
        if (event.reason === 'slow-receiver') {
          this.safeEmit('sctpsendbufferfull');
          this.close();
        }
        break;
      default:
    }
  }

  #end(): void {
    this.#closed = true;
    this.#parts.dataProducer.consumers.delete(this);
    this.#engine.release(this.engineId);
  }

  #check(method: string): void {
    if (this.#closed) throw closedError(this.#engine, `${method}: the data consumer ${this.id} is closed`);
  }

  #stats(method: string): Promise<Counted> {
    this.#check(method);
    return this.#engine.call<Counted>('DataConsumer.stats', this.engineId);
  }
}
