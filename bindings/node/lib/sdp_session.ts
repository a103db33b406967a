/** One peer by one offer: its transport, its producers and its receive slots. */

import type { Connection } from './connection.js';
import { Consumer, type ConsumerDescription } from './consumer.js';
import { Producer, type ProducerDescription } from './producer.js';
import { WebRtcTransport, type TransportDescription } from './transport.js';

/** A section on which the peer sends. */
export interface SdpProducer {
  /** The section's MID. */
  mid: string;
  /** What the peer sends on it. */
  producer: Producer;
}

/** A section on which the peer receives. */
export interface SdpSlot {
  /** The section's MID. */
  mid: string;
  /** The slot, which follows nobody at first. */
  consumer: Consumer;
}

/** How the SFU describes a session. @internal */
export interface SdpSessionDescription {
  transport: TransportDescription;
  producers: { mid: string; producer: ProducerDescription }[];
  slots: { mid: string; consumer: ConsumerDescription }[];
  data?: string | null;
  answer: string;
}

/** A peer that was accepted by its offer. */
export class SdpSession {
  /** The peer's transport. */
  readonly transport: WebRtcTransport;
  /** One for each section on which the peer sends, in the order of the offer. */
  readonly producers: readonly SdpProducer[];
  /** One for each section on which the peer receives, in the order of the offer. */
  readonly slots: readonly SdpSlot[];
  /** The MID of the section for data channels, if there is one. */
  readonly data: string | undefined;
  /** The answer, for the peer. */
  readonly answer: string;

  /** @internal */
  constructor(connection: Connection, description: SdpSessionDescription) {
    this.transport = new WebRtcTransport(connection, description.transport);
    this.producers = description.producers.map(({ mid, producer }) => ({
      mid,
      producer: new Producer(connection, producer),
    }));
    this.slots = description.slots.map(({ mid, consumer }) => ({ mid, consumer: new Consumer(connection, consumer) }));
    this.data = description.data ?? undefined;
    this.answer = description.answer;
  }

  /** Closes the transport with all that is on it. */
  close(): Promise<void> {
    return this.transport.close();
  }
}
