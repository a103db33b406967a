/**
 * One person's part in one meeting: the roster, the seat and everything the page can do. It
 * ties the socket, the media and the devices together and is the only writer of its state.
 */

import { ApiError, joinMeeting, leaveOnUnload, removeParticipant, switchOff, type Seat } from './api';
import { backoffDelay } from './backoff';
import { ChatLog } from './chat.svelte';
import type { LocalMedia } from './local-media.svelte';
import { MediaLink } from './media-link.svelte';
import { hostKey } from './preferences.svelte';
import type { EndReason, Joined, Participant, ServerError, ServerMessage, ViewTile } from './protocol';
import { ScreenShare } from './screen-share.svelte';
import { Signaling, type SignalingStatus } from './signaling';
import { Speakers } from './speakers.svelte';
import { toasts } from './toasts.svelte';
import { ViewReport } from './view-report';

export type Phase = 'joining' | 'in' | 'ended';
/** Why the meeting ended here; `lost` is a seat that could not be taken again. */
export type Ending = EndReason | 'lost';

const ENDING_OF = { replaced: 'replaced', over: 'meeting_ended', refused: 'lost' } as const;
/** An answer to what was just said here is no wish of the host. */
const ECHO_MS = 1500;

export class Meeting {
  phase: Phase = $state('joining');
  ending: Ending | null = $state(null);
  title = $state('');
  selfId = $state('');
  participants: Participant[] = $state([]);
  socket: SignalingStatus = $state('connecting');
  joinedAt = 0;

  readonly id: string;
  readonly local: LocalMedia;
  readonly chat = new ChatLog();
  readonly link: MediaLink;
  readonly screen: ScreenShare;
  readonly speakers: Speakers;

  readonly #displayName: string;
  readonly #view: ViewReport;
  #said: { audible?: boolean; visible?: boolean } = {};
  #saidAt = 0;
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
    this.link = new MediaLink((message) => this.#signaling.send(message));
    this.#view = new ViewReport((tiles) => this.#signaling.send({ type: 'view', tiles }));
    this.screen = new ScreenShare(this.link, (active) =>
      this.#signaling.send({ type: 'screen_share', active }),
    );
    this.speakers = new Speakers({
      session: () => this.link.session,
      assignments: () => this.link.assignments,
      monitor: local.monitor,
      selfId: () => this.selfId,
      muted: () => !this.audible,
    });
    local.onTrack = (kind, track) => {
      this.link.setTrack(kind, track);
      this.#announceMedia();
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
  get roster(): Participant[] {
    return this.participants.map((one) =>
      one.participant_id === this.selfId
        ? {
            ...one,
            audio_enabled: this.audible,
            video_enabled: this.visible,
            screen_sharing: this.screen.active,
            connected: true,
          }
        : one,
    );
  }

  get audible(): boolean {
    return this.local.micOn && this.local.microphone !== null;
  }

  get visible(): boolean {
    return this.local.cameraOn && this.local.camera !== null;
  }

  async toggleMic(): Promise<void> {
    await this.local.setMic(!this.local.wants('microphone'));
    this.#announceMedia();
    this.#reportProblem('microphone');
  }

  async toggleCamera(): Promise<void> {
    await this.local.setCamera(!this.local.wants('camera'));
    this.#announceMedia();
    this.#reportProblem('camera');
  }

  sendChat(message: string): boolean {
    return this.#signaling.send({ type: 'chat', message });
  }

  setView(tiles: ViewTile[]): void {
    this.#view.set(tiles);
  }

  get isHost(): boolean {
    return this.participants.some(({ participant_id: id, role }) => id === this.selfId && role === 'host');
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

  nameOf(participantId: string): string {
    return (
      this.participants.find(({ participant_id: id }) => id === participantId)?.display_name ?? 'Someone'
    );
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
      onClosed: (reason) => this.#end(ENDING_OF[reason]),
    });
    // The constructor returns before the first status arrives, so `#signaling` is set by then.
    queueMicrotask(() => signaling.connect());
    return signaling;
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
    this.participants = message.participants;
    this.chat.restore(message.chat, this.selfId);
    if (this.phase === 'joining') {
      this.phase = 'in';
      this.joinedAt = performance.now();
      this.speakers.start();
    }
    this.#said = {};
    this.#announceMedia();
    this.screen.announce();
    this.link.assignments = message.slots;
    if (!(sameSeat && message.resumed && this.link.healthy)) {
      void this.link.connect(this.#seat.ice_servers);
    }
    this.#view.repeat();
  }

  #arrived(participant: Participant): void {
    const known = this.participants.some(({ participant_id: id }) => id === participant.participant_id);
    this.participants = [
      ...this.participants.filter(({ participant_id: id }) => id !== participant.participant_id),
      participant,
    ];
    if (!known && participant.participant_id !== this.selfId) {
      toasts.show(`${participant.display_name} joined`);
    }
  }

  #departed(participantId: string): void {
    const gone = this.participants.find(({ participant_id: id }) => id === participantId);
    this.participants = this.participants.filter(({ participant_id: id }) => id !== participantId);
    if (gone && participantId !== this.selfId) toasts.show(`${gone.display_name} left`);
  }

  #mediaChanged(state: Omit<Participant, 'display_name' | 'role' | 'joined_at'>): void {
    const index = this.participants.findIndex(({ participant_id: id }) => id === state.participant_id);
    const before = this.participants[index];
    if (!before) return;
    const { audio_enabled, video_enabled, screen_sharing, connected } = state;
    this.participants[index] = { ...before, audio_enabled, video_enabled, screen_sharing, connected };
    if (state.participant_id === this.selfId) this.#obeyHost(state);
    if (screen_sharing && !before.screen_sharing && before.participant_id !== this.selfId) {
      toasts.show(`${before.display_name} is presenting`);
    }
  }

  /** A host may switch others off; the server no longer forwards what it switched off. */
  #obeyHost(state: { audio_enabled: boolean; video_enabled: boolean; screen_sharing: boolean }): void {
    if (performance.now() - this.#saidAt < ECHO_MS) return;
    if (!state.audio_enabled && this.audible) {
      void this.toggleMic();
      toasts.show('The host muted you');
    }
    if (!state.video_enabled && this.visible) {
      void this.toggleCamera();
      toasts.show('The host turned your camera off');
    }
    if (!state.screen_sharing && this.screen.active && !this.screen.announcing) {
      this.screen.stop();
      toasts.show('The host ended your presentation');
    }
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

  /** Says what is on, if it differs from what was said before. */
  #announceMedia(): void {
    const { audible, visible } = this;
    if (this.#said.audible !== audible || this.#said.visible !== visible) this.#saidAt = performance.now();
    if (this.#said.audible !== audible && this.#signaling.send({ type: 'mute', muted: !audible })) {
      this.#said.audible = audible;
    }
    const toggle = { type: 'video_toggle', enabled: visible } as const;
    if (this.#said.visible !== visible && this.#signaling.send(toggle)) this.#said.visible = visible;
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
