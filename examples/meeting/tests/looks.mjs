// Pictures of the client in its views, with the demo's people and no server: ./run looks.mjs
import { spawn } from 'node:child_process';
import { artifacts } from './artifacts.mjs';
import { Chromium } from './clients/chromium.mjs';
import { eventually } from './eventually.mjs';
import { freePort } from './server.mjs';

const WINDOWS = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const SCENES = {
  few: { query: 'people=4' },
  gallery: { query: 'people=99&talk=1' },
  speaker: { query: 'people=99&talk=1', view: 'speaker' },
  screen: { query: 'people=12&share=1' },
  spotlight: { query: 'people=30&spotlight=p9&host=1' },
  people: { query: 'people=300&host=1', press: 'people-toggle' },
};

const port = await freePort();
const web = new URL('../web/', import.meta.url).pathname;
const vite = spawn('node_modules/.bin/vite', ['--mode', 'demo', '--port', port, '--strictPort'], { cwd: web, stdio: 'ignore' });
const url = `http://localhost:${port}`;
const browser = await Chromium.launch();
try {
  await eventually('the demo is served', async () => (await fetch(url)).ok);
  for (const [window, size] of Object.entries(WINDOWS)) {
    for (const colorScheme of ['light', 'dark']) {
      for (const [scene, { query, view = 'gallery', press }] of Object.entries(SCENES)) {
        const prepare = {
          script: (chosen) => localStorage.setItem('plenum.preferences', JSON.stringify({ view: chosen })),
          argument: view,
        };
        const person = await browser.person('Robin Ekström', { ...size, colorScheme, prepare });
        await person.join(`${url}/m/demo?${query}`);
        if (press) await person.page.locator(`[data-testid="${press}"]`).click();
        // The pictures have to arrive, and the word of who joined to go.
        await person.page.waitForTimeout(5000);
        await person.picture(artifacts(`look-${window}-${colorScheme}-${scene}.png`));
        await person.close();
      }
    }
  }
} finally {
  await browser.close();
  vite.kill();
}
