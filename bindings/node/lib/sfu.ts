/** The whole: threads, ports, and where routers are made. */

import { EventEmitter } from 'node:events';
import { Connection } from './connection.js';
import { contentsOf, type ContentsDescription } from './contents.js';
import type { SfuEvent } from './events.js';
import { bytesOf, optionsOf, throwLater, type Handle } from './handle.js';
import { native } from './native.js';
import type { ListenOptions, RestoreOptions, RouterOptions, SfuOptions } from './options.js';
import type { RtpCapabilities } from './parameters.js';
import { resynchronise } from './resync.js';
import { Router, type RouterDescription } from './router.js';
import type { ShardStats } from './stats.js';
import type { EventStream } from './stream.js';

/** Events of an {@link Sfu}. */
export interface SfuEvents {
  /** It has ended: its threads are gone. */
  closed: [];
  /** So many events were lost, because this process did not take them in time. */
  lagged: [count: number];
}

/** What routers can route at most; codecs for {@link Sfu.createRouter} are chosen from it. */
export function supportedRtpCapabilities(): RtpCapabilities {
  return JSON.parse(native().supportedRtpCapabilities()) as RtpCapabilities;
}

/**
 * An SFU: threads, sockets, and the routers that run on them.
 *
 * ```js
 * const sfu = await Sfu.create({ listen: ['0.0.0.0:40000'], announce: ['203.0.113.7'] });
 * const room = await sfu.createRouter();
 * ```
 */
export class Sfu extends EventEmitter<SfuEvents> {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    super();
    this.#connection = connection;
  }

  /** Binds the ports and starts the threads. */
  static async create(options: SfuOptions): Promise<Sfu> {
    let sfu: Sfu | undefined;
    const connection = await Connection.start(optionsOf('options', options), {
      lagged: ({ count }) => {
        resynchronise(connection).catch(throwLater);
        sfu?.emit('lagged', count);
      },
      closed: () => sfu?.emit('closed'),
    });
    sfu = new Sfu(connection);
    return sfu;
  }

  /** As {@link supportedRtpCapabilities}. */
  static supportedRtpCapabilities(): RtpCapabilities {
    return supportedRtpCapabilities();
  }

  /** Whether it has ended. */
  get closed(): boolean {
    return this.#connection.ended;
  }

  async #call(method: string, parameters: object, payloads?: Uint8Array[]): Promise<unknown> {
    return (await this.#connection.call('Sfu', method, '', parameters, payloads)).value;
  }

  /** Makes a router: a room, in which producers meet consumers. */
  async createRouter(options?: RouterOptions): Promise<Router> {
    const answer = await this.#call('createRouter', optionsOf('options', options));
    return new Router(this.#connection, answer as RouterDescription);
  }

  /**
   * Takes up a router where its {@link Router.snapshot} left off; `options` names the codecs that it was made with.
   *
   * All that is in it has handles, which {@link find}, {@link Router.transports} and {@link Router.contents} give.
   */
  async restoreRouter(snapshot: Uint8Array, options?: RestoreOptions): Promise<Router> {
    const payload = bytesOf('snapshot', snapshot);
    const answer = await this.#call('restoreRouter', optionsOf('options', options), [payload]);
    const { contents, ...description } = answer as RouterDescription & { contents: ContentsDescription };
    const router = new Router(this.#connection, description);
    contentsOf(this.#connection, contents);
    return router;
  }

  /** Number of shards. */
  async shards(): Promise<number> {
    return ((await this.#call('shards', {})) as { shards: number }).shards;
  }

  /** Operational figures of a shard since it started. */
  async shardStats(shard = 0): Promise<ShardStats> {
    return (await this.#call('shardStats', { shard })) as ShardStats;
  }

  /** The addresses that a shard listens on, each `address:port`. */
  async addresses(shard = 0): Promise<string[]> {
    return ((await this.#call('addresses', { shard })) as { addresses: string[] }).addresses;
  }

  /**
   * Has a shard listen on one more address, for all its WebRTC transports; gives the address with its port.
   * Transports do not tell it by themselves: give the peer a candidate of it.
   */
  async listen(options: ListenOptions): Promise<string> {
    return ((await this.#call('listen', optionsOf('options', options))) as { address: string }).address;
  }

  /** Undoes {@link listen}. */
  async unlisten(options: ListenOptions): Promise<void> {
    await this.#call('unlisten', optionsOf('options', options));
  }

  /**
   * What happens from now on, in all routers. At most `capacity` events wait for the reader; the oldest of more are
   * lost, and counted by a `lagged` event.
   */
  events(capacity = 16_384): EventStream<SfuEvent> {
    return this.#connection.events(undefined, capacity);
  }

  /** The open handle with this id, if there is one. */
  find(id: string): Handle | undefined {
    return this.#connection.find(id);
  }

  /** Lets the process end though this SFU is open. */
  unref(): this {
    this.#connection.unref();
    return this;
  }

  /** Undoes {@link unref}. */
  ref(): this {
    this.#connection.ref();
    return this;
  }

  /** Ends everything: routers are closed and threads end. The promise resolves when they are gone. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}
