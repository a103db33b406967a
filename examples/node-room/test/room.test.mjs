// Two people with Chromium and mediasoup-client, as npm has it, in one room: pictures in the size that each wants,
// sound and messages, both ways; muting; leaving. Over UDP, and over TCP where nothing else passes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { eventually } from './eventually.mjs';

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--use-fake-device-for-media-stream=fps=10',
  '--use-fake-ui-for-media-stream',
  // Without these the page that nobody looks at would be slowed down.
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
];

/** What the page receives, by kind, summed over all that it consumes. Runs in the page. */
async function received() {
  const sum = { frames: 0, energy: 0, width: 0, protocol: undefined, consumers: 0 };
  for (const { consumer, layers } of globalThis.room.consumers.values()) {
    sum.consumers += 1;
    const stats = await consumer.getStats();
    for (const each of stats.values()) {
      if (each.type === 'inbound-rtp' && each.kind === 'video') {
        sum.frames += each.framesDecoded ?? 0;
        sum.width = each.frameWidth ?? 0;
        sum.layers = layers;
        sum.pictureOf = consumer.id;
      }
      if (each.type === 'inbound-rtp' && each.kind === 'audio') sum.energy += each.totalAudioEnergy ?? 0;
      if (each.type !== 'transport' || !each.selectedCandidatePairId) continue;
      const pair = stats.get(each.selectedCandidatePairId);
      sum.protocol = stats.get(pair?.remoteCandidateId)?.protocol;
    }
  }
  return sum;
}

/** Hides the candidates of one protocol from mediasoup-client. Runs in the page, before its scripts. */
function without(protocol) {
  const { parse } = JSON;
  JSON.parse = (...args) => {
    const value = parse(...args);
    const parameters = value?.data;
    if (parameters?.iceCandidates) {
      parameters.iceCandidates = parameters.iceCandidates.filter((candidate) => candidate.protocol !== protocol);
    }
    return value;
  };
}

/** What the page's camera is sent as. Runs in the page. */
async function sent() {
  const stats = await globalThis.room.producers.video.getStats();
  return [...stats.values()]
    .filter((each) => each.type === 'outbound-rtp')
    .map((each) => `${each.rid}: ${each.frameWidth} px, ${each.framesEncoded} frames, limited by ${each.qualityLimitationReason}`);
}

class Visitor {
  static async enter(browser, url, { name, room, hidden }) {
    const visitor = new Visitor();
    visitor.name = name;
    visitor.context = await browser.newContext();
    visitor.page = await visitor.context.newPage();
    visitor.problems = [];
    visitor.page.on('pageerror', (error) => visitor.problems.push(error.message));
    visitor.page.setDefaultTimeout(30_000);
    if (hidden) await visitor.page.addInitScript(without, hidden);
    await visitor.page.goto(url, { waitUntil: 'commit' });
    await visitor.page.fill('input[name=name]', name);
    await visitor.page.fill('input[name=room]', room);
    await visitor.page.click('#entry button');
    await visitor.page.waitForSelector('#chat', { state: 'visible' });
    return visitor;
  }

  received() {
    return this.page.evaluate(received);
  }

  /** From now on there are new pictures and new sound. */
  async seesAndHears() {
    const before = await this.received();
    return eventually(`${this.name} sees and hears`, async () => {
      const now = await this.received();
      if (now.frames > before.frames + 5 && now.energy > before.energy) return now;
      throw new Error(JSON.stringify({ before, now, problem: await this.page.textContent('#problem') }));
    });
  }

  async leave() {
    await this.context.close();
  }
}

