/**
 * Plays what the audio slots receive: one hidden element a slot, for the whole meeting. Video
 * elements stay silent, so a tile that moves or goes never interrupts a voice.
 */

export class AudioOutput {
  /** The browser wants a click before it plays sound. */
  blocked = $state(false);
  #elements: HTMLAudioElement[] = [];
  #sink = '';

  static get canChoose(): boolean {
    return 'setSinkId' in HTMLMediaElement.prototype;
  }

  play(tracks: MediaStreamTrack[]): void {
    this.stop();
    this.#elements = tracks.map((track) => {
      const element = document.createElement('audio');
      element.autoplay = true;
      element.hidden = true;
      element.srcObject = new MediaStream([track]);
      document.body.append(element);
      return element;
    });
    this.setSink(this.#sink);
    void this.resume();
  }

  /** Starts what autoplay held back; call it from a click. */
  async resume(): Promise<void> {
    const starts = await Promise.allSettled(this.#elements.map((element) => element.play()));
    this.blocked = starts.some(
      (start) =>
        start.status === 'rejected' &&
        start.reason instanceof DOMException &&
        start.reason.name === 'NotAllowedError',
    );
  }

  setSink(deviceId: string): void {
    this.#sink = deviceId;
    for (const element of this.#elements) setSink(element, deviceId);
  }

  stop(): void {
    for (const element of this.#elements) {
      element.srcObject = null;
      element.remove();
    }
    this.#elements = [];
  }
}

/** Two soft notes through the chosen speaker. */
export async function playTestSound(deviceId: string): Promise<void> {
  const context = new AudioContext();
  const output = context.createMediaStreamDestination();
  for (const [start, frequency] of [[0, 523.25], [0.22, 783.99]] as const) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    const at = context.currentTime + 0.05 + start;
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.2, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.7);
    tone.connect(volume).connect(output);
    tone.start(at);
    tone.stop(at + 0.75);
  }
  const element = new Audio();
  element.srcObject = output.stream;
  setSink(element, deviceId);
  try {
    await element.play();
    await new Promise((resolve) => setTimeout(resolve, 1200));
  } finally {
    element.srcObject = null;
    await context.close();
  }
}

function setSink(element: HTMLAudioElement, deviceId: string): void {
  if (!AudioOutput.canChoose) return;
  // A speaker that is gone leaves the default one, which is what the person hears anyway.
  void element.setSinkId(deviceId).catch(() => undefined);
}
