/** What the browser remembers between meetings. A browser that forbids storage forgets. */

export type Theme = 'system' | 'light' | 'dark';

export interface RecentMeeting {
  id: string;
  title: string;
  at: number;
}

interface Stored {
  name: string;
  theme: Theme;
  camera: string;
  microphone: string;
  speaker: string;
  micOn: boolean;
  cameraOn: boolean;
  mirror: boolean;
  view: 'gallery' | 'speaker';
  recent: RecentMeeting[];
}

const KEY = 'plenum.preferences';
const RECENT_LIMIT = 4;
const DEFAULTS: Stored = {
  name: '',
  theme: 'system',
  camera: '',
  microphone: '',
  speaker: '',
  micOn: true,
  cameraOn: true,
  mirror: true,
  view: 'gallery',
  recent: [],
};

class Preferences {
  readonly values: Stored = $state(load());

  set<K extends keyof Stored>(key: K, value: Stored[K]): void {
    this.values[key] = value;
    save(KEY, JSON.stringify(this.values));
    if (key === 'theme') this.applyTheme();
  }

  /** `light-dark()` in the style sheet follows the root's `color-scheme`. */
  applyTheme(): void {
    const { theme } = this.values;
    document.documentElement.style.colorScheme = theme === 'system' ? 'light dark' : theme;
  }

  remember(id: string, title: string): void {
    const others = this.values.recent.filter((meeting) => meeting.id !== id);
    this.set('recent', [{ id, title, at: Date.now() }, ...others].slice(0, RECENT_LIMIT));
  }

  forget(id: string): void {
    this.set('recent', this.values.recent.filter((meeting) => meeting.id !== id));
  }
}

export const preferences = new Preferences();

/** The key that makes the creator of a meeting its host; it stays in this browser. */
export function saveHostKey(meetingId: string, key: string): void {
  save(`plenum.host.${meetingId}`, key);
}

export function hostKey(meetingId: string): string | null {
  return read(`plenum.host.${meetingId}`);
}

function load(): Stored {
  try {
    const stored: unknown = JSON.parse(read(KEY) ?? '{}');
    return typeof stored === 'object' && stored !== null ? { ...DEFAULTS, ...merge(stored) } : { ...DEFAULTS };
  } catch {
    return { ...DEFAULTS };
  }
}

/** Keeps only the fields whose type is still the one this version writes. */
function merge(stored: object): Partial<Stored> {
  return Object.fromEntries(
    Object.entries(stored).filter(([key, value]) => {
      const known = (DEFAULTS as unknown as Record<string, unknown>)[key];
      return typeof known === typeof value && Array.isArray(known) === Array.isArray(value);
    }),
  );
}

function read(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

function save(key: string, value: string): void {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // Storage is full or forbidden: the choice holds until the page closes.
  }
}
