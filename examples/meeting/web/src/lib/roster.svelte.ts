/**
 * Who is in the meeting, as the server says. In a large meeting that is not everybody: `count`
 * says how many there are, and whoever shows more of them reads more pages.
 *
 * Each participant is its own piece of state, so that a change of one redraws what shows that
 * one; `ids` changes only when somebody comes or goes.
 */

import { SvelteMap } from 'svelte/reactivity';
import type { MediaState, Participant } from './protocol';

export class Roster {
  /** Those known, as the server told of them: the most interesting first, then as they came. */
  ids: readonly string[] = $state.raw([]);
  /** How many are in the meeting, known or not. */
  count = $state(0);
  /** Who shares a screen. */
  presenting: readonly string[] = $state.raw([]);

  readonly #people = new SvelteMap<string, Participant>();

  get complete(): boolean {
    return this.ids.length >= this.count;
  }

  find(id: string): Participant | undefined {
    return this.#people.get(id);
  }

  /** The first page: forgets whoever is not on it. */
  restore(people: readonly Participant[], count: number): void {
    const ids = new Set(people.map(({ participant_id: id }) => id));
    for (const id of this.ids) if (!ids.has(id)) this.#people.delete(id);
    for (const one of people) this.#people.set(one.participant_id, one);
    this.ids = [...ids];
    this.count = count;
    this.#present();
  }

  /** Those who were not known before. */
  add(people: readonly Participant[]): Participant[] {
    const fresh = people.filter(({ participant_id: id }) => !this.#people.has(id));
    for (const one of people) this.#people.set(one.participant_id, one);
    if (fresh.length > 0) this.ids = [...this.ids, ...fresh.map(({ participant_id: id }) => id)];
    this.count = Math.max(this.count, this.ids.length);
    this.#present();
    return fresh;
  }

  /** Those of them who were known. */
  remove(ids: readonly string[]): Participant[] {
    const gone = ids.flatMap((id) => this.#people.get(id) ?? []);
    if (gone.length === 0) return gone;
    for (const { participant_id: id } of gone) this.#people.delete(id);
    this.ids = this.ids.filter((id) => this.#people.has(id));
    this.#present();
    return gone;
  }

  /** What was known before, or nothing for someone unknown. */
  update(state: MediaState): Participant | undefined {
    const before = this.#people.get(state.participant_id);
    if (!before) return undefined;
    const { audio_enabled, video_enabled, screen_sharing, connected } = state;
    this.#people.set(before.participant_id, { ...before, audio_enabled, video_enabled, screen_sharing, connected });
    if (before.screen_sharing !== screen_sharing) this.#present();
    return before;
  }

  nameOf(id: string): string {
    return this.find(id)?.display_name ?? 'Someone';
  }

  #present(): void {
    const presenting = this.ids.filter((id) => this.#people.get(id)?.screen_sharing);
    if (presenting.join() !== this.presenting.join()) this.presenting = presenting;
  }
}
