// What is in a router, by the ids of the facade.

import type { Consumer } from './consumer.js';
import type { DataConsumer } from './data_consumer.js';
import type { DataProducer } from './data_producer.js';
import type { Producer } from './producer.js';
import type { RtpCapabilities } from './rtp_parameters.js';

/** Producers and consumers of one router, and ids that are about to be used. */
export class RouterBook {
  /** What the router can route now. */
  rtpCapabilities: RtpCapabilities;
  readonly producers = new Map<string, Producer<any>>();
  readonly consumers = new Map<string, Consumer<any>>();
  readonly dataProducers = new Map<string, DataProducer<any>>();
  readonly dataConsumers = new Map<string, DataConsumer<any>>();
  readonly #reserved = new Set<string>();

  constructor(rtpCapabilities: RtpCapabilities) {
    this.rtpCapabilities = rtpCapabilities;
  }

  /** Whether a producer of either kind has this id, or is about to. */
  has(id: string): boolean {
    return this.producers.has(id) || this.dataProducers.has(id) || this.#reserved.has(id);
  }

  /** Keeps an id from others while its owner is made. */
  async reserve<T>(id: string, make: () => Promise<T>): Promise<T> {
    this.#reserved.add(id);
    try {
      return await make();
    } finally {
      this.#reserved.delete(id);
    }
  }

  /** Whatever has this id is gone. */
  forget(id: string): void {
    this.producers.delete(id);
    this.consumers.delete(id);
    this.dataProducers.delete(id);
    this.dataConsumers.delete(id);
  }
}
