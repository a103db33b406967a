// The bot in Rust: a browser that makes a sound is measured and answered.
import { after, before, describe, test } from 'node:test';
import { Chromium } from './clients/chromium.mjs';
import { EchoProgram, received } from './echo_program.mjs';
import { eventually } from './eventually.mjs';

describe('the bot in Rust', { timeout: 120_000 }, () => {
  let chromium, bot;

  before(async () => {
    bot = await EchoProgram.start('rust-bot', '0.0.0.0');
    chromium = await Chromium.launch();
  });

  after(async () => {
    await chromium?.close();
    bot?.stop();
  });

  test('measures who speaks, and answers', async () => {
    const { page } = await chromium.person('Ann');
    await page.goto(bot.url, { waitUntil: 'commit' });
    // The browser's microphone is a tone that beeps.
    await eventually('the bot has heard a beep', async () => {
      const levels = Object.values(await (await fetch(`${bot.url}/levels`)).json());
      return levels.length === 1 && levels[0] > -45;
    });
    await eventually('the melody is heard', async () => (await page.evaluate(received)).energy > 0.001);
    await page.close();
    await eventually('who left is measured no more', async () => {
      return Object.keys(await (await fetch(`${bot.url}/levels`)).json()).length === 0;
    });
  });
});
