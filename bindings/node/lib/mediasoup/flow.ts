// Producers and consumers, of media or of messages: a source, and the sinks that follow it.

import type { AppData } from './app_data.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import { Pausable, type EntityParts } from './entity.js';

/** A producer of either kind. */
export abstract class Source<
  EntityAppData extends AppData,
  Events extends Record<string, any[]>,
  Observer extends EnhancedEventEmitter<any>,
  Follower extends Sink<any, any, any>,
> extends Pausable<EntityAppData, Events, Observer> {
  readonly #consumers = new Set<Follower>();

  /** @internal Who follows it. */
  get consumers(): Set<Follower> {
    return this.#consumers;
  }

  /** @private Its transport was closed. */
  transportClosed(): void {
    this.end({ tell: false, event: 'transportclose' });
  }

  /** @internal */
  protected override ended(): void {
    // As with a worker in another process, consumers hear of it a moment later.
    const consumers = [...this.#consumers];
    setImmediate(() => consumers.forEach((consumer) => consumer.sourceClosed()));
  }

  /** @internal */
  protected override pauseChanged(paused: boolean): void {
    super.pauseChanged(paused);
    for (const consumer of this.#consumers) consumer.sourcePauseChanged(paused);
  }
}

/** A consumer of either kind. Its events about what it follows begin with `prefix`. */
export abstract class Sink<
  EntityAppData extends AppData,
  Events extends Record<string, any[]>,
  Observer extends EnhancedEventEmitter<any>,
> extends Pausable<EntityAppData, Events, Observer> {
  readonly #source: Source<any, any, any, any>;
  readonly #prefix: 'producer' | 'dataproducer';
  #sourcePaused: boolean;

  /** @internal */
  constructor(
    parts: EntityParts,
    noun: string,
    paused: boolean,
    source: Source<any, any, any, any>,
    prefix: 'producer' | 'dataproducer',
  ) {
    super(parts, noun, paused);
    this.#source = source;
    this.#prefix = prefix;
    this.#sourcePaused = source.paused;
    source.consumers.add(this);
  }

  /** @internal Whether what it follows is paused. */
  protected get sourcePaused(): boolean {
    return this.#sourcePaused;
  }

  /** @private Its transport was closed. */
  transportClosed(): void {
    this.end({ tell: false, event: 'transportclose' });
  }

  /** @internal What it follows was closed. In the SFU a consumer of media outlives that, to follow another. */
  sourceClosed(): void {
    this.end({ tell: true, internal: `@${this.#prefix}close`, event: `${this.#prefix}close` });
  }

  /** @internal What it follows was paused or resumed. */
  sourcePauseChanged(paused: boolean): void {
    if (this.closed || this.#sourcePaused === paused) return;
    this.#sourcePaused = paused;
    const name = paused ? 'pause' : 'resume';
    (this as unknown as EnhancedEventEmitter).safeEmit(`${this.#prefix}${name}`);
    if (!this.paused) this.observer.safeEmit(name);
  }

  /** @internal Nothing changes for the endpoint while what it follows is paused anyway. */
  protected override pauseChanged(paused: boolean): void {
    if (!this.#sourcePaused) super.pauseChanged(paused);
  }

  /** @internal */
  protected override ended(): void {
    this.#source.consumers.delete(this);
  }
}
