/** Which tiles are on the page: pure, from who is there to the arrangement. */

export interface TileModel {
  /** Stable for what it shows, so that a tile moves instead of being made anew. */
  key: string;
  /** Whom it shows. */
  id: string;
  source: 'camera' | 'screen';
  self: boolean;
  /** It shows whoever speaks: the person changes, the tile stays. */
  live: boolean;
}

/** `gallery`: all alike, in pages. `speaker`: whoever speaks is large. */
export type View = 'gallery' | 'speaker';

/** `grid`: all alike. `duo`: the other one large, oneself in a corner. `stage`: one large, the
 * others in a strip. */
export interface Arrangement {
  kind: 'grid' | 'duo' | 'stage';
  featured: TileModel | null;
  tiles: TileModel[];
  /** People without a tile on this page; one more cell says how many. */
  others: number;
  page: number;
  pages: number;
}

export interface Scene {
  /** Those known, in the order of their places, oneself among them. */
  ids: readonly string[];
  /** How many are in the meeting, known or not. */
  count: number;
  selfId: string;
  /** Who shares a screen. */
  presenting: readonly string[];
  view: View;
  /** The key of the tile that this person pinned. */
  pinned: string | null;
  /** Whom a host made large for everybody. */
  spotlight: string | null;
  /** Whoever speaks, other than oneself. */
  speaker: string | null;
  page: number;
  /** The most cells of a page, that of the others among them. */
  cells: number;
  /** The most cells of the strip beside a large picture. */
  strip: number;
}

/** The key of the tile that shows whoever speaks. */
export const LIVE_KEY = 'speaker';

export function tileKey(participantId: string, source: 'camera' | 'screen'): string {
  return `${participantId}/${source}`;
}

export function arrange(scene: Scene): Arrangement {
  const { ids, selfId, presenting } = scene;
  const isThere = ids.includes(selfId);
  const others = ids.filter((id) => id !== selfId);
  const remoteScreen = presenting.find((id) => id !== selfId);
  const screen = remoteScreen === undefined ? null : tile(scene, remoteScreen, 'screen');
  const own = isThere ? [tile(scene, selfId, 'camera')] : [];
  if (isThere && presenting.includes(selfId)) own.unshift(tile(scene, selfId, 'screen'));
  const featured = choose(scene, screen, others, isThere);
  return featured ? stage(scene, featured, screen, others, own) : gallery(scene, others, own);
}

function choose(
  scene: Scene,
  screen: TileModel | null,
  others: readonly string[],
  isThere: boolean,
): TileModel | null {
  const { pinned, spotlight, speaker, view, selfId } = scene;
  if (pinned !== null) {
    if (screen?.key === pinned) return screen;
    const id = scene.ids.find((one) => tileKey(one, 'camera') === pinned);
    if (id !== undefined) return tile(scene, id, 'camera');
  }
  if (screen) return screen;
  if (spotlight !== null && scene.ids.includes(spotlight)) return tile(scene, spotlight, 'camera');
  if (view === 'gallery') return null;
  if (speaker !== null && others.includes(speaker)) {
    return { key: LIVE_KEY, id: speaker, source: 'camera', self: false, live: true };
  }
  // Nobody has spoken yet.
  const first = others[0] ?? (isThere ? selfId : undefined);
  return first === undefined || others.length === 0 ? null : tile(scene, first, 'camera');
}

function stage(
  scene: Scene,
  featured: TileModel,
  screen: TileModel | null,
  others: readonly string[],
  own: readonly TileModel[],
): Arrangement {
  const isFeatured = ({ key, id, source }: TileModel) =>
    key === featured.key || (source === 'camera' && featured.source === 'camera' && id === featured.id);
  const demoted = screen && screen.key !== featured.key ? [screen] : [];
  const people = others.map((id) => tile(scene, id, 'camera')).filter((one) => !isFeatured(one));
  const self = own.filter((one) => !isFeatured(one));
  const shownLarge = featured.source === 'camera' ? 1 : 0;
  const unknown = Math.max(0, scene.count - scene.ids.length);
  const all = [...demoted, ...people, ...self];
  const one = { kind: 'stage' as const, featured, page: 0, pages: 1 };
  if (unknown === 0 && all.length <= scene.strip) return { ...one, tiles: all, others: 0 };
  // Someone presenting must not lose sight of the own tile: it is kept when space is short.
  const kept = self.slice(-Math.max(0, scene.strip - 1) || self.length).slice(-2);
  const room = Math.max(0, scene.strip - kept.length - 1);
  const tiles = [...[...demoted, ...people].slice(0, room), ...kept];
  const faces = tiles.filter(({ source }) => source === 'camera').length;
  return { ...one, tiles, others: scene.strip > 1 ? scene.count - faces - shownLarge : 0 };
}

function gallery(scene: Scene, others: readonly string[], own: readonly TileModel[]): Arrangement {
  const people = Math.max(others.length, scene.count - (own.length > 0 ? 1 : 0));
  const space = Math.max(1, scene.cells - own.length);
  if (people <= space) {
    const tiles = [...others.map((id) => tile(scene, id, 'camera')), ...own];
    const duo = people === 1 && own.length === 1 && others.length === 1;
    const rest = people - others.length;
    return { kind: duo ? 'duo' : 'grid', featured: null, tiles, others: rest, page: 0, pages: 1 };
  }
  // The first page gives one cell to the number of the others.
  const first = Math.max(1, space - 1);
  const pages = 1 + Math.ceil((people - first) / space);
  const page = Math.min(Math.max(0, scene.page), pages - 1);
  const start = page === 0 ? 0 : first + (page - 1) * space;
  const shown = others.slice(start, start + (page === 0 ? first : space));
  const tiles = [...shown.map((id) => tile(scene, id, 'camera')), ...own];
  return { kind: 'grid', featured: null, tiles, others: page === 0 ? people - shown.length : 0, page, pages };
}

function tile(scene: Scene, id: string, source: TileModel['source']): TileModel {
  return { key: tileKey(id, source), id, source, self: id === scene.selfId, live: false };
}
