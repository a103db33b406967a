// A data producer: one source of messages, over a data channel or from the application.

import type { AppData } from './app_data.js';
import type { DataConsumer } from './data_consumer.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import type { EntityParts } from './entity.js';
import { InvalidStateError } from './errors.js';
import { Source } from './flow.js';
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
export type DataProducerParts = EntityParts & {
  type: DataProducerType;
  sctpStreamParameters: SctpStreamParameters | undefined;
  label: string;
  protocol: string;
  paused: boolean;
};

/** A source of messages. Made by `transport.produceData`. */
export class DataProducer<DataProducerAppData extends AppData = AppData> extends Source<
  DataProducerAppData,
  DataProducerEvents,
  DataProducerObserver,
  DataConsumer
> {
  readonly #parts: DataProducerParts;

  /** @internal */
  constructor(parts: DataProducerParts) {
    super(parts, 'DataProducer', parts.paused);
    this.#parts = parts;
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

  /** What is in it. */
  async dump(): Promise<DataProducerDump> {
    this.check('dump');
    const { id, paused, type, sctpStreamParameters, label, protocol } = this;
    return { id, paused, type, label, protocol, ...(sctpStreamParameters ? { sctpStreamParameters } : {}) };
  }

  /** Its figures. */
  async getStats(): Promise<DataProducerStat[]> {
    this.check('getStats');
    type Counted = { messagesReceived: number; bytesReceived: number };
    const { messagesReceived, bytesReceived } = await this.call<Counted>('stats');
    const { label, protocol } = this;
    return [{ type: 'data-producer', timestamp: Date.now(), label, protocol, messagesReceived, bytesReceived }];
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
    if (this.closed) return;
    if (!subchannels?.length && requiredSubchannel === undefined && ignoredSubchannel === undefined) {
      this.engine.tell('DataProducer.send', this.engineId, { text }, [payload]);
      return;
    }
    if (this.paused) return;
    for (const consumer of this.consumers) {
      const has = (subchannel: number): boolean => consumer.subchannels.includes(subchannel);
      const required = requiredSubchannel === undefined || has(requiredSubchannel);
      const ignored = ignoredSubchannel !== undefined && has(ignoredSubchannel);
      if (required && !ignored && (!subchannels?.length || subchannels.some(has))) consumer.deliver(text, payload);
    }
  }
}
