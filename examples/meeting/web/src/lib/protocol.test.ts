import { describe, expect, it } from 'vitest';
import { parseServerMessage } from './protocol';

const participant = {
  participant_id: 'a',
  display_name: 'Ana',
  role: 'host',
  audio_enabled: true,
  video_enabled: false,
  screen_sharing: false,
  connected: true,
  joined_at: '2026-11-23T10:00:00Z',
};
const chat = {
  message_id: 'm',
  sender_id: 'a',
  sender_name: 'Ana',
  message: 'hi',
  sent_at: '2026-11-23T10:00:00Z',
};
const slot = { mid: '4', participant_id: null, source: 'camera' };

const VALID = [
  {
    type: 'joined',
    participant_id: 'a',
    role: 'host',
    resumed: false,
    meeting: { meeting_id: 'x', title: 'T' },
    participants: [participant],
    participant_count: 1,
    spotlight: null,
    speakers: { participant_id: 'a', previous_id: null, speakers: [null, 'a'] },
    chat: [chat],
    slots: [slot],
  },
  { type: 'participant_joined', participant, participant_count: 2 },
  { type: 'participant_left', participant_id: 'a', reason: 'timeout', participant_count: 1 },
  {
    type: 'participants_changed',
    joined: [participant],
    left: [{ participant_id: 'b', reason: 'left' }],
    changed: [
      { participant_id: 'c', audio_enabled: true, video_enabled: true, screen_sharing: false, connected: true },
    ],
    participant_count: 80,
    more: false,
  },
  { type: 'active_speaker', participant_id: null, previous_id: 'b', speakers: [] },
  { type: 'spotlight', participant_id: null },
  { type: 'publish_layers', source: 'camera', max_spatial: null },
  {
    type: 'explanation',
    mid: '4',
    participant_id: 'a',
    source: 'camera',
    reason: 'bandwidth',
    detail: 'x',
    wanted: { spatial: 2, temporal: 2 },
    target: null,
    current: null,
    awaits_key_frame: false,
    available_bitrate: 300000,
  },
  { type: 'answer', offer_id: 1, sdp: 'v=0' },
  {
    type: 'media_state',
    participant_id: 'a',
    audio_enabled: true,
    video_enabled: true,
    screen_sharing: false,
    connected: true,
  },
  { type: 'slots', assignments: [slot, { ...slot, participant_id: 'a' }] },
  { type: 'chat_broadcast', ...chat },
  { type: 'error', code: 'conflict', detail: 'no' },
  { type: 'pong' },
  { type: 'ended', reason: 'shutdown' },
];

describe('parseServerMessage', () => {
  it.each(VALID)('takes $type', (message) => {
    expect(parseServerMessage(JSON.stringify(message))).toEqual(message);
  });

  it.each(VALID.filter(({ type }) => type !== 'pong'))('refuses $type without any one field', (message) => {
    for (const key of Object.keys(message).filter((one) => one !== 'role')) {
      const { [key]: _, ...rest } = message as Record<string, unknown>;
      expect(parseServerMessage(JSON.stringify(rest)), key).toBeNull();
    }
  });

  it('takes fields that a later server adds', () => {
    expect(parseServerMessage('{"type":"pong","at":1}')).toEqual({ type: 'pong', at: 1 });
  });

  it.each([
    '',
    'not json',
    'null',
    '[]',
    '"joined"',
    '{}',
    '{"type":1}',
    '{"type":"toString"}',
    '{"type":"__proto__"}',
    '{"type":"unheard_of"}',
    '{"type":"slots","assignments":[{"mid":4,"participant_id":null,"source":"camera"}]}',
    '{"type":"slots","assignments":[{"mid":"4","participant_id":null,"source":"kitchen"}]}',
    '{"type":"participant_left","participant_id":"a","reason":"bored","participant_count":1}',
    '{"type":"active_speaker","participant_id":null,"previous_id":null,"speakers":[1]}',
    '{"type":"publish_layers","source":"kitchen","max_spatial":1}',
  ])('ignores %s', (text) => {
    expect(parseServerMessage(text)).toBeNull();
  });
});
