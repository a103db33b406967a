/**
 * The signalling socket: joins with the seat's token, keeps the connection alive and takes the
 * seat up again when the socket drops. It knows nothing of media or of the page.
 */

import { backoffDelay } from './backoff';
import { parseServerMessage, type ClientMessage, type ServerMessage } from './protocol';

/** `waiting` is between two attempts; `closed` is for good. */
export type SignalingStatus = 'connecting' | 'joined' | 'waiting' | 'closed';

export interface SignalingOptions {
  url: string;
  token: string;
  onMessage: (message: ServerMessage) => void;
  onStatus: (status: SignalingStatus) => void;
  /** The seat is gone (its 30 s are over, or the server restarted): a new join is needed. */
  onSeatLost: (code: string) => void;
  /** The server closed the socket for good; `replaced` is by another page of this person. */
  onClosed: (reason: 'replaced' | 'over' | 'refused') => void;
  /** The socket was refused before it opened, for the `failures`-th time in a row. A browser
   * does not say why: the network may be down, or the server may have forgotten the meeting. */
  onRefused?: (failures: number) => void;
  /** What is switched off from the first moment on. */
  mediaAtJoin?: () => { audio_enabled: boolean; video_enabled: boolean };
  openSocket?: (url: string) => WebSocket;
}

const PING_MS = 10_000;
/** Without a word from the server for this long, the socket is dead even if nobody said so. */
const SILENCE_MS = 25_000;
const JOIN_TIMEOUT_MS = 10_000;
/** After these a client does not come back; after any other close it does. */
const FINAL_CLOSES: Partial<Record<number, 'replaced' | 'over' | 'refused'>> = {
  1000: 'over',
  4001: 'replaced',
  4003: 'refused',
  4005: 'refused',
};
const SEAT_LOST = new Set(['unauthorized', 'not_found', 'forbidden', 'meeting_full']);

export class Signaling {
  readonly #options: SignalingOptions;
  #socket: WebSocket | null = null;
  #status: SignalingStatus = 'closed';
  #failures = 0;
  #opened = false;
  #lastHeard = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #joinTimeout: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SignalingOptions) {
    this.#options = options;
  }

  get status(): SignalingStatus {
    return this.#status;
  }

  connect(): void {
    clearTimeout(this.#retry);
    this.#dropSocket();
    this.#setStatus('connecting');
    const open = this.#options.openSocket ?? ((url) => new WebSocket(url));
    const socket = open(this.#options.url);
    this.#socket = socket;
    this.#opened = false;
    socket.onopen = () => {
      this.#opened = true;
      socket.send(JSON.stringify({ type: 'join', token: this.#options.token, ...this.#options.mediaAtJoin?.() }));
    };
    socket.onmessage = (event) => this.#receive(socket, event.data);
    socket.onclose = (event) => this.#closed(socket, event.code);
    this.#joinTimeout = setTimeout(() => this.#closed(socket, 0), JOIN_TIMEOUT_MS);
  }

  /** Tries again at once instead of waiting the backoff out (the network came back). */
  retryNow(): void {
    if (this.#status === 'waiting') this.connect();
  }

  /** Sends if the seat is taken; the meeting repeats its state after each `joined`. */
  send(message: ClientMessage): boolean {
    if (this.#status !== 'joined' || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#dropSocket();
    this.#setStatus('closed');
  }

  #receive(socket: WebSocket, data: unknown): void {
    if (socket !== this.#socket || typeof data !== 'string') return;
    this.#lastHeard = Date.now();
    const message = parseServerMessage(data);
    if (!message) return;
    if (message.type === 'joined') {
      clearTimeout(this.#joinTimeout);
      this.#failures = 0;
      this.#startHeartbeat(socket);
      this.#setStatus('joined');
    } else if (message.type === 'error' && this.#status === 'connecting') {
      if (SEAT_LOST.has(message.code)) {
        this.close();
        this.#options.onSeatLost(message.code);
      }
      return;
    }
    this.#options.onMessage(message);
  }

  #startHeartbeat(socket: WebSocket): void {
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => {
      if (Date.now() - this.#lastHeard > SILENCE_MS) this.#closed(socket, 0);
      else this.send({ type: 'ping' });
    }, PING_MS);
  }

  #closed(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return;
    this.#dropSocket();
    const final = FINAL_CLOSES[code];
    if (final) {
      this.#setStatus('closed');
      this.#options.onClosed(final);
      return;
    }
    this.#failures += 1;
    this.#setStatus('waiting');
    this.#retry = setTimeout(() => this.connect(), backoffDelay(this.#failures));
    if (!this.#opened) this.#options.onRefused?.(this.#failures);
  }

  #dropSocket(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#joinTimeout);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #setStatus(status: SignalingStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#options.onStatus(status);
  }
}
