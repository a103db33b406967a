// The room server in Rust: browsers that come by one request see and hear each other, and who leaves makes room.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { artifacts } from './artifacts.mjs';
import { Chromium } from './clients/chromium.mjs';
import { EchoProgram } from './echo_program.mjs';
import { eventually } from './eventually.mjs';

/** Of each slot that brings something: frames of its picture, or energy of its sound. Runs in the page. */
async function brought() {
  const all = [...(await window.pc.getStats()).values()].filter((it) => it.type === 'inbound-rtp');
  const of = (kind, figure) => all.filter((it) => it.kind === kind).map((it) => it[figure] ?? 0).filter((it) => it > 0);
  return { frames: of('video', 'framesDecoded'), energy: of('audio', 'totalAudioEnergy') };
}

/** How many pictures the page shows, its own among them. */
const shown = (page) => page.locator('video:visible').count();

describe('the room server in Rust', { timeout: 180_000 }, () => {
  let chromium, server;

  before(async () => {
    server = await EchoProgram.start('rust-room', '0.0.0.0');
    chromium = await Chromium.launch();
  });

  after(async () => {
    await chromium?.close();
    server?.stop();
  });

  const enter = async (name, room) => {
    const { page } = await chromium.person(name);
    await page.goto(`${server.url}/#${room}`, { waitUntil: 'commit' });
    return page;
  };

  const meets = (page, people) =>
    eventually(`${people} others are seen and heard`, async () => {
      const { frames, energy } = await page.evaluate(brought);
      return frames.length === people && energy.length === people && (await shown(page)) === people + 1;
    });

  test('lets three people meet, apart from another room', async () => {
    const [ann, ben] = [await enter('Ann', 'one'), await enter('Ben', 'one')];
    await Promise.all([meets(ann, 1), meets(ben, 1)]);
    const [cleo, dan] = [await enter('Cleo', 'one'), await enter('Dan', 'two')];
    await Promise.all([meets(ann, 2), meets(ben, 2), meets(cleo, 2)]);
    assert.deepEqual(await dan.evaluate(brought), { frames: [], energy: [] });

    await ben.close();
    // Cleo moves up into the slot that Ben leaves, or stays: either way her picture goes on.
    const sum = async () => (await ann.evaluate(brought)).frames.reduce((all, it) => all + it, 0);
    const before = await sum();
    await eventually("Cleo's picture goes on", async () => (await sum()) > before + 40);
    await eventually("Ben's picture is gone", async () => (await shown(ann)) === 2);
    await ann.screenshot({ path: artifacts('room.png') });
    await Promise.all([ann, cleo, dan].map((page) => page.close()));
  });

  test('refuses what is no offer, and says why', async () => {
    const refused = await fetch(`${server.url}/rooms/one`, { method: 'POST', body: 'hello' });
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /expected/);
  });
});
