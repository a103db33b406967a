/** A data consumer: what one receiver gets of a data producer. */

import type { Connection } from './connection.js';
import { messageOf } from './data_producer.js';
import type { RouterEvent } from './events.js';
import { Handle, type HandleEvents } from './handle.js';
import type { Id, SctpStreamParameters } from './parameters.js';
import type { DataConsumerStats } from './stats.js';
import { MessageStream } from './stream.js';

/** Events of a {@link DataConsumer}. */
export interface DataConsumerEvents extends HandleEvents {
  /** A message; only of a direct transport. A string is text, a `Buffer` is binary. */
  message: [data: string | Buffer];
  /** What waits on its channel fell to the threshold. */
  'buffered-amount-low': [];
}

/** How the SFU describes a data consumer. @internal */
export interface DataConsumerDescription {
  id: Id;
  router: Id;
  transport: Id;
  dataProducer: Id;
  label: string;
  protocol: string;
  sctpStreamParameters?: SctpStreamParameters;
  paused: boolean;
}

/** What one receiver gets of a data producer. */
export class DataConsumer extends Handle<DataConsumerEvents> {
  /** @internal */
  readonly noun = 'DataConsumer';
  /** Id of its router. */
  readonly router: Id;
  /** Id of its transport. */
  readonly transport: Id;
  /** Id of what it follows. */
  readonly dataProducer: Id;
  /** Name of the channel. */
  readonly label: string;
  /** Subprotocol of the channel. */
  readonly protocol: string;
  /** The channel; none on a direct transport. */
  readonly sctpStreamParameters: SctpStreamParameters | undefined;
  readonly #streams = new Set<MessageStream>();
  #paused: boolean;

  /** @internal */
  constructor(connection: Connection, description: DataConsumerDescription) {
    super(connection, description.id, connection.find(description.transport) ?? connection.find(description.router));
    this.router = description.router;
    this.transport = description.transport;
    this.dataProducer = description.dataProducer;
    this.label = description.label;
    this.protocol = description.protocol;
    this.sctpStreamParameters = description.sctpStreamParameters;
    this.#paused = description.paused;
  }

  /** Whether it is paused. */
  get paused(): boolean {
    return this.#paused;
  }

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'data-consumer-closed') this.markClosed(event.reason);
    else if (event.type === 'data-buffered-amount-low') this.tell('buffered-amount-low');
    else if (event.type === 'message') {
      for (const stream of this.#streams) stream.push(event.data);
      this.tell('message', event.data);
    }
  }

  protected override atClose(): void {
    for (const stream of [...this.#streams]) stream.end();
  }

  /** Sends a message to its receiver alone. A string is text, a `Buffer` is binary. */
  async send(data: string | Uint8Array): Promise<void> {
    const { parameters, payload } = messageOf(data);
    await this.call('send', parameters, [payload]);
  }

  /** Has `'buffered-amount-low'` told when what waits falls to so many bytes; none tells nothing. */
  async setBufferedAmountLowThreshold(bytes: number | null): Promise<void> {
    await this.call('setBufferedAmountLowThreshold', { bytes });
  }

  /** Sends nothing until {@link resume}. */
  async pause(): Promise<void> {
    await this.call('pause');
    this.#paused = true;
  }

  /** Sends again. */
  async resume(): Promise<void> {
    await this.call('resume');
    this.#paused = false;
  }

  /** Its figures. */
  async stats(): Promise<DataConsumerStats> {
    return (await this.call('stats')) as DataConsumerStats;
  }

  /**
   * Messages from now on; only of a direct transport. At most `capacity` messages wait for the reader; the oldest of
   * more are lost, and counted in `lost`.
   */
  messages(capacity = 16_384): MessageStream {
    const stream: MessageStream = new MessageStream(capacity, () => this.#streams.delete(stream));
    if (this.closed) stream.end();
    else this.#streams.add(stream);
    return stream;
  }
}
