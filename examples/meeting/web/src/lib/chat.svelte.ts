/** The meeting's chat as this client knows it. */

import type { ChatMessage } from './protocol';

/** Older ones are dropped from the page; the server keeps them. */
const KEPT = 500;
/** Messages of one sender within this time stand under one name. */
const GROUP_MS = 3 * 60_000;

export interface ChatEntry extends ChatMessage {
  /** Continues the entry above, so it needs no name and time of its own. */
  continued: boolean;
}

export class ChatLog {
  entries: ChatEntry[] = $state.raw([]);
  unread = $state(0);
  #open = false;

  set open(open: boolean) {
    this.#open = open;
    if (open) this.unread = 0;
  }

  /** True if the message was new. */
  add(message: ChatMessage, own: boolean): boolean {
    if (this.entries.some(({ message_id: id }) => id === message.message_id)) return false;
    this.entries = group([...this.entries, message].slice(-KEPT));
    if (!this.#open && !own) this.unread += 1;
    return true;
  }

  /** Takes the history that `joined` brought; what is known already is not counted as unread. */
  restore(history: readonly ChatMessage[], selfId: string): void {
    if (this.entries.length === 0) this.entries = group(history);
    else for (const message of history) this.add(message, message.sender_id === selfId);
  }
}

function group(messages: readonly ChatMessage[]): ChatEntry[] {
  return messages.map((message, index) => {
    const above = messages[index - 1];
    const continued =
      above?.sender_id === message.sender_id &&
      Date.parse(message.sent_at) - Date.parse(above.sent_at) < GROUP_MS;
    return { ...message, continued };
  });
}
