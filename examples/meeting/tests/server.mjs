// Starts plenum-server on free ports with a database of its own.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { artifacts } from './artifacts.mjs';
import { eventually } from './eventually.mjs';

export class Server {
  static async start({ log = 'server' } = {}) {
    const server = new Server();
    server.folder = await mkdtemp(join(tmpdir(), 'plenum-'));
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.process = spawn(
      process.env.PLENUM_SERVER,
      [
        '--http', `127.0.0.1:${server.port}`,
        '--media', `0.0.0.0:${await freePort()}`,
        '--database', join(server.folder, 'plenum.sqlite'),
      ],
      { cwd: server.folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const file = createWriteStream(artifacts(`logs/${log}.log`));
    server.process.stdout.pipe(file);
    server.process.stderr.pipe(file);
    server.exited = new Promise((resolve, reject) => {
      server.process.once('error', reject);
      server.process.once('exit', (code, signal) => resolve({ code, signal }));
    });
    await Promise.race([
      eventually('the server answers', () => server.isHealthy(), { seconds: 20 }),
      server.exited.then(({ code }) => { throw new Error(`the server ended with ${code} at its start`); }),
    ]);
    return server;
  }

  async isHealthy() {
    const answer = await fetch(`${this.url}/healthz`);
    return answer.ok;
  }

  /** Creates a meeting over the API; returns its address in this server. */
  async createMeeting(title) {
    const answer = await fetch(`${this.url}/api/meetings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title }),
    });
    if (answer.status !== 201) throw new Error(`no meeting: ${answer.status} ${await answer.text()}`);
    const meeting = await answer.json();
    return { id: meeting.meeting_id, url: this.url + meeting.join_url };
  }

  /** Ends the server as an operator would; resolves to how it ended. */
  async stop() {
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 10_000);
    const end = await this.exited;
    clearTimeout(timer);
    await rm(this.folder, { recursive: true, force: true });
    return end;
  }
}

export async function freePort() {
  const socket = createServer();
  await new Promise((resolve) => socket.listen(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return port;
}
