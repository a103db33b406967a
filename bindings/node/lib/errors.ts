/**
 * The errors: one class for each kind, all of them {@link SfuError}.
 *
 * Names and numbers are the same in every language that Plenum speaks.
 */

/** The kind of an {@link SfuError}. */
export type ErrorCode =
  | 'InvalidParameters'
  | 'NotFound'
  | 'Closed'
  | 'Incompatible'
  | 'Limit'
  | 'Io'
  | 'Crypto'
  | 'Internal';

const NUMBERS: Record<ErrorCode, number> = {
  InvalidParameters: 1,
  NotFound: 2,
  Closed: 3,
  Incompatible: 4,
  Limit: 5,
  Io: 6,
  Crypto: 7,
  Internal: 8,
};

/** Whether this is the kind of an {@link SfuError}. @internal */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(NUMBERS, code);
}

/** What every call rejects with. The message says what was wrong and what was expected. */
export class SfuError extends Error {
  /** The kind, such as `'NotFound'`. */
  readonly code: ErrorCode;
  /** The stable number of the kind, 1 to 8; the same in every language. */
  readonly number: number;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.number = NUMBERS[code];
  }

  /** The error of this kind, as an instance of the kind's own class. */
  static of(code: string, message: string): SfuError {
    const known = isErrorCode(code) ? CLASSES[code] : InternalError;
    return new known(message);
  }
}

/** An argument is wrong; the message says which, and what was expected. */
export class InvalidParametersError extends SfuError {
  constructor(message: string) {
    super('InvalidParameters', message);
  }
}

/** There is no such router, transport, producer or consumer, or it is closed. */
export class NotFoundError extends SfuError {
  constructor(message: string) {
    super('NotFound', message);
  }
}

/** The `Sfu` is closed. */
export class ClosedError extends SfuError {
  constructor(message: string) {
    super('Closed', message);
  }
}

/** The two sides have no codec or profile in common. */
export class IncompatibleError extends SfuError {
  constructor(message: string) {
    super('Incompatible', message);
  }
}

/** A bound is reached. */
export class LimitError extends SfuError {
  constructor(message: string) {
    super('Limit', message);
  }
}

/** The operating system refused, for example to bind a port. */
export class IoError extends SfuError {
  constructor(message: string) {
    super('Io', message);
  }
}

/** A key or a certificate is unusable. */
export class CryptoError extends SfuError {
  constructor(message: string) {
    super('Crypto', message);
  }
}

/** A bug in the library; please report it. */
export class InternalError extends SfuError {
  constructor(message: string) {
    super('Internal', message);
  }
}

const CLASSES: Record<ErrorCode, new (message: string) => SfuError> = {
  InvalidParameters: InvalidParametersError,
  NotFound: NotFoundError,
  Closed: ClosedError,
  Incompatible: IncompatibleError,
  Limit: LimitError,
  Io: IoError,
  Crypto: CryptoError,
  Internal: InternalError,
};
