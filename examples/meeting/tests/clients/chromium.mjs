// Chromium with a fake camera and microphone, driven over the DevTools protocol.
import { chromium } from 'playwright-core';
import { BrowserParticipant } from './browser_participant.mjs';

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  // Ten pictures a second: the encoders of three people share one small machine with everything else.
  '--use-fake-device-for-media-stream=fps=10',
  '--use-fake-ui-for-media-stream',
  // Without this the pages that nobody looks at would be slowed down.
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
];

export class Chromium {
  static async launch({ flags = [] } = {}) {
    const browser = new Chromium();
    browser.browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: [...FLAGS, ...flags],
      // A silenced element would report no audio energy.
      ignoreDefaultArgs: ['--mute-audio'],
    });
    return browser;
  }

  /** A window with cookies and storage of its own: another person. */
  async person(name, { width = 1280, height = 800, colorScheme = 'light', prepare } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    page.setDefaultTimeout(90_000);
    if (prepare) await page.addInitScript(prepare.script, prepare.argument);
    return new BrowserParticipant(name, page, () => context.close());
  }

  async close() {
    await this.browser.close();
  }
}
