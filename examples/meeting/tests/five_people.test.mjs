// A meeting of five: three in Chromium, one in Firefox, and one that is no browser at all.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { artifacts } from './artifacts.mjs';
import { AiortcParticipant } from './clients/aiortc_participant.mjs';
import { Chromium } from './clients/chromium.mjs';
import { Firefox } from './clients/firefox.mjs';
import { eventually } from './eventually.mjs';
import { Line } from './line.mjs';
import { seeAndHearEachOther, seesAndHears, seesButDoesNotHear, seesScreenOf, others } from './media.mjs';
import { Server } from './server.mjs';
import { smallCamera } from './small_camera.mjs';

describe('five people in one meeting', { timeout: 1_200_000 }, () => {
  let server, meeting, chromium, firefox, claraLine;
  let ada, ben, clara, fritz, robot;
  let browsers, everyone;

  before(async () => {
    server = await Server.start({ log: 'server-five-people' });
    meeting = await server.createMeeting('Five people');
    // Without a graphics card Firefox draws every picture itself, and need not do so sixty times a second.
    const preferences = { 'layout.frame_rate': 15, 'ui.prefersReducedMotion': 1 };
    [chromium, firefox] = await Promise.all([Chromium.launch(), Firefox.launch({ preferences })]);
    claraLine = await Line.to(server.port);
    const prepare = { script: smallCamera };
    ada = await chromium.person('Ada', { prepare });
    ben = await chromium.person('Ben', { prepare, colorScheme: 'dark' });
    clara = await chromium.person('Clara', { prepare, width: 390, height: 844 });
    fritz = await firefox.person('Fritz', { width: 900, height: 600 });
    robot = new AiortcParticipant('Robot');
    browsers = [ada, ben, clara, fritz];
    everyone = [...browsers, robot];
  });

  after(async () => {
    for (const person of browsers ?? []) {
      await person.picture(artifacts(`end-${person.name}.png`)).catch(() => {});
    }
    await robot?.close();
    await Promise.allSettled([chromium?.close(), firefox?.close()]);
    claraLine?.close();
    await server?.stop();
  });

  const by = (person) => everyone.filter((other) => other !== person);
  const seenByOthers = (person, what, check) =>
    Promise.all(by(person).map((other) =>
      eventually(`${other.name} sees that ${person.name} ${what}`, () => check(other))));

  test('each sees and hears each other one', async () => {
    await ada.join(meeting.url);
    await ben.join(meeting.url);
    await clara.join(claraLine.through(meeting.url));
    await fritz.join(meeting.url);
    await robot.join(meeting.url);
    await seeAndHearEachOther(everyone);
    for (const person of browsers) await person.picture(artifacts(`five-${person.name}.png`));
  });

  test('it goes on', async () => {
    await seeAndHearEachOther(everyone);
  });

  test('a muted person is shown as muted and is silent for all', async () => {
    await ben.mute();
    await seenByOthers(ben, 'is muted', (other) => other.seesAsMuted('Ben'));
    await Promise.all(by(ben).map((other) => seesButDoesNotHear(other, 'Ben')));
    await ben.unmute();
    await seenByOthers(ben, 'speaks again', (other) => other.seesAsUnmuted('Ben'));
    await Promise.all(by(ben).map((other) => seesAndHears(other, ['Ben'])));
  });

  test('a person who is no browser can be muted too', async () => {
    await robot.mute();
    await seenByOthers(robot, 'is muted', (other) => other.seesAsMuted('Robot'));
    await robot.unmute();
    await seenByOthers(robot, 'speaks again', (other) => other.seesAsUnmuted('Robot'));
  });

  test('a camera that is turned off is shown as off by all, and comes back', async () => {
    await clara.turnCameraOff();
    await seenByOthers(clara, 'has the camera off', (other) => other.seesWithoutCamera('Clara'));
    await ada.picture(artifacts('camera-off.png'));
    await clara.turnCameraOn();
    await seenByOthers(clara, 'has the camera on', (other) => other.seesWithCamera('Clara'));
    await Promise.all(by(clara).map((other) => seesAndHears(other, ['Clara'])));
  });

  test('what one writes, all can read', async () => {
    await fritz.say('Guten Tag <b>zusammen</b>');
    await robot.say('beep');
    for (const person of everyone) {
      await eventually(`${person.name} reads both`, async () => {
        const texts = await person.chat();
        return texts.some((text) => text.includes('Guten Tag <b>zusammen</b>'))
          && texts.some((text) => text.includes('beep'));
      });
    }
    await ada.picture(artifacts('chat.png'));
  });

  test('a shared screen is large for all', async () => {
    await ada.shareScreen();
    await Promise.all(by(ada).map((other) => seesScreenOf(other, 'Ada')));
    for (const person of [ben, clara, fritz]) {
      await eventually(`the screen is large for ${person.name}`, () => person.seesLargeScreenOf('Ada'));
      await person.picture(artifacts(`screen-${person.name}.png`));
    }
    await ada.stopSharing();
    for (const person of [ben, clara, fritz]) {
      await eventually(`${person.name} sees that it is over`, async () => !(await person.tiles()).Ada.screen);
    }
  });

  test('who loses the line is told, and is back by itself', async () => {
    // The page has just been laid out anew; what it shows must have been told before.
    await seesAndHears(clara, others(everyone, clara));
    claraLine.cut();
    await eventually('Clara is told', () => clara.isWarnedOfLostConnection());
    await clara.picture(artifacts('line-lost.png'));
    // Media has its own way and does not stop.
    await seesAndHears(clara, others(everyone, clara));
    claraLine.mend();
    await eventually('Clara is back', async () => !(await clara.isWarnedOfLostConnection()));
    await clara.say('here again');
    await eventually('Ben reads it', async () => (await ben.chat()).some((text) => text.includes('here again')));
    await seeAndHearEachOther(everyone);
  });

  test('who leaves is gone for all, and the rest goes on', async () => {
    await fritz.leave();
    const rest = everyone.filter((person) => person !== fritz);
    await Promise.all(rest.map((other) =>
      eventually(`${other.name} sees that Fritz is gone`, () => other.seesAsGone('Fritz'))));
    await robot.leave();
    const last = [ada, ben, clara];
    await Promise.all(last.map((other) =>
      eventually(`${other.name} sees that Robot is gone`, () => other.seesAsGone('Robot'))));
    await seeAndHearEachOther(last);
  });

  test('no page had an error, and the server ends as it was asked to', async () => {
    for (const person of browsers) assert.deepEqual(person.errors, [], person.name);
    assert.equal((await server.stop()).code, 0);
  });
});
