// An EventEmitter with typed events, whose listeners may throw without harm to whoever emits.

import { EventEmitter, once } from 'node:events';

/** Names of events and the arguments of their listeners. */
type EventMap = Record<string, any[]>;

/**
 * Typed emitter of every object of the facade. An exception in a listener of
 * `safeEmit` is told by the event `listenererror` (name of the event, error).
 */
export class EnhancedEventEmitter<
  E extends EventMap = EventMap,
  B extends EventMap = { listenererror: [keyof E, Error] },
  A extends EventMap = E & B,
> extends EventEmitter {
  constructor() {
    super();
    // A room has one listener per participant on the same router or worker.
    this.setMaxListeners(Infinity);
  }

  /** Calls the listeners in order; an exception reaches the caller. */
  override emit<K extends keyof A & string>(eventName: K, ...args: A[K]): boolean {
    return super.emit(eventName, ...args);
  }

  /** Calls the listeners in order; an exception is told as `listenererror`. */
  safeEmit<K extends keyof A & string>(eventName: K, ...args: A[K]): boolean {
    try {
      return super.emit(eventName, ...args);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      try {
        super.emit('listenererror', eventName, error);
      } catch {
        // A listener that throws on hearing of an exception has nobody left to tell.
      }
      return super.listenerCount(eventName) > 0;
    }
  }

  override on<K extends keyof A & string>(eventName: K, listener: (...args: A[K]) => void): this {
    return super.on(eventName, listener as (...args: any[]) => void);
  }

  override off<K extends keyof A & string>(eventName: K, listener: (...args: A[K]) => void): this {
    return super.off(eventName, listener as (...args: any[]) => void);
  }

  override addListener<K extends keyof A & string>(eventName: K, listener: (...args: A[K]) => void): this {
    return super.addListener(eventName, listener as (...args: any[]) => void);
  }

  override removeListener<K extends keyof A & string>(eventName: K, listener: (...args: A[K]) => void): this {
    return super.removeListener(eventName, listener as (...args: any[]) => void);
  }

  override prependListener<K extends keyof A & string>(eventName: K, listener: (...args: A[K]) => void): this {
    return super.prependListener(eventName, listener as (...args: any[]) => void);
  }

  override once<K extends keyof A & string>(eventName: K, listener: (...args: A[K]) => void): this {
    return super.once(eventName, listener as (...args: any[]) => void);
  }

  override prependOnceListener<K extends keyof A & string>(eventName: K, listener: (...args: A[K]) => void): this {
    return super.prependOnceListener(eventName, listener as (...args: any[]) => void);
  }

  override removeAllListeners<K extends keyof A & string>(eventName?: K): this {
    // With an explicit `undefined` Node would look for an event of that name.
    return eventName === undefined ? super.removeAllListeners() : super.removeAllListeners(eventName);
  }

  override listenerCount<K extends keyof A & string>(eventName: K): number {
    return super.listenerCount(eventName);
  }

  override listeners<K extends keyof A & string>(eventName: K): ((...args: any[]) => void)[] {
    return super.listeners(eventName) as ((...args: any[]) => void)[];
  }

  override rawListeners<K extends keyof A & string>(eventName: K): ((...args: any[]) => void)[] {
    return super.rawListeners(eventName) as ((...args: any[]) => void)[];
  }
}

/** The arguments of the next event of this name; see `events.once` of Node. */
export function enhancedOnce<E extends EventMap = EventMap>(
  emitter: EnhancedEventEmitter<E>,
  eventName: keyof E & string,
  options?: { signal?: AbortSignal },
): Promise<any[]> {
  return once(emitter, eventName, options);
}
