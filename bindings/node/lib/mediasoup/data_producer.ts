// A data producer: one source of messages, over a data channel or from the application.

import type { AppData } from './app_data.js';
import type { DataConsumer } from './data_consumer.js';
import type { Engine } from './engine.js';
import { EnhancedEventEmitter } from './enhanced_events.js';
import { closedError, InvalidStateError } from './errors.js';
import { Logger } from './logger.js';
import { checkSubchannels, encodeMessage } from './messages.js';
import type { SctpStreamParameters } from './sctp_parameters.js';

/** Options of `transport.produceData`. */
export type DataProducerOptions<DataProducerAppData extends AppData = AppData> = {
  /** Its id; by default a new one. */
  id?: string;
  /** The endpoint's channel; of no meaning on a DirectTransport. */
  sctpStreamParameters?: SctpStreamParameters;
  /** Name of the channel. */
  label?: string;
  /** Subprotocol of the channel. */
  protocol?: string;
  /** Whether it starts paused. Not by default. */
  paused?: boolean;
  appData?: DataProducerAppData;
};

/** Over a data channel, or from the application by a DirectTransport. */
export type DataProducerType = 'sctp' | 'direct';

/** What `dataProducer.dump()` tells. */
export type DataProducerDump = {
  id: string;
  paused: boolean;
  type: DataProducerType;
  sctpStreamParameters?: SctpStreamParameters;
  label: string;
  protocol: string;
};

/** Figures of a data producer. */
export type DataProducerStat = {
  type: string;
  timestamp: number;
  label: string;
  protocol: string;
  messagesReceived: number;
  bytesReceived: number;
};

export type DataProducerEvents = { transportclose: []; '@close': [] };

export type DataProducerObserver = EnhancedEventEmitter<DataProducerObserverEvents>;

export type DataProducerObserverEvents = { close: []; pause: []; resume: [] };

/** @internal What a data producer is made of. */
export type DataProducerParts = {
  engine: Engine;
  engineId: string;
  id: string;
  type: DataProducerType;
  sctpStreamParameters: SctpStreamParameters | undefined;
  label: string;
  protocol: string;
  paused: boolean;
  appData: AppData | undefined;
};

const logger = new Logger('DataProducer');

/** A source of messages. Made by `transport.produceData`. */
export class DataProducer<DataProducerAppData extends AppData = AppData> extends EnhancedEventEmitter<DataProducerEvents> {
  readonly #engine: Engine;
  readonly #parts: DataProducerParts;
  readonly #observer: DataProducerObserver = new EnhancedEventEmitter<DataProducerObserverEvents>();
  readonly #consumers = new Set<DataConsumer>();
  #appData: DataProducerAppData;
  #closed = false;
  #paused: boolean;

  /** @internal */
  constructor(parts: DataProducerParts) {
    super();
    this.#parts = parts;
    this.#engine = parts.engine;
    this.#paused = parts.paused;
    this.#appData = (parts.appData ?? {}) as DataProducerAppData;
    logger.watch(this);
  }

  get id(): string {
    return this.#parts.id;
  }

  /** @internal Its id in the SFU. */
  get engineId(): string {
    return this.#parts.engineId;
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  get type(): DataProducerType {
    return this.#parts.type;
  }

  /** The endpoint's channel; none on a DirectTransport. */
  get sctpStreamParameters(): SctpStreamParameters | undefined {
    return this.#parts.sctpStreamParameters;
  }

  get label(): string {
    return this.#parts.label;
  }

  get protocol(): string {
    return this.#parts.protocol;
  }

  /** Whether it is paused. */
  get paused(): boolean {
    return this.#paused;
  }

  get appData(): DataProducerAppData {
    return this.#appData;
  }

  set appData(appData: DataProducerAppData) {
    this.#appData = appData;
  }

  get observer(): DataProducerObserver {
    return this.#observer;
  }

  /** @internal Who follows it. */
  get consumers(): Set<DataConsumer> {
    return this.#consumers;
  }

  /** Closes it; its data consumers are closed with it. */
  close(): void {
    if (this.#closed) return;
    this.#engine.tell('DataProducer.close', this.engineId);
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

  #end(): void {
    this.#closed = true;
    this.#engine.release(this.engineId);
    // As with a worker in another process, data consumers hear of it a moment later.
    const consumers = [...this.#consumers];
    setImmediate(() => consumers.forEach((consumer) => consumer.dataProducerClosed()));
  }

  /** What is in it. */
  async dump(): Promise<DataProducerDump> {
    this.#check('dump');
    const { id, paused, type, sctpStreamParameters, label, protocol } = this;
    return { id, paused, type, label, protocol, ...(sctpStreamParameters ? { sctpStreamParameters } : {}) };
  }

  /** Its figures. */
  async getStats(): Promise<DataProducerStat[]> {
    this.#check('getStats');
    type Counted = { messagesReceived: number; bytesReceived: number };
    const { messagesReceived, bytesReceived } = await this.#engine.call<Counted>('DataProducer.stats', this.engineId);
    const { label, protocol } = this;
    return [{ type: 'data-producer', timestamp: Date.now(), label, protocol, messagesReceived, bytesReceived }];
  }

  /** Forwards no message until it is resumed. */
  async pause(): Promise<void> {
    this.#check('pause');
    await this.#engine.call('DataProducer.pause', this.engineId);
    if (this.#paused) return;
    this.#paused = true;
    this.#observer.safeEmit('pause');
    for (const consumer of this.#consumers) consumer.dataProducerPaused_();
  }

  /** Undoes a pause. */
  async resume(): Promise<void> {
    this.#check('resume');
    await this.#engine.call('DataProducer.resume', this.engineId);
    if (!this.#paused) return;
    this.#paused = false;
    this.#observer.safeEmit('resume');
    for (const consumer of this.#consumers) consumer.dataProducerResumed();
  }

  /**
   * Sends a message by a data producer of a DirectTransport. With `subchannels` only data consumers with one of
   * them get it, with `requiredSubchannel` only those with that one, and with `ignoredSubchannel` only those
   * without that one.
   */
  send(
    message: string | Buffer,
    ppid?: number,
    subchannels?: number[],
    requiredSubchannel?: number,
    ignoredSubchannel?: number,
  ): void {
    const { text, payload } = encodeMessage(message, ppid);
    if (subchannels !== undefined) checkSubchannels(subchannels);
    for (const one of [requiredSubchannel, ignoredSubchannel]) if (one !== undefined) checkSubchannels([one]);
    if (this.type !== 'direct') throw new InvalidStateError('send: expected a data producer of a DirectTransport');
    if (this.#closed) return;
    if (!subchannels?.length && requiredSubchannel === undefined && ignoredSubchannel === undefined) {
      this.#engine.tell('DataProducer.send', this.engineId, { text }, [payload]);
      return;
    }
    if (this.#paused) return;
    for (const consumer of this.#consumers) {
      const has = (subchannel: number): boolean => consumer.subchannels.includes(subchannel);
      const required = requiredSubchannel === undefined || has(requiredSubchannel);
      const ignored = ignoredSubchannel !== undefined && has(ignoredSubchannel);
      if (required && !ignored && (!subchannels?.length || subchannels.some(has))) consumer.deliver(text, payload);
    }
  }

  #check(method: string): void {
    if (this.#closed) throw closedError(this.#engine, `${method}: the data producer ${this.id} is closed`);
  }
}
