/**
 * The peer connection. It is negotiated once: four sections to send on (the screen's two idle
 * until used) and the slots to receive on. Whoever joins, speaks or shares afterwards arrives
 * on a slot; whatever is switched here is `replaceTrack`. It never talks to the server itself.
 */

import type { SlotOffer, Source, TrackOffer } from './protocol';

export type MediaStatus = 'new' | 'connecting' | 'connected' | 'interrupted' | 'failed' | 'closed';

export interface Offer {
  sdp: string;
  tracks: TrackOffer[];
  slots: SlotOffer[];
}

/** Voices at a time. With more people the slots follow the speakers. */
export const VOICE_SLOTS = 8;
/** Faces at a time. */
export const FACE_SLOTS = 16;

/** From small to large, as the server expects its layers. */
const CAMERA_ENCODINGS: RTCRtpEncodingParameters[] = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
];
const SCREEN_ENCODINGS: RTCRtpEncodingParameters[] = [{ maxBitrate: 2_500_000, maxFramerate: 30 }];

interface Slot {
  transceiver: RTCRtpTransceiver;
  kind: SlotOffer['kind'];
  role: SlotOffer['role'];
}

export class MediaSession {
  readonly pc: RTCPeerConnection;
  readonly #senders: Record<Source, RTCRtpTransceiver>;
  readonly #slots: Slot[] = [];

  constructor(iceServers: RTCIceServer[], onStatus: (status: MediaStatus) => void) {
    this.pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.pc.addEventListener('connectionstatechange', () => onStatus(statusOf(this.pc)));
    // One stream for what belongs together, so that receivers keep lips and voice in step.
    const self = new MediaStream();
    const screen = new MediaStream();
    this.#senders = {
      microphone: this.#addSender('audio', self),
      camera: this.#addSender('video', self, CAMERA_ENCODINGS),
      screen: this.#addSender('video', screen, SCREEN_ENCODINGS),
      screen_audio: this.#addSender('audio', screen),
    };
    for (let index = 0; index < FACE_SLOTS; index += 1) {
      if (index < VOICE_SLOTS) this.#addSlot('audio', 'participant');
      this.#addSlot('video', 'participant');
    }
    this.#addSlot('audio', 'screen');
    this.#addSlot('video', 'screen');
  }

  /** The one offer. It does not wait for candidates: the server learns them from our checks. */
  async offer(): Promise<Offer> {
    await this.pc.setLocalDescription(await this.pc.createOffer());
    const sdp = this.pc.localDescription?.sdp ?? '';
    const tracks = Object.entries(this.#senders).map(([source, { mid }]) => ({
      mid: mid ?? '',
      source: source as Source,
    }));
    const slots = this.#slots.map(({ transceiver, kind, role }) => ({
      mid: transceiver.mid ?? '',
      kind,
      role,
    }));
    return { sdp, tracks, slots };
  }

  async accept(sdp: string): Promise<void> {
    await this.pc.setRemoteDescription({ type: 'answer', sdp });
  }

  async setTrack(source: Source, track: MediaStreamTrack | null): Promise<void> {
    if (this.pc.connectionState === 'closed') return;
    await this.#senders[source].sender.replaceTrack(track);
  }

  /**
   * Encodes only the layers of a source up to `max`, or none at `null`. What is sent goes on
   * without a pause; a layer that comes back begins with a key frame.
   */
  async setLayers(source: Source, max: number | null): Promise<void> {
    const { sender } = this.#senders[source];
    const parameters = sender.getParameters();
    // A source of one layer is wanted whenever anything is.
    const best = max === null ? -1 : max;
    const single = parameters.encodings.length === 1;
    let changed = false;
    parameters.encodings.forEach((encoding, index) => {
      const active = single ? best >= 0 : index <= best;
      changed ||= (encoding.active ?? true) !== active;
      encoding.active = active;
    });
    if (changed) await sender.setParameters(parameters);
  }

  /** What arrives on the section `mid`. */
  receiver(mid: string): RTCRtpReceiver | null {
    return this.#slots.find(({ transceiver }) => transceiver.mid === mid)?.transceiver.receiver ?? null;
  }

  /** The tracks of all audio slots; they live as long as the session. */
  audioTracks(): MediaStreamTrack[] {
    return this.#slots
      .filter(({ kind }) => kind === 'audio')
      .map(({ transceiver }) => transceiver.receiver.track);
  }

  close(): void {
    this.pc.close();
  }

  #addSender(
    kind: 'audio' | 'video',
    stream: MediaStream,
    sendEncodings?: RTCRtpEncodingParameters[],
  ): RTCRtpTransceiver {
    const transceiver = this.pc.addTransceiver(kind, {
      direction: 'sendonly',
      streams: [stream],
      ...(sendEncodings ? { sendEncodings } : {}),
    });
    if (kind === 'video') preferVp8(transceiver);
    return transceiver;
  }

  #addSlot(kind: Slot['kind'], role: Slot['role']): void {
    const transceiver = this.pc.addTransceiver(kind, { direction: 'recvonly' });
    this.#slots.push({ transceiver, kind, role });
  }
}

/** VP8 first, the others kept: simulcast of it works in every browser. */
function preferVp8(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs;
  if (!codecs || !('setCodecPreferences' in transceiver)) return;
  const isVp8 = (codec: RTCRtpCodec) => codec.mimeType.toLowerCase() === 'video/vp8';
  try {
    transceiver.setCodecPreferences([
      ...codecs.filter(isVp8),
      ...codecs.filter((codec) => !isVp8(codec)),
    ]);
  } catch {
    // A browser that refuses the list keeps its own order, which is as valid.
  }
}

function statusOf(pc: RTCPeerConnection): MediaStatus {
  return pc.connectionState === 'disconnected' ? 'interrupted' : pc.connectionState;
}
