/**
 * Splits a chat message into text and links. It returns data, never markup: the page renders
 * the parts as text nodes and `<a href>`, so nothing that a sender writes becomes HTML, and
 * only http, https and mailto can become a link.
 */

export type TextPart = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string };

const CANDIDATE = /(?:https?:\/\/|www\.)[^\s<>"'`{}|\\^]+|mailto:[^\s<>"'`]+@[^\s<>"'`]+/gi;
const ALLOWED = new Set(['http:', 'https:', 'mailto:']);

export function linkify(message: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of message.matchAll(CANDIDATE)) {
    const text = trimTail(match[0]);
    const href = safeHref(text);
    if (href === null) continue;
    pushText(parts, message.slice(end, match.index));
    parts.push({ kind: 'link', text, href });
    end = match.index + text.length;
  }
  pushText(parts, message.slice(end));
  return parts;
}

/** The address to link to, or `null` for anything that must stay text. */
export function safeHref(text: string): string | null {
  const address = /^www\./i.test(text) ? `https://${text}` : text;
  try {
    const url = new URL(address);
    // A user name in front of the host is how a link pretends to lead elsewhere.
    if (!ALLOWED.has(url.protocol) || url.username !== '' || url.password !== '') return null;
    if (url.protocol !== 'mailto:' && url.hostname === '') return null;
    return url.href;
  } catch {
    return null;
  }
}

function pushText(parts: TextPart[], text: string): void {
  if (text !== '') parts.push({ kind: 'text', text });
}

/** Takes punctuation that ends the sentence, not the address, off the end. */
function trimTail(text: string): string {
  let end = text.length;
  for (; end > 0; end -= 1) {
    const last = text.charAt(end - 1);
    if ('.,;:!?*_~'.includes(last)) continue;
    const open = last === ')' ? '(' : last === ']' ? '[' : '';
    if (open === '') break;
    const head = text.slice(0, end);
    if (countOf(head, open) >= countOf(head, last)) break;
  }
  return text.slice(0, end);
}

function countOf(text: string, wanted: string): number {
  return text.split(wanted).length - 1;
}
