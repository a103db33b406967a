/**
 * Tells the server which tiles are on the page and how large. What changes within a moment is
 * told together, and a page that never comes to rest is told of all the same.
 */

import type { Size } from './layout';
import { VIEW_LIMIT, type ViewTile } from './protocol';

const SETTLE_MS = 200;

export class ViewReport {
  readonly #send: (tiles: ViewTile[]) => boolean;
  #tiles: ViewTile[] = [];
  #sent = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (tiles: ViewTile[]) => boolean) {
    this.#send = send;
  }

  set(tiles: ViewTile[]): void {
    this.#tiles = tiles.slice(0, VIEW_LIMIT);
    this.#timer ??= setTimeout(() => this.#flush(), SETTLE_MS);
  }

  /** The server forgot (a new session): say it again. */
  repeat(): void {
    this.#sent = '';
    this.#flush();
  }

  /** How large a source of somebody is shown, in device pixels. */
  sizeOf({ participant_id: id, source }: Pick<ViewTile, 'participant_id' | 'source'>): Size | null {
    return this.#tiles.find((tile) => tile.participant_id === id && tile.source === source) ?? null;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = JSON.stringify(this.#tiles);
    if (text !== this.#sent && this.#send(this.#tiles)) this.#sent = text;
  }
}
