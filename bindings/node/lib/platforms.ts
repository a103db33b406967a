/** The platforms that binaries are built for, and which of them this is. */

/** A platform, as npm tells them apart. */
export interface Platform {
  /** As in the name of the package: `plenum-sfu-<name>`. */
  name: string;
  os: NodeJS.Platform;
  cpu: NodeJS.Architecture;
  libc?: 'glibc' | 'musl';
  /** Rust's name of it. */
  target: string;
}

/** All platforms that there are packages for. */
export const PLATFORMS: readonly Platform[] = [
  { name: 'linux-x64-gnu', os: 'linux', cpu: 'x64', libc: 'glibc', target: 'x86_64-unknown-linux-gnu' },
  { name: 'linux-x64-musl', os: 'linux', cpu: 'x64', libc: 'musl', target: 'x86_64-unknown-linux-musl' },
  { name: 'linux-arm64-gnu', os: 'linux', cpu: 'arm64', libc: 'glibc', target: 'aarch64-unknown-linux-gnu' },
  { name: 'linux-arm64-musl', os: 'linux', cpu: 'arm64', libc: 'musl', target: 'aarch64-unknown-linux-musl' },
  { name: 'darwin-x64', os: 'darwin', cpu: 'x64', target: 'x86_64-apple-darwin' },
  { name: 'darwin-arm64', os: 'darwin', cpu: 'arm64', target: 'aarch64-apple-darwin' },
];

/** The name of the platform that this process runs on, whether there is a package for it or not. */
export function platformName(): string {
  const name = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return name;
  // Only glibc tells its version in the report.
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return `${name}-${report.header.glibcVersionRuntime ? 'gnu' : 'musl'}`;
}
