/** The REST calls of `PROTOCOL.md`. Every failure is an `ApiError` with words for a person. */

import { isParticipant, type Participant, type Role } from './protocol';

export interface CreatedMeeting {
  meeting_id: string;
  title: string;
  join_url: string;
  host_key: string;
}

export interface MeetingInfo {
  meeting_id: string;
  title: string;
  created_at: string;
  participant_count: number;
}

/** The seat that a join reserved: what the signalling socket needs. */
export interface Seat {
  participant_id: string;
  token: string;
  signaling_server_url: string;
  ice_servers: RTCIceServer[];
  role: Role;
  meeting_state: { meeting_id: string; title: string; participants: Participant[]; participant_count: number };
}

/** Some of the people in a meeting, in the order in which they joined. */
export interface RosterPage {
  participants: Participant[];
  participant_count: number;
  /** Where the next page begins; `null` at the end. */
  next: string | null;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    /** The problem's code, or `unreachable` when there was no answer. */
    readonly code: string,
    message: string,
    readonly status = 0,
  ) {
    super(message);
  }

  /** The same call may work in a moment. */
  get temporary(): boolean {
    return ['unreachable', 'unavailable', 'internal', 'rate_limited'].includes(this.code);
  }
}

export function createMeeting(title: string): Promise<CreatedMeeting> {
  return call('POST', '/api/meetings', title === '' ? {} : { title });
}

export function meetingInfo(meetingId: string): Promise<MeetingInfo> {
  return call('GET', meetingPath(meetingId));
}

export async function joinMeeting(
  meetingId: string,
  displayName: string,
  hostKey: string | null,
): Promise<Seat> {
  const seat = await call<Seat>('POST', `${meetingPath(meetingId)}/join`, {
    display_name: displayName,
    ...(hostKey === null ? {} : { host_key: hostKey }),
    device_info: { user_agent: navigator.userAgent.slice(0, 200) },
  });
  seat.meeting_state.participants = seat.meeting_state.participants.filter(isParticipant);
  return seat;
}

/** Whether the server still knows this seat; rejects if that cannot be found out now. */
export async function seatExists(meetingId: string, token: string): Promise<boolean> {
  try {
    await call('GET', `${meetingPath(meetingId)}/chat?limit=1`, undefined, token);
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 404)) return false;
    throw error;
  }
}

/** A page of the people in a meeting; `after` is the `next` of the page before. */
export async function participantsPage(
  meetingId: string,
  token: string,
  after: string | null,
  limit = 100,
): Promise<RosterPage> {
  const query = new URLSearchParams({ limit: String(limit), ...(after === null ? {} : { after }) });
  return readPage(await call('GET', `${meetingPath(meetingId)}/participants?${query.toString()}`, undefined, token));
}

/** These people, as far as they are in the meeting; at most 50. */
export async function participantsById(meetingId: string, token: string, ids: readonly string[]): Promise<Participant[]> {
  const path = `${meetingPath(meetingId)}/participants?ids=${encodeURIComponent(ids.join(','))}`;
  return readPage(await call('GET', path, undefined, token)).participants;
}

function readPage(page: RosterPage): RosterPage {
  return { ...page, participants: page.participants.filter(isParticipant) };
}

/** For hosts: switches someone else's microphone, camera or screen off. */
export async function switchOff(
  meetingId: string,
  participantId: string,
  token: string,
  what: Partial<Record<'audio_enabled' | 'video_enabled' | 'screen_sharing', false>>,
): Promise<void> {
  const path = `${meetingPath(meetingId)}/participants/${encodeURIComponent(participantId)}/media`;
  await call('PUT', path, what, token);
}

/** For hosts: ends someone else's seat. */
export async function removeParticipant(meetingId: string, participantId: string, token: string): Promise<void> {
  await call('POST', `${meetingPath(meetingId)}/leave`, { participant_id: participantId }, token);
}

/** Gives the seat back while the page is going away, when no socket would still deliver it. */
export function leaveOnUnload(meetingId: string, participantId: string, token: string): void {
  void fetch(`${meetingPath(meetingId)}/leave`, {
    method: 'POST',
    keepalive: true,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ participant_id: participantId }),
  }).catch(() => undefined);
}

function meetingPath(meetingId: string): string {
  return `/api/meetings/${encodeURIComponent(meetingId)}`;
}

async function call<T>(method: string, path: string, body?: unknown, token?: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError('unreachable', 'The server cannot be reached. Check your connection.');
  }
  if (response.status === 204) return undefined as T;
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok && typeof answer === 'object' && answer !== null) return answer as T;
  throw problem(response.status, answer);
}

const WORDS: Partial<Record<string, string>> = {
  not_found: 'This meeting does not exist or has ended.',
  meeting_full: 'This meeting is full.',
  rate_limited: 'Too many attempts. Wait a moment and try again.',
  unavailable: 'The server is busy. Try again in a moment.',
  internal: 'The server had a problem. Try again in a moment.',
};

function problem(status: number, answer: unknown): ApiError {
  const fields = (typeof answer === 'object' && answer !== null ? answer : {}) as {
    code?: unknown;
    detail?: unknown;
  };
  const code = typeof fields.code === 'string' ? fields.code : status >= 500 ? 'internal' : 'unknown';
  const detail = typeof fields.detail === 'string' ? fields.detail : '';
  return new ApiError(code, WORDS[code] ?? (detail || 'The server refused this.'), status);
}
