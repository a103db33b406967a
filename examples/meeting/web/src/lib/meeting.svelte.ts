/**
 * One person's part in one meeting: the roster, the seat and everything the page can do. It
 * ties the socket, the media and the devices together and is the only writer of its state.
 */

import { SvelteMap } from 'svelte/reactivity';
import { Announcer, type MediaFlags } from './announcer';
import {
  ApiError,
  joinMeeting,
  leaveOnUnload,
  participantsById,
  participantsPage,
  removeParticipant,
  seatExists,
  switchOff,
  type Seat,
} from './api';
import { arrivals, departures } from './comings';
import { backoffDelay } from './backoff';
import { ChatLog } from './chat.svelte';
import type { LocalMedia } from './local-media.svelte';
import { MediaLink } from './media-link.svelte';
import { hostKey } from './preferences.svelte';
import type {
  EndReason,
  Explanation,
  Joined,
  MediaState,
  Participant,
  ParticipantsChanged,
  ServerError,
  ServerMessage,
  Speaking,
  ViewTile,
} from './protocol';
import { QualityMonitor } from './quality-monitor.svelte';
import { Roster } from './roster.svelte';
import { ScreenShare } from './screen-share.svelte';
import { Signaling, type SignalingStatus } from './signaling';
import { Speakers } from './speakers.svelte';
import { toasts } from './toasts.svelte';
import { ViewReport } from './view-report';

export type Phase = 'joining' | 'in' | 'ended';
/** Why the meeting ended here; `lost` is a seat that could not be taken again. */
export type Ending = EndReason | 'lost';

const HOST_DID: Record<keyof MediaFlags, string> = {
  audio_enabled: 'The host muted you',
  video_enabled: 'The host turned your camera off',
  screen_sharing: 'The host ended your presentation',
};
const ENDING_OF = { replaced: 'replaced', over: 'meeting_ended', refused: 'lost' } as const;

export class Meeting {
  phase: Phase = $state('joining');
  ending: Ending | null = $state(null);
  title = $state('');
  selfId = $state('');
  socket: SignalingStatus = $state('connecting');
  /** Whom a host made large for everybody. */
  spotlight: string | null = $state(null);
  /** The server's answers to why, by slot. */
  readonly explanations = new SvelteMap<string, Explanation>();
  joinedAt = 0;

  readonly id: string;
  readonly local: LocalMedia;
  readonly people = new Roster();
  readonly chat = new ChatLog();
  readonly link: MediaLink;
  readonly screen: ScreenShare;
  readonly speakers: Speakers;
  readonly quality: QualityMonitor;

  readonly #displayName: string;
  readonly #view: ViewReport;
  readonly #announcer: Announcer;
  #seat: Seat;
  #signaling: Signaling;
  #reading: Promise<void> | null = null;
  /** Where the next page of the roster begins. */
  #nextPage: string | null = null;
  readonly #asked = new Set<string>();

  /** Reserves a seat and takes it; rejects with an `ApiError`. */
  static async join(id: string, displayName: string, local: LocalMedia): Promise<Meeting> {
    return new Meeting(await joinMeeting(id, displayName, hostKey(id)), id, displayName, local);
  }

