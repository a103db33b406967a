// Layers as real browsers send and decode them: a receiver is switched up, down and between
// publishers, of each codec. In two more slots it watches each publisher without any switch: what a
// busy machine costs shows there, too, and is taken off.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { Chromium } from './clients/chromium.mjs';
import { Firefox } from './clients/firefox.mjs';
import { Switchboard } from './clients/switchboard.mjs';
import { eventually } from './eventually.mjs';
import { connect, newest, publish, seen, watch } from './layers_page.mjs';

// The smallest picture of which Chromium sends three layers, simulcast or scalable.
const [WIDTH, HEIGHT, RATE] = [960, 540, 12];
/** How much longer than without a switch a picture may stand still, in milliseconds. */
const FREEZE = 300;
const COLOURS = ['red', 'blue'];

const CODECS = [
  { name: 'VP8 simulcast', codec: 'VP8', firefox: true },
  // Debian's Firefox has no H.264.
  { name: 'H.264 simulcast', codec: 'H264', firefox: false },
  { name: 'VP9 SVC', codec: 'VP9', mode: 'L3T3', firefox: true },
  { name: 'VP9 k-SVC', codec: 'VP9', mode: 'L3T3_KEY', firefox: true },
  { name: 'AV1 SVC', codec: 'AV1', mode: 'L3T3', firefox: true },
  { name: 'AV1 k-SVC', codec: 'AV1', mode: 'L3T3_KEY', firefox: true },
];

/** Publisher and layer, one after the other: up, down, and across to the same and to other layers. */
const STEPS = [[0, 0], [0, 2], [0, 1], [0, 2], [1, 2], [0, 0], [1, 0], [1, 1], [0, 1], [1, 2], [0, 2]];

const widthOf = (layer) => WIDTH / (4 >> layer);

async function join(board, person, script, argument) {
  await person.page.goto(board.url);
  const offer = await person.page.evaluate(script, argument);
  const { peer, answer } = await board.accept(offer);
  await person.page.evaluate(connect, answer);
  return { page: person.page, peer, close: person.close };
}

/** Takes the viewer through all steps; gives what was seen in the slots meanwhile. */
async function walk(board, viewer, publishers) {
  for (const [at, { peer }] of publishers.entries()) {
    await board.switch(viewer.peer, 1 + at, peer);
    await board.prefer(viewer.peer, 1 + at, 0);
  }
  let begin;
  for (const [publisher, layer] of STEPS) {
    await board.switch(viewer.peer, 0, publishers[publisher].peer);
    await board.prefer(viewer.peer, 0, layer);
    await eventually(`layer ${layer} of ${COLOURS[publisher]}`, async () => {
      const { width, colour } = await viewer.page.evaluate(newest, 0);
      if (width === widthOf(layer) && colour === COLOURS[publisher]) return true;
      const { explanation, producer } = await board.explain(viewer.peer, 0);
      const { target, current, awaitsKeyFrame, activeEncodings, ladder, reason } = explanation;
      throw new Error(JSON.stringify({
        width, colour, target, current, awaitsKeyFrame, activeEncodings, reason, ladder: ladder.length,
        bitrates: producer?.encodings.map(({ bitrate }) => bitrate),
      }));
    }, { seconds: 45 });
    // The first steps wait for the publishers' encoders to start with all layers; a stream that has
    // just begun is no measure of a switch.
    begin ??= (await viewer.page.evaluate(newest, 0)).now;
    await sleep(800);
  }
  return viewer.page.evaluate(seen, begin);
}

/** How long each picture stood until the next one came. */
const stills = (frames) => frames.slice(1).map((next, n) => ({
  ms: next.at - frames[n].at,
  what: `${frames[n].colour} ${frames[n].width} to ${next.colour} ${next.width}`,
}));

const longest = (stills) => stills.reduce((most, { ms }) => Math.max(most, ms), 0);

