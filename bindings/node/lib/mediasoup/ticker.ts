// Figures that the SFU gives only when it is asked.

import { Logger } from './logger.js';

const logger = new Logger('Ticker');

/** Calls a function at once and then regularly, until it is stopped. */
export class Ticker {
  readonly #intervalMs: number;
  readonly #tick: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number, tick: () => Promise<void>) {
    this.#intervalMs = intervalMs;
    this.#tick = tick;
  }

  /** Begins, if it has not begun. */
  start(): void {
    if (this.#timer) return;
    // What is only observed keeps no process alive.
    this.#timer = setInterval(() => this.#run(), this.#intervalMs).unref();
    this.#run();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #run(): void {
    this.#tick().catch((error: unknown) => logger.debug(`nothing to observe: ${String(error)}`));
  }
}
