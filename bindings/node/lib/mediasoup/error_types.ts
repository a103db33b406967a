// The error types, as one object.

export { InvalidStateError, NotFoundError, UnsupportedError, WorkerClosedError } from './errors.js';
