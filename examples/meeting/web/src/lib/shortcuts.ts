/** The keys of the meeting page. */

export type Action =
  | 'mic'
  | 'camera'
  | 'share'
  | 'view'
  | 'previous'
  | 'next'
  | 'chat'
  | 'people'
  | 'fullscreen'
  | 'help';

export interface Shortcut {
  action: Action;
  key: string;
  /** Held with Ctrl, or Command on a Mac. */
  command: boolean;
  text: string;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { action: 'mic', key: 'd', command: true, text: 'Mute or unmute' },
  { action: 'camera', key: 'e', command: true, text: 'Camera on or off' },
  { action: 'share', key: 's', command: false, text: 'Present the screen, or stop' },
  { action: 'view', key: 'v', command: false, text: 'Gallery or speaker view' },
  { action: 'previous', key: 'PageUp', command: false, text: 'Previous page of people' },
  { action: 'next', key: 'PageDown', command: false, text: 'Next page of people' },
  { action: 'chat', key: 'c', command: false, text: 'Open or close the chat' },
  { action: 'people', key: 'p', command: false, text: 'Open or close the people' },
  { action: 'fullscreen', key: 'f', command: false, text: 'Full screen' },
  { action: 'help', key: '?', command: false, text: 'Show these shortcuts' },
];

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  repeat: boolean;
}

/** What a key press asks for; plain letters are left to whoever is typing. */
export function actionFor(press: KeyPress, typing: boolean): Action | null {
  if (press.repeat || press.altKey) return null;
  const command = press.ctrlKey || press.metaKey;
  if (!command && typing) return null;
  const key = press.key.toLowerCase();
  return SHORTCUTS.find((one) => one.key.toLowerCase() === key && one.command === command)?.action ?? null;
}

/** True if the element takes text, so that letters belong to it. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('input, textarea, select'))
  );
}

const NAMES: Partial<Record<string, string>> = { PageUp: 'Page ↑', PageDown: 'Page ↓' };
const MAC = typeof navigator !== 'undefined' && /mac|iphone|ipad/i.test(navigator.userAgent);

/** The keys of an action for a tooltip: `Ctrl + D`, on a Mac `⌘ D`. */
export function keysOf(action: Action): string {
  const shortcut = SHORTCUTS.find((one) => one.action === action);
  if (!shortcut) return '';
  const key = NAMES[shortcut.key] ?? shortcut.key.toUpperCase();
  return shortcut.command ? (MAC ? `⌘ ${key}` : `Ctrl + ${key}`) : key;
}
