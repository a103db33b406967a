/** A data producer: one source of messages in a router. */

import type { Connection } from './connection.js';
import { SfuError } from './errors.js';
import type { RouterEvent } from './events.js';
import { bytesOf, Handle, type HandleEvents } from './handle.js';
import type { Id, SctpStreamParameters } from './parameters.js';
import type { DataProducerStats } from './stats.js';

/** How the SFU describes a data producer. @internal */
export interface DataProducerDescription {
  id: Id;
  router: Id;
  transport: Id;
  label: string;
  protocol: string;
  sctpStreamParameters?: SctpStreamParameters;
  paused: boolean;
}

/** The payload of a message, and whether it is text. */
export function messageOf(data: unknown): { parameters: { text: boolean }; payload: Uint8Array } {
  if (typeof data === 'string') return { parameters: { text: true }, payload: Buffer.from(data, 'utf8') };
  if (data === undefined) throw SfuError.of('InvalidParameters', 'data: expected a string or a Buffer, found undefined');
  return { parameters: { text: false }, payload: bytesOf('data', data) };
}

/** One source of messages: a data channel of a peer, or this process. */
export class DataProducer extends Handle<HandleEvents> {
  /** @internal */
  readonly noun = 'DataProducer';
  /** Id of its router. */
  readonly router: Id;
  /** Id of its transport. */
  readonly transport: Id;
  /** Name of the channel. */
  readonly label: string;
  /** Subprotocol of the channel. */
  readonly protocol: string;
  /** The channel; none on a direct transport. */
  readonly sctpStreamParameters: SctpStreamParameters | undefined;
  #paused: boolean;

  /** @internal */
  constructor(connection: Connection, description: DataProducerDescription) {
    super(connection, description.id, connection.find(description.transport) ?? connection.find(description.router));
    this.router = description.router;
    this.transport = description.transport;
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
    if (event.type === 'data-producer-closed') this.markClosed(event.reason);
  }

  /** Feeds a message to its consumers; only of a direct transport. A string is text, a `Buffer` is binary. */
  async send(data: string | Uint8Array): Promise<void> {
    const { parameters, payload } = messageOf(data);
    await this.call('send', parameters, [payload]);
  }

  /** Forwards nothing of it until {@link resume}. */
  async pause(): Promise<void> {
    await this.call('pause');
    this.#paused = true;
  }

  /** Forwards again. */
  async resume(): Promise<void> {
    await this.call('resume');
    this.#paused = false;
  }

  /** Its figures. */
  async stats(): Promise<DataProducerStats> {
    return (await this.call('stats')) as DataProducerStats;
  }
}
