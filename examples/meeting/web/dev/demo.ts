/**
 * `npm run demo`: the client without a server. Fake participants, drawn on canvases, live in
 * the page itself and answer the REST calls, the socket and the offer as the server would.
 * `/m/demo?people=5&share=1&chat=1` says what the meeting looks like; `host=1` makes this person
 * a host, `talk=1` has people take turns, `quiet=1` nobody. Never part of a build.
 */

import {
  SPEAKER,
  type Assignment,
  type ChatMessage,
  type ClientMessage,
  type Participant,
  type ServerMessage,
  type SlotOffer,
  type ViewTile,
} from '../src/lib/protocol';
import { drawPerson, drawSlides } from './pictures';

const query = new URLSearchParams(location.search);
const NAMES = [
  'Amara Okafor', 'Jonas Lindqvist', 'Mei-Ling Chen', 'Tomás Herrera', 'Priya Raghunathan',
  'Wojciech Kowalczyk', 'Leïla Benali', 'Sam', 'Grace O’Neill', 'Hiroshi Tanaka', 'Ana', 'Ben',
];
const SELF = 'self';
const FIRST_PAGE = 50;
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
    display_name: nameOf(index),
    role: index === 0 ? 'host' : 'participant',
    audio_enabled: index % 3 !== 1,
    video_enabled: index % 4 !== 2 && !query.has('novideo'),
    screen_sharing: false,
    connected: index !== Number(query.get('away') ?? -1),
    joined_at: new Date().toISOString(),
  };
}

