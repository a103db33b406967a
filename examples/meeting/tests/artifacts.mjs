// Where pictures and logs of a run are kept.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function artifacts(name) {
  const path = join(process.env.PLENUM_ARTIFACTS, name);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}
