// Ids of the facade's objects. They differ from those in the SFU, as an application may choose them, and as
// the two ends of a pipe may have the same.

import { randomUUID } from 'node:crypto';

/** An id that nobody has. */
export const newId = (): string => randomUUID();
