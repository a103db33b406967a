// A data consumer: the messages of a data producer on their way to one endpoint, or to the application.

import type { SfuEvent } from '../events.js';
import { describe, type AppData } from './app_data.js';
import type { DataProducer } from './data_producer.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import type { EntityParts } from './entity.js';
import { Sink } from './flow.js';
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
export type DataConsumerParts = EntityParts & {
  dataProducer: DataProducer<any>;
  type: DataConsumerType;
  sctpStreamParameters: SctpStreamParameters | undefined;
  label: string;
  protocol: string;
  paused: boolean;
  subchannels: number[];
};

type Counted = { messagesSent: number; bytesSent: number; bufferedAmount: number };

/** Messages on their way to one endpoint. Made by `transport.consumeData`. */
export class DataConsumer<DataConsumerAppData extends AppData = AppData> extends Sink<
  DataConsumerAppData,
  DataConsumerEvents,
  DataConsumerObserver
> {
  readonly #parts: DataConsumerParts;
  #subchannels: Set<number>;
  #threshold = 0;

  /** @internal */
  constructor(parts: DataConsumerParts) {
    super(parts, 'DataConsumer', parts.paused, parts.dataProducer, 'dataproducer');
    this.#parts = parts;
    this.#subchannels = new Set(parts.subchannels);
    this.hear(parts.engineId, (event) => this.#on(event));
  }

  /** What it follows. */
  get dataProducerId(): string {
    return this.#parts.dataProducer.id;
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

  /** Whether its data producer is paused. */
  get dataProducerPaused(): boolean {
    return this.sourcePaused;
  }

  /** Subchannels that it hears. */
  get subchannels(): number[] {
    return [...this.#subchannels];
  }

  /** @internal A message that is for some data consumers only. */
  deliver(text: boolean, payload: Buffer): void {
    if (this.closed || this.paused) return;
    this.engine.tell('DataConsumer.send', this.engineId, { text }, [payload]);
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

  /** Has `bufferedamountlow` told when what waits to be sent falls to so many bytes. */
  async setBufferedAmountLowThreshold(threshold: number): Promise<void> {
    if (!Number.isInteger(threshold) || threshold < 0) {
      throw new TypeError(`threshold: expected a number of bytes from 0, got ${describe(threshold)}`);
    }
    this.check('setBufferedAmountLowThreshold');
    await this.call('setBufferedAmountLowThreshold', { bytes: threshold });
    this.#threshold = threshold;
  }

  /** Bytes that wait to be sent or acknowledged. */
  async getBufferedAmount(): Promise<number> {
    return (await this.#stats('getBufferedAmount')).bufferedAmount;
  }

  /** Sends a message to this endpoint alone. Gives the bytes that wait then. */
  async send(message: string | Buffer, ppid?: number): Promise<number> {
    const { text, payload } = encodeMessage(message, ppid);
    this.check('send');
    await this.call('send', { text }, [payload]);
    return this.getBufferedAmount();
  }

  /** Hears these subchannels and no others. */
  async setSubchannels(subchannels: number[]): Promise<void> {
    checkSubchannels(subchannels);
    this.check('setSubchannels');
    this.#subchannels = new Set(subchannels);
  }

  /** Hears this subchannel, too. */
  async addSubchannel(subchannel: number): Promise<void> {
    checkSubchannels([subchannel]);
    this.check('addSubchannel');
    this.#subchannels.add(subchannel);
  }

  /** Hears this subchannel no longer. */
  async removeSubchannel(subchannel: number): Promise<void> {
    checkSubchannels([subchannel]);
    this.check('removeSubchannel');
    this.#subchannels.delete(subchannel);
  }

  #on(event: SfuEvent | undefined): void {
    switch (event?.type) {
      case 'message': {
        const text = typeof event.data === 'string';
        const payload = text ? Buffer.from(event.data as string) : (event.data as Buffer);
        this.safeEmit('message', payload, ppidOf(text, payload));
        break;
      }
      case 'data-buffered-amount-low':
        this.#stats('bufferedamountlow')
          .then(({ bufferedAmount }) => !this.closed && this.safeEmit('bufferedamountlow', bufferedAmount))
          .catch((error: unknown) => this.logger.debug(`closed before it was told: ${String(error)}`));
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

  #stats(method: string): Promise<Counted> {
    this.check(method);
    return this.call<Counted>('stats');
  }
}
