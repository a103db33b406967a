// A person in a browser: uses the page as people do, by its buttons and fields,
// and reads back what the page shows and what its peer connection received.
import { eventually } from '../eventually.mjs';

const byTestId = (id) => `[data-testid="${id}"]`;

export class BrowserParticipant {
  /** `page` is Playwright's or Puppeteer's; only what both have in common is used. */
  constructor(name, page, close) {
    this.name = name;
    this.page = page;
    this.close = close;
    this.errors = [];
    page.on('pageerror', (error) => this.errors.push(String(error)));
  }

  /** Makes a meeting on the home page; ends in its lobby and returns its link. */
  async newMeeting(homeUrl, title) {
    await this.page.goto(homeUrl);
    if (await this.#shows('meeting-title')) await this.#write('meeting-title', title);
    await this.#press('new-meeting');
    await eventually('the lobby opens', () => this.#shows('join'));
    return this.page.url();
  }

  async join(meetingUrl) {
    await this.open(meetingUrl);
    await this.enter();
  }

  /** Opens a meeting's link, which leads to the lobby. */
  async open(meetingUrl) {
    await this.page.goto(meetingUrl);
    await eventually(`${this.name} is in the lobby`, () => this.#shows('join'));
  }

  /** Goes from the lobby into the meeting. */
  async enter() {
    await this.#write('display-name', this.name);
    await this.#press('join');
    await eventually(`${this.name} is in the meeting`, () => this.#shows('leave'));
  }

  mute = () => this.#press('mute');
  unmute = () => this.#press('mute');
  turnCameraOff = () => this.#press('camera');
  turnCameraOn = () => this.#press('camera');
  shareScreen = () => this.#press('share');
  stopSharing = () => this.#press('share');
  leave = () => this.#press('leave');

  async say(message) {
    if (!(await this.#shows('chat-input'))) await this.#press('chat-toggle');
    await this.#write('chat-input', message);
    await this.#press('chat-send');
  }

  /** The texts in the chat panel. */
  async chat() {
    if (!(await this.#shows('chat-input'))) await this.#press('chat-toggle');
    return this.page.evaluate(
      (selector) => [...document.querySelectorAll(selector)].map((message) => message.textContent),
      byTestId('chat-message'),
    );
  }

  /** What the tiles say: `{ name: { muted, video, screen: { width } | null } }`. */
  tiles() {
    return this.page.evaluate((selector) => {
      const people = {};
      for (const tile of document.querySelectorAll(selector)) {
        const { name, source, muted, video } = tile.dataset;
        const person = (people[name] ??= { muted: null, video: null, screen: null });
        const box = tile.getBoundingClientRect();
        if (source === 'screen') {
          person.screen = { width: box.width / innerWidth, height: box.height / innerHeight };
        } else {
          person.muted = muted === 'true';
          person.video = video === 'true';
        }
      }
      return people;
    }, byTestId('tile'));
  }

  async seesAsMuted(name) {
    return (await this.tiles())[name]?.muted === true;
  }

  async seesAsUnmuted(name) {
    return (await this.tiles())[name]?.muted === false;
  }

  async seesWithoutCamera(name) {
    return (await this.tiles())[name]?.video === false;
  }

  async seesWithCamera(name) {
    return (await this.tiles())[name]?.video === true;
  }

  async seesAsGone(name) {
    return !(name in (await this.tiles()));
  }

  /** A shared screen is shown large when it takes most of the window. */
  async seesLargeScreenOf(name) {
    const screen = (await this.tiles())[name]?.screen;
    return screen && screen.width > 0.5 && screen.height > 0.4;
  }

  /** What came in over the peer connection: `{ name: { frames, screenFrames, energy } }`. */
  async received() {
    const people = await this.page.evaluate(async () =>
      JSON.parse(JSON.stringify(await window.__plenum.stats())));
    return Object.fromEntries(people.map((person) => [person.displayName, {
      frames: person.camera?.framesDecoded ?? 0,
      screenFrames: person.screen?.framesDecoded ?? 0,
      energy: person.microphone?.audioEnergy ?? 0,
    }]));
  }

  /** The layers of the camera that are encoded now, by rid. */
  encodes() {
    return this.page.evaluate(() => {
      const senders = window.__plenum.pc.getSenders();
      const camera = senders.map((sender) => sender.getParameters().encodings).find(({ length }) => length > 1);
      return camera.filter(({ active }) => active).map(({ rid }) => rid);
    });
  }

  /** The name of whoever speaks, other than this person; null while nobody has. */
  speaker() {
    return this.page.evaluate(() => {
      const { speaker, people } = window.__plenum.state;
      return speaker === null ? null : people.nameOf(speaker);
    });
  }

  peopleCount() {
    return this.page.evaluate(() => window.__plenum.state.people.count);
  }

  /** The number on the tile of those without a tile; 0 without one. */
  others() {
    return this.page.evaluate(
      (selector) => parseInt(document.querySelector(selector)?.getAttribute('aria-label') ?? '0', 10),
      byTestId('others'),
    );
  }

  async tileCount() {
    return (await this.shownIds()).length;
  }

  shownIds() {
    return this.page.evaluate(
      (selector) => [...document.querySelectorAll(selector)].map((tile) => tile.dataset.participantId),
      byTestId('tile'),
    );
  }

  hasNextPage = () => this.#isPressable('next-page');
  hasPreviousPage = () => this.#isPressable('previous-page');
  openPeople = () => this.#press('people-toggle');

  personRows() {
    return this.page.evaluate((selector) => document.querySelectorAll(selector).length, byTestId('person'));
  }

  /** A key, as typed while nothing that takes text has the focus. */
  async press(key) {
    await this.page.evaluate(() => document.activeElement?.blur());
    await this.page.keyboard.press(key);
  }

  /** `name` has the one large tile. */
  seesLarge(name) {
    return this.page.evaluate(([selector, wanted]) => {
      const tiles = [...document.querySelectorAll(selector)];
      const large = tiles.find((tile) => tile.getBoundingClientRect().width > innerWidth / 2);
      return large?.dataset.name === wanted;
    }, [byTestId('tile'), name]);
  }

  /** The large tile follows whoever speaks, and `name` is it. */
  async followsSpeaker(name) {
    const live = this.page.locator(`${byTestId('tile')}[data-live]`);
    return (await live.count()) === 1 && (await live.getAttribute('data-name')) === name && this.seesLarge(name);
  }

  /** What the badge on the picture of `name` says when it is pressed. */
  async quality(name) {
    const tile = this.page.locator(`${byTestId('tile')}[data-name="${name}"]`);
    await tile.hover();
    await tile.locator(`${byTestId('quality')} button`).click();
    return this.reads(name);
  }

  /** What the badge on the picture of `name` says while it is open. */
  reads(name) {
    const tile = this.page.locator(`${byTestId('tile')}[data-name="${name}"]`);
    return eventually(`${this.name} reads why`, async () => {
      const text = await tile.locator(byTestId('quality')).innerText();
      return /\d+ × \d+/.test(text) && !/Asking/.test(text) && text;
    });
  }

  /** How many pictures have their card open. */
  explained() {
    return this.page.locator(`${byTestId('quality')} [popover]:popover-open`).count();
  }

  /** How the page's main thread fares: pictures drawn, and the time in tasks above 50 ms. */
  smoothness(seconds) {
    return this.page.evaluate((span) => new Promise((resolve) => {
      let [busy, longest, frames] = [0, 0, 0];
      const observer = new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) {
          busy += duration / 1000;
          longest = Math.max(longest, duration);
        }
      });
      observer.observe({ type: 'longtask' });
      const began = performance.now();
      const draw = () => {
        frames += 1;
        const past = (performance.now() - began) / 1000;
        if (past < span) return requestAnimationFrame(draw);
        observer.disconnect();
        resolve({ seconds: past, busy, longest, frames });
      };
      requestAnimationFrame(draw);
    }), seconds);
  }

  isConnected() {
    return this.page.evaluate(() => window.__plenum?.pc?.connectionState === 'connected');
  }

  async isWarnedOfLostConnection() {
    return this.#shows('connection-banner');
  }

  picture(path) {
    return this.page.screenshot({ path });
  }

  #isPressable(id) {
    return this.page.evaluate((selector) => {
      const button = document.querySelector(selector);
      return button !== null && !button.disabled;
    }, byTestId(id));
  }

  async #press(id) {
    await this.page.locator(byTestId(id)).click();
  }

  async #write(id, text) {
    await this.page.locator(byTestId(id)).fill(text);
  }

  #shows(id) {
    return this.page.evaluate((selector) => {
      const element = document.querySelector(selector);
      return element !== null && element.getClientRects().length > 0;
    }, byTestId(id));
  }
}
