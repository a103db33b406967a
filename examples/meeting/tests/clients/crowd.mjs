// Many people without media: seats and sockets only, from this process.
import { WebSocket } from 'ws';

export class Crowd {
  #people = [];

  /** Takes `count` seats in the meeting, a few at a time. Cameras are off. */
  static async join(server, meetingId, count) {
    const crowd = new Crowd();
    for (let from = 0; from < count; from += 10) {
      const numbers = Array.from({ length: Math.min(10, count - from) }, (_, index) => from + index);
      crowd.#people.push(...await Promise.all(numbers.map((number) => sit(server, meetingId, `Guest ${number}`))));
    }
    return crowd;
  }

  get count() {
    return this.#people.length;
  }

  /** What the newest was sent when it joined: `{ bytes, listed, count }`, people told of and present. */
  get newest() {
    return this.#people.map(({ joined }) => joined).reduce((a, b) => (b.count > a.count ? b : a));
  }

  /** `number` mutes or unmutes. */
  mute(number, muted) {
    this.#people[number % this.#people.length].socket.send(JSON.stringify({ type: 'mute', muted }));
  }

  async close() {
    for (const { socket } of this.#people) socket.close();
  }
}

async function sit(server, meetingId, name) {
  const answer = await fetch(`${server.url}/api/meetings/${meetingId}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ display_name: name }),
  });
  if (!answer.ok) throw new Error(`no seat: ${answer.status} ${await answer.text()}`);
  const seat = await answer.json();
  const socket = new WebSocket(server.url.replace('http', 'ws') + seat.signaling_server_url);
  const joined = await new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
    socket.once('open', () => socket.send(JSON.stringify({
      type: 'join', token: seat.token, audio_enabled: false, video_enabled: false,
    })));
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (message.type !== 'joined') return;
      resolve({ bytes: data.length, listed: message.participants.length, count: message.participant_count });
    });
  });
  const beat = setInterval(() => socket.send('{"type":"ping"}'), 10_000);
  socket.removeAllListeners('close');
  socket.on('close', () => clearInterval(beat));
  socket.on('error', () => clearInterval(beat));
  return { socket, joined };
}
