// A meeting of a hundred in one real browser: what it shows, and that it stays smooth.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { artifacts } from './artifacts.mjs';
import { Chromium } from './clients/chromium.mjs';
import { Crowd } from './clients/crowd.mjs';
import { eventually } from './eventually.mjs';
import { seeAndHearEachOther } from './media.mjs';
import { Server } from './server.mjs';
import { steadyVoice } from './steady_voice.mjs';

const OTHERS = 98;

describe('a hundred people', { timeout: 600_000 }, () => {
  let server, chromium, meeting, crowd, ada, ben;

  before(async () => {
    server = await Server.start({ log: 'server-crowd' });
    meeting = await server.createMeeting('All hands');
    chromium = await Chromium.launch();
    ada = await chromium.person('Ada', { width: 1280, height: 800 });
    ben = await chromium.person('Ben', { width: 390, height: 844, colorScheme: 'dark', prepare: { script: steadyVoice } });
  });

  after(async () => {
    await crowd?.close();
    await chromium?.close();
    await server?.stop();
  });

  test('what nobody watches is not encoded, and comes back for the first viewer', async () => {
    await ada.join(meeting.url);
    await eventually('Ada encodes nothing', async () => (await ada.encodes()).length === 0);
    await ben.join(meeting.url);
    await seeAndHearEachOther([ada, ben]);
    const layers = await ada.encodes();
    assert.ok(layers.includes('q'), `Ada encodes ${layers}`);
  });

  test('newcomers are told of few, and the page counts all', async () => {
    crowd = await Crowd.join(server, meeting.id, OTHERS);
    const { listed, count, bytes } = crowd.newest;
    assert.deepEqual({ listed, count }, { listed: 50, count: OTHERS + 2 });
    console.log(`the last of ${count} was sent ${bytes} bytes to join`);
    await eventually('Ada counts all', async () => (await ada.peopleCount()) === OTHERS + 2);
    assert.equal(await ada.others() + await ada.tileCount(), OTHERS + 2);
    await ada.picture(artifacts('crowd-gallery.png'));
    await ben.picture(artifacts('crowd-phone.png'));
  });

  test('pages hold everybody, and the list draws only what is in sight', async () => {
    const seen = new Set();
    for (;;) {
      await eventually('the page is there', async () => (await ada.tileCount()) > 1);
      for (const id of await ada.shownIds()) seen.add(id);
      if (!(await ada.hasNextPage())) break;
      await ada.press('PageDown');
      await eventually('the next page is shown', async () => (await ada.shownIds()).some((id) => !seen.has(id)));
    }
    assert.equal(seen.size, OTHERS + 2);
    await ada.openPeople();
    await eventually('the list is drawn', async () => (await ada.personRows()) > 5);
    assert.ok((await ada.personRows()) < 40);
    await ada.picture(artifacts('crowd-people.png'));
    await ada.openPeople();
    while (await ada.hasPreviousPage()) await ada.press('PageUp');
    await seeAndHearEachOther([ada, ben]);
  });

  test('in the speaker view the one who speaks is large', async () => {
    await eventually('Ben is heard as the one who speaks', async () => (await ada.speaker()) === 'Ben');
    await ada.press('v');
    await eventually('Ben is large, as the one who speaks', () => ada.followsSpeaker('Ben'));
    assert.ok((await ada.others()) > 80);
    await seeAndHearEachOther([ada, ben]);
    await ada.picture(artifacts('crowd-speaker.png'));
    await ada.press('v');
  });

  test('it says why a picture is as it is', async () => {
    const text = await ada.quality('Ben');
    assert.match(text, /\d+ × \d+/);
    assert.doesNotMatch(text, /Asking/);
    await ada.picture(artifacts('crowd-quality.png'));
    // It stays open while the picture is away, and while the tiles are laid out anew.
    await ben.turnCameraOff();
    await eventually('Ben is seen without a picture', () => ada.seesWithoutCamera('Ben'));
    await ben.turnCameraOn();
    await ada.reads('Ben');
    for (const large of [true, false, true, false]) {
      await ada.press('v');
      await eventually('the view has changed', async () => (await ada.seesLarge('Ben')) === large);
      await ada.reads('Ben');
    }
    // It says this of Ben alone, and goes with the tile.
    assert.equal(await ada.explained(), 1);
    await ada.press('PageDown');
    await eventually('the card is away with the tile', async () => (await ada.explained()) === 0);
    await ada.press('PageUp');
    await eventually('Ben is there again', async () => (await ada.tiles()).Ben);
    assert.equal(await ada.explained(), 0);
  });

  test('it stays smooth while the crowd is restless', async () => {
    let turn = 0;
    // Each change is a message to all; many a second, as in a meeting that has just begun.
    const restless = setInterval(() => crowd.mute(turn, (turn += 1) % 2 === 0), 20);
    const { seconds, busy, longest, frames } = await ada.smoothness(10);
    clearInterval(restless);
    const share = busy / seconds;
    console.log(`in ${seconds.toFixed(1)} s: ${frames} frames, ${(share * 100).toFixed(1)} % of the time in tasks above 50 ms, the longest ${longest.toFixed(0)} ms`);
    assert.ok(share < 0.15, `${share}`);
    assert.deepEqual([ada.errors, ben.errors], [[], []]);
  });
});
