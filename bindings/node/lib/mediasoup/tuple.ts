// Paths of transports, in the form that the API has.

import { describe } from './app_data.js';
import { hostAndPort, splitHostAndPort, type TransportProtocol } from './listen_info.js';

/** A path between the two ends of a transport. */
export type TransportTuple = {
  /** @deprecated `localAddress` says the same. */
  localIp: string;
  localAddress: string;
  localPort: number;
  remoteIp?: string;
  remotePort?: number;
  protocol: TransportProtocol;
};

/** A path of the SFU; of our side `address` is told. */
export function tupleOf(tuple: { protocol: TransportProtocol; local: string; remote?: string }, address: string): TransportTuple {
  const remote = tuple.remote === undefined ? undefined : splitHostAndPort(tuple.remote);
  return {
    localIp: address,
    localAddress: address,
    localPort: splitHostAndPort(tuple.local).port,
    ...(remote ? { remoteIp: remote.ip, remotePort: remote.port } : {}),
    protocol: tuple.protocol,
  };
}

/** The `ip` and `port` of `connect`, as `address:port`. */
export function remoteAddress(ip: unknown, port: unknown, name = 'port'): string {
  if (typeof ip !== 'string') throw new TypeError(`ip: expected an address, got ${describe(ip)}`);
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65535) {
    throw new TypeError(`${name}: expected 1 to 65535, got ${describe(port)}`);
  }
  return hostAndPort(ip, port as number);
}
