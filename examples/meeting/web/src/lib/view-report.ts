/** Tells the server which tiles are on the page and how large, once they have settled. */

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
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), SETTLE_MS);
  }

  /** The server forgot (a new session): say it again. */
  repeat(): void {
    this.#sent = '';
    this.#flush();
  }

  /** How large a source of somebody is shown, in device pixels; 0 when it is not. */
  heightOf({ participant_id: id, source }: Pick<ViewTile, 'participant_id' | 'source'>): number {
    const shown = this.#tiles.filter((tile) => tile.participant_id === id && tile.source === source);
    return Math.max(0, ...shown.map(({ height }) => height));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #flush(): void {
    const text = JSON.stringify(this.#tiles);
    if (text !== this.#sent && this.#send(this.#tiles)) this.#sent = text;
  }
}
