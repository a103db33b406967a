/**
 * Tells the server what this person has switched on, and hears from it what a host has
 * switched off. Both come over the same socket, so what was said a moment ago must not be
 * taken for a host's wish when it comes back.
 */

import type { ClientMessage } from './protocol';

export interface MediaFlags {
  audio_enabled: boolean;
  video_enabled: boolean;
  screen_sharing: boolean;
}

/** Longer than an answer takes; a host's wish that falls into it comes again with the next one. */
const ECHO_MS = 1500;

export class Announcer {
  readonly #send: (message: ClientMessage) => boolean;
  readonly #now: () => number;
  #said: Partial<MediaFlags> = {};
  #saidAt = -Infinity;

  constructor(send: (message: ClientMessage) => boolean, now: () => number = () => performance.now()) {
    this.#send = send;
    this.#now = now;
  }

  /** The server knows nothing any more: the next `say` says everything. */
  forget(): void {
    this.#said = {};
  }

  /** Says what differs from what was said before. */
  say(flags: MediaFlags): void {
    const { audio_enabled: audible, video_enabled: visible, screen_sharing: active } = flags;
    this.#tell('audio_enabled', audible, { type: 'mute', muted: !audible });
    this.#tell('video_enabled', visible, { type: 'video_toggle', enabled: visible });
    // Nobody is presenting when they come in, so there is nothing to take back.
    if (active || this.#said.screen_sharing) {
      this.#tell('screen_sharing', active, { type: 'screen_share', active });
    }
  }

  /** What a host has switched off: on here, off at the server. */
  switchedOff(here: MediaFlags, server: MediaFlags): (keyof MediaFlags)[] {
    if (this.#now() - this.#saidAt < ECHO_MS) return [];
    return (Object.keys(here) as (keyof MediaFlags)[]).filter((flag) => here[flag] && !server[flag]);
  }

  #tell(flag: keyof MediaFlags, value: boolean, message: ClientMessage): void {
    if (this.#said[flag] === value) return;
    this.#saidAt = this.#now();
    if (this.#send(message)) this.#said[flag] = value;
  }
}
