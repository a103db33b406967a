// Firefox with a fake camera and microphone, driven over WebDriver BiDi.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { BrowserParticipant } from './browser_participant.mjs';

const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // Nothing may look for the outer world, which does not exist here.
  'media.gmp-manager.updateEnabled': false,
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.push.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.manage-offline-status': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
};

export class Firefox {
  /** Starts it, with more preferences if they are given. */
  static async launch({ preferences = {} } = {}) {
    const browser = new Firefox();
    browser.home = await mkdtemp(join(tmpdir(), 'plenum-firefox-'));
    browser.browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: '/usr/bin/firefox-esr',
      headless: true,
      extraPrefsFirefox: { ...PREFERENCES, ...preferences },
      env: { ...process.env, HOME: browser.home },
      timeout: 90_000,
      protocolTimeout: 120_000,
    });
    return browser;
  }

  async person(name, { width = 1280, height = 800 } = {}) {
    const context = await this.browser.createBrowserContext();
    const page = await context.newPage();
    await page.setViewport({ width, height });
    return new BrowserParticipant(name, page, () => context.close());
  }

  async close() {
    await this.browser.close();
    await rm(this.home, { recursive: true, force: true });
  }
}
