// Observers of the audio of a router: what the two kinds have in common.

import type { SfuEvent } from '../events.js';
import type { AppData } from './app_data.js';
import type { Engine } from './engine.js';
import { EnhancedEventEmitter } from './enhanced_events.js';
import { closedError, NotFoundError } from './errors.js';
import { Logger } from './logger.js';
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
export type RtpObserverParts = {
  engine: Engine;
  engineId: string;
  id: string;
  /** Producers of the router by their ids. */
  producer: (id: string) => Producer<any> | undefined;
  appData: AppData | undefined;
};

const logger = new Logger('RtpObserver');

/** What listens to the audio producers that are added to it. */
export abstract class RtpObserver<
  RtpObserverAppData extends AppData = AppData,
  Events extends RtpObserverEvents = RtpObserverEvents,
  Observer extends RtpObserverObserver = RtpObserverObserver,
> extends EnhancedEventEmitter<Events> {
  readonly #engine: Engine;
  readonly #parts: RtpObserverParts;
  readonly #noun: string;
  readonly #observer: Observer;
  /** Producers by their ids in the SFU. */
  readonly #producers = new Map<string, Producer<any>>();
  #appData: RtpObserverAppData;
  #closed = false;
  #paused = false;

  /** @internal */
  constructor(parts: RtpObserverParts, noun: string) {
    super();
    this.#parts = parts;
    this.#engine = parts.engine;
    this.#noun = noun;
    this.#observer = new EnhancedEventEmitter() as unknown as Observer;
    this.#appData = (parts.appData ?? {}) as RtpObserverAppData;
    logger.watch(this as unknown as EnhancedEventEmitter);
    this.#engine.handle(parts.engineId, (event) => {
      if (event && !this.#closed && !this.#paused) this.heard(event);
    });
  }

  get id(): string {
    return this.#parts.id;
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  abstract get type(): RtpObserverType;

  /** Whether it is paused. */
  get paused(): boolean {
    return this.#paused;
  }

  get appData(): RtpObserverAppData {
    return this.#appData;
  }

  set appData(appData: RtpObserverAppData) {
    this.#appData = appData;
  }

  get observer(): Observer {
    return this.#observer;
  }

  close(): void {
    if (this.#closed) return;
    this.#engine.tell(`${this.#noun}.close`, this.#parts.engineId);
    this.#end();
    this.#emitter.emit('@close');
    this.#observer.safeEmit('close');
  }

  /** @private Its router was closed. */
  routerClosed(): void {
    if (this.#closed) return;
    this.#end();
    this.#emitter.safeEmit('routerclose');
    this.#observer.safeEmit('close');
  }

  /** Tells nothing until it is resumed. */
  async pause(): Promise<void> {
    this.#check('pause');
    const { engineId } = this.#parts;
    await this.#engine.call(`${this.#noun}.pause`, engineId);
    if (this.#paused) return;
    this.#paused = true;
    this.#observer.safeEmit('pause');
  }

  /** Undoes a pause. */
  async resume(): Promise<void> {
    this.#check('resume');
    await this.#engine.call(`${this.#noun}.resume`, this.#parts.engineId);
    if (!this.#paused) return;
    this.#paused = false;
    this.#observer.safeEmit('resume');
  }

  /** Listens to a producer of the router, too. */
  async addProducer({ producerId }: { producerId: string }): Promise<void> {
    this.#check('addProducer');
    const producer = this.#producer(producerId);
    await this.#engine.call(`${this.#noun}.addProducer`, this.#parts.engineId, { producer: producer.engineId });
    this.#producers.set(producer.engineId, producer);
    this.#observer.safeEmit('addproducer', producer);
  }

  /** Listens to a producer no longer. */
  async removeProducer({ producerId }: { producerId: string }): Promise<void> {
    this.#check('removeProducer');
    const producer = this.#producer(producerId);
    await this.#engine.call(`${this.#noun}.removeProducer`, this.#parts.engineId, { producer: producer.engineId });
    this.#producers.delete(producer.engineId);
    this.#observer.safeEmit('removeproducer', producer);
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

  /** The events that all kinds have. */
  get #emitter(): EnhancedEventEmitter<RtpObserverEvents> {
    return this as unknown as EnhancedEventEmitter<RtpObserverEvents>;
  }

  #producer(id: string): Producer<any> {
    const producer = this.#parts.producer(id);
    if (!producer) throw new NotFoundError(`producerId: the router has no producer ${id}`);
    return producer;
  }

  #end(): void {
    this.#closed = true;
    this.#engine.release(this.#parts.engineId);
  }

  #check(method: string): void {
    if (this.#closed) throw closedError(this.#engine, `${method}: the observer ${this.id} is closed`);
  }
}
