// The API is whole: what the library can do, each class can do; names and numbers are the same.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import * as plenum from 'plenum-sfu';
import { manifest } from '../scripts/platforms.mjs';

const require = createRequire(import.meta.url);
const { native } = require('../dist/native.js');
const { EVENT_TYPES } = require('../dist/connection.js');
const { PLATFORMS, platformName } = require('../dist/platforms.js');

describe('the API', () => {
  test('has every method of the library', () => {
    const missing = native().methods().filter((method) => {
      const [noun, name] = method.split('.');
      return typeof plenum[noun]?.prototype[name] !== 'function';
    });
    assert.deepEqual(missing, []);
  });

  test('knows every type of event', () => {
    // Packets come by themselves, not as an event.
    const told = native().eventTypes().filter((type) => type !== 'rtp');
    assert.deepEqual([...EVENT_TYPES].sort(), told.sort());
  });

  test('has a class for every kind of error, with its number', () => {
    for (const { kind, code } of native().errorKinds()) {
      const error = plenum.SfuError.of(kind, 'x');
      assert.ok(error instanceof plenum[`${kind}Error`] && error instanceof Error, kind);
      assert.deepEqual([error.code, error.number, error.name], [kind, code, `${kind}Error`]);
    }
  });

  test('is the same module for import and for require', () => {
    const required = require('plenum-sfu');
    const names = Object.keys(required);
    assert.ok(names.length > 20);
    for (const name of names) assert.equal(plenum[name], required[name], name);
  });

  test('tells what can be routed', () => {
    const { codecs } = plenum.supportedRtpCapabilities();
    for (const mimeType of ['audio/opus', 'video/VP8', 'video/H264']) {
      assert.ok(codecs.some((codec) => codec.mimeType === mimeType), mimeType);
    }
  });
});

describe('the package', () => {
  const main = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)));

  test('has the version of its binary', () => assert.equal(native().version(), main.version));

  test('has a package for the binary of each platform', () => {
    for (const platform of PLATFORMS) {
      const file = new URL(`../npm/${platform.name}/package.json`, import.meta.url);
      assert.deepEqual(JSON.parse(readFileSync(file)), JSON.parse(JSON.stringify(manifest(platform))), platform.name);
    }
    assert.ok(PLATFORMS.some(({ name }) => name === platformName()), platformName());
  });

  test('names no registry in its lock file', () => {
    const lock = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
    assert.doesNotMatch(lock, /"resolved"/);
  });
});
