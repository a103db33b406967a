/**
 * Who sits in front. Everybody keeps the place in which they arrived, except that someone who
 * speaks from behind takes the place of whoever in front has been silent longest. Nobody else
 * moves, so that tiles do not wander about while people talk.
 */

export class Seating {
  #front: string[] = [];

  /** All of `ids`, the first `room` of them in front. `lastHeard` holds times of any clock. */
  order(ids: readonly string[], room: number, lastHeard: ReadonlyMap<string, number>): string[] {
    const present = new Set(ids);
    const heard = (id: string) => lastHeard.get(id) ?? -Infinity;
    const front = this.#front.filter((id) => present.has(id));
    while (front.length > room) front.splice(quietest(front, heard), 1);
    const seated = new Set(front);
    for (const id of ids) {
      if (front.length >= room) break;
      if (!seated.has(id)) front.push(id);
      seated.add(id);
    }
    const behind = [...lastHeard.keys()].filter((id) => present.has(id) && !seated.has(id));
    for (const id of behind.sort((a, b) => heard(b) - heard(a))) {
      const place = quietest(front, heard);
      const silent = front[place];
      if (silent === undefined || heard(silent) >= heard(id)) break;
      front[place] = id;
    }
    this.#front = front;
    const inFront = new Set(front);
    return [...front, ...ids.filter((id) => !inFront.has(id))];
  }
}

/** Of those who have been silent equally long, the last one. */
function quietest(front: readonly string[], heard: (id: string) => number): number {
  let found = front.length - 1;
  for (let index = front.length - 2; index >= 0; index -= 1) {
    if (heard(front[index] ?? '') < heard(front[found] ?? '')) found = index;
  }
  return found;
}
