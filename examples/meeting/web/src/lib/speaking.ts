/**
 * Turns audio levels into "is speaking". It rises at once and falls slowly, so that a tile's
 * ring does not flicker between syllables.
 */

const RISE = 0.02;
const FALL = 0.01;
const HOLD_MS = 600;

export class SpeakingDetector {
  #speaking = false;
  #lastLoud = -Infinity;

  /** `level` is linear, 0..1 (as `RTCRtpContributingSource.audioLevel`); `now` in milliseconds. */
  update(level: number, now: number): boolean {
    if (level >= (this.#speaking ? FALL : RISE)) {
      this.#speaking = true;
      this.#lastLoud = now;
    } else if (now - this.#lastLoud > HOLD_MS) {
      this.#speaking = false;
    }
    return this.#speaking;
  }
}

/** A linear level on the scale of a meter, 0..1: what the ear hears, not what the sample says. */
export function meterLevel(level: number): number {
  if (level <= 0) return 0;
  const decibel = 20 * Math.log10(level);
  return Math.min(1, Math.max(0, (decibel + 55) / 50));
}
