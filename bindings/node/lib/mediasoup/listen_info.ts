// Where transports listen: the several ways to say it, made one.

import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe } from './app_data.js';

/** Protocol of a transport's path. */
export type TransportProtocol = 'udp' | 'tcp';

/** Ports from which one is chosen, both ends included. */
export type TransportPortRange = { min: number; max: number };

/** Settings of sockets. */
export type TransportSocketFlags = {
  /** Takes no IPv4 on an IPv6 address. Always so here. */
  ipv6Only?: boolean;
  /** Lets transports share an address and port. */
  udpReusePort?: boolean;
};

/** Where to listen, and what peers are told. */
export type TransportListenInfo = {
  protocol: TransportProtocol;
  /** IPv4 or IPv6 address of this machine. */
  ip: string;
  /** @deprecated `announcedAddress` says the same. */
  announcedIp?: string;
  /** Address or host name that peers are told instead of `ip`. */
  announcedAddress?: string;
  /** Peers are told `ip`, too. */
  exposeInternalIp?: boolean;
  /** Port; by default one of the range. */
  port?: number;
  /** Ports to choose from. Goes before `port`. */
  portRange?: TransportPortRange;
  flags?: TransportSocketFlags;
  /** Send buffer in bytes. */
  sendBufferSize?: number;
  /** Receive buffer in bytes. */
  recvBufferSize?: number;
};

/** @deprecated `TransportListenInfo` says more. */
export type TransportListenIp = { ip: string; announcedIp?: string };

/** An ICE candidate (RFC 8839 §5.1). */
export type IceCandidate = {
  foundation: string;
  priority: number;
  /** @deprecated `address` says the same. */
  ip: string;
  address: string;
  protocol: TransportProtocol;
  port: number;
  type: 'host';
  tcpType?: 'passive';
};

/** Where something is bound, and what is told of it. */
export type Bound = { info: TransportListenInfo; port: number };

/** Refuses listen infos that are wrong; `name` is the option they came in. */
export function checkListenInfo(info: unknown, name: string): asserts info is TransportListenInfo {
  if (typeof info !== 'object' || info === null) {
    throw new TypeError(`${name}: expected an object with protocol and ip, got ${describe(info)}`);
  }
  const { protocol, ip, announcedAddress, announcedIp, port, portRange } = info as Partial<TransportListenInfo>;
  if (protocol !== undefined && protocol !== 'udp' && protocol !== 'tcp') {
    throw new TypeError(`${name}.protocol: expected "udp" or "tcp", got ${describe(protocol)}`);
  }
  if (typeof ip !== 'string' || isIP(ip) === 0) {
    throw new TypeError(`${name}.ip: expected an IPv4 or IPv6 address, got ${describe(ip)}`);
  }
  for (const [key, told] of Object.entries({ announcedAddress, announcedIp })) {
    if (told !== undefined && (typeof told !== 'string' || told === '')) {
      throw new TypeError(`${name}.${key}: expected an address or a host name, got ${describe(told)}`);
    }
  }
  if (port !== undefined && !isPort(port)) throw new TypeError(`${name}.port: expected 0 to 65535, got ${describe(port)}`);
  if (portRange !== undefined) checkPortRange(portRange, `${name}.portRange`);
}

/** Refuses what is no range of ports. 0 to 0 is as if there were none. */
export function checkPortRange(range: TransportPortRange, name: string): void {
  const { min, max } = range ?? {};
  if (!isPort(min) || !isPort(max) || min > max) {
    throw new TypeError(`${name}: expected min and max from 0 to 65535, min not above max, got ${describe(min)} and ${describe(max)}`);
  }
}

const isPort = (port: unknown): port is number => Number.isInteger(port) && (port as number) >= 0 && (port as number) <= 65535;

/** A `listenIp`, as a listen info. */
export function fromListenIp(listenIp: TransportListenIp | string, protocol: TransportProtocol, port?: number): TransportListenInfo {
  const { ip, announcedIp } = typeof listenIp === 'string' ? { ip: listenIp, announcedIp: undefined } : (listenIp ?? {});
  return {
    protocol,
    ip,
    ...(announcedIp === undefined ? {} : { announcedAddress: announcedIp }),
    ...(port === undefined ? {} : { port }),
  };
}

/** What the options of a WebRTC transport say about listening without a WebRtcServer. */
export function fromListenIps(
  listenIps: (TransportListenIp | string)[],
  options: { port?: number; enableUdp: boolean; enableTcp: boolean; preferUdp: boolean; preferTcp: boolean },
): TransportListenInfo[] {
  const protocols: TransportProtocol[] = [];
  if (options.enableUdp) protocols.push('udp');
  if (options.enableTcp) protocols.push('tcp');
  if (options.preferTcp && !options.preferUdp) protocols.reverse();
  return protocols.flatMap((protocol) => listenIps.map((ip) => fromListenIp(ip, protocol, options.port)));
}

/** `address:port` as the SFU takes it. */
export const hostAndPort = (ip: string, port: number): string => (isIP(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`);

/** The two parts of `address:port`. */
export function splitHostAndPort(text: string): { ip: string; port: number } {
  const at = text.lastIndexOf(':');
  return { ip: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

/** What peers are told of an address listened on. */
export const announced = ({ announcedAddress, announcedIp, ip }: TransportListenInfo): string =>
  announcedAddress ?? announcedIp ?? reachable(ip);

/** A wildcard is no address to send to: an address of this machine stands in for it. */
function reachable(ip: string): string {
  if (ip !== '0.0.0.0' && !/^[0:]+$/.test(ip)) return ip;
  const family = isIP(ip) === 6 ? 'IPv6' : 'IPv4';
  const all = Object.values(networkInterfaces()).flat();
  const found = all.find((each) => each && each.family === family && !each.internal && !each.address.startsWith('fe80:'));
  return found?.address ?? (family === 'IPv6' ? '::1' : '127.0.0.1');
}

/** The candidates of a lite agent (RFC 8445 §5.1.2): the earlier in the list, the better. */
export function iceCandidates(bound: Bound[], prefer: { udp: boolean; tcp: boolean }): IceCandidate[] {
  const addresses = bound.flatMap(({ info, port }) => {
    const told = [announced(info)];
    if (info.exposeInternalIp && !told.includes(reachable(info.ip))) told.push(reachable(info.ip));
    return told.map((address) => ({ address, port, protocol: info.protocol }));
  });
  return addresses.map(({ address, port, protocol }, index) => {
    const preferred = prefer[protocol] ? 0x8000 : 0;
    const localPreference = preferred + Math.max(0, 0x7fff - 256 * index);
    return {
      foundation: `${protocol}${index}`,
      priority: 126 * 2 ** 24 + localPreference * 2 ** 8 + 255,
      ip: address,
      address,
      protocol,
      port,
      type: 'host' as const,
      ...(protocol === 'tcp' ? { tcpType: 'passive' as const } : {}),
    };
  });
}
