// What it means that people see and hear each other.
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually.mjs';

/** From now on, each of `people` decodes pictures of each other one and receives sound. */
export async function seeAndHearEachOther(people, { seconds = 60 } = {}) {
  await Promise.all(people.map((person) => seesAndHears(person, others(people, person), { seconds })));
}

/** `person` decodes new pictures from each of `names` and receives new sound. */
export async function seesAndHears(person, names, { seconds = 60 } = {}) {
  const before = await person.received();
  const grew = (now, name, what) => (now[name]?.[what] ?? 0) > (before[name]?.[what] ?? 0);
  await eventually(`${person.name} sees and hears ${names.join(', ')}`, async () => {
    const now = await person.received();
    const unseen = names.filter((name) => !grew(now, name, 'frames'));
    const unheard = names.filter((name) => !grew(now, name, 'energy'));
    if (unseen.length + unheard.length === 0) return true;
    throw new Error(`unseen: ${unseen}; unheard: ${unheard}; received ${JSON.stringify(now)}`);
  }, { seconds });
}

/** Pictures of the screen that `name` shares go on arriving at `person`. */
export async function seesScreenOf(person, name, { seconds = 30 } = {}) {
  const before = (await person.received())[name]?.screenFrames ?? 0;
  await eventually(`${person.name} sees the screen of ${name}`, async () =>
    (await person.received())[name]?.screenFrames > before + 2, { seconds });
}

/** No sound of `name` arrives at `person` any more, while pictures do. */
export async function seesButDoesNotHear(person, name, { seconds = 30 } = {}) {
  await eventually(`${name} is silent for ${person.name}`, async () => {
    const before = (await person.received())[name];
    await sleep(2000);
    const now = (await person.received())[name];
    if (now.frames > before.frames && now.energy === before.energy) return true;
    throw new Error(`before ${JSON.stringify(before)}, 2 s later ${JSON.stringify(now)}`);
  }, { seconds });
}

export const others = (people, person) =>
  people.filter((other) => other !== person).map((other) => other.name);
