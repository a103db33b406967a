// What all objects of an SFU have in common here: ids, the application's data, an observer, pauses, and an end.

import type { AppData } from './app_data.js';
import type { Engine, Hearer } from './engine.js';
import { EnhancedEventEmitter } from './enhanced_events.js';
import { closedError } from './errors.js';
import { Logger } from './logger.js';

/** @internal What every object is made of. */
export type EntityParts = {
  engine: Engine;
  /** Its id in the SFU. */
  engineId: string;
  id: string;
  appData: AppData | undefined;
};

/** How something ends. */
type End = {
  /** The SFU has to be told. */
  tell: boolean;
  /** Told to the facade's own objects. */
  internal?: string;
  /** Told to the application. */
  event?: string;
};

/** An object of the SFU. */
export abstract class Entity<
  EntityAppData extends AppData,
  Events extends Record<string, any[]>,
  Observer extends EnhancedEventEmitter<any>,
> extends EnhancedEventEmitter<Events> {
  /** @internal */
  protected readonly engine: Engine;
  /** @internal */
  protected readonly logger: Logger;
  readonly #noun: string;
  readonly #parts: EntityParts;
  readonly #observer: Observer;
  readonly #heard: string[] = [];
  #appData: EntityAppData;
  #closed = false;

  /** @internal */
  constructor(parts: EntityParts, noun: string) {
    super();
    this.#parts = parts;
    this.#noun = noun;
    this.engine = parts.engine;
    this.logger = new Logger(noun);
    this.logger.watch(this as unknown as EnhancedEventEmitter);
    this.#observer = new EnhancedEventEmitter() as unknown as Observer;
    this.#appData = (parts.appData ?? {}) as EntityAppData;
  }

  /** Its id. */
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

  /** Data of the application. */
  get appData(): EntityAppData {
    return this.#appData;
  }

  set appData(appData: EntityAppData) {
    this.#appData = appData;
  }

  /** Tells others of what happens to it. */
  get observer(): Observer {
    return this.#observer;
  }

  /** Closes it, with all that depends on it. */
  close(): void {
    this.end({ tell: true, internal: '@close' });
  }

  /** @internal The end of it, however it came; only the first counts. */
  protected end({ tell, internal, event }: End): void {
    if (this.#closed) return;
    if (tell) this.engine.tell(`${this.#noun}.close`, this.engineId);
    this.#closed = true;
    this.ended();
    for (const id of this.#heard) this.engine.release(id);
    const emitter = this as unknown as EnhancedEventEmitter;
    if (internal) emitter.emit(internal);
    if (event) emitter.safeEmit(event);
    this.#observer.safeEmit('close');
  }

  /** @internal What else ends with it. */
  protected ended(): void {}

  /** @internal Has `hear` called for what happens to it, or to a part of it, as long as it is open. */
  protected hear(id: string, hear: Hearer): void {
    this.#heard.push(id);
    this.engine.handle(id, (event, packets) => {
      if (!this.#closed) hear(event, packets);
    });
  }

  /** @internal Calls a method of it in the SFU. */
  protected call<T>(method: string, parameters: object = {}, payloads: Uint8Array[] = []): Promise<T> {
    return this.engine.call<T>(`${this.#noun}.${method}`, this.engineId, parameters, payloads);
  }

  /** @internal Refuses what makes no sense once it is closed. */
  protected check(method: string): void {
    if (this.#closed) throw closedError(this.engine, `${method}: the ${this.#noun} ${this.id} is closed`);
  }

  /** @internal Refuses to go on with what was begun before it was closed: what the SFU made is gone already. */
  protected checkStill(method: string): void {
    if (this.#closed) throw closedError(this.engine, `${method}: the ${this.#noun} ${this.id} was closed meanwhile`);
  }
}

/** An object that can be paused. */
export abstract class Pausable<
  EntityAppData extends AppData,
  Events extends Record<string, any[]>,
  Observer extends EnhancedEventEmitter<any>,
> extends Entity<EntityAppData, Events, Observer> {
  #paused: boolean;

  /** @internal */
  constructor(parts: EntityParts, noun: string, paused: boolean) {
    super(parts, noun);
    this.#paused = paused;
  }

  /** Whether it is paused itself. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Lets nothing through until it is resumed. */
  async pause(): Promise<void> {
    await this.#set(true);
  }

  /** Undoes a pause. */
  async resume(): Promise<void> {
    await this.#set(false);
  }

  /** @internal */
  protected pauseChanged(paused: boolean): void {
    this.observer.safeEmit(paused ? 'pause' : 'resume');
  }

  async #set(paused: boolean): Promise<void> {
    const method = paused ? 'pause' : 'resume';
    this.check(method);
    await this.call(method);
    if (this.#paused === paused) return;
    this.#paused = paused;
    this.pauseChanged(paused);
  }
}
