// The Sfu of one worker, as the facade uses it: calls by name, and events to whom they are about.

import { Connection } from '../connection.js';
import type { LaggedEvent, RouterEvent } from '../events.js';
import { Handle } from '../handle.js';
import { fromSfu } from './errors.js';
import { Logger } from './logger.js';
import type { RtpCapabilities } from './rtp_parameters.js';

/** Hears of one object of the SFU: an event, or RTP packets of a consumer of a direct transport. */
export type Hearer = (event: RouterEvent | undefined, packets: Buffer[]) => void;

const logger = new Logger('Engine');

/** Entry of one hearer in the connection's table. */
class Subject extends Handle {
  override readonly noun = 'Subject';
  readonly #hear: Hearer;

  constructor(connection: Connection, id: string, hear: Hearer) {
    super(connection, id, undefined);
    this.#hear = hear;
  }

  override receive(event: RouterEvent): void {
    this.#hear(event, []);
  }

  override receivePackets(packets: Buffer[]): void {
    this.#hear(undefined, packets);
  }
}

/** The Sfu of one worker. */
export class Engine {
  readonly #connection: Connection;
  readonly #subjects = new Map<string, Subject>();
  #closed = false;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Starts an SFU with these options. `closed` is called once, when it has ended. */
  static async start(options: object, closed: () => void): Promise<Engine> {
    let engine: Engine | undefined;
    const lagged = (event: LaggedEvent): void => engine?.lagged(event);
    try {
      engine = new Engine(await Connection.start(options, { lagged, closed }));
      return engine;
    } catch (error) {
      throw fromSfu(error, 'createWorker');
    }
  }

  /** Whether it has ended, or was told to. */
  get closed(): boolean {
    return this.#closed || this.#connection.ended;
  }

  /** Calls a method of an object of the SFU; of the SFU itself without an id. */
  async call<T>(method: string, id: string | null, parameters: object = {}, payloads: Uint8Array[] = []): Promise<T> {
    const [noun = '', name = ''] = method.split('.');
    try {
      return (await this.#connection.call(noun, name, id ?? '', parameters, payloads)).value as T;
    } catch (error) {
      throw fromSfu(error, method);
    }
  }

  /** Replaces the codecs of a router at once, between the calls of before and those of later. Gives its new capabilities. */
  updateMediaCodecs(router: string, codecs: object[]): RtpCapabilities {
    try {
      return this.#connection.updateMediaCodecs(router, codecs) as RtpCapabilities;
    } catch (error) {
      throw fromSfu(error, 'updateMediaCodecs');
    }
  }

  /** Calls a method whose outcome changes nothing: what it is about may be gone by itself already. */
  tell(method: string, id: string | null, parameters: object = {}, payloads: Uint8Array[] = []): void {
    if (this.closed) return;
    this.call(method, id, parameters, payloads).catch((error: unknown) => logger.debug(String(error)));
  }

  /** Has `hear` called for all that happens to an object, until it is released. */
  handle(id: string, hear: Hearer): void {
    this.#subjects.set(id, new Subject(this.#connection, id, hear));
  }

  /** Events were lost: all objects have to look what has become of them. */
  private lagged(event: LaggedEvent): void {
    logger.error(`${event.count} events were lost: the process was too slow`);
    for (const subject of [...this.#subjects.values()]) subject.receive(event);
  }

  /** Nobody cares about an object any more. */
  release(id: string): void {
    const subject = this.#subjects.get(id);
    if (!subject) return;
    this.#subjects.delete(id);
    this.#connection.unregister(subject);
  }

  /** Ends the SFU; resolves when its threads are gone. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#connection.close();
  }
}
