/** Finds out what was closed while events were lost. */

import type { Connection } from './connection.js';
import { SfuError } from './errors.js';
import type { Handle } from './handle.js';
import { Router } from './router.js';
import type { RouterDump } from './stats.js';

/**
 * Closes the handles of what is no more. Each router is asked what is in it; handles that are younger than the
 * question are not judged by the answer.
 */
export async function resynchronise(connection: Connection): Promise<void> {
  const routers = [...connection.handles()].filter((handle) => handle instanceof Router);
  await Promise.all(routers.map((router) => compare(router)));
}

async function compare(router: Router): Promise<void> {
  const known = descendants(router);
  let dump: RouterDump;
  try {
    dump = await router.dump();
  } catch (error) {
    if (!(error instanceof SfuError)) throw error;
    if (error.code === 'NotFound') router.markClosed('requested');
    return;
  }
  const alive = new Set([router.id, ...dump.observers.map(({ id }) => id)]);
  for (const { id, producers, consumers, dataProducers, dataConsumers } of dump.transports) {
    for (const each of [[id], producers, consumers, dataProducers, dataConsumers].flat()) alive.add(each);
  }
  for (const handle of known) if (!alive.has(handle.id)) handle.markClosed('requested');
}

function descendants(handle: Handle): Handle[] {
  return [...handle.children].flatMap((child) => [child, ...descendants(child)]);
}
