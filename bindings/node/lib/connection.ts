/**
 * Calls out, completions and events in: what all handles stand on.
 *
 * The native half delivers batches on this thread. A completion resolves a promise, and what waits for it runs before
 * any event that comes after it: whoever listens right after `await` misses nothing.
 */

import { isErrorCode, SfuError } from './errors.js';
import type { LaggedEvent, RouterEvent } from './events.js';
import { throwLater, type Handle } from './handle.js';
import { LONG_PAYLOAD, native, type NativeClient } from './native.js';
import type { Id, RtpCapabilities } from './parameters.js';
import { EventStream } from './stream.js';

/** What a call gave. */
export interface Answer {
  value: unknown;
  payload?: Buffer;
}

/** What the connection tells its owner. */
export interface Listener {
  lagged(event: LaggedEvent): void;
  closed(): void;
}

type Item =
  | { request: number; value?: unknown; payload?: number; error?: [string, string] }
  | { event: RouterEvent & { kind?: string }; payload?: number }
  | { consumer: Id; packets: number[] }
  | { started: true }
  | { failed: [string, string] }
  | { closed: true };

interface Waiting {
  resolve: (answer: Answer) => void;
  reject: (error: SfuError) => void;
  /** The call as it was written, for the error's stack. */
  trace: { stack?: string };
}

const EMPTY = Buffer.alloc(0);

/** As long as a timer can be, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** A batch that is being dealt with. */
class Batch {
  readonly items: Item[];
  at = 0;
  #short: Buffer;
  #shortAt = 0;
  #long: Buffer[];
  #longAt = 0;

  constructor(json: string, short: Buffer | null, long: Buffer[]) {
    this.items = JSON.parse(json) as Item[];
    this.#short = short ?? EMPTY;
    this.#long = long;
  }

  /** The next payload, of this length. */
  take(length: number): Buffer {
    if (length >= LONG_PAYLOAD) return this.#long[this.#longAt++] as Buffer;
    const begin = this.#shortAt;
    this.#shortAt += length;
    return this.#short.subarray(begin, this.#shortAt);
  }
}

/** Which field of an event names what it is about. */
const SUBJECTS: Record<Exclude<RouterEvent['type'], 'lagged'>, 'router' | 'transport' | 'producer' | 'consumer' | 'observer'> = {
  'router-closed': 'router',
  'transport-state-changed': 'transport',
  'transport-tuple-selected': 'transport',
  'transport-rtcp-tuple-selected': 'transport',
  'transport-closed': 'transport',
  'producer-closed': 'producer',
  'producer-demand-changed': 'producer',
  'consumer-closed': 'consumer',
  'consumer-producer-closed': 'consumer',
  'consumer-layers-changed': 'consumer',
  'speakers-changed': 'router',
  'active-speaker': 'observer',
  'audio-levels': 'observer',
  silence: 'observer',
  'sctp-state-changed': 'transport',
  'data-channel-opened': 'transport',
  'data-producer-closed': 'producer',
  'data-consumer-closed': 'consumer',
  'data-buffered-amount-low': 'consumer',
  message: 'consumer',
  rtcp: 'transport',
  'producer-video-orientation-changed': 'producer',
  'transport-trace': 'transport',
  'producer-trace': 'producer',
  'consumer-trace': 'consumer',
};

/** Values of an event's `type` that this package knows. */
export const EVENT_TYPES: readonly string[] = [...Object.keys(SUBJECTS), 'lagged'];

/** The connection of all handles of one `Sfu` to its threads. */
export class Connection {
  readonly #client: NativeClient;
  /** Keeps the process alive, as an open socket would; the native half does not. */
  readonly #alive = setInterval(() => {}, LONGEST);
  readonly #listener: Listener;
  readonly #waiting = new Map<number, Waiting>();
  readonly #handles = new Map<Id, Handle>();
  readonly #streams = new Set<{ router: Id | undefined; stream: EventStream<RouterEvent> }>();
  readonly #batches: Batch[] = [];
  #started!: { resolve: () => void; reject: (error: SfuError) => void };
  #deferred = false;
  #ended = false;
  #closing: Promise<void> | undefined;
  #whenClosed: (() => void) | undefined;

