// Publishes fake 720p cameras from headless Chromium:
//   node publish.mjs CHROMIUM PUBLISHERS audio|no-audio
// Writes {"offer": SDP} a line for each publisher and reads {"answer": SDP};
// anything else on its input, or the end of it, closes the browser.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [executablePath, publishers, audio] = process.argv.slice(2);
const PAGE = 'http://localhost/';

const browser = await chromium.launch({
  executablePath,
  args: [
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--use-fake-device-for-media-stream=fps=30', '--use-fake-ui-for-media-stream',
    '--allow-loopback-in-peer-connection',
    // Pages in the background go on at full rate.
    '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
    '--disable-backgrounding-occluded-windows',
  ],
});

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
try {
  for (let n = 0; n < Number(publishers); n++) {
    const context = await browser.newContext();
    await context.route('**/*', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>publisher</title>' }));
    const page = await context.newPage();
    await page.goto(PAGE);
    const offer = await page.evaluate(makeOffer, audio === 'audio');
    process.stdout.write(`${JSON.stringify({ offer })}\n`);
    const { answer } = JSON.parse((await lines.next()).value);
    await page.evaluate(takeAnswer, answer);
  }
  await lines.next();
} finally {
  await browser.close();
  // An input that is still open would keep the process alive.
  process.stdin.destroy();
}

async function makeOffer(withAudio) {
  const video = { width: 1280, height: 720, frameRate: 30 };
  const media = await navigator.mediaDevices.getUserMedia({ video, audio: withAudio });
  window.pc = new RTCPeerConnection();
  for (const track of media.getTracks()) {
    const camera = track.kind === 'video';
    window.pc.addTransceiver(track, {
      direction: 'sendonly',
      sendEncodings: camera ? [{ maxBitrate: 2_500_000 }] : [{}],
    });
  }
  await window.pc.setLocalDescription();
  return window.pc.localDescription.sdp;
}

async function takeAnswer(sdp) {
  await window.pc.setRemoteDescription({ type: 'answer', sdp });
  await new Promise((resolve, reject) => {
    const look = () => {
      if (window.pc.connectionState === 'connected') resolve();
      if (window.pc.connectionState === 'failed') reject(new Error('the connection failed'));
    };
    window.pc.onconnectionstatechange = look;
    look();
    setTimeout(() => reject(new Error(`still ${window.pc.connectionState}`)), 20_000);
  });
}
