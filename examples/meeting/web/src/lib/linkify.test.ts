import { describe, expect, it } from 'vitest';
import { linkify, safeHref } from './linkify';

const links = (message: string) => linkify(message).flatMap((part) => (part.kind === 'link' ? [part.href] : []));
const text = (message: string) => linkify(message).map((part) => part.text).join('');

describe('linkify', () => {
  it('finds links and keeps the text around them', () => {
    expect(linkify('see https://example.org/a?b=1#c now')).toEqual([
      { kind: 'text', text: 'see ' },
      { kind: 'link', text: 'https://example.org/a?b=1#c', href: 'https://example.org/a?b=1#c' },
      { kind: 'text', text: ' now' },
    ]);
  });

  it('gives addresses without a scheme https', () => {
    expect(links('www.example.org')).toEqual(['https://www.example.org/']);
  });

  it.each([
    ['Go to https://example.org/a.', 'https://example.org/a'],
    ['(https://example.org/a)', 'https://example.org/a'],
    ['https://example.org/a_(b)', 'https://example.org/a_(b)'],
    ['is it https://example.org/?', 'https://example.org/'],
    ['**https://example.org/x**', 'https://example.org/x'],
  ])('leaves the punctuation of %s outside', (message, href) => {
    expect(links(message)).toEqual([href]);
  });

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt://example.org/%0aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:msgbox(1)',
    'file:///etc/passwd',
    'blob:https://example.org/x'.replace('https', 'x'),
    'https://',
    'http://user:secret@example.org/',
    'https://www.bank.example@evil.example/',
  ])('never links %s', (message) => {
    expect(links(message)).toEqual([]);
    expect(text(message)).toBe(message);
  });

  it.each([
    '<img src=x onerror=alert(1)>',
    '<a href="https://example.org" onclick="alert(1)">x</a>',
    'https://example.org/"onmouseover="alert(1)',
    "https://example.org/'><script>alert(1)</script>",
  ])('keeps markup as text: %s', (message) => {
    expect(text(message)).toBe(message);
    for (const href of links(message)) expect(href).not.toMatch(/["'<>\s]/);
  });

  it('loses no character of any message', () => {
    const alphabet = ['https://', 'www.', 'a.b', ' ', '<', '>', '"', '(', ')', '.', '@', ':', '\n', 'é', '🙂', '/'];
    let seed = 7;
    for (let round = 0; round < 2000; round += 1) {
      let message = '';
      for (let length = 0; length < 14; length += 1) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        message += alphabet[(seed >>> 16) % alphabet.length] ?? '';
      }
      expect(text(message)).toBe(message);
      for (const href of links(message)) expect(href).toMatch(/^(https?:\/\/|mailto:)/);
    }
  });
});

describe('safeHref', () => {
  it('takes mail addresses', () => {
    expect(safeHref('mailto:ana@example.org')).toBe('mailto:ana@example.org');
  });
});
