/** Who is in the meeting, as the server says. */

import type { MediaStateChange, Participant } from './protocol';

export class Roster {
  people: Participant[] = $state([]);

  find(id: string): Participant | undefined {
    return this.people.find((one) => one.participant_id === id);
  }

  /** True if this person was not in before. */
  add(participant: Participant): boolean {
    const known = this.find(participant.participant_id) !== undefined;
    this.people = [...this.people.filter((one) => one.participant_id !== participant.participant_id), participant];
    return !known;
  }

  /** Who it was that left, if anybody. */
  remove(id: string): Participant | undefined {
    const gone = this.find(id);
    this.people = this.people.filter((one) => one.participant_id !== id);
    return gone;
  }

  /** What was known before, or nothing for someone unknown. */
  update({ participant_id: id, ...state }: MediaStateChange): Participant | undefined {
    const index = this.people.findIndex((one) => one.participant_id === id);
    const before = this.people[index];
    if (!before) return undefined;
    const { audio_enabled, video_enabled, screen_sharing, connected } = state;
    this.people[index] = { ...before, audio_enabled, video_enabled, screen_sharing, connected };
    return before;
  }

  nameOf(id: string): string {
    return this.find(id)?.display_name ?? 'Someone';
  }
}
