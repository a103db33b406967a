/**
 * Keeps a media session alive for as long as the meeting lasts: makes the offer, replaces a
 * connection that failed, remembers which tracks to send, and says who is on which slot.
 */

import { AudioOutput } from './audio-output.svelte';
import { backoffDelay } from './backoff';
import { MediaSession, type MediaStatus } from './media';
import type { Assignment, ClientMessage, Source, Speaking } from './protocol';

const ANSWER_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 15_000;
/** ICE often recovers by itself; after this long a new connection is quicker. */
const INTERRUPTED_MS = 4_000;
const LAYER_ATTEMPTS = 5;
const LAYER_RETRY_MS = 200;

export class MediaLink {
  status: MediaStatus = $state('new');
  assignments: Assignment[] = $state.raw([]);
  /** Who speaks, as the server hears it; `null` where it does not tell. */
  speaking: Speaking | null = $state.raw(null);
  session: MediaSession | null = $state.raw(null);
  readonly output = new AudioOutput();

  readonly #send: (message: ClientMessage) => boolean;
  readonly #tracks = new Map<Source, MediaStreamTrack>();
  /** The best layer of each source that anybody is sent; what is not in here is sent whole. */
  readonly #layers = new Map<Source, number | null>();
  /** Between an offer and its answer: what the server says of layers is about the session before. */
  #negotiating = false;
  /** `setParameters` must not overtake itself. */
  #layering: Promise<void> = Promise.resolve();
  #iceServers: RTCIceServer[] = [];
  #offerId = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly #canOffer: () => boolean;

  readonly #selfId: () => string;

  constructor(send: (message: ClientMessage) => boolean, canOffer: () => boolean, selfId: () => string) {
    this.#send = send;
    this.#canOffer = canOffer;
    this.#selfId = selfId;
  }

  /** Starts over with a new peer connection. */
  async connect(iceServers: RTCIceServer[] = this.#iceServers): Promise<void> {
    this.#iceServers = iceServers;
    clearTimeout(this.#timer);
    this.session?.close();
    this.status = 'connecting';
    const session: MediaSession = new MediaSession(iceServers, (status) => {
      if (this.session === session) this.#changed(status);
    });
    this.session = session;
    this.#layers.clear();
    this.#negotiating = true;
    this.output.play(session.audioTracks());
    for (const [source, track] of this.#tracks) await this.#apply(session, source, track);
    const offer = await session.offer();
    if (this.session !== session) return;
    this.#offerId += 1;
    if (this.#send({ type: 'offer', offer_id: this.#offerId, ...offer })) {
      this.#timer = setTimeout(() => this.#retry(), ANSWER_TIMEOUT_MS);
    }
  }

  async answered(offerId: number, sdp: string): Promise<void> {
    if (offerId !== this.#offerId || !this.session) return;
    this.#negotiating = false;
    clearTimeout(this.#timer);
    try {
      await this.session.accept(sdp);
      if (this.status !== 'connected') this.#timer = setTimeout(() => this.#retry(), CONNECT_TIMEOUT_MS);
    } catch {
      this.#retry();
    }
  }

  /** The server refused the offer, or the seat was taken up again without its media. */
  renew(): void {
    this.#retry();
  }

  /** True if there is nothing to do for media after the socket came back. */
  get healthy(): boolean {
    return this.status === 'connected' || this.status === 'interrupted';
  }

  setTrack(source: Source, track: MediaStreamTrack | null): void {
    if (track) this.#tracks.set(source, track);
    else this.#tracks.delete(source);
    if (this.session) void this.#apply(this.session, source, track);
  }

  /** Nobody is sent more of a source than this: more need not be encoded. */
  limitLayers(source: Source, max: number | null): void {
    if (this.#negotiating) return;
    this.#layers.set(source, max);
    this.#layering = this.#layering.then(() => this.#applyLayers(source));
  }

  /** Whom an assignment's slot carries now. */
  carried({ participant_id: id, source, speaker }: Assignment): string | null {
    if (speaker === undefined || !this.speaking) return id;
    if (source !== 'camera') return this.speaking.speakers[speaker] ?? null;
    const { participant_id: active, previous_id: previous } = this.speaking;
    return active !== null && active !== this.#selfId() ? active : previous;
  }

  /** The slot that carries this source now, a slot of its own before one that follows speakers. */
  slotOf(participantId: string, source: Source): Assignment | null {
    const carries = (slot: Assignment) => slot.source === source && this.carried(slot) === participantId;
    const slots = this.assignments.filter(carries);
    return slots.find(({ speaker }) => speaker === undefined) ?? slots[0] ?? null;
  }

  /** The slot whose picture is that of whoever speaks. */
  get speakerSlot(): Assignment | null {
    return this.assignments.find(({ source, speaker }) => source === 'camera' && speaker === 0) ?? null;
  }

  /** What arrives on a slot. */
  track(slot: Assignment | null): MediaStreamTrack | null {
    return slot ? (this.session?.receiver(slot.mid)?.track ?? null) : null;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.output.stop();
    this.session?.close();
    this.session = null;
    this.assignments = [];
    this.status = 'closed';
  }

  #changed(status: MediaStatus): void {
    this.status = status;
    if (status === 'connected') {
      this.#failures = 0;
      clearTimeout(this.#timer);
      void this.output.resume();
    } else if (status === 'interrupted') {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#retry(), INTERRUPTED_MS);
    } else if (status === 'failed') {
      this.#retry();
    }
  }

  #retry(): void {
    clearTimeout(this.#timer);
    if (this.status === 'closed') return;
    this.status = 'failed';
    this.#failures += 1;
    this.#timer = setTimeout(() => {
      // Without signalling a new connection cannot be made, and the old one may still recover.
      if (this.#canOffer()) void this.connect();
      else this.#retry();
    }, backoffDelay(this.#failures));
  }

  /** A browser may be busy with the same sender: then once more, so that nobody waits for nothing. */
  async #applyLayers(source: Source): Promise<void> {
    const { session } = this;
    for (let attempt = 1; attempt <= LAYER_ATTEMPTS; attempt += 1) {
      const latest = this.#layers.get(source);
      if (latest === undefined || session !== this.session) return;
      try {
        return await session?.setLayers(source, latest);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, LAYER_RETRY_MS));
      }
    }
  }

  async #apply(session: MediaSession, source: Source, track: MediaStreamTrack | null): Promise<void> {
    if (track && source === 'screen') track.contentHint = 'detail';
    try {
      await session.setTrack(source, track);
    } catch {
      // The session closed meanwhile; the next one sends the track from the start.
    }
  }
}
