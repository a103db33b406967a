// Tells who speaks.

import type { SfuEvent } from '../events.js';
import type { AppData } from './app_data.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import type { Producer } from './producer.js';
import { RtpObserver, type RtpObserverEvents, type RtpObserverObserverEvents, type RtpObserverParts } from './rtp_observer.js';

/** Options of `router.createActiveSpeakerObserver`. */
export type ActiveSpeakerObserverOptions<ActiveSpeakerObserverAppData extends AppData = AppData> = {
  /** Milliseconds between decisions. 300 by default. */
  interval?: number;
  appData?: ActiveSpeakerObserverAppData;
};

/** Who speaks now. */
export type ActiveSpeakerObserverDominantSpeaker = { producer: Producer };

export type ActiveSpeakerObserverEvents = RtpObserverEvents & {
  dominantspeaker: [ActiveSpeakerObserverDominantSpeaker];
};

export type ActiveSpeakerObserverObserver = EnhancedEventEmitter<ActiveSpeakerObserverObserverEvents>;

export type ActiveSpeakerObserverObserverEvents = RtpObserverObserverEvents & {
  dominantspeaker: [ActiveSpeakerObserverDominantSpeaker];
};

/** Tells when another becomes the one who speaks. Made by `router.createActiveSpeakerObserver`. */
export class ActiveSpeakerObserver<ActiveSpeakerObserverAppData extends AppData = AppData> extends RtpObserver<
  ActiveSpeakerObserverAppData,
  ActiveSpeakerObserverEvents,
  ActiveSpeakerObserverObserver
> {
  /** @internal */
  constructor(parts: RtpObserverParts) {
    super(parts, 'ActiveSpeakerObserver');
  }

  override get type(): 'activespeaker' {
    return 'activespeaker';
  }

  /** @internal */
  protected override heard(event: SfuEvent): void {
    if (event.type !== 'active-speaker') return;
    const producer = this.listened(event.producer);
    if (!producer) return;
    this.safeEmit('dominantspeaker', { producer });
    this.observer.safeEmit('dominantspeaker', { producer });
  }
}
