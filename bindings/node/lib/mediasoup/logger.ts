// What the facade logs goes to the functions that the application gave, and nowhere else.

import type { EnhancedEventEmitter } from './enhanced_events.js';

/** Who hears what is logged. */
export type LogEventListeners = {
  ondebug?: (namespace: string, log: string) => void;
  onwarn?: (namespace: string, log: string) => void;
  onerror?: (namespace: string, log: string, error?: Error) => void;
};

let current: LogEventListeners = {};

/** From now on only these functions hear what is logged; without an argument nobody does. */
export function setLogEventListeners(listeners: LogEventListeners = {}): void {
  current = { ...listeners };
}

/** Logs under the name of one class. */
export class Logger {
  readonly #namespace: string;

  constructor(name: string) {
    this.#namespace = `plenum-sfu/mediasoup:${name}`;
  }

  debug(log: string): void {
    current.ondebug?.(this.#namespace, log);
  }

  warn(log: string): void {
    current.onwarn?.(this.#namespace, log);
  }

  error(log: string, error?: unknown): void {
    const cause = error === undefined || error instanceof Error ? error : new Error(String(error));
    current.onerror?.(this.#namespace, cause ? `${log}: ${cause.message}` : log, cause);
  }

  /** Logs what listeners of `emitter` throw. */
  watch(emitter: Pick<EnhancedEventEmitter<any>, 'on'>): void {
    emitter.on('listenererror', (event, error) => this.error(`a listener of "${String(event)}" threw`, error));
  }
}
