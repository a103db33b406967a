/** Sharing the screen: the capture, and the two sections that were kept idle for it. */

import type { MediaLink } from './media-link.svelte';
import { toasts } from './toasts.svelte';

export class ScreenShare {
  /** What this person shares, for the preview. */
  track: MediaStreamTrack | null = $state.raw(null);

  readonly #link: MediaLink;
  readonly #announce: (active: boolean) => boolean;
  #audio: MediaStreamTrack | null = null;
  #announcedAt = 0;

  constructor(link: MediaLink, announce: (active: boolean) => boolean) {
    this.#link = link;
    this.#announce = announce;
  }

  static get supported(): boolean {
    return navigator.mediaDevices !== undefined && 'getDisplayMedia' in navigator.mediaDevices;
  }

  get active(): boolean {
    return this.track !== null;
  }

  async start(): Promise<void> {
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { ideal: 30, max: 30 } },
        audio: true,
      });
    } catch (error) {
      const cancelled = error instanceof DOMException && error.name === 'NotAllowedError';
      if (!cancelled) toasts.show('The screen could not be shared', { kind: 'error' });
      return;
    }
    const [track] = stream.getVideoTracks();
    if (!track) return;
    track.onended = () => this.stop();
    this.track = track;
    this.#audio = stream.getAudioTracks()[0] ?? null;
    this.#link.setTrack('screen', track);
    this.#link.setTrack('screen_audio', this.#audio);
    this.announce();
  }

  stop(): void {
    if (!this.track) return;
    this.track.onended = null;
    this.track.stop();
    this.#audio?.stop();
    this.track = this.#audio = null;
    this.#link.setTrack('screen', null);
    this.#link.setTrack('screen_audio', null);
    this.#announce(false);
  }

  /** Says again that a share is running, after the socket came back. */
  announce(): void {
    if (!this.track) return;
    this.#announcedAt = performance.now();
    this.#announce(true);
  }

  /** It was announced so recently that the server may not know it yet. */
  get announcing(): boolean {
    return performance.now() - this.#announcedAt < 1500;
  }
}