function judge(name, browser, [switched, ...controls], pli) {
  const usual = controls.flatMap(({ frames }) => stills(frames));
  const worst = stills(switched.frames).reduce((worst, still) => (still.ms > worst.ms ? still : worst));
  console.log(`${name} in ${browser}: ${switched.frames.length} pictures, ${JSON.stringify(switched.stats)}; longest still ` +
    `${worst.ms.toFixed(0)} ms, ${worst.what}; without switches ${longest(usual).toFixed(0)} ms`);
  for (const { frames } of controls) assert.ok(frames.length > 50, `an unswitched slot showed ${frames.length} pictures`);
  assert.ok(worst.ms <= longest(usual) + FREEZE, JSON.stringify({ ...worst, usual: longest(usual) }));
  // What does not decode shows as another colour, or as a request for a key frame.
  const strange = switched.frames.filter(({ colour }) => !COLOURS.includes(colour));
  assert.deepEqual(strange.slice(0, 5), []);
  const widths = [0, 1, 2].map(widthOf);
  assert.deepEqual(switched.frames.filter(({ width }) => !widths.includes(width)).slice(0, 5), []);
  assert.equal(pli, 0, 'key frames that the receiver asked for');
}

describe('layers in browsers', { timeout: 900_000 }, () => {
  let board, chromium, firefox;

  before(async () => {
    board = await Switchboard.start();
    chromium = await Chromium.launch();
    firefox = await Firefox.launch();
  });

  after(async () => {
    await chromium?.close();
    await firefox?.close();
    board?.stop();
  });

  /** Two publishers, one of each colour. */
  async function publishers(people, name, codec, mode) {
    const publishers = [];
    for (const colour of COLOURS) {
      const person = await chromium.person(`${name} ${colour}`);
      people.push(person);
      const picture = { codec, mode, colour, width: WIDTH, height: HEIGHT, rate: RATE };
      publishers.push(await join(board, person, publish, picture));
    }
    return publishers;
  }

  for (const { name, codec, mode, firefox: decodes } of CODECS) {
    test(`${name}: three layers of two publishers`, async () => {
      const people = [];
      try {
        const sending = await publishers(people, name, codec, mode);
        for (const browser of decodes ? [chromium, firefox] : [chromium]) {
          const person = await browser.person('Viewer');
          const viewer = await join(board, person, watch);
          const slots = await walk(board, viewer, sending);
          const { consumer } = await board.explain(viewer.peer, 0);
          await board.close(viewer.peer);
          await person.close();
          judge(name, browser === chromium ? 'Chromium' : 'Firefox', slots, consumer.pliCount);
        }
        for (const { peer } of sending) await board.close(peer);
      } finally {
        await Promise.all(people.map((person) => person.close()));
      }
    });
  }

  test('AV1 SVC without descriptors: Chromium gets the layer that it can decode', async () => {
    const people = [];
    try {
      const [{ peer: red }, { peer: blue }] = await publishers(people, 'AV1 SVC', 'AV1', 'L3T3');
      const person = await chromium.person('Viewer');
      people.push(person);
      const viewer = await join(board, person, watch, { descriptor: false });
      await board.switch(viewer.peer, 0, red);
      await eventually('a limit to one layer', async () => {
        const { explanation } = await board.explain(viewer.peer, 0);
        assert.equal(explanation.rule, 'no_descriptor', JSON.stringify(explanation));
        return true;
      }, { seconds: 45 });
      const { pliCount: asked } = (await board.explain(viewer.peer, 0)).consumer;
      for (const [peer, colour] of [[red, 'red'], [blue, 'blue'], [red, 'red']]) {
        await board.switch(viewer.peer, 0, peer);
        const before = await viewer.page.evaluate(newest, 0);
        await eventually(`pictures of ${colour}`, async () => {
          const now = await viewer.page.evaluate(newest, 0);
          return now.colour === colour && now.width === widthOf(0) && now.count > before.count + 2 * RATE;
        }, { seconds: 20 });
      }
      const { consumer } = await board.explain(viewer.peer, 0);
      // One more may have been on its way.
      assert.ok(consumer.pliCount <= asked + 5, `asked for ${consumer.pliCount - asked} more key frames`);
      for (const peer of [viewer.peer, red, blue]) await board.close(peer);
    } finally {
      await Promise.all(people.map((person) => person.close()));
    }
  });
});
