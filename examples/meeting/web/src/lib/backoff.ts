/** How long to wait before the next attempt at something that keeps failing. */
export interface BackoffOptions {
  /** The wait before the second attempt, in milliseconds. */
  first: number;
  /** The wait that is never exceeded, in milliseconds. */
  max: number;
  /** The share of the wait that chance may take away, 0..1, so that a thousand clients of one
   * restarted server do not all come back in the same moment. */
  jitter: number;
}

export const RECONNECT: BackoffOptions = { first: 400, max: 8000, jitter: 0.4 };

/** The wait after `failures` failed attempts (0 = none yet); `random` is in [0, 1). */
export function backoffDelay(
  failures: number,
  random: number = Math.random(),
  options: BackoffOptions = RECONNECT,
): number {
  if (failures <= 0) return 0;
  const full = Math.min(options.max, options.first * 2 ** Math.min(failures - 1, 30));
  return Math.round(full * (1 - options.jitter * random));
}
