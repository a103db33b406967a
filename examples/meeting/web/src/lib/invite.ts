import { toasts } from './toasts.svelte';

/** The link that brings someone into the meeting. */
export function inviteLink(meetingId: string): string {
  return `${location.origin}/m/${encodeURIComponent(meetingId)}`;
}

export async function copyInvite(meetingId: string): Promise<void> {
  const link = inviteLink(meetingId);
  try {
    await navigator.clipboard.writeText(link);
    toasts.show('Link copied');
  } catch {
    // Without the clipboard's permission the link is at least shown.
    toasts.show(link, { ms: 15_000 });
  }
}
