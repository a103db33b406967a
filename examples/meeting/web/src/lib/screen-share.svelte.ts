/** Sharing the screen: the capture, and the two sections that were kept idle for it. */

import type { MediaLink } from './media-link.svelte';
import { toasts } from './toasts.svelte';

export class ScreenShare {
  /** What this person shares, for the preview. */
  track: MediaStreamTrack | null = $state.raw(null);

  readonly #link: MediaLink;
  readonly #changed: () => void;
  #audio: MediaStreamTrack | null = null;

  constructor(link: MediaLink, changed: () => void) {
    this.#link = link;
    this.#changed = changed;
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
    this.#changed();
  }

  stop(): void {
    if (!this.track) return;
    this.track.onended = null;
    this.track.stop();
    this.#audio?.stop();
    this.track = this.#audio = null;
    this.#link.setTrack('screen', null);
    this.#link.setTrack('screen_audio', null);
    this.#changed();
  }
}
