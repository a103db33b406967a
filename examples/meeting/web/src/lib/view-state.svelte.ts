/** How this person looks at the meeting: which view, which page, and who is pinned. */

import { preferences } from './preferences.svelte';
import type { View } from './tiles';

export class ViewState {
  view: View = $state(preferences.values.view);
  /** The key of the pinned tile. */
  pinned: string | null = $state(null);
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

  turn(by: number): void {
    this.page = Math.min(Math.max(0, this.page + by), this.pages - 1);
  }
}
