// Builds the package: the binary for this platform (unless it is given), and JavaScript from lib/.
//
//   node scripts/build.mjs [--release] [--binary FILE]
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: given } = parseArgs({ options: { release: { type: 'boolean' }, binary: { type: 'string' } } });

const run = (program, ...options) => execFileSync(program, options, { cwd: root, stdio: 'inherit' });

/** Where cargo puts the library. */
function built() {
  run('cargo', 'build', '--package', 'plenum-node', ...(given.release ? ['--release'] : []));
  const metadata = execFileSync('cargo', ['metadata', '--format-version=1', '--no-deps'], { cwd: root, maxBuffer: 1 << 28 });
  const folder = join(JSON.parse(metadata).target_directory, given.release ? 'release' : 'debug');
  const names = { linux: 'libplenum_node.so', darwin: 'libplenum_node.dylib', win32: 'plenum_node.dll' };
  return join(folder, names[process.platform] ?? names.linux);
}

rmSync(join(root, 'dist'), { recursive: true, force: true });
run(process.execPath, createRequire(import.meta.url).resolve('typescript/bin/tsc'), '-p', '.');

const { platformName } = createRequire(import.meta.url)('../dist/platforms.js');
const binary = join(root, `plenum-sfu.${platformName()}.node`);
// A running process may have the old file mapped: it is replaced, not written over.
const fresh = `${binary}.new`;
copyFileSync(given.binary ?? built(), fresh);
if (process.platform === 'linux' && existsSync('/usr/bin/strip')) run('strip', '--strip-unneeded', fresh);
renameSync(fresh, binary);
for (const name of ['LICENSE-APACHE', 'LICENSE-MIT']) copyFileSync(join(root, '../..', name), join(root, name));
console.log(`built ${binary}`);
