/** The meeting id in what someone typed or pasted: a code, a path or a whole link. */
export function parseMeetingCode(input: string): string | null {
  const text = input.trim();
  const path = /\/m\/([^/?#\s]+)/.exec(text);
  const code = path ? decode(path[1] ?? '') : text;
  return code !== null && /^[A-Za-z0-9_-]{3,64}$/.test(code) ? code : null;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
