// A program that sends a browser back what it sends, and what its page receives.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { eventually } from './eventually.mjs';
import { freePort } from './server.mjs';

/** Frames, audio energy and path of what the page receives. */
export async function received() {
  const stats = await window.pc.getStats();
  const all = [...stats.values()];
  const of = (kind) => all.find((s) => s.type === 'inbound-rtp' && s.kind === kind) ?? {};
  const pair = all.find((s) => s.type === 'candidate-pair' && s.nominated);
  return {
    frames: of('video').framesDecoded ?? 0,
    energy: of('audio').totalAudioEnergy ?? 0,
    protocol: pair && stats.get(pair.remoteCandidateId)?.protocol,
    address: pair && stats.get(pair.remoteCandidateId)?.address,
  };
}

export class EchoProgram {
  /** Starts a binary of the example with its media port on this address. */
  static async start(binary, address) {
    const echo = new EchoProgram();
    const [media, http] = [await freePort(), await freePort()];
    const program = join(dirname(process.env.PLENUM_SERVER), binary);
    echo.process = spawn(program, [`${address}:${media}`, `127.0.0.1:${http}`], { stdio: 'inherit' });
    echo.url = `http://127.0.0.1:${http}`;
    await eventually('the echo answers', async () => (await fetch(echo.url)).ok);
    return echo;
  }

  stop() {
    this.process.kill();
  }
}
