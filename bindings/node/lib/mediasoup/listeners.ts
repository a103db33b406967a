// The ports that a worker's Sfu listens on for WebRTC. All transports that ask for the same address share one,
// as ICE tells them apart.

import type { Engine } from './engine.js';
import { hostAndPort, splitHostAndPort, type TransportListenInfo, type TransportPortRange } from './listen_info.js';
import { withPort } from './ports.js';

/** A port that is listened on, until it is released. */
export type Listener = { info: TransportListenInfo; port: number; release: () => void };

type Entry = { port: Promise<number>; users: number; exclusive: boolean };

/** Listening ports of one Sfu. */
export class Listeners {
  readonly #engine: Engine;
  readonly #range: TransportPortRange;
  readonly #entries = new Map<string, Entry>();

  constructor(engine: Engine, range: TransportPortRange) {
    this.#engine = engine;
    this.#range = range;
  }

  /** Listens on all of them or, if one cannot be had, on none. A WebRtcServer has its ports for itself. */
  async open(infos: TransportListenInfo[], { exclusive }: { exclusive: boolean }): Promise<Listener[]> {
    const opened: Listener[] = [];
    try {
      for (const info of infos) opened.push(await this.#open(info, exclusive));
      return opened;
    } catch (error) {
      for (const listener of opened) listener.release();
      throw error;
    }
  }

  async #open(info: TransportListenInfo, exclusive: boolean): Promise<Listener> {
    const { protocol, ip, port: fixed, portRange } = info;
    const range = portRange && portRange.max > 0 ? portRange : fixed ? { min: fixed, max: fixed } : this.#range;
    const key = `${protocol} ${ip} ${range.min}-${range.max}`;
    const single = range.min === range.max;
    const known = this.#entries.get(key);
    if (known && single && (exclusive || known.exclusive)) {
      throw new Error(`listenInfo: ${protocol} port ${range.min} of ${ip} is listened on already`);
    }
    if (known && !exclusive) return this.#use(key, known, info);
    const port = withPort(range, async (candidate) => {
      const parameters = { shard: 0, address: hostAndPort(ip, candidate), protocol };
      const { address } = await this.#engine.call<{ address: string }>('Sfu.listen', null, parameters);
      return splitHostAndPort(address).port;
    });
    // A port of a range that is had exclusively is nobody else's to find.
    const name = exclusive && !single ? `${key} ${Math.random()}` : key;
    const entry = { port, users: 0, exclusive };
    this.#entries.set(name, entry);
    return this.#use(name, entry, info);
  }

  async #use(key: string, entry: Entry, info: TransportListenInfo): Promise<Listener> {
    entry.users += 1;
    let used = true;
    const release = (): void => {
      if (!used) return;
      used = false;
      entry.users -= 1;
      if (entry.users > 0) return;
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      entry.port.then(
        (port) => this.#engine.tell('Sfu.unlisten', null, { shard: 0, address: hostAndPort(info.ip, port), protocol: info.protocol }),
        () => undefined,
      );
    };
    try {
      return { info, port: await entry.port, release };
    } catch (error) {
      release();
      throw error;
    }
  }
}
