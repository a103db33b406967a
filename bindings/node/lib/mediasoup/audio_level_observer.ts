// Tells who is how loud.

import type { SfuEvent } from '../events.js';
import type { AppData } from './app_data.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import type { Producer } from './producer.js';
import { RtpObserver, type RtpObserverEvents, type RtpObserverObserverEvents, type RtpObserverParts } from './rtp_observer.js';

/** Options of `router.createAudioLevelObserver`. */
export type AudioLevelObserverOptions<AudioLevelObserverAppData extends AppData = AppData> = {
  /** Most producers that are told at once. 1 by default. */
  maxEntries?: number;
  /** In dBov, −127 to 0; who is less loud is not told. −80 by default. */
  threshold?: number;
  /** Milliseconds from one `volumes` to the next. 1000 by default. */
  interval?: number;
  appData?: AudioLevelObserverAppData;
};

/** How loud a producer was. */
export type AudioLevelObserverVolume = {
  producer: Producer;
  /** Mean level in dBov, −127 to 0. */
  volume: number;
};

export type AudioLevelObserverEvents = RtpObserverEvents & {
  volumes: [AudioLevelObserverVolume[]];
  silence: [];
};

export type AudioLevelObserverObserver = EnhancedEventEmitter<AudioLevelObserverObserverEvents>;

export type AudioLevelObserverObserverEvents = RtpObserverObserverEvents & {
  volumes: [AudioLevelObserverVolume[]];
  silence: [];
};

/** Tells the loudest producers, in intervals. Made by `router.createAudioLevelObserver`. */
export class AudioLevelObserver<AudioLevelObserverAppData extends AppData = AppData> extends RtpObserver<
  AudioLevelObserverAppData,
  AudioLevelObserverEvents,
  AudioLevelObserverObserver
> {
  /** @internal */
  constructor(parts: RtpObserverParts) {
    super(parts, 'AudioLevelObserver');
  }

  override get type(): 'audiolevel' {
    return 'audiolevel';
  }

  /** @internal */
  protected override heard(event: SfuEvent): void {
    if (event.type === 'silence') {
      this.safeEmit('silence');
      this.observer.safeEmit('silence');
    } else if (event.type === 'audio-levels') {
      const volumes = event.volumes.flatMap(({ producer: id, volume }) => {
        const producer = this.listened(id);
        return producer ? [{ producer, volume }] : [];
      });
      if (volumes.length === 0) return;
      this.safeEmit('volumes', volumes);
      this.observer.safeEmit('volumes', volumes);
    }
  }
}
