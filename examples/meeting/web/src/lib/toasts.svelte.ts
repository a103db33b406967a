/** Short notices that go by themselves; the page reads them out politely. */

import { untrack } from 'svelte';

export interface Toast {
  id: number;
  text: string;
  kind: 'info' | 'error' | 'chat';
  action?: { label: string; run: () => void };
}

const SHOWN = 3;

export class Toasts {
  list: Toast[] = $state([]);
  #next = 1;

  show(text: string, options: Partial<Omit<Toast, 'id' | 'text'>> & { ms?: number } = {}): void {
    const { ms, ...rest } = options;
    const toast: Toast = { id: this.#next, text, kind: 'info', ...rest };
    this.#next += 1;
    // Untracked, so that an effect may show a toast without depending on all of them.
    this.list = [...untrack(() => this.list).slice(1 - SHOWN), toast];
    setTimeout(() => this.dismiss(toast.id), ms ?? (toast.kind === 'error' ? 7000 : 4000));
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
