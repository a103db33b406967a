// Checks on the arguments of a router's methods, and what they come to.

import { describe } from './app_data.js';
import { UnsupportedError } from './errors.js';
import { checkListenInfo, fromListenIp, type TransportListenInfo, type TransportListenIp } from './listen_info.js';
import type { Listener } from './listeners.js';

/** Those of the preferred protocol first. */
export function preferred(listeners: Listener[], { preferUdp, preferTcp }: { preferUdp: boolean; preferTcp: boolean }): Listener[] {
  if (preferUdp === preferTcp) return [...listeners];
  const first = preferUdp ? 'udp' : 'tcp';
  const rank = ({ info }: Listener): number => (info.protocol === first ? 0 : 1);
  return [...listeners].sort((a, b) => rank(a) - rank(b));
}

/** Where a transport of RTP listens. */
export function udpInfo(options: {
  listenInfo: TransportListenInfo | undefined;
  listenIp: TransportListenIp | string | undefined;
  port: number | undefined;
}): TransportListenInfo {
  const { listenInfo, listenIp, port } = options;
  if ((listenInfo === undefined) === (listenIp === undefined)) {
    throw new TypeError('listenInfo, listenIp: expected exactly one of them');
  }
  const info = listenInfo ?? fromListenIp(listenIp as TransportListenIp | string, 'udp', port);
  const name = listenInfo ? 'listenInfo' : 'listenIp';
  checkListenInfo(info, name);
  if (info.protocol === 'tcp') throw new TypeError(`${name}.protocol: expected "udp", got "tcp"`);
  return info;
}

/** The SFU takes RTCP on the address of RTP, and on the next port. */
export function checkRtcpListenInfo(rtcp: TransportListenInfo, rtp: TransportListenInfo): void {
  const next = rtcp.port === undefined || rtcp.port === 0 || (rtp.port !== undefined && rtcp.port === rtp.port + 1);
  if (rtcp.ip !== rtp.ip || !next) {
    throw new UnsupportedError('rtcpListenInfo: expected the ip of listenInfo, and no port or the next one');
  }
}

/** Refuses what is no list, or an empty one. */
export function checkedList<T>(list: T[] | undefined, name: string): T[] {
  if (!Array.isArray(list) || list.length === 0) {
    throw new TypeError(`${name}: expected an array that is not empty, got ${describe(list)}`);
  }
  return list;
}

/** Refuses sizes that are none. */
export function checkMessageSizes(sizes: Record<string, unknown>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || (size as number) < 0) throw new TypeError(`${name}: expected bytes from 0, got ${describe(size)}`);
  }
}

/** Refuses what are no numbers of streams. */
export function checkNumSctpStreams(streams: { OS?: unknown; MIS?: unknown } | null | undefined): void {
  if (streams !== undefined && !(Number.isInteger(streams?.OS) && Number.isInteger(streams?.MIS))) {
    throw new TypeError(`numSctpStreams: expected numbers OS and MIS, got ${describe(streams)}`);
  }
}

/** Refuses what is no interval. */
export function checkInterval(interval: unknown): void {
  if (!Number.isInteger(interval) || (interval as number) < 1) {
    throw new TypeError(`interval: expected milliseconds from 1, got ${describe(interval)}`);
  }
}
