/** The face of a participant without a camera: initials and a colour that stay the same. */

/** One or two letters for a name, whatever its script. */
export function initials(name: string): string {
  const words = name
    .replace(/[([{].*$/, '')
    .split(/[\s._-]+/)
    .map((word) => firstGrapheme(word))
    .filter((letter) => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(letter));
  const first = words[0] ?? firstGrapheme(name.trim());
  const last = words.length > 1 ? (words[words.length - 1] ?? '') : '';
  return (first + last).toLocaleUpperCase() || '?';
}

/** A hue in degrees for a participant, far enough from its neighbours to tell them apart. */
export function hueOf(key: string): number {
  let hash = 2166136261;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 16777619);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return ((hash >>> 0) % 24) * 15;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function firstGrapheme(word: string): string {
  for (const { segment } of graphemes.segment(word)) return segment;
  return '';
}