/** Different ones as far as there are combinations. */
function nameOf(index: number): string {
  const round = Math.floor(index / NAMES.length);
  const name = NAMES[index % NAMES.length] ?? 'Someone';
  const other = NAMES[(index + round * 5) % NAMES.length] ?? '';
  return round === 0 ? name : `${name.split(' ')[0] ?? ''} ${other.split(' ').at(-1) ?? ''}`;
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
  if (path.endsWith('/participants')) {
    const asked = new URL(input instanceof Request ? input.url : input, location.href).searchParams;
    const wanted = asked.get('ids')?.split(',');
    const [from, limit] = [Number(asked.get('after') ?? 0), Number(asked.get('limit') ?? 50)];
    const list = wanted ? people.filter((one) => wanted.includes(one.participant_id)) : people.slice(from, from + limit);
    const next = wanted || from + limit >= people.length ? null : String(from + limit);
    return json({ participants: list, participant_count: people.length + 1, next });
  }
  if (path.includes('missing')) return json({ code: 'not_found', detail: 'no such meeting' }, 404);
  if (path.endsWith('/join')) {
    return json({
      participant_id: SELF,
      token: 'token',
      signaling_server_url: '/api/meetings/demo/signaling',
      ice_servers: [],
      role: 'participant',
      meeting_state: { ...meeting, participants: people.slice(0, 10), participant_count: people.length + 1 },
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
  #self: Participant = { ...person(0), participant_id: SELF, role: query.has('host') ? 'host' : 'participant' };
  #slots: SlotOffer[] = [];
  /** Whom each slot carries. */
  #held = new Map<string, string>();
  #turn = 0;
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
      case 'view':
        return this.#show(message.tiles);
      case 'spotlight':
        return this.#emit({ type: 'spotlight', participant_id: message.participant_id });
      case 'explain':
        return this.#explain(message.mid);
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

  /** For trying layers out: `__demo.emit({ type: 'publish_layers', … })`. */
  emit(message: ServerMessage): void {
    this.#emit(message);
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
      role: this.#self.role,
      resumed: false,
      meeting: { meeting_id: 'demo', title: query.get('title') ?? 'Weekly product sync' },
      participants: [this.#self, ...people.slice(0, FIRST_PAGE - 1)],
      participant_count: people.length + 1,
      spotlight: query.get('spotlight'),
      speakers: query.has('quiet') ? null : { participant_id: 'p0', previous_id: 'p1', speakers: ['p0', null, null] },
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
    this.#slots = offer.slots;
    const context = new AudioContext();
    offer.slots.forEach(({ mid, kind, role }, index) => {
      const transceiver = far.getTransceivers().find((one) => one.mid === mid);
      if (!transceiver) return;
      transceiver.direction = 'sendonly';
      if (kind === 'audio') void transceiver.sender.replaceTrack(voice(context, index === 0 && !query.has('quiet')));
      else {
        const draw = (paper: CanvasRenderingContext2D, at: number) => {
          const id = this.#held.get(mid) ?? (role === 'screen' ? sharer?.participant_id : undefined);
          if (role === 'screen') drawSlides(paper, at);
          else if (id === SPEAKER) drawPerson(paper, (this.#turn * 7) % people.length, at);
          else if (id) drawPerson(paper, Number(id.slice(1)), at);
        };
        const [width, height] = role === 'screen' ? [1600, 900] : people.length > 20 ? [480, 270] : [960, 540];
        void transceiver.sender.replaceTrack(animate(width, height, draw, () => this.#held.has(mid)));
      }
    });
    await far.setLocalDescription(await far.createAnswer());
    await new Promise<void>((resolve) => {
      if (far.iceGatheringState === 'complete') return resolve();
      far.addEventListener('icegatheringstatechange', () => far.iceGatheringState === 'complete' && resolve());
    });
    this.#emit({ type: 'answer', offer_id: offer.offer_id, sdp: far.localDescription?.sdp ?? '' });
    if (query.has('talk')) setInterval(() => this.#talk(), 2500);
  }

  /** Someone else speaks. */
  #talk(): void {
    this.#turn += 1;
    const id = (turn: number) => `p${(turn * 7) % Math.max(1, people.length)}`;
    this.#emit({
      type: 'active_speaker',
      participant_id: id(this.#turn),
      previous_id: id(this.#turn - 1),
      speakers: [id(this.#turn), id(this.#turn - 1), null],
    });
    // Some of the crowd mute and unmute, some come and go.
    const one = people[(this.#turn * 13) % people.length];
    if (!one) return;
    one.audio_enabled = !one.audio_enabled;
    const news = { joined: [], left: [], changed: [one], participant_count: people.length + 1, more: false };
    this.#emit({ type: 'participants_changed', ...news });
  }

  /** Fills the slots from the view, as the server would: who is there stays. */
  #show(tiles: ViewTile[]): void {
    const known = (id: string) => people.find((one) => one.participant_id === id);
    const faces = tiles.filter(({ source }) => source === 'camera').map(({ participant_id: id }) => id);
    const wanted = faces.filter((id) => id === SPEAKER || known(id)?.video_enabled);
    const slots = this.#slots.filter(({ kind, role }) => kind === 'video' && role === 'participant');
    for (const { mid } of slots) if (!wanted.includes(this.#held.get(mid) ?? '')) this.#held.delete(mid);
    const held = new Set(this.#held.values());
    for (const id of wanted.filter((one) => !held.has(one))) {
      const free = slots.find(({ mid }) => !this.#held.has(mid));
      if (free) this.#held.set(free.mid, id);
    }
    const voices = people.filter((one) => one.audio_enabled).map((one) => one.participant_id);
    const large = people.length > 8;
    const assignments = this.#slots.map(({ mid, kind, role }, index): Assignment => {
      if (role === 'screen') {
        const source = kind === 'audio' ? 'screen_audio' : 'screen';
        if (sharer && kind === 'video') this.#held.set(mid, sharer.participant_id);
        return { mid, participant_id: kind === 'video' ? (sharer?.participant_id ?? null) : null, source };
      }
      if (kind === 'audio') {
        const rank = Math.floor(index / 2);
        const none = { mid, participant_id: null, source: 'microphone' as const };
        if (large) return rank < 3 ? { ...none, speaker: rank } : none;
        return { ...none, participant_id: voices[rank] ?? null };
      }
      const id = this.#held.get(mid) ?? null;
      if (id === SPEAKER) return { mid, participant_id: null, source: 'camera', speaker: 0 };
      return { mid, participant_id: id, source: 'camera' };
    });
    this.#emit({ type: 'slots', assignments });
  }

  #explain(mid: string): void {
    const layer = { spatial: 1, temporal: 2 };
    this.#emit({
      type: 'explanation',
      mid,
      participant_id: this.#held.get(mid) ?? null,
      source: 'camera',
      reason: query.get('why') ?? 'viewport',
      detail: '',
      wanted: { spatial: 2, temporal: 2 },
      target: layer,
      current: layer,
      awaits_key_frame: false,
      available_bitrate: 2_400_000,
    });
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
  isShown: () => boolean = () => true,
): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const paper = canvas.getContext('2d');
  if (paper) setInterval(() => isShown() && draw(paper, performance.now() / 1000), 100);
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
