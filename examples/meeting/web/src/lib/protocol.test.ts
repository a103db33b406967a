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
    chat: [chat],
    slots: [slot],
  },
  { type: 'participant_joined', participant },
  { type: 'participant_left', participant_id: 'a', reason: 'timeout' },
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
    '{"type":"participant_left","participant_id":"a","reason":"bored"}',
  ])('ignores %s', (text) => {
    expect(parseServerMessage(text)).toBeNull();
  });
});
