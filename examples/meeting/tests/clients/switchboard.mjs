// A room that a test operates: which layer of which publisher each slot gets. Runs the example
// `switchboard` of sfu-core and serves an empty page from which browsers may join.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../server.mjs';

export class Switchboard {
  static async start() {
    const board = new Switchboard();
    const program = join(dirname(process.env.PLENUM_SERVER), 'examples', 'switchboard');
    board.process = spawn(program, [`0.0.0.0:${await freePort()}`], { stdio: ['pipe', 'pipe', 'inherit'] });
    board.waiting = [];
    const fail = (reason) => board.waiting.splice(0).forEach(({ reject }) => reject(reason));
    board.process.on('error', fail);
    board.process.on('exit', (code) => fail(new Error(`the switchboard ended with ${code}`)));
    createInterface({ input: board.process.stdout }).on('line', (line) => {
      const { resolve, reject } = board.waiting.shift();
      const answer = JSON.parse(line);
      if (answer.error) reject(new Error(answer.error));
      else resolve(answer);
    });
    board.web = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>Layers</title>');
    });
    await new Promise((resolve) => board.web.listen(0, '127.0.0.1', resolve));
    board.url = `http://127.0.0.1:${board.web.address().port}`;
    return board;
  }

  #ask(request) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.process.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Takes in a peer; resolves to its number and the answer. */
  accept = (offer) => this.#ask({ do: 'accept', offer });
  switch = (peer, slot, publisher) => this.#ask({ do: 'switch', peer, slot, publisher });
  prefer = (peer, slot, spatial) => this.#ask({ do: 'prefer', peer, slot, spatial });
  explain = (peer, slot) => this.#ask({ do: 'explain', peer, slot });
  close = (peer) => this.#ask({ do: 'close', peer });

  stop() {
    this.process.stdin.end();
    this.process.kill();
    this.web.close();
  }
}
