/** What all handles have in common: an id, a place in the tree, and events. */

import { EventEmitter } from 'node:events';
import type { Connection } from './connection.js';
import { SfuError } from './errors.js';
import type { CloseReason, RouterEvent } from './events.js';
import type { Id } from './parameters.js';

/** Events that every handle has. */
export interface HandleEvents {
  /** It is gone; told once. */
  closed: [reason: CloseReason];
}

/**
 * A router, a transport, a producer…: something in the SFU that has an id.
 *
 * It lives until it or what it belongs to is closed. Forgetting the object closes nothing.
 */
export abstract class Handle<
  // The map of an EventEmitter is matched against itself, which only `any` allows.
  Events extends HandleEvents & Record<keyof Events, any[]> = any,
> extends EventEmitter<Events> {
  /** Its identity. */
  readonly id: Id;
  /** @internal */
  readonly connection: Connection;
  /** @internal */
  abstract readonly noun: string;
  readonly #parent: Handle | undefined;
  readonly #children = new Set<Handle>();
  #closed = false;

  /** @internal */
  constructor(connection: Connection, id: Id, parent: Handle | undefined) {
    super();
    this.connection = connection;
    this.id = id;
    this.#parent = parent;
    parent?.adopt(this);
    connection.register(this);
  }

  /** Whether it is known to be closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Takes in an event of the SFU that is about this. @internal */
  receive(_event: RouterEvent): void {}

  /** Takes in RTP packets: of a consumer of a direct transport. @internal */
  receivePackets(_packets: Buffer[]): void {}

  /** Marks it closed, with all that is in it, and tells. @internal */
  markClosed(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const child of this.#children) child.markClosed('parent-closed');
    this.#children.clear();
    this.#parent?.abandon(this);
    this.connection.unregister(this);
    this.atClose();
    (this as Handle).tell('closed', reason);
  }

  /** What else ends with it. @internal */
  protected atClose(): void {}

  /** What belongs to it. @internal */
  get children(): Iterable<Handle> {
    return this.#children;
  }

  /** What of a class belongs to it. @internal */
  protected childrenOf<T extends Handle>(...classes: (abstract new (...values: never[]) => T)[]): T[] {
    return [...this.#children].filter((child): child is T => classes.some((each) => child instanceof each));
  }

  /** @internal */
  private adopt(child: Handle): void {
    this.#children.add(child);
  }

  /** @internal */
  private abandon(child: Handle): void {
    this.#children.delete(child);
  }

  /** Emits. What a listener throws must not keep others from their events: it is thrown by itself. @internal */
  protected tell<Name extends keyof Events & string>(name: Name, ...values: Events[Name]): void {
    try {
      (this as unknown as EventEmitter).emit(name, ...(values as unknown[]));
    } catch (error) {
      throwLater(error);
    }
  }

  /** Calls a method of the SFU on it. @internal */
  protected async call(method: string, parameters?: object, payloads?: Uint8Array[]): Promise<unknown> {
    const answer = await this.connection.call(this.noun, method, this.id, parameters, payloads);
    return answer.value;
  }

  /** Closes it, with all that is in it. */
  async close(): Promise<void> {
    await this.call('close');
    this.markClosed('requested');
  }

  /** Its noun and its id. */
  toJSON(): { noun: string; id: Id } {
    return { noun: this.noun, id: this.id };
  }
}

/** Throws on its own, as an uncaught exception. */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** The id of what a parameter names: a handle of the same `Sfu`, or the id itself. */
export function idOf(connection: Connection, name: string, value: unknown): Id {
  if (typeof value === 'string') return value;
  if (value instanceof Handle) {
    if (value.connection === connection) return value.id;
    throw SfuError.of('InvalidParameters', `${name}: expected one of this Sfu, not of another`);
  }
  const found = value === null ? 'null' : typeof value;
  throw SfuError.of('InvalidParameters', `${name}: expected a handle or an id, found ${found}`);
}

/** The options of a call, as a copy that may be changed. */
export function optionsOf<T extends object>(name: string, value: T | undefined): T {
  if (value === undefined) return {} as T;
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Handle)) {
    return { ...value };
  }
  throw SfuError.of('InvalidParameters', `${name}: expected an object with options`);
}

/** Message or packet, as bytes. */
export function bytesOf(name: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const found = value === null ? 'null' : typeof value;
  throw SfuError.of('InvalidParameters', `${name}: expected a Buffer or another Uint8Array, found ${found}`);
}
