/** How this person looks at the meeting: which view, which page, and who is pinned. */

import { preferences } from './preferences.svelte';
import type { View } from './tiles';

export class ViewState {
  view: View = $state(preferences.values.view);
  /** The key of the pinned tile. */
  pinned: string | null = $state(null);
  /** The key of the picture whose quality is explained, in whichever tile it is shown. */
  explained: string | null = $state(null);
  page = $state(0);
  /** How many pages the gallery has; it says so itself. */
  pages = $state(1);

  toggle(): void {
    this.view = this.view === 'gallery' ? 'speaker' : 'gallery';
    this.page = 0;
    preferences.set('view', this.view);
  }

  pin(key: string): void {
    this.pinned = this.pinned === key ? null : key;
  }

  explain(key: string, open: boolean): void {
    if (open) this.explained = key;
    else if (this.explained === key) this.explained = null;
  }

  turn(by: number): void {
    this.page = Math.min(Math.max(0, this.page + by), this.pages - 1);
  }
}
