import { describe, expect, it } from 'vitest';
import { Announcer, type MediaFlags } from './announcer';
import type { ClientMessage } from './protocol';

const ON: MediaFlags = { audio_enabled: true, video_enabled: true, screen_sharing: false };

function announcer() {
  const sent: ClientMessage[] = [];
  const line = { up: true, now: 0 };
  const one = new Announcer(
    (message) => {
      if (line.up) sent.push(message);
      return line.up;
    },
    () => line.now,
  );
  return { one, sent, line };
}

describe('Announcer', () => {
  it('says everything once and then only what changes', () => {
    const { one, sent } = announcer();
    one.say(ON);
    one.say(ON);
    one.say({ ...ON, audio_enabled: false });
    expect(sent).toEqual([
      { type: 'mute', muted: false },
      { type: 'video_toggle', enabled: true },
      { type: 'mute', muted: true },
    ]);
  });

  it('says it again if it was not heard or was forgotten', () => {
    const { one, sent, line } = announcer();
    line.up = false;
    one.say(ON);
    line.up = true;
    one.say(ON);
    expect(sent).toHaveLength(2);
    one.forget();
    one.say(ON);
    expect(sent).toHaveLength(4);
  });

  it('says that presenting ended only after it began', () => {
    const { one, sent } = announcer();
    one.say({ ...ON, screen_sharing: true });
    one.say(ON);
    expect(sent.filter(({ type }) => type === 'screen_share')).toEqual([
      { type: 'screen_share', active: true },
      { type: 'screen_share', active: false },
    ]);
  });

  it('tells a wish of the host from an echo', () => {
    const { one, line } = announcer();
    one.say(ON);
    const off = { ...ON, audio_enabled: false };
    expect(one.switchedOff(ON, off)).toEqual([]);
    line.now = 2000;
    expect(one.switchedOff(ON, ON)).toEqual([]);
    expect(one.switchedOff(ON, off)).toEqual(['audio_enabled']);
    expect(one.switchedOff(off, ON)).toEqual([]);
  });
});
