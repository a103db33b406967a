/**
 * `npm run demo`: the client without a server. Fake participants, drawn on canvases, live in
 * the page itself and answer the REST calls, the socket and the offer as the server would.
 * `/m/demo?people=5&share=1&chat=1` says what the meeting looks like. Never part of a build.
 */

import type {
  Assignment,
  ChatMessage,
  ClientMessage,
  Participant,
  ServerMessage,
} from '../src/lib/protocol';
import { drawPerson, drawSlides } from './pictures';

const query = new URLSearchParams(location.search);
const NAMES = [
  'Amara Okafor', 'Jonas Lindqvist', 'Mei-Ling Chen', 'Tomás Herrera', 'Priya Raghunathan',
  'Wojciech Kowalczyk', 'Leïla Benali', 'Sam', 'Grace O’Neill', 'Hiroshi Tanaka', 'Ana', 'Ben',
];
const SELF = 'self';
const people = Array.from({ length: Number(query.get('people') ?? 3) }, (_, index) => person(index));
const sharer = query.has('share') ? people[0] : undefined;
if (sharer) sharer.screen_sharing = true;

const CHAT: [number, string][] = [
  [0, 'Morning all! Notes are at https://example.org/notes/2026-11 if you want to read along.'],
  [1, 'Thanks, reading now'],
  [1, 'The second graph is missing its unit, by the way'],
  [2, 'Milliseconds. I will fix it after the call.'],
];

function person(index: number): Participant {
  return {
    participant_id: `p${index}`,
    display_name: NAMES[index % NAMES.length] ?? 'Someone',
    role: index === 0 ? 'host' : 'participant',
    audio_enabled: index % 3 !== 1,
    video_enabled: index % 4 !== 2 && !query.has('novideo'),
    screen_sharing: false,
    connected: index !== Number(query.get('away') ?? -1),
    joined_at: new Date().toISOString(),
  };
}

function chatMessage(index: number, sender: string, name: string, message: string): ChatMessage {
  const sent = new Date(Date.now() - (CHAT.length - index) * 40_000).toISOString();
  return { message_id: `m${index}`, sender_id: sender, sender_name: name, message, sent_at: sent };
}

if (query.has('portrait')) {
  const { mediaDevices } = navigator;
  const real = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (wanted) => {
    const stream = wanted?.audio ? await real({ audio: wanted.audio }) : new MediaStream();
    if (wanted?.video) stream.addTrack(animate(1280, 720, (paper, at) => drawPerson(paper, 7, at)));
    return stream;
  };
}

const realFetch = window.fetch.bind(window);
window.fetch = async (input, init) => {
  const path = new URL(input instanceof Request ? input.url : input, location.href).pathname;
  if (!path.startsWith('/api/')) return realFetch(input, init);
  const meeting = { meeting_id: 'demo', title: query.get('title') ?? 'Weekly product sync' };
  const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
  if (path.includes('missing')) return json({ code: 'not_found', detail: 'no such meeting' }, 404);
  if (path.endsWith('/join')) {
    return json({
      participant_id: SELF,
      token: 'token',
      signaling_server_url: '/api/meetings/demo/signaling',
      ice_servers: [],
      role: 'participant',
      meeting_state: { ...meeting, participants: people },
    });
  }
  if (path.endsWith('/leave')) return new Response(null, { status: 204 });
  return json(
    { ...meeting, created_at: new Date().toISOString(), participant_count: people.length, host_key: 'key' },
    path === '/api/meetings' ? 201 : 200,
  );
};

class DemoSocket extends EventTarget {
  static readonly OPEN = 1;
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  #far: RTCPeerConnection | null = null;
  #self: Participant = { ...person(0), participant_id: SELF, role: 'participant' };
  #sent = CHAT.length;

  constructor() {
    super();
    setTimeout(() => {
      this.readyState = 1;
      this.onopen?.();
    }, 30);
  }

  send(text: string): void {
    const message = JSON.parse(text) as ClientMessage;
    switch (message.type) {
      case 'join':
        return this.#join();
      case 'offer':
        return void this.#answer(message);
      case 'chat':
        return this.#say(SELF, this.#self.display_name, message.message);
      case 'ping':
        return this.#emit({ type: 'pong' });
    }
  }

  close(): void {
    this.readyState = 3;
    this.#far?.close();
  }

