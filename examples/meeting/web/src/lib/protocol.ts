/**
 * The messages of `PROTOCOL.md`, typed, and the guards through which everything that comes
 * from the socket passes. A message this client does not know is dropped, never trusted.
 */

export type Source = 'microphone' | 'camera' | 'screen' | 'screen_audio';
export type Role = 'host' | 'participant';
export type LeaveReason = 'left' | 'timeout' | 'removed';
export type EndReason = 'left' | 'removed' | 'replaced' | 'meeting_ended' | 'shutdown';

export interface Participant {
  participant_id: string;
  display_name: string;
  role: Role;
  audio_enabled: boolean;
  video_enabled: boolean;
  screen_sharing: boolean;
  connected: boolean;
  joined_at: string;
}

export interface ChatMessage {
  message_id: string;
  sender_id: string;
  sender_name: string;
  message: string;
  sent_at: string;
}

/** Who is on one of the sections this client receives on. */
export interface Assignment {
  mid: string;
  participant_id: string | null;
  source: Source;
  /** Set on a section that follows the speakers by itself: the rank that it follows. */
  speaker?: number;
}

/** Who speaks, as the server hears it. */
export interface Speaking {
  participant_id: string | null;
  previous_id: string | null;
  /** Who is heard, by rank. */
  speakers: (string | null)[];
}

export interface Layer {
  spatial: number;
  temporal: number;
}

/** Why a slot carries what it carries. */
export interface Explanation {
  type: 'explanation';
  mid: string;
  participant_id: string | null;
  source: Source;
  reason: string;
  detail: string;
  wanted: Layer | null;
  target: Layer | null;
  current: Layer | null;
  awaits_key_frame: boolean;
  available_bitrate: number | null;
}

export interface TrackOffer {
  mid: string;
  source: Source;
}

export interface SlotOffer {
  mid: string;
  kind: 'audio' | 'video';
  role: 'participant' | 'screen';
}

/** The `participant_id` of the tile that shows whoever speaks. */
export const SPEAKER = 'speaker';

/** A tile on the page, in device pixels. */
export interface ViewTile {
  participant_id: string;
  source: 'camera' | 'screen';
  width: number;
  height: number;
  pinned?: boolean;
}

export type ClientMessage =
  | { type: 'join'; token: string; audio_enabled?: boolean; video_enabled?: boolean }
  | { type: 'offer'; offer_id: number; sdp: string; tracks: TrackOffer[]; slots: SlotOffer[] }
  | { type: 'mute'; muted: boolean }
  | { type: 'video_toggle'; enabled: boolean }
  | { type: 'screen_share'; active: boolean }
  | { type: 'view'; tiles: ViewTile[] }
  | { type: 'spotlight'; participant_id: string | null }
  | { type: 'explain'; mid: string }
  | { type: 'chat'; message: string }
  | { type: 'leave' }
  | { type: 'ping' };

export interface Joined {
  type: 'joined';
  participant_id: string;
  role: Role;
  resumed: boolean;
  meeting: { meeting_id: string; title: string };
  /** The first of those present, oneself among them. */
  participants: Participant[];
  participant_count: number;
  spotlight: string | null;
  /** `null` where the server does not tell who speaks. */
  speakers: Speaking | null;
  chat: ChatMessage[];
  slots: Assignment[];
}

export interface MediaState {
  participant_id: string;
  audio_enabled: boolean;
  video_enabled: boolean;
  screen_sharing: boolean;
  connected: boolean;
}

export type MediaStateChange = MediaState & { type: 'media_state' };

export interface ParticipantsChanged {
  type: 'participants_changed';
  joined: Participant[];
  left: { participant_id: string; reason: LeaveReason }[];
  changed: MediaState[];
  participant_count: number;
  /** Some who came or left are not listed. */
  more: boolean;
}

export interface ServerError {
  type: 'error';
  code: string;
  detail: string;
  field?: string;
  in_reply_to?: string;
}

export type ServerMessage =
  | Joined
  | { type: 'participant_joined'; participant: Participant; participant_count: number }
  | { type: 'participant_left'; participant_id: string; reason: LeaveReason; participant_count: number }
  | ParticipantsChanged
  | ({ type: 'active_speaker' } & Speaking)
  | { type: 'spotlight'; participant_id: string | null }
  | { type: 'publish_layers'; source: Source; max_spatial: number | null }
  | Explanation
  | { type: 'answer'; offer_id: number; sdp: string }
  | MediaStateChange
  | { type: 'slots'; assignments: Assignment[] }
  | ({ type: 'chat_broadcast' } & ChatMessage)
  | ServerError
  | { type: 'pong' }
  | { type: 'ended'; reason: EndReason };

/** The most tiles one `view` message may list. */
export const VIEW_LIMIT = 50;
/** The longest chat message, in characters. */
export const CHAT_LIMIT = 4000;
/** The longest display name, in characters. */
export const NAME_LIMIT = 60;
/** The longest title of a meeting, in characters. */
export const TITLE_LIMIT = 120;

