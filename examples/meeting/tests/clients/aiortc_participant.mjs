// A participant without a browser (aiortc_participant.py), with the methods of BrowserParticipant.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { artifacts } from '../artifacts.mjs';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

export class AiortcParticipant {
  constructor(name) {
    this.name = name;
    this.calls = 0;
    this.pending = new Map();
    this.process = spawn(path('../.venv/bin/python'), ['-u', path('aiortc_participant.py')]);
    this.process.stderr.pipe(createWriteStream(artifacts(`logs/aiortc-${name}.log`)));
    this.exited = new Promise((resolve) => this.process.once('exit', resolve));
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      const { id, result, error } = JSON.parse(line);
      const { resolve, reject } = this.pending.get(id);
      this.pending.delete(id);
      if (error) reject(new Error(`${name}: ${error}`));
      else resolve(result);
    });
    this.exited.then((code) => {
      for (const { reject } of this.pending.values()) reject(new Error(`${name} ended with ${code}`));
    });
  }

  join = (meetingUrl) => this.#call('join', { meeting_url: meetingUrl, name: this.name });
  mute = () => this.#call('set_muted', { muted: true });
  unmute = () => this.#call('set_muted', { muted: false });
  turnCameraOff = () => this.#call('set_camera', { enabled: false });
  turnCameraOn = () => this.#call('set_camera', { enabled: true });
  say = (message) => this.#call('say', { message });
  leave = () => this.#call('leave');

  chat = async () => (await this.#state()).chat;
  received = async () => (await this.#state()).received;
  isConnected = async () => (await this.#state()).connection === 'connected';
  seesAsMuted = async (name) => (await this.#person(name))?.audio_enabled === false;
  seesAsUnmuted = async (name) => (await this.#person(name))?.audio_enabled === true;
  seesWithoutCamera = async (name) => (await this.#person(name))?.video_enabled === false;
  seesWithCamera = async (name) => (await this.#person(name))?.video_enabled === true;
  seesAsGone = async (name) => !(await this.#person(name));

  async close() {
    this.process.stdin.end();
    this.process.kill('SIGTERM');
    await this.exited;
  }

  #state = () => this.#call('state');
  #person = async (name) => (await this.#state()).people[name];

  #call(call, parameters = {}) {
    const id = (this.calls += 1);
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.process.stdin.write(JSON.stringify({ id, call, arguments: parameters }) + '\n');
    });
  }
}