  private constructor(seat: Seat, id: string, displayName: string, local: LocalMedia) {
    this.id = id;
    this.local = local;
    this.#displayName = displayName;
    this.#seat = seat;
    this.title = seat.meeting_state.title;
    this.link = new MediaLink(
      (message) => this.#signaling.send(message),
      () => this.socket === 'joined',
      () => this.selfId,
    );
    this.#view = new ViewReport((tiles) => this.#signaling.send({ type: 'view', tiles }));
    this.#announcer = new Announcer((message) => this.#signaling.send(message));
    this.screen = new ScreenShare(this.link, () => this.#announce());
    this.speakers = new Speakers({
      session: () => this.link.session,
      assignments: () => this.link.assignments,
      carried: (assignment) => this.link.carried(assignment),
      monitor: local.monitor,
      selfId: () => this.selfId,
      muted: () => !this.audible,
    });
    this.quality = new QualityMonitor(this.link, (tile) => this.#view.sizeOf(tile));
    local.onTrack = (kind, track) => {
      this.link.setTrack(kind, track);
      this.#announce();
    };
    local.onNotice = (text) => toasts.show(text);
    this.link.setTrack('microphone', local.microphone);
    this.link.setTrack('camera', local.camera);
    this.#signaling = this.#openSocket();
    window.addEventListener('online', this.#online);
    window.addEventListener('pagehide', this.#pageHidden);
  }

  get #over(): boolean {
    return this.phase === 'ended';
  }

  /** Someone as known, oneself as one is here and not as the server last heard. */
  person(id: string): Participant | undefined {
    const known = this.people.find(id);
    return known && id === this.selfId ? { ...known, ...this.#flags, connected: true } : known;
  }

  /** Who shares a screen, oneself as here. */
  get presenting(): readonly string[] {
    const others = this.people.presenting.filter((id) => id !== this.selfId);
    return this.screen.active ? [...others, this.selfId] : others;
  }

  /** Whoever speaks, other than oneself. */
  get speaker(): string | null {
    const { speaking } = this.link;
    if (!speaking) return this.speakers.dominant;
    const { participant_id: active, previous_id: previous } = speaking;
    return active !== null && active !== this.selfId ? active : previous;
  }

  get isHost(): boolean {
    return this.people.find(this.selfId)?.role === 'host';
  }

  get #flags(): MediaFlags {
    return {
      audio_enabled: this.audible,
      video_enabled: this.visible,
      screen_sharing: this.screen.active,
    };
  }

  get audible(): boolean {
    return this.local.micOn && this.local.microphone !== null;
  }

  get visible(): boolean {
    return this.local.cameraOn && this.local.camera !== null;
  }

  async toggleMic(): Promise<void> {
    await this.local.setMic(!this.local.wants('microphone'));
    this.#announce();
    this.#reportProblem('microphone');
  }

  async toggleCamera(): Promise<void> {
    await this.local.setCamera(!this.local.wants('camera'));
    this.#announce();
    this.#reportProblem('camera');
  }

  sendChat(message: string): boolean {
    return this.#signaling.send({ type: 'chat', message });
  }

  setView(tiles: ViewTile[]): void {
    this.#view.set(tiles);
  }

  /** Reads the roster on until so many are known, if there are so many. */
  know(count: number): void {
    if (this.people.complete || this.people.ids.length >= count || this.phase !== 'in') return;
    this.#reading ??= this.#readOn(count).finally(() => (this.#reading = null));
  }

  /** For hosts: makes someone large for everybody, or nobody. */
  shine(participantId: string | null): void {
    this.#signaling.send({ type: 'spotlight', participant_id: participantId });
  }

  /** Asks why a slot carries what it carries; the answer comes into `explanations`. */
  explain(mid: string): void {
    this.#signaling.send({ type: 'explain', mid });
  }

  /** For hosts: mutes someone else, or takes someone out of the meeting. */
  async moderate(participantId: string, what: 'mute' | 'remove'): Promise<void> {
    const { token } = this.#seat;
    try {
      if (what === 'mute') await switchOff(this.id, participantId, token, { audio_enabled: false });
      else await removeParticipant(this.id, participantId, token);
    } catch (error) {
      toasts.show(error instanceof ApiError ? error.message : 'That did not work', { kind: 'error' });
    }
  }

  reconnectNow(): void {
    this.#signaling.retryNow();
  }

  leave(): void {
    this.#signaling.send({ type: 'leave' });
    this.#end('left');
  }

  #openSocket(): Signaling {
    const signaling = new Signaling({
      url: this.#seat.signaling_server_url,
      token: this.#seat.token,
      mediaAtJoin: () => ({ audio_enabled: this.audible, video_enabled: this.visible }),
      onMessage: (message) => this.#handle(message),
      onStatus: (status) => {
        this.socket = status;
      },
      onSeatLost: () => void this.#rejoin(),
      onRefused: (failures) => void this.#refusedAtTheDoor(signaling, failures),
      onClosed: (reason) => this.#end(ENDING_OF[reason]),
    });
    // The constructor returns before the first status arrives, so `#signaling` is set by then.
    queueMicrotask(() => signaling.connect());
    return signaling;
  }

  /** A server that was restarted refuses the socket of a seat that it no longer knows. */
  async #refusedAtTheDoor(signaling: Signaling, failures: number): Promise<void> {
    if (this.phase !== 'in' || failures < 2) return;
    const exists = await seatExists(this.id, this.#seat.token).catch(() => true);
    if (exists || this.#over || signaling !== this.#signaling || signaling.status === 'joined') return;
    signaling.close();
    await this.#rejoin();
  }

  /** The seat's time ran out while we were away: reserve another under the same name. */
  async #rejoin(): Promise<void> {
    this.socket = 'connecting';
    for (let failures = 1; !this.#over; failures += 1) {
      try {
        const seat = await joinMeeting(this.id, this.#displayName, hostKey(this.id));
        if (this.#over) return;
        this.#seat = seat;
        this.#signaling = this.#openSocket();
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || !error.temporary) return this.#end('lost');
        await new Promise((resolve) => setTimeout(resolve, backoffDelay(failures)));
      }
    }
  }

  #handle(message: ServerMessage): void {
    switch (message.type) {
      case 'joined':
        return this.#joined(message);
      case 'participant_joined':
        return this.#peopleChanged([message.participant], [], message.participant_count);
      case 'participant_left':
        return this.#peopleChanged([], [message.participant_id], message.participant_count);
      case 'participants_changed':
        return this.#changed(message);
      case 'active_speaker':
        return this.#spoke(message);
      case 'spotlight':
        this.spotlight = message.participant_id;
        return this.#learn([message.participant_id]);
      case 'publish_layers':
        return this.link.limitLayers(message.source, message.max_spatial);
      case 'explanation':
        this.explanations.set(message.mid, message);
        return;
      case 'media_state':
        return this.#mediaChanged(message);
      case 'answer':
        return void this.link.answered(message.offer_id, message.sdp);
      case 'slots':
        this.link.assignments = message.assignments;
        return this.#learn(message.assignments.map(({ participant_id: id }) => id));
      case 'chat_broadcast':
        return this.#chatted(message);
      case 'error':
        return this.#refused(message);
      case 'ended':
        // A server that shuts down comes back; the socket's own backoff finds it.
        if (message.reason !== 'shutdown') this.#end(message.reason);
        return;
      case 'pong':
        return;
    }
  }

  #joined(message: Joined): void {
    const sameSeat = message.participant_id === this.selfId;
    this.selfId = message.participant_id;
    this.title = message.meeting.title;
    this.people.restore(message.participants, message.participant_count);
    this.#nextPage = null;
    this.#asked.clear();
    this.spotlight = message.spotlight;
    this.link.speaking = message.speakers;
    this.chat.restore(message.chat, this.selfId);
    if (this.phase === 'joining') {
      this.phase = 'in';
      this.joinedAt = performance.now();
      this.speakers.start();
      this.quality.start();
    }
    this.#announcer.forget();
    this.#announce();
    this.link.assignments = message.slots;
    if (!(sameSeat && message.resumed && this.link.healthy)) {
      void this.link.connect(this.#seat.ice_servers);
    }
    this.#view.repeat();
    this.#learn([message.spotlight, ...(message.speakers?.speakers ?? [])]);
  }

  #changed({ joined, left, changed, participant_count: count, more }: ParticipantsChanged): void {
    this.#peopleChanged(joined, left.map(({ participant_id: id }) => id), count);
    for (const state of changed) this.#mediaChanged(state);
    if (more) this.#nextPage = null;
  }

  #peopleChanged(joined: readonly Participant[], left: readonly string[], count: number): void {
    const gone = this.people.remove(left);
    const came = this.people.add(joined).filter(({ participant_id: id }) => id !== this.selfId);
    this.people.count = Math.max(count, this.people.ids.length);
    this.speakers.forget(left);
    for (const text of [arrivals(came, count), departures(gone, count)]) if (text) toasts.show(text);
  }