  /** For trying the reconnection out: `__demo.drop()`. */
  drop(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  #emit(message: ServerMessage): void {
    queueMicrotask(() => this.onmessage?.({ data: JSON.stringify(message) }));
  }

  #join(): void {
    const stored = JSON.parse(localStorage.getItem('plenum.preferences') ?? '{}') as { name?: string };
    this.#self.display_name = stored.name ?? 'Me';
    this.#emit({
      type: 'joined',
      participant_id: SELF,
      role: 'participant',
      resumed: false,
      meeting: { meeting_id: 'demo', title: query.get('title') ?? 'Weekly product sync' },
      participants: [...people, this.#self],
      chat: query.has('chat')
        ? CHAT.map(([who, text], index) => chatMessage(index, `p${who}`, NAMES[who] ?? '', text))
        : [],
      slots: [],
    });
  }

  #say(id: string, name: string, message: string): void {
    this.#sent += 1;
    this.#emit({ type: 'chat_broadcast', ...chatMessage(this.#sent, id, name, message) });
  }

  async #answer(offer: Extract<ClientMessage, { type: 'offer' }>): Promise<void> {
    this.#far?.close();
    const far = new RTCPeerConnection();
    this.#far = far;
    await far.setRemoteDescription({ type: 'offer', sdp: offer.sdp });
    const assignments: Assignment[] = [];
    const participantSlots = offer.slots.filter(({ role }) => role === 'participant');
    const screenSlots = offer.slots.filter(({ role }) => role === 'screen');
    const place = (slot: { mid: string } | undefined, id: string, source: Assignment['source'], track: MediaStreamTrack) => {
      const transceiver = far.getTransceivers().find(({ mid }) => mid === slot?.mid);
      if (!slot || !transceiver) return;
      transceiver.direction = 'sendonly';
      void transceiver.sender.replaceTrack(track);
      assignments.push({ mid: slot.mid, participant_id: id, source });
    };
    const context = new AudioContext();
    people.slice(0, 8).forEach((one, index) => {
      const audio = participantSlots.filter(({ kind }) => kind === 'audio')[index];
      const video = participantSlots.filter(({ kind }) => kind === 'video')[index];
      if (one.audio_enabled) place(audio, one.participant_id, 'microphone', voice(context, index === 0));
      if (one.video_enabled) {
        place(video, one.participant_id, 'camera', animate(960, 540, (paper, at) => drawPerson(paper, index, at)));
      }
    });
    if (sharer) {
      const slot = screenSlots.find(({ kind }) => kind === 'video');
      place(slot, sharer.participant_id, 'screen', animate(1600, 900, drawSlides));
    }
    await far.setLocalDescription(await far.createAnswer());
    await new Promise<void>((resolve) => {
      if (far.iceGatheringState === 'complete') return resolve();
      far.addEventListener('icegatheringstatechange', () => far.iceGatheringState === 'complete' && resolve());
    });
    this.#emit({ type: 'answer', offer_id: offer.offer_id, sdp: far.localDescription?.sdp ?? '' });
    this.#emit({ type: 'slots', assignments });
  }
}

function voice(context: AudioContext, speaks: boolean): MediaStreamTrack {
  const output = context.createMediaStreamDestination();
  const tone = context.createOscillator();
  const volume = context.createGain();
  volume.gain.value = speaks ? 0.25 : 0;
  tone.frequency.value = 180;
  tone.connect(volume).connect(output);
  tone.start();
  const [track] = output.stream.getAudioTracks();
  if (!track) throw new Error('no audio track');
  return track;
}

function animate(
  width: number,
  height: number,
  draw: (paper: CanvasRenderingContext2D, seconds: number) => void,
): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const paper = canvas.getContext('2d');
  if (paper) setInterval(() => draw(paper, performance.now() / 1000), 100);
  const [track] = canvas.captureStream(10).getVideoTracks();
  if (!track) throw new Error('no video track');
  return track;
}

const RealSocket = window.WebSocket;
window.WebSocket = new Proxy(RealSocket, {
  construct(target, [url, protocols]: [string, string | undefined]) {
    if (!String(url).startsWith('/api/')) return new target(url, protocols);
    const socket = new DemoSocket();
    Object.assign(window, { __demo: socket });
    return socket as unknown as WebSocket;
  },
});