describe('a room server written for mediasoup', { timeout: 240_000 }, () => {
  let browser, server, url;

  before(async () => {
    const env = { ...process.env, PORT: '0', MEDIA_PORT: '44444' };
    server = spawn(process.execPath, ['server/main.js'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    [url] = await new Promise((resolve, reject) => {
      createInterface({ input: server.stdout }).once('line', (line) => resolve([line]));
      server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    });
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS, ignoreDefaultArgs: ['--mute-audio'] });
  });

  after(async () => {
    await browser?.close();
    server?.kill();
  });

  test('brings pictures, sound and messages of two people to each other', async () => {
    const ann = await Visitor.enter(browser, url, { name: 'Ann', room: 'udp' });
    const bob = await Visitor.enter(browser, url, { name: 'Bob', room: 'udp' });
    const [atAnn, atBob] = await Promise.all([ann.seesAndHears(), bob.seesAndHears()]);
    assert.deepEqual([atAnn.protocol, atBob.protocol], ['udp', 'udp']);
    assert.deepEqual([atAnn.consumers, atBob.consumers], [2, 2]);

    for (const [from, to] of [[ann, bob], [bob, ann]]) {
      await from.page.fill('#chat input', `hello of ${from.name}`);
      await from.page.press('#chat input', 'Enter');
      await to.page.waitForSelector(`#messages li:text-is("${from.name}: hello of ${from.name}")`);
    }
    await ann.page.waitForSelector('figure.speaks');
    const { iceSelectedTuple, ...states } = await ann.page.evaluate(() => room.connection());
    assert.deepEqual(states, { iceState: 'completed', dtlsState: 'connected', sctpState: 'connected' });
    assert.deepEqual([iceSelectedTuple.protocol, iceSelectedTuple.localPort], ['udp', 44444]);
    assert.deepEqual([ann.problems, bob.problems], [[], []]);
    await ann.leave();
    await eventually('Bob is alone', async () => (await bob.received()).consumers === 0);
    assert.equal(await bob.page.locator('figure').count(), 1);
    await bob.leave();
  });

  test('gives each the size of picture that is wanted', async () => {
    const ann = await Visitor.enter(browser, url, { name: 'Ann', room: 'sizes' });
    const bob = await Visitor.enter(browser, url, { name: 'Bob', room: 'sizes' });
    const select = bob.page.locator('figure[data-name=Ann] select');
    await select.waitFor();
    for (const [wanted, width] of [['0', 320], ['1', 640], ['0', 320]]) {
      await select.selectOption(wanted);
      const now = await eventually(`Bob sees ${width} pixels`, async () => {
        const now = await bob.received();
        if (now.width === width && now.layers?.spatialLayer === Number(wanted)) return now;
        throw new Error(JSON.stringify({ now, sent: await ann.page.evaluate(sent) }));
      }, { seconds: 60 });
      const { stats } = await bob.page.evaluate((consumerId) => globalThis.room.request('consumerStats', { consumerId }), now.pictureOf);
      const of = (type) => stats.find((each) => each.type === type);
      assert.ok(of('outbound-rtp').packetCount > 0 && of('inbound-rtp').packetCount > 0, JSON.stringify(stats));
    }
    await bob.seesAndHears();
    await Promise.all([ann.leave(), bob.leave()]);
  });

  test('mutes and stops the camera, and goes on', async () => {
    const ann = await Visitor.enter(browser, url, { name: 'Ann', room: 'pauses' });
    const bob = await Visitor.enter(browser, url, { name: 'Bob', room: 'pauses' });
    await bob.seesAndHears();
    await ann.page.click('#cam');
    await ann.page.waitForSelector('#cam:text-is("Camera on")');
    const paused = () => bob.page.evaluate(() => [...room.consumers.values()].map(({ consumer }) => [consumer.kind, consumer.paused]).sort());
    await eventually('Bob is told', async () => JSON.stringify(await paused()) === '[["audio",false],["video",true]]');
    await eventually('no new picture comes', async () => {
      const before = await bob.received();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const now = await bob.received();
      return now.frames === before.frames && now.energy > before.energy;
    });
    await ann.page.click('#cam');
    await bob.seesAndHears();
    assert.deepEqual(await paused(), [['audio', false], ['video', false]]);
    await Promise.all([ann.leave(), bob.leave()]);
  });

  test('goes by TCP where UDP does not pass', async () => {
    const ann = await Visitor.enter(browser, url, { name: 'Ann', room: 'tcp', hidden: 'udp' });
    const bob = await Visitor.enter(browser, url, { name: 'Bob', room: 'tcp' });
    const [atAnn, atBob] = await Promise.all([ann.seesAndHears(), bob.seesAndHears()]);
    assert.deepEqual([atAnn.protocol, atBob.protocol], ['tcp', 'udp']);
    await Promise.all([ann.leave(), bob.leave()]);
  });
});
