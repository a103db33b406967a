/** What is said of those who come and go: names while they are few, numbers when they are many. */

interface Named {
  display_name: string;
}

/** In a meeting of more than this, people come and go without a word. */
const QUIET = 40;
const NAMED = 2;

export function arrivals(people: readonly Named[], present: number): string | null {
  return words(people, present, 'joined');
}

export function departures(people: readonly Named[], present: number): string | null {
  return words(people, present, 'left');
}

function words(people: readonly Named[], present: number, what: string): string | null {
  if (people.length === 0 || present > QUIET) return null;
  if (people.length > NAMED) return `${people.length} people ${what}`;
  return `${people.map(({ display_name: name }) => name).join(' and ')} ${what}`;
}
