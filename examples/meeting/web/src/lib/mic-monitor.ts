/**
 * Measures the microphone for the meter, the speaking ring and the "you are muted" hint. It
 * listens to a copy of the track, so that it hears what a muted track no longer sends; the
 * level never leaves the page.
 */

export class MicMonitor {
  #context: AudioContext | null = null;
  #source: MediaStreamAudioSourceNode | null = null;
  #analyser: AnalyserNode | null = null;
  #copy: MediaStreamTrack | null = null;
  #waking = false;
  #samples = new Float32Array(0);

  watch(track: MediaStreamTrack | null): void {
    this.#source?.disconnect();
    this.#copy?.stop();
    this.#source = this.#copy = null;
    if (!track) return;
    this.#context ??= new AudioContext();
    if (!this.#analyser) {
      this.#analyser = this.#context.createAnalyser();
      this.#analyser.fftSize = 1024;
      this.#samples = new Float32Array(this.#analyser.fftSize);
    }
    this.#copy = track.clone();
    this.#copy.enabled = true;
    this.#source = this.#context.createMediaStreamSource(new MediaStream([this.#copy]));
    this.#source.connect(this.#analyser);
  }

  /** The root mean square of the last 20 ms, 0..1. */
  level(): number {
    if (!this.#analyser || !this.#source) return 0;
    this.#wake();
    const samples = this.#samples as Float32Array<ArrayBuffer>;
    this.#analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    return Math.sqrt(sum / samples.length);
  }

  /** Browsers start it suspended until the person has clicked somewhere. */
  #wake(): void {
    if (this.#waking || this.#context?.state !== 'suspended') return;
    this.#waking = true;
    const again = () => {
      this.#waking = false;
    };
    this.#context.resume().then(again, again);
  }

  close(): void {
    this.watch(null);
    void this.#context?.close();
    this.#context = this.#analyser = null;
  }
}
