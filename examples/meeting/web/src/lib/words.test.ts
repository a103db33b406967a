import { describe, expect, it } from 'vitest';
import { deviceFault, deviceProblem } from './device-errors';
import { elapsed, timeOfDay } from './format';
import { hueOf, initials } from './identity';
import { parseMeetingCode } from './meeting-code';
import { actionFor } from './shortcuts';
import { meterLevel, SpeakingDetector } from './speaking';

describe('initials', () => {
  it.each([
    ['Ana Silva', 'AS'],
    ['ana', 'A'],
    ['  Jean-Luc   Picard ', 'JP'],
    ['Mei Ling Chen (Sales)', 'MC'],
    ['李小龙', '李'],
    ['Örjan åkesson', 'ÖÅ'],
    ['🙂 Bob', '🙂B'],
    ['', '?'],
    ['...', '.'],
  ])('%s → %s', (name, expected) => {
    expect(initials(name)).toBe(expected);
  });

  it('spreads colours', () => {
    const hues = new Set(Array.from({ length: 200 }, (_, index) => hueOf(`participant-${index}`)));
    expect(hues.size).toBe(24);
    expect(hueOf('a')).toBe(hueOf('a'));
  });
});

describe('parseMeetingCode', () => {
  it.each([
    ['abc-defg-hij', 'abc-defg-hij'],
    ['  abc_DEF123 ', 'abc_DEF123'],
    ['https://meet.example.org/m/abc-defg?x=1#y', 'abc-defg'],
    ['/m/abc-defg/', 'abc-defg'],
    ['ab', null],
    ['two words', null],
    ['https://example.org/', null],
    ['https://example.org/m/%E0%A4%A', null],
    ['../../etc', null],
  ])('%s → %s', (input, expected) => {
    expect(parseMeetingCode(input)).toBe(expected);
  });
});

describe('format', () => {
  it('counts time', () => {
    expect([0, 59_999, 60_000, 3_599_000, 3_600_000, -5].map(elapsed)).toEqual([
      '0:00', '0:59', '1:00', '59:59', '1:00:00', '0:00',
    ]);
  });

  it('shows no time for what is not one', () => {
    expect(timeOfDay('yesterday')).toBe('');
    expect(timeOfDay('2026-11-23T10:00:00Z')).toMatch(/\d/);
  });
});

describe('device errors', () => {
  it.each([
    [new DOMException('Permission denied', 'NotAllowedError'), 'denied'],
    [new DOMException('Permission denied by system', 'NotAllowedError'), 'denied-by-system'],
    [new DOMException('', 'NotFoundError'), 'missing'],
    [new DOMException('', 'NotReadableError'), 'busy'],
    ['nonsense', 'unknown'],
  ] as const)('%s → %s', (error, fault) => {
    expect(deviceFault(error)).toBe(fault);
    expect(deviceProblem('camera', fault).title).toMatch(/camera/i);
  });
});

describe('shortcuts', () => {
  const press = (key: string, held: object = {}) => ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    repeat: false,
    ...held,
  });

  it('takes command keys everywhere and letters only outside of text', () => {
    expect(actionFor(press('d', { ctrlKey: true }), true)).toBe('mic');
    expect(actionFor(press('E', { metaKey: true }), false)).toBe('camera');
    expect(actionFor(press('c'), false)).toBe('chat');
    expect(actionFor(press('c'), true)).toBeNull();
    expect(actionFor(press('c', { ctrlKey: true }), false)).toBeNull();
    expect(actionFor(press('d'), false)).toBeNull();
    expect(actionFor(press('d', { ctrlKey: true, repeat: true }), false)).toBeNull();
    expect(actionFor(press('?'), false)).toBe('help');
    expect(actionFor(press('v'), false)).toBe('view');
    expect(actionFor(press('PageDown'), false)).toBe('next');
    expect(actionFor(press('PageUp'), true)).toBeNull();
  });
});

describe('speaking', () => {
  it('rises at once, holds through a pause and falls', () => {
    const detector = new SpeakingDetector();
    expect(detector.update(0.001, 0)).toBe(false);
    expect(detector.update(0.3, 100)).toBe(true);
    expect(detector.update(0, 500)).toBe(true);
    expect(detector.update(0.015, 600)).toBe(true);
    expect(detector.update(0, 1300)).toBe(false);
    expect(detector.update(0.015, 1400)).toBe(false);
  });

  it('shows levels as the ear hears them', () => {
    expect(meterLevel(0)).toBe(0);
    expect(meterLevel(1)).toBe(1);
    expect(meterLevel(0.01)).toBeGreaterThan(0.2);
    expect(meterLevel(0.1)).toBeGreaterThan(meterLevel(0.01));
  });
});
