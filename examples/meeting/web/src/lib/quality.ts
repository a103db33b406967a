/** How good a picture is, from two looks at its figures: pure. And why, in words for a person. */

import type { Size } from './layout';
import type { Explanation } from './protocol';

/** One look at what arrives on a slot. */
export interface Look {
  /** Milliseconds of the page's clock. */
  at: number;
  width: number;
  height: number;
  framesDecoded: number;
  packetsReceived: number;
  packetsLost: number;
  /** Seconds. */
  freezesDuration: number;
  bytesReceived: number;
}

export type Level = 'good' | 'fair' | 'poor';

export interface Quality {
  level: Level;
  width: number;
  height: number;
  /** Pictures a second. */
  rate: number;
  /** Lost packets, 0..1. */
  loss: number;
  /** Seconds without a new picture where one was due. */
  frozen: number;
  /** Bits a second. */
  bitrate: number;
}

/** Smaller tiles are never too coarse. */
const SMALL = 200;

/** The quality between two looks; `tile` is where it is shown, in device pixels, if known. */
export function assess(before: Look, after: Look, tile: Size | null, source: 'camera' | 'screen'): Quality {
  const shown = shownHeight(after, tile, source);
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const received = Math.max(0, after.packetsReceived - before.packetsReceived);
  const lost = Math.max(0, after.packetsLost - before.packetsLost);
  const figures = {
    width: after.width,
    height: after.height,
    rate: Math.max(0, after.framesDecoded - before.framesDecoded) / seconds,
    loss: received + lost === 0 ? 0 : lost / (received + lost),
    frozen: Math.max(0, after.freezesDuration - before.freezesDuration),
    bitrate: (Math.max(0, after.bytesReceived - before.bytesReceived) * 8) / seconds,
  };
  return { ...figures, level: grade(figures, shown, source) };
}

/** A face fills its tile; a screen is shown whole, and may leave much of the tile empty. */
function shownHeight({ width, height }: Look, tile: Size | null, source: 'camera' | 'screen'): number {
  if (!tile) return 0;
  return source === 'screen' && width > 0 ? Math.min(tile.height, (tile.width * height) / width) : tile.height;
}

function grade(figures: Omit<Quality, 'level'>, shown: number, source: 'camera' | 'screen'): Level {
  const { height, rate, loss, frozen } = figures;
  // A still screen sends no pictures.
  const slow = source === 'camera' && rate < 3;
  if (slow || loss > 0.1 || frozen > 0.8) return 'poor';
  const coarse = shown > SMALL && height < Math.min(shown, 1080) * 0.45;
  const halting = source === 'camera' && rate < 8;
  return coarse || halting || loss > 0.03 || frozen > 0.2 ? 'fair' : 'good';
}

const REASONS: Partial<Record<string, string>> = {
  best: 'This is the best the sender offers.',
  as_wanted: 'This is what the tile asks for.',
  viewport: 'It fits the size of this tile. A larger tile gets a sharper picture.',
  preferred: 'It fits the size of this tile. A larger tile gets a sharper picture.',
  pinned: 'It is pinned, so it comes before all other pictures.',
  bandwidth: 'Your connection does not carry more at the moment.',
  hold: 'Your connection is better again; the picture follows in a moment.',
  publisher_does_not_send: 'The sender sends nothing better at the moment: a slow connection or a busy computer there.',
  no_descriptor: 'Your browser decodes only the smallest picture of this sender.',
  awaits_key_frame: 'A sharper picture is on its way.',
  producer_paused: 'The sender has paused the picture.',
  sender_paused: 'The sender has paused the picture.',
  consumer_paused: 'The picture is paused.',
  receiver_paused: 'The picture is paused.',
  not_shown: 'The tile has only just come into view.',
  empty: 'Nothing has been sent yet.',
};

/** Why a picture is as it is. */
export function why(explanation: Explanation | null, quality: Quality | null): string {
  if (quality && quality.loss > 0.03) {
    return 'Packets are lost on the way: the network here or at the sender is overloaded.';
  }
  if (!explanation) return 'Asking the server…';
  if (explanation.awaits_key_frame) return REASONS['awaits_key_frame'] ?? '';
  return REASONS[explanation.reason] ?? explanation.detail;
}

/** `640 × 360`, or a dash before the first picture. */
export function resolution(quality: Quality | null): string {
  return quality && quality.width > 0 ? `${quality.width} × ${quality.height}` : '–';
}

/** `1.2 Mbit/s`, `340 kbit/s`. */
export function bitrate(bits: number): string {
  if (bits >= 1_000_000) return `${(bits / 1_000_000).toFixed(1)} Mbit/s`;
  return `${Math.round(bits / 1000)} kbit/s`;
}

/** The layer that is sent, in a word. */
export function layerOf(explanation: Explanation | null): string {
  const current = explanation?.current;
  if (!current) return '–';
  return ['Small', 'Medium', 'Large'][current.spatial] ?? `Layer ${current.spatial + 1}`;
}
