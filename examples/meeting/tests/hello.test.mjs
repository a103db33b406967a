// The smallest Rust program that the guide shows: a browser gets its own camera and microphone back.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { Chromium } from './clients/chromium.mjs';
import { EchoProgram, received } from './echo_program.mjs';
import { eventually } from './eventually.mjs';

describe('hello in Rust', { timeout: 120_000 }, () => {
  let chromium, hello;

  before(async () => {
    hello = await EchoProgram.start('hello', '0.0.0.0');
    chromium = await Chromium.launch();
  });

  after(async () => {
    await chromium?.close();
    hello?.stop();
  });

  test('is thirty lines at most', async () => {
    const source = new URL('../../echo/src/bin/hello.rs', import.meta.url);
    assert.ok((await readFile(source, 'utf8')).trimEnd().split('\n').length <= 30);
  });

  test('gives camera and microphone back', async () => {
    const { page } = await chromium.person('Hello');
    await page.goto(hello.url, { waitUntil: 'commit' });
    const first = await eventually('a first frame comes back', async () => {
      const now = await page.evaluate(received);
      return now.frames > 0 && now.energy > 0 && now;
    });
    await eventually('the picture moves and the sound goes on', async () => {
      const now = await page.evaluate(received);
      return now.frames > first.frames + 20 && now.energy > first.energy;
    });
    await page.close();
  });
});
