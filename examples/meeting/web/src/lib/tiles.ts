/** Which tiles are on the page: pure, from the roster to the arrangement. */

import type { Participant } from './protocol';

export interface TileModel {
  /** Stable for a participant and source, so that a tile moves instead of being made anew. */
  key: string;
  participant: Participant;
  source: 'camera' | 'screen';
  self: boolean;
}

/** `grid`: all alike. `duo`: the other one large, oneself in a corner. `stage`: one large, the
 * others in a strip. */
export interface Arrangement {
  kind: 'grid' | 'duo' | 'stage';
  featured: TileModel | null;
  tiles: TileModel[];
  page: number;
  pages: number;
}

export interface ArrangeOptions {
  selfId: string;
  /** The key of the tile that this person pinned. */
  pinned: string | null;
  page: number;
  /** The most camera tiles on a page, the own one among them. */
  pageSize: number;
  /** When each participant was last heard; those heard lately stay on the first page. */
  lastHeard: ReadonlyMap<string, number>;
}

export function tileKey(participantId: string, source: 'camera' | 'screen'): string {
  return `${participantId}/${source}`;
}

export function arrange(participants: readonly Participant[], options: ArrangeOptions): Arrangement {
  const self = participants.find(({ participant_id: id }) => id === options.selfId);
  const others = participants.filter(({ participant_id: id }) => id !== options.selfId);
  const selfTiles = self ? [tile(self, 'camera', options)] : [];
  const screens = participants.filter((one) => one.screen_sharing);
  const remoteScreen = screens.find(({ participant_id: id }) => id !== options.selfId);
  const ownScreen = self?.screen_sharing ? [tile(self, 'screen', options)] : [];

  const all = [...others, ...(self ? [self] : [])].map((one) => tile(one, 'camera', options));
  const screenTile = remoteScreen ? tile(remoteScreen, 'screen', options) : null;
  const pinned = [...all, ...(screenTile ? [screenTile] : [])].find(
    ({ key }) => key === options.pinned,
  );
  const featured = pinned ?? screenTile;

  const perPage = Math.max(1, options.pageSize - selfTiles.length - ownScreen.length);
  const pages = Math.max(1, Math.ceil(others.length / perPage));
  const page = Math.min(Math.max(0, options.page), pages - 1);
  const onPage = firstPageFirst(others, perPage, options.lastHeard)
    .slice(page * perPage, (page + 1) * perPage)
    .map((one) => tile(one, 'camera', options));
  const tiles = [...onPage, ...ownScreen, ...selfTiles];

  if (featured) {
    const rest = tiles.filter(({ key }) => key !== featured.key);
    const demoted = screenTile && featured.key !== screenTile.key ? [screenTile] : [];
    return { kind: 'stage', featured, tiles: [...demoted, ...rest], page, pages };
  }
  const duo = others.length === 1 && selfTiles.length === 1 && ownScreen.length === 0;
  return { kind: duo ? 'duo' : 'grid', featured: null, tiles, page, pages };
}

function tile(participant: Participant, source: TileModel['source'], options: ArrangeOptions): TileModel {
  const { participant_id: id } = participant;
  return { key: tileKey(id, source), participant, source, self: id === options.selfId };
}

/**
 * Keeps the order of arrival, except that someone who speaks on a later page takes the place
 * of whoever on the first page has been silent longest.
 */
function firstPageFirst(
  others: readonly Participant[],
  perPage: number,
  lastHeard: ReadonlyMap<string, number>,
): Participant[] {
  const order = [...others];
  if (order.length <= perPage) return order;
  const heard = ({ participant_id: id }: Participant) => lastHeard.get(id) ?? -1;
  const loudest = order
    .map((one, index) => ({ index, at: heard(one) }))
    .sort((a, b) => b.at - a.at || a.index - b.index)
    .slice(0, perPage);
  const wanted = new Set(loudest.map(({ index }) => index));
  const free = order.map((_, index) => index).filter((index) => index < perPage && !wanted.has(index));
  for (const index of [...wanted].filter((one) => one >= perPage)) {
    const place = free.shift();
    const [moved, displaced] = [order[index], place === undefined ? undefined : order[place]];
    if (place === undefined || !moved || !displaced) break;
    order[place] = moved;
    order[index] = displaced;
  }
  return order;
}
