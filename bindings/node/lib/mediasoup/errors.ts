// The error types of the facade. Wrong arguments are plain `TypeError`s.

/** What was asked for exists in the API, but not for these arguments or not in this SFU. */
export class UnsupportedError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'UnsupportedError';
  }
}

/** The object is closed, or in a state in which the method makes no sense. */
export class InvalidStateError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'InvalidStateError';
  }
}

/** The worker is closed. */
export class WorkerClosedError extends InvalidStateError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'WorkerClosedError';
  }
}

/** What was named does not exist, or is closed. */
export class NotFoundError extends InvalidStateError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'NotFoundError';
  }
}

/** The error of a method of something closed: by itself, or with its worker. */
export function closedError(engine: { closed: boolean }, message: string): InvalidStateError {
  return engine.closed ? new WorkerClosedError(message) : new NotFoundError(message);
}

/** The facade's error for one of the SFU's; `what` says which call failed. */
export function fromSfu(error: unknown, what: string): Error {
  const { code, message } = error as { code?: string; message?: string };
  const text = `${what}: ${message ?? String(error)}`;
  const options = { cause: error };
  switch (code) {
    case 'InvalidParameters':
      return new TypeError(text, options);
    case 'Incompatible':
      return new UnsupportedError(text, options);
    case 'NotFound':
      return new NotFoundError(text, options);
    case 'Closed':
      return new WorkerClosedError(text, options);
    default:
      return new Error(text, options);
  }
}