  private constructor(options: string, listener: Listener) {
    this.#listener = listener;
    try {
      const { Client } = native();
      this.#client = new Client(options, (json, short, long) => {
        this.#batches.push(new Batch(json, short, long));
        if (!this.#deferred) this.#work();
      });
    } catch (error) {
      clearInterval(this.#alive);
      throw fromNative(error);
    }
  }

  /** Starts an SFU; `listener` hears of its end. */
  static async start(options: object, listener: Listener): Promise<Connection> {
    const connection = new Connection(toJson(options), listener);
    await new Promise<void>((resolve, reject) => {
      connection.#started = { resolve, reject };
    });
    return connection;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Calls a method. Never throws: whatever is wrong rejects. */
  call(noun: string, method: string, target: Id, parameters?: object, payloads: Uint8Array[] = []): Promise<Answer> {
    const trace: { stack?: string } = {};
    Error.captureStackTrace(trace, this.call);
    return new Promise((resolve, reject) => {
      if (this.#ended || this.#closing) throw SfuError.of('Closed', 'the Sfu is closed');
      const json = parameters === undefined ? '' : toJson(parameters);
      try {
        const request = this.#client.submit(`${noun}.${method}`, target, json, payloads);
        this.#waiting.set(request, { resolve, reject, trace });
      } catch (error) {
        throw fromNative(error);
      }
    });
  }

  /** Replaces the codecs of a router, at once: calls of before have the former ones. Gives its new capabilities. */
  updateMediaCodecs(router: Id, codecs: object): RtpCapabilities {
    if (this.#ended || this.#closing) throw SfuError.of('Closed', 'the Sfu is closed');
    try {
      return JSON.parse(this.#client.updateMediaCodecs(router, toJson(codecs))) as RtpCapabilities;
    } catch (error) {
      throw fromNative(error);
    }
  }

  /** Has a handle hear of what has this id: its own, or another one that it goes by, too. */
  register(handle: Handle, id: Id = handle.id): void {
    this.#handles.set(id, handle);
  }

  unregister(handle: Handle, id: Id = handle.id): void {
    if (this.#handles.get(id) === handle) this.#handles.delete(id);
  }

  /** The handle with this id, if it is open and known. */
  find(id: Id): Handle | undefined {
    return this.#handles.get(id);
  }

  handles(): Iterable<Handle> {
    return this.#handles.values();
  }

  /** Events from now on: of one router, or of all. */
  events(router: Id | undefined, capacity: number): EventStream<RouterEvent> {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw SfuError.of('InvalidParameters', 'capacity: expected a whole number, 1 or more');
    }
    const stream = new EventStream<RouterEvent>(capacity, () => this.#streams.delete(entry));
    const entry = { router, stream };
    if (this.#ended || (router !== undefined && !this.#handles.has(router))) stream.end();
    else this.#streams.add(entry);
    return stream;
  }

  ref(): void {
    this.#alive.ref();
  }

  unref(): void {
    this.#alive.unref();
  }

  /** Ends the SFU; the promise resolves when its threads are gone. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = new Promise((resolve) => {
        if (this.#ended) resolve();
        else this.#whenClosed = resolve;
      });
      if (!this.#ended) this.#client.close();
    }
    return this.#closing;
  }

  /** Deals with the batches that came, until a completion is followed by something else. */
  #work(): void {
    this.#deferred = false;
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      let completed = false;
      while (batch.at < batch.items.length) {
        const item = batch.items[batch.at] as Item;
        if ('request' in item) completed = true;
        else if (completed) return this.#defer();
        batch.at += 1;
        try {
          this.#handle(item, batch);
        } catch (error) {
          throwLater(error);
        }
      }
      this.#batches.shift();
      if (this.#ended) {
        clearInterval(this.#alive);
        return this.#client.finish();
      }
      this.#client.ready();
      if (completed && this.#batches.length > 0) return this.#defer();
    }
    return undefined;
  }

  /** Goes on when all that waits for promises has run. */
  #defer(): void {
    this.#deferred = true;
    setImmediate(() => this.#work());
  }

  #handle(item: Item, batch: Batch): void {
    if ('request' in item) this.#complete(item, batch);
    else if ('event' in item) this.#event(item.event, item.payload === undefined ? undefined : batch.take(item.payload));
    else if ('packets' in item) {
      const packets = item.packets.map((length) => batch.take(length));
      this.#handles.get(item.consumer)?.receivePackets(packets);
    } else if ('closed' in item) this.#end();
    else if ('started' in item) this.#started.resolve();
    else {
      this.#ended = true;
      this.#started.reject(SfuError.of(...item.failed));
    }
  }

  #complete(item: Extract<Item, { request: number }>, batch: Batch): void {
    const payload = item.payload === undefined ? undefined : batch.take(item.payload);
    const waiting = this.#waiting.get(item.request);
    if (!waiting) return;
    this.#waiting.delete(item.request);
    if (item.error) {
      const error = SfuError.of(...item.error);
      error.stack = `${error.name}: ${error.message}\n${waiting.trace.stack?.split('\n').slice(1).join('\n') ?? ''}`;
      waiting.reject(error);
    } else {
      const value = item.value ?? null;
      waiting.resolve(payload === undefined ? { value } : { value, payload });
    }
  }

  #event(event: RouterEvent & { kind?: string }, payload: Buffer | undefined): void {
    if (event.type === 'message') {
      event.data = (event.kind === 'string' ? payload?.toString('utf8') : payload) ?? '';
      delete event.kind;
    } else if (event.type === 'rtcp') event.packet = payload ?? EMPTY;
    for (const { router, stream } of this.#streams) {
      if (router === undefined || event.type === 'lagged' || event.router === router) stream.push(event);
    }
    if (event.type === 'lagged') return this.#listener.lagged(event);
    const fields = event as unknown as Record<string, Id | null>;
    const subject = fields[SUBJECTS[event.type] ?? 'router'] ?? event.router;
    this.#handles.get(subject)?.receive(event);
    if (event.type === 'router-closed') {
      for (const { router, stream } of this.#streams) if (router === event.router) stream.end();
    }
    return undefined;
  }

  #end(): void {
    this.#ended = true;
    for (const [, waiting] of this.#waiting) waiting.reject(SfuError.of('Closed', 'the Sfu was closed meanwhile'));
    this.#waiting.clear();
    for (const handle of [...this.#handles.values()]) handle.markClosed('parent-closed');
    for (const { stream } of [...this.#streams]) stream.end();
    this.#whenClosed?.();
    this.#listener.closed();
  }
}

/** What the native half throws, as one of our errors; other errors as they are. */
function fromNative(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return isErrorCode(code) ? SfuError.of(code, String(message)) : error;
}

/** JSON of parameters. What JSON would leave out or change in silence is refused. */
function toJson(parameters: object): string {
  const refuse = (name: string, found: string): never => {
    throw SfuError.of('InvalidParameters', `${name}: expected a value that JSON can express, found ${found}`);
  };
  try {
    return JSON.stringify(parameters, (name, value: unknown) => {
      if (typeof value === 'number' && !Number.isFinite(value)) return refuse(name, String(value));
      if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') return refuse(name, `a ${typeof value}`);
      return value;
    });
  } catch (error) {
    if (error instanceof SfuError) throw error;
    throw SfuError.of('InvalidParameters', `parameters: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`);
  }
}
