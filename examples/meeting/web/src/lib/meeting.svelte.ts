/**
 * One person's part in one meeting: the roster, the seat and everything the page can do. It
 * ties the socket, the media and the devices together and is the only writer of its state.
 */

import { Announcer, type MediaFlags } from './announcer';
import { ApiError, joinMeeting, leaveOnUnload, removeParticipant, seatExists, switchOff, type Seat } from './api';
import { backoffDelay } from './backoff';
import { ChatLog } from './chat.svelte';
import type { LocalMedia } from './local-media.svelte';
import { MediaLink } from './media-link.svelte';
import { hostKey } from './preferences.svelte';
import type {
  EndReason,
  Joined,
  MediaStateChange,
  Participant,
  ServerError,
  ServerMessage,
  ViewTile,
} from './protocol';
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
  joinedAt = 0;

  readonly id: string;
  readonly local: LocalMedia;
  readonly people = new Roster();
  readonly chat = new ChatLog();
  readonly link: MediaLink;
  readonly screen: ScreenShare;
  readonly speakers: Speakers;

  readonly #displayName: string;
  readonly #view: ViewReport;
  readonly #announcer: Announcer;
  #seat: Seat;
  #signaling: Signaling;

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
    );
    this.#view = new ViewReport((tiles) => this.#signaling.send({ type: 'view', tiles }));
    this.#announcer = new Announcer((message) => this.#signaling.send(message));
    this.screen = new ScreenShare(this.link, () => this.#announce());
    this.speakers = new Speakers({
      session: () => this.link.session,
      assignments: () => this.link.assignments,
      monitor: local.monitor,
      selfId: () => this.selfId,
      muted: () => !this.audible,
    });
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

  /** The roster, with oneself as one is here and not as the server last heard. */
  get participants(): Participant[] {
    return this.people.people.map((one) =>
      one.participant_id === this.selfId ? { ...one, ...this.#flags, connected: true } : one,
    );
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
        return this.#arrived(message.participant);
      case 'participant_left':
        return this.#departed(message.participant_id);
      case 'media_state':
        return this.#mediaChanged(message);
      case 'answer':
        return void this.link.answered(message.offer_id, message.sdp);
      case 'slots':
        this.link.assignments = message.assignments;
        return;
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
    this.people.people = message.participants;
    this.chat.restore(message.chat, this.selfId);
    if (this.phase === 'joining') {
      this.phase = 'in';
      this.joinedAt = performance.now();
      this.speakers.start();
    }
    this.#announcer.forget();
    this.#announce();
    this.link.assignments = message.slots;
    if (!(sameSeat && message.resumed && this.link.healthy)) {
      void this.link.connect(this.#seat.ice_servers);
    }
    this.#view.repeat();
  }

  #arrived(participant: Participant): void {
    const isNew = this.people.add(participant);
    if (isNew && participant.participant_id !== this.selfId) {
      toasts.show(`${participant.display_name} joined`);
    }
  }

  #departed(participantId: string): void {
    const gone = this.people.remove(participantId);
    if (gone && participantId !== this.selfId) toasts.show(`${gone.display_name} left`);
  }

  #mediaChanged(state: MediaStateChange): void {
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
