// Observers of the audio of a router: what the two kinds have in common.

import type { SfuEvent } from '../events.js';
import type { AppData } from './app_data.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import { Pausable, type EntityParts } from './entity.js';
import { NotFoundError } from './errors.js';
import type { Producer } from './producer.js';

/** Kind of an observer. */
export type RtpObserverType = 'audiolevel' | 'activespeaker';

export type RtpObserverEvents = { routerclose: []; '@close': [] };

export type RtpObserverObserver = EnhancedEventEmitter<RtpObserverObserverEvents>;

export type RtpObserverObserverEvents = {
  close: [];
  pause: [];
  resume: [];
  addproducer: [Producer];
  removeproducer: [Producer];
};

/** @internal What an observer is made of. */
export type RtpObserverParts = EntityParts & {
  /** Producers of the router by their ids. */
  producer: (id: string) => Producer<any> | undefined;
};

/** What listens to the audio producers that are added to it. */
export abstract class RtpObserver<
  RtpObserverAppData extends AppData = AppData,
  Events extends RtpObserverEvents = RtpObserverEvents,
  Observer extends RtpObserverObserver = RtpObserverObserver,
> extends Pausable<RtpObserverAppData, Events, Observer> {
  readonly #parts: RtpObserverParts;
  /** Producers by their ids in the SFU. */
  readonly #producers = new Map<string, Producer<any>>();

  /** @internal */
  constructor(parts: RtpObserverParts, noun: string) {
    super(parts, noun, false);
    this.#parts = parts;
    this.hear(parts.engineId, (event) => {
      if (event && !this.paused) this.heard(event);
    });
  }

  abstract get type(): RtpObserverType;

  /** @private Its router was closed. */
  routerClosed(): void {
    this.end({ tell: false, event: 'routerclose' });
  }

  /** Listens to a producer of the router, too. */
  async addProducer({ producerId }: { producerId: string }): Promise<void> {
    this.check('addProducer');
    const producer = this.#producer(producerId);
    await this.call('addProducer', { producer: producer.engineId });
    this.#producers.set(producer.engineId, producer);
    this.observer.safeEmit('addproducer', producer);
  }

  /** Listens to a producer no longer. */
  async removeProducer({ producerId }: { producerId: string }): Promise<void> {
    this.check('removeProducer');
    const producer = this.#producer(producerId);
    await this.call('removeProducer', { producer: producer.engineId });
    this.#producers.delete(producer.engineId);
    this.observer.safeEmit('removeproducer', producer);
  }

  /** @internal An event of the SFU about it. */
  protected abstract heard(event: SfuEvent): void;

  /** @internal A producer that it listens to, by the id in the SFU. */
  protected listened(engineId: string): Producer | undefined {
    const producer = this.#producers.get(engineId);
    if (!producer?.closed) return producer;
    this.#producers.delete(engineId);
    return undefined;
  }

  /** @internal Ids of the producers that it listens to. */
  get producerIds(): string[] {
    return [...this.#producers.values()].filter((producer) => !producer.closed).map((producer) => producer.id);
  }

  #producer(id: string): Producer<any> {
    const producer = this.#parts.producer(id);
    if (!producer) throw new NotFoundError(`producerId: the router has no producer ${id}`);
    return producer;
  }
}
