/** Observers: who speaks, and how loud. */

import type { Connection } from './connection.js';
import type { AudioVolume, RouterEvent } from './events.js';
import { Handle, idOf, type HandleEvents } from './handle.js';
import type { Id } from './parameters.js';
import type { Producer } from './producer.js';

/** How the SFU describes an observer. @internal */
export interface ObserverDescription {
  id: Id;
  router: Id;
}

/** What both kinds of observer can do. */
export abstract class Observer<
  Events extends HandleEvents & Record<keyof Events, any[]>,
> extends Handle<Events> {
  /** Id of its router. */
  readonly router: Id;
  #paused = false;

  /** @internal */
  constructor(connection: Connection, description: ObserverDescription) {
    super(connection, description.id, connection.find(description.router));
    this.router = description.router;
  }

  /** Whether it is paused. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Listens to an audio producer of the router. Not needed with the scope `'router'`. */
  async addProducer(producer: Producer | Id): Promise<void> {
    await this.call('addProducer', { producer: idOf(this.connection, 'producer', producer) });
  }

  /** Undoes {@link addProducer}. */
  async removeProducer(producer: Producer | Id): Promise<void> {
    await this.call('removeProducer', { producer: idOf(this.connection, 'producer', producer) });
  }

  /** Tells nothing until {@link resume}. */
  async pause(): Promise<void> {
    await this.call('pause');
    this.#paused = true;
  }

  /** Tells again, from a new interval on. */
  async resume(): Promise<void> {
    await this.call('resume');
    this.#paused = false;
  }
}

/** Events of an {@link ActiveSpeakerObserver}. */
export interface ActiveSpeakerObserverEvents extends HandleEvents {
  /** Another became the dominant speaker. */
  'active-speaker': [producer: Id];
}

/** Tells who of its producers is the dominant speaker. */
export class ActiveSpeakerObserver extends Observer<ActiveSpeakerObserverEvents> {
  /** @internal */
  readonly noun = 'ActiveSpeakerObserver';

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'active-speaker') this.tell('active-speaker', event.producer);
  }
}

/** Events of an {@link AudioLevelObserver}. */
export interface AudioLevelObserverEvents extends HandleEvents {
  /** The loudest producers of the last interval, the loudest first. */
  'audio-levels': [volumes: AudioVolume[]];
  /** Nobody was as loud as the threshold, for the first time since somebody was. */
  silence: [];
}

/** Tells how loud its producers are. */
export class AudioLevelObserver extends Observer<AudioLevelObserverEvents> {
  /** @internal */
  readonly noun = 'AudioLevelObserver';

  /** @internal */
  override receive(event: RouterEvent): void {
    if (event.type === 'audio-levels') this.tell('audio-levels', event.volumes);
    else if (event.type === 'silence') this.tell('silence');
  }
}