  #spoke({ participant_id, previous_id, speakers }: Speaking): void {
    this.link.speaking = { participant_id, previous_id, speakers };
    const heard = [...new Set([participant_id, ...speakers])].filter((id) => id !== null);
    this.speakers.heard(heard);
    this.#learn([...heard, previous_id]);
  }

  /** Asks for those who are shown and not known. */
  #learn(ids: readonly (string | null)[]): void {
    const unknown = ids.filter((id) => id !== null && !this.people.find(id) && !this.#asked.has(id)) as string[];
    if (unknown.length === 0) return;
    for (const id of unknown) this.#asked.add(id);
    participantsById(this.id, this.#seat.token, unknown.slice(0, 50))
      .then((people) => this.people.add(people))
      .catch(() => undefined)
      .finally(() => unknown.forEach((id) => this.#asked.delete(id)));
  }

  async #readOn(count: number): Promise<void> {
    try {
      while (this.phase === 'in' && this.people.ids.length < count) {
        const page = await participantsPage(this.id, this.#seat.token, this.#nextPage);
        this.people.add(page.participants);
        this.people.count = Math.max(page.participant_count, this.people.ids.length);
        this.#nextPage = page.next;
        if (page.next === null) return;
      }
    } catch {
      // Whoever looks for more asks again.
    }
  }

  #mediaChanged(state: MediaState): void {
    const before = this.people.update(state);
    if (state.participant_id === this.selfId) this.#obeyHost(state);
    else if (before && state.screen_sharing && !before.screen_sharing) {
      toasts.show(`${before.display_name} is presenting`);
    }
  }

  #obeyHost(state: MediaFlags): void {
    for (const flag of this.#announcer.switchedOff(this.#flags, state)) {
      if (flag === 'audio_enabled') void this.local.setMic(false);
      else if (flag === 'video_enabled') void this.local.setCamera(false);
      else this.screen.stop();
      toasts.show(HOST_DID[flag]);
    }
    this.#announce();
  }

  #chatted(message: Extract<ServerMessage, { type: 'chat_broadcast' }>): void {
    this.chat.add(message, message.sender_id === this.selfId);
  }

  #refused({ code, detail, in_reply_to: refused }: ServerError): void {
    if (refused === 'screen_share') {
      this.screen.stop();
      toasts.show(
        code === 'conflict' ? 'Someone else is presenting already' : detail,
        { kind: 'error' },
      );
    } else if (refused === 'offer') {
      this.link.renew();
    } else if (refused === 'chat') {
      toasts.show(code === 'rate_limited' ? 'You are sending messages too fast' : detail, { kind: 'error' });
    }
  }

  #announce(): void {
    this.#announcer.say(this.#flags);
  }

  #reportProblem(kind: 'camera' | 'microphone'): void {
    const problem = this.local.problems[kind];
    if (problem) toasts.show(`${problem.title}. ${problem.hint}`, { kind: 'error' });
  }

  #end(ending: Ending): void {
    if (this.phase === 'ended') return;
    this.phase = 'ended';
    this.ending = ending;
    this.screen.stop();
    this.speakers.stop();
    this.quality.stop();
    this.#view.close();
    this.link.close();
    this.#signaling.close();
    this.local.close();
    window.removeEventListener('online', this.#online);
    window.removeEventListener('pagehide', this.#pageHidden);
  }

  #online = (): void => {
    this.#signaling.retryNow();
    if (this.link.status === 'interrupted') this.link.renew();
  };

  #pageHidden = (): void => {
    leaveOnUnload(this.id, this.#seat.participant_id, this.#seat.token);
  };
}
