// Waits for something that happens in its own time.
import { setTimeout as sleep } from 'node:timers/promises';

/** Calls `check` until it gives something truthy, and gives that; a thrown error counts as "not yet". */
export async function eventually(what, check, { seconds = 30, every = 200 } = {}) {
  const deadline = Date.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      const result = await check();
      if (result) return result;
      last = result;
    } catch (error) {
      last = error.message ?? error;
    }
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what} (last: ${JSON.stringify(last)})`);
    await sleep(every);
  }
}
