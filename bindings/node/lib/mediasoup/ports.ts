// Free ports of a range.

import type { TransportPortRange } from './listen_info.js';

/** Ports that are tried before it is given up. */
const ATTEMPTS = 200;

/** Calls `attempt` with ports of the range, in an order that differs each time, until one can be had. */
export async function withPort<T>({ min, max }: TransportPortRange, attempt: (port: number) => Promise<T>): Promise<T> {
  const size = max - min + 1;
  const first = Math.floor(Math.random() * size);
  let last: unknown;
  for (let step = 0; step < Math.min(size, ATTEMPTS); step += 1) {
    try {
      return await attempt(min + ((first + step) % size));
    } catch (error) {
      if (!isBusy(error)) throw error;
      last = error;
    }
  }
  throw last;
}

/** Whether another port may do: the system refused this one. */
function isBusy(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: { code?: string } };
  return code === 'Io' || cause?.code === 'Io';
}