/** Parses one text frame; `null` is a frame to ignore. */
export function parseServerMessage(text: string): ServerMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value) || !hasString(value, 'type')) return null;
  // `hasOwn`: a type named like a method of every object is as unknown as any other.
  const guard = Object.hasOwn(GUARDS, value.type) ? GUARDS[value.type] : undefined;
  return guard?.(value) ? (value as unknown as ServerMessage) : null;
}

export function isParticipant(value: unknown): value is Participant {
  return (
    isRecord(value) &&
    hasString(value, 'participant_id') &&
    hasString(value, 'display_name') &&
    (value['role'] === 'host' || value['role'] === 'participant') &&
    MEDIA_FLAGS.every((flag) => typeof value[flag] === 'boolean') &&
    hasString(value, 'joined_at')
  );
}

export function isChatMessage(value: unknown): value is ChatMessage {
  return isRecord(value) && CHAT_FIELDS.every((field) => hasString(value, field));
}

export function isAssignment(value: unknown): value is Assignment {
  return (
    isRecord(value) &&
    hasString(value, 'mid') &&
    isIdOrNull(value['participant_id']) &&
    isSource(value['source']) &&
    (value['speaker'] === undefined || typeof value['speaker'] === 'number')
  );
}

function isSpeaking(value: unknown): value is Speaking {
  return (
    isRecord(value) &&
    isIdOrNull(value['participant_id']) &&
    isIdOrNull(value['previous_id']) &&
    isListOf(value['speakers'], isIdOrNull)
  );
}

function isMediaState(value: unknown): value is MediaState {
  return (
    isRecord(value) &&
    hasString(value, 'participant_id') &&
    MEDIA_FLAGS.every((flag) => typeof value[flag] === 'boolean')
  );
}

function isDeparture(value: unknown): value is { participant_id: string; reason: LeaveReason } {
  return isRecord(value) && hasString(value, 'participant_id') && LEAVE_REASONS.includes(value['reason']);
}

function isLayerOrNull(value: unknown): value is Layer | null {
  return (
    value === null ||
    (isRecord(value) && typeof value['spatial'] === 'number' && typeof value['temporal'] === 'number')
  );
}

const SOURCES: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio'];
const MEDIA_FLAGS = ['audio_enabled', 'video_enabled', 'screen_sharing', 'connected'] as const;
const CHAT_FIELDS = ['message_id', 'sender_id', 'sender_name', 'message', 'sent_at'] as const;
const LEAVE_REASONS: readonly unknown[] = ['left', 'timeout', 'removed'];
const END_REASONS: readonly unknown[] = ['left', 'removed', 'replaced', 'meeting_ended', 'shutdown'];

type Fields = Record<string, unknown>;

const GUARDS: Partial<Record<string, (value: Fields) => boolean>> = {
  joined: (value) =>
    hasString(value, 'participant_id') &&
    typeof value['resumed'] === 'boolean' &&
    isRecord(value['meeting']) &&
    hasString(value['meeting'], 'meeting_id') &&
    hasString(value['meeting'], 'title') &&
    isListOf(value['participants'], isParticipant) &&
    typeof value['participant_count'] === 'number' &&
    isIdOrNull(value['spotlight']) &&
    (value['speakers'] === null || isSpeaking(value['speakers'])) &&
    isListOf(value['chat'], isChatMessage) &&
    isListOf(value['slots'], isAssignment),
  participant_joined: (value) =>
    isParticipant(value['participant']) && typeof value['participant_count'] === 'number',
  participant_left: (value) => typeof value['participant_count'] === 'number' && isDeparture(value),
  participants_changed: (value) =>
    isListOf(value['joined'], isParticipant) &&
    isListOf(value['left'], isDeparture) &&
    isListOf(value['changed'], isMediaState) &&
    typeof value['participant_count'] === 'number' &&
    typeof value['more'] === 'boolean',
  active_speaker: isSpeaking,
  spotlight: (value) => isIdOrNull(value['participant_id']),
  publish_layers: (value) =>
    isSource(value['source']) &&
    (value['max_spatial'] === null || typeof value['max_spatial'] === 'number'),
  explanation: (value) =>
    hasString(value, 'mid') &&
    isIdOrNull(value['participant_id']) &&
    isSource(value['source']) &&
    hasString(value, 'reason') &&
    hasString(value, 'detail') &&
    ['wanted', 'target', 'current'].every((key) => isLayerOrNull(value[key])) &&
    typeof value['awaits_key_frame'] === 'boolean' &&
    (value['available_bitrate'] === null || typeof value['available_bitrate'] === 'number'),
  answer: (value) => typeof value['offer_id'] === 'number' && hasString(value, 'sdp'),
  media_state: isMediaState,
  slots: (value) => isListOf(value['assignments'], isAssignment),
  chat_broadcast: isChatMessage,
  error: (value) => hasString(value, 'code') && hasString(value, 'detail'),
  pong: () => true,
  ended: (value) => END_REASONS.includes(value['reason']),
};

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIdOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function isSource(value: unknown): value is Source {
  return SOURCES.includes(value as Source);
}

function hasString<K extends string>(value: Fields, key: K): value is Fields & Record<K, string> {
  return typeof value[key] === 'string';
}

function isListOf<T>(value: unknown, guard: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(guard);
}
