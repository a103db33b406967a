// Whatever an application wants to keep beside an object.

/** Data of the application. Its type can be given where the object is made. */
export type AppData = { [key: string]: unknown };

/** One of two types, with nothing of the other. */
export type Either<T, U> = Only<T, U> | Only<U, T>;

type Only<T, U> = { [P in keyof T]: T[P] } & { [P in keyof U]?: never };

/** Refuses what is no object. */
export function checkAppData(appData: unknown): void {
  if (appData !== undefined && (typeof appData !== 'object' || appData === null)) {
    throw new TypeError(`appData: expected an object, got ${describe(appData)}`);
  }
}

/** A short text for an error about a wrong value. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  return value !== null && typeof value === 'object' ? 'an object' : String(value);
}
