/** What happens, as an asynchronous sequence with a bound. */

import type { LaggedEvent } from './events.js';

/**
 * An asynchronous sequence that holds a bounded number of items for its reader. When it is full, the oldest make
 * room, and their number is told. It is left by `break`, `return()` or `await using`.
 */
export abstract class BoundedStream<T> implements AsyncIterableIterator<T> {
  readonly #capacity: number;
  readonly #leave: () => void;
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #items: T[] = [];
  #weight = 0;
  #ended = false;

  /** @internal */
  constructor(capacity: number, leave: () => void) {
    this.#capacity = capacity;
    this.#leave = leave;
  }

  /** How much room an item takes. @internal */
  protected weigh(_item: T): number {
    return 1;
  }

  /** So much was lost. @internal */
  protected abstract lose(count: number): void;

  /** An item to give before those that wait. @internal */
  protected first(): T | undefined {
    return undefined;
  }

  /** @internal */
  push(item: T): void {
    if (this.#ended) return;
    const reader = this.#waiting.shift();
    if (reader) return reader({ done: false, value: item });
    this.#items.push(item);
    this.#weight += this.weigh(item);
    while (this.#weight > this.#capacity && this.#items.length > 1) {
      const lost = this.weigh(this.#items.shift() as T);
      this.#weight -= lost;
      this.lose(lost);
    }
  }

  /** Ends it, after what waits. @internal */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#leave();
    for (const reader of this.#waiting.splice(0)) reader({ done: true, value: undefined });
  }

  /** The next item; `done` when nothing more can come. */
  next(): Promise<IteratorResult<T>> {
    const first = this.first();
    if (first !== undefined) return Promise.resolve({ done: false, value: first });
    if (this.#items.length > 0) {
      const value = this.#items.shift() as T;
      this.#weight -= this.weigh(value);
      return Promise.resolve({ done: false, value });
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Stops listening; what waits is forgotten. */
  return(): Promise<IteratorResult<T>> {
    this.#items = [];
    this.#weight = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Events. Those that were lost are told by a {@link LaggedEvent}. */
export class EventStream<T> extends BoundedStream<T | LaggedEvent> {
  #lost = 0;

  protected override lose(count: number): void {
    this.#lost += count;
  }

  protected override first(): LaggedEvent | undefined {
    if (this.#lost === 0) return undefined;
    const count = this.#lost;
    this.#lost = 0;
    return { type: 'lagged', count };
  }
}

/** Batches of RTP packets. */
export class PacketStream extends BoundedStream<Buffer[]> {
  #lost = 0;

  /** Packets that were lost because nobody took them in time. */
  get lost(): number {
    return this.#lost;
  }

  protected override weigh(packets: Buffer[]): number {
    return packets.length;
  }

  protected override lose(count: number): void {
    this.#lost += count;
  }
}

/** Messages of a data consumer. */
export class MessageStream extends BoundedStream<string | Buffer> {
  #lost = 0;

  /** Messages that were lost because nobody took them in time. */
  get lost(): number {
    return this.#lost;
  }

  protected override lose(count: number): void {
    this.#lost += count;
  }
}
