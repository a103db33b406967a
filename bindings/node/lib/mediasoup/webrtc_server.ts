// Ports that many WebRTC transports share.

import type { AppData } from './app_data.js';
import { EnhancedEventEmitter } from './enhanced_events.js';
import { NotFoundError } from './errors.js';
import type { Listener } from './listeners.js';
import type { TransportListenInfo } from './listen_info.js';
import { Logger } from './logger.js';
import type { WebRtcTransport } from './webrtc_transport.js';
import type { Worker } from './worker.js';

/** Options of `worker.createWebRtcServer`. */
export type WebRtcServerOptions<WebRtcServerAppData extends AppData = AppData> = {
  /** What to listen on. */
  listenInfos: TransportListenInfo[];
  appData?: WebRtcServerAppData;
};

/** @deprecated It is a `TransportListenInfo`. */
export type WebRtcServerListenInfo = TransportListenInfo;

export type IpPort = { ip: string; port: number };
export type IceUserNameFragment = { localIceUsernameFragment: string; webRtcTransportId: string };
export type TupleHash = { tupleHash: number; webRtcTransportId: string };

/** What `dump()` tells. */
export type WebRtcServerDump = {
  id: string;
  udpSockets: IpPort[];
  tcpServers: IpPort[];
  webRtcTransportIds: string[];
  localIceUsernameFragments: IceUserNameFragment[];
  tupleHashes: TupleHash[];
};

export type WebRtcServerEvents = { workerclose: []; '@close': [] };

export type WebRtcServerObserver = EnhancedEventEmitter<WebRtcServerObserverEvents>;

export type WebRtcServerObserverEvents = {
  close: [];
  webrtctransporthandled: [WebRtcTransport];
  webrtctransportunhandled: [WebRtcTransport];
};

const logger = new Logger('WebRtcServer');

/** Ports that WebRTC transports of its worker share. Made by `worker.createWebRtcServer`. */
export class WebRtcServer<WebRtcServerAppData extends AppData = AppData> extends EnhancedEventEmitter<WebRtcServerEvents> {
  readonly #id: string;
  readonly #worker: Worker;
  readonly #listeners: Listener[];
  readonly #observer: WebRtcServerObserver = new EnhancedEventEmitter<WebRtcServerObserverEvents>();
  readonly #transports = new Map<string, WebRtcTransport>();
  #appData: WebRtcServerAppData;
  #closed = false;

  /** @internal */
  constructor(parts: { id: string; worker: Worker; listeners: Listener[]; appData: AppData | undefined }) {
    super();
    this.#id = parts.id;
    this.#worker = parts.worker;
    this.#listeners = parts.listeners;
    this.#appData = (parts.appData ?? {}) as WebRtcServerAppData;
    logger.watch(this);
  }

  get id(): string {
    return this.#id;
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  get appData(): WebRtcServerAppData {
    return this.#appData;
  }

  set appData(appData: WebRtcServerAppData) {
    this.#appData = appData;
  }

  get observer(): WebRtcServerObserver {
    return this.#observer;
  }

  /** @internal What it listens on. */
  get listeners_(): Listener[] {
    return this.#listeners;
  }

  /** @internal Whose it is. */
  get worker(): Worker {
    return this.#worker;
  }

  /** Closes its ports, and the transports that use them. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const transport of [...this.#transports.values()]) transport.listenServerClosed();
    for (const listener of this.#listeners) listener.release();
    this.emit('@close');
    this.#observer.safeEmit('close');
  }

  /** @private Its worker was closed. */
  workerClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#transports.clear();
    this.safeEmit('workerclose');
    this.#observer.safeEmit('close');
  }

  /** What is in it. */
  async dump(): Promise<WebRtcServerDump> {
    if (this.#closed) throw new NotFoundError(`dump: the WebRtcServer ${this.#id} is closed`);
    const sockets = (protocol: string): IpPort[] =>
      this.#listeners.filter(({ info }) => info.protocol === protocol).map(({ info, port }) => ({ ip: info.ip, port }));
    const transports = [...this.#transports.values()];
    return {
      id: this.#id,
      udpSockets: sockets('udp'),
      tcpServers: sockets('tcp'),
      webRtcTransportIds: transports.map((transport) => transport.id),
      localIceUsernameFragments: transports.map(({ id, iceParameters }) => ({
        localIceUsernameFragment: iceParameters.usernameFragment,
        webRtcTransportId: id,
      })),
      tupleHashes: [],
    };
  }

  /** @private A transport uses its ports from now on. */
  handleWebRtcTransport(transport: WebRtcTransport): void {
    this.#transports.set(transport.id, transport);
    this.#observer.safeEmit('webrtctransporthandled', transport);
    transport.observer.on('close', () => {
      if (this.#transports.delete(transport.id)) this.#observer.safeEmit('webrtctransportunhandled', transport);
    });
  }
}
