// The packages that carry the binaries, one for each platform.
//
//   node scripts/platforms.mjs          writes npm/<platform>/package.json
//   node scripts/platforms.mjs publish  names them in package.json, as optional dependencies of the version to publish
//
// The binaries themselves are put into these folders by the jobs that build them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { PLATFORMS } = createRequire(import.meta.url)('../dist/platforms.js');
const file = join(root, 'package.json');
const main = JSON.parse(readFileSync(file, 'utf8'));

const write = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

/** What the package of a platform says of itself. */
export function manifest({ name, os, cpu, libc }) {
  return {
    name: `${main.name}-${name}`,
    version: main.version,
    description: `The native binary of ${main.name} for ${name}`,
    license: main.license,
    engines: main.engines,
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    main: `${main.name}.${name}.node`,
    files: [`${main.name}.${name}.node`],
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === 'publish') {
    main.optionalDependencies = Object.fromEntries(PLATFORMS.map(({ name }) => [`${main.name}-${name}`, main.version]));
    main.files = main.files.filter((pattern) => pattern !== '*.node');
    write(file, main);
  } else {
    for (const platform of PLATFORMS) {
      const folder = join(root, 'npm', platform.name);
      mkdirSync(folder, { recursive: true });
      write(join(folder, 'package.json'), manifest(platform));
    }
  }
}
