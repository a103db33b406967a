// The programs of the tarball, run as they are: argument 2 is their folder. They answer an offer,
// and refuse what is none.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = process.argv[2];

// An offer as a browser makes it: one camera, sent and received.
const offer = [
  'v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0',
  'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass', 'a=mid:0',
  'a=sendrecv', 'a=msid:- camera', 'a=rtcp-mux', 'a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack',
  'a=rtcp-fb:96 nack pli', 'a=ssrc:1001 cname:someone', '',
].join('\r\n');

function check(condition, what) {
  if (!condition) throw new Error(what);
}

/** Starts a program; everything that it prints is in `said`. */
function start(name, ...args) {
  const program = spawn(join(folder, name), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  program.said = '';
  program.stdout.on('data', (bytes) => (program.said += bytes));
  return program;
}

async function until(what, met) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) if (await met()) return;
  throw new Error(`not within a minute: ${what}`);
}

const hello = start('hello', '127.0.0.1:40000');
hello.stdin.end(offer);
await until('hello answers', () => hello.said.includes('a=sendrecv'));
check(/^v=0\r\n/.test(hello.said) && /a=candidate:.* 127\.0\.0\.1 40000 /.test(hello.said), hello.said);
check(hello.exitCode === null, 'it goes on');
hello.kill();

const echo = start('c-echo', '127.0.0.1:40100', '8090');
await until('c-echo listens', () => echo.said.includes('http://localhost:8090'));
const post = (body) => fetch('http://127.0.0.1:8090/offer', { method: 'POST', body });
const answer = await post(offer);
check(answer.status === 200 && (await answer.text()).includes('a=sendrecv'), 'c-echo answers');
const refused = await post('hello');
check(refused.status === 400 && (await refused.text()).includes('v='), 'c-echo says what is wrong');
check((await (await fetch('http://127.0.0.1:8090/')).text()).includes('<title>'), 'c-echo has its page');
echo.kill();
console.log('ok: both programs answer an offer');
