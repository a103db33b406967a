/** Times as people read them. */

/** `m:ss`, or `h:mm:ss` from an hour on. */
export function elapsed(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });

/** The local time of day of an RFC 3339 time, or nothing for what is not one. */
export function timeOfDay(sentAt: string): string {
  const time = new Date(sentAt);
  return Number.isNaN(time.getTime()) ? '' : clock.format(time);
}
