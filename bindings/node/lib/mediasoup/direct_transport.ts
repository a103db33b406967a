// A transport to the application itself.

import type { SfuEvent } from '../events.js';
import type { AppData } from './app_data.js';
import type { EnhancedEventEmitter } from './enhanced_events.js';
import { UnsupportedError } from './errors.js';
import type { BaseTransportStats } from './stats.js';
import {
  Transport,
  type BaseTransportDump,
  type TransportEvents,
  type TransportObserverEvents,
  type TransportParts,
} from './transport.js';

/** Options of `router.createDirectTransport`. */
export type DirectTransportOptions<DirectTransportAppData extends AppData = AppData> = {
  /** Has no effect. */
  maxSendMessageSize?: number;
  /** Has no effect. */
  maxReceiveMessageSize?: number;
  /** Has no effect. */
  maxMessageSize?: number;
  appData?: DirectTransportAppData;
};

/** What `dump()` tells. */
export type DirectTransportDump = BaseTransportDump;

/** Its figures. */
export type DirectTransportStat = BaseTransportStats & { type: string };

export type DirectTransportEvents = TransportEvents & { rtcp: [Buffer] };

export type DirectTransportObserver = EnhancedEventEmitter<DirectTransportObserverEvents>;

export type DirectTransportObserverEvents = TransportObserverEvents & { rtcp: [Buffer] };

/** A transport to the application: packets and messages as buffers. Made by `router.createDirectTransport`. */
export class DirectTransport<DirectTransportAppData extends AppData = AppData> extends Transport<
  DirectTransportAppData,
  DirectTransportEvents,
  DirectTransportObserver
> {
  /** @internal */
  constructor(parts: TransportParts) {
    super(parts, 'DirectTransport');
  }

  override get type(): 'direct' {
    return 'direct';
  }

  override get observer(): DirectTransportObserver {
    return super.observer;
  }

  override async dump(): Promise<DirectTransportDump> {
    return this.baseDump();
  }

  override async getStats(): Promise<DirectTransportStat[]> {
    const { base } = await this.baseStats();
    return [{ ...base, type: 'direct-transport' }];
  }

  /** Does nothing: there is nothing to connect to. */
  override async connect(): Promise<void> {
    this.check('connect');
  }

  override async setMaxIncomingBitrate(_bitrate: number): Promise<void> {
    throw new UnsupportedError('setMaxIncomingBitrate: a DirectTransport has no path whose bit rate could be bounded');
  }

  override async setMaxOutgoingBitrate(_bitrate: number): Promise<void> {
    throw new UnsupportedError('setMaxOutgoingBitrate: a DirectTransport has no path whose bit rate could be bounded');
  }

  override async setMinOutgoingBitrate(_bitrate: number): Promise<void> {
    throw new UnsupportedError('setMinOutgoingBitrate: a DirectTransport has no path whose bit rate could be bounded');
  }

  /** Takes RTCP of the application, as if an endpoint had sent it: requests for packets and key frames, and reports. */
  sendRtcp(rtcpPacket: Buffer): void {
    if (!((rtcpPacket as unknown) instanceof Uint8Array)) throw new TypeError('rtcpPacket: expected a Buffer');
    this.check('sendRtcp');
    // The caller may reuse its buffer.
    this.engine.tell('DirectTransport.sendRtcp', this.engineId, {}, [Buffer.from(rtcpPacket)]);
  }

  /** @internal */
  protected override heard(event: SfuEvent): void {
    if (event.type !== 'rtcp') return;
    this.safeEmit('rtcp', event.packet);
    this.observer.safeEmit('rtcp', event.packet);
  }
}
