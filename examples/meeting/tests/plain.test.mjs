// Plain RTP, as cameras, GStreamer and ffmpeg send it: in through one transport that learns where it
// comes from, out through another; and requests for key frames all the way back.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

test('GStreamer sends and receives plain RTP', { timeout: 120_000 }, async () => {
  const script = new URL('clients/gstreamer_plain.py', import.meta.url).pathname;
  const program = join(dirname(process.env.PLENUM_SERVER), 'examples', 'plain');
  const { stdout } = await run('/usr/bin/python3', [script, program, '90']).catch((error) => {
    assert.fail(`${error.stdout}${error.stderr}`);
  });
  const seen = JSON.parse(stdout);
  assert.ok(seen.video >= 30 && seen.audio >= 100, stdout);
  assert.ok(seen.key_frames >= 2, `no key frame after the request: ${stdout}`);
});
