// Types of `trace` events. They can be chosen, but the SFU tells none: see the README.

/** Refuses what is no list of names, and returns those of `known`. */
export function checkTraceTypes<T extends string>(types: unknown, known: readonly T[]): T[] {
  if (!Array.isArray(types)) throw new TypeError('types: expected an array of strings');
  for (const type of types) {
    if (typeof type !== 'string') throw new TypeError(`types: expected strings, got ${String(type)}`);
  }
  return known.filter((type) => types.includes(type));
}
