/** Options of the calls. What is left out has the default that is told. */

import type { DataProducer } from './data_producer.js';
import type { Producer } from './producer.js';
import type { Router } from './router.js';
import type {
  Id,
  Layers,
  MediaKind,
  RtpCapabilities,
  RtpCodecCapability,
  RtpParameters,
  SctpStreamParameters,
  SrtpParameters,
  SrtpProfile,
} from './parameters.js';

/** Options of {@link Sfu.create}. */
export interface SfuOptions {
  /**
   * Addresses to listen on, by UDP and TCP, such as `'0.0.0.0:40000'`. Shard n listens on the port plus n; port 0
   * is any free port.
   */
  listen: string[];
  /** Addresses that peers are told to reach us at; by default those listened on. */
  announce?: string[];
  /** Whether the ports also take ICE-TCP. On by default. */
  tcp?: boolean;
  /** Number of shards, each a thread with its own ports, 1 to 256. 1 by default. */
  shards?: number;
  /** Pins each shard's thread to a core. Off by default. */
  pinThreads?: boolean;
  /** DTLS version that is served. `'1.2'` by default. */
  dtlsVersion?: '1.2' | '1.3' | 'auto';
  /** The certificate that peers are shown, as PEM. By default one is made at each start. */
  certificate?: string;
  /** Its private key, as PEM: an EC key on P-256 that is not encrypted. Only together with `certificate`. */
  privateKey?: string;
  /** SRTP profiles, the preferred one first. */
  srtpProfiles?: SrtpProfile[];
  /** A peer that is silent for so many milliseconds counts as disconnected. Only together with `failedAfterMs`. */
  disconnectedAfterMs?: number;
  /** A peer that is silent for so many milliseconds has its transport closed. */
  failedAfterMs?: number;
  /** Transports of a router at most. */
  maxTransports?: number;
  /** Producers of a transport at most. */
  maxProducers?: number;
  /** Consumers of a transport at most. */
  maxConsumers?: number;
  /** Memory for packets that may be asked for again, in bytes, of each shard. */
  packetMemory?: number;
  /** Events that wait for this process at most; what is beyond is counted by a `lagged` event. 16,384 by default. */
  eventCapacity?: number;
}

/** Options of {@link Sfu.listen} and {@link Sfu.unlisten}. */
export interface ListenOptions {
  /** `address:port`; port 0 is any free port. */
  address: string;
  protocol: 'udp' | 'tcp';
  /** 0 by default. */
  shard?: number;
}

/** How many speakers are forwarded to the consumers that follow them. */
export interface SpeakerOptions {
  /** 0 to 16; 3 by default. */
  places?: number;
  /** For how long a speaker keeps the place at least, in milliseconds; 800 by default. */
  holdMs?: number;
}

/** Options of {@link Sfu.createRouter}. */
export interface RouterOptions {
  /** Codecs that the router routes, the preferred one first. Opus, VP8 and H.264 by default. */
  codecs?: RtpCodecCapability[];
  /** The shard that runs it, from 0; by default the least busy one. */
  shard?: number;
  speakers?: SpeakerOptions;
}

/** Options of {@link Sfu.restoreRouter}. */
export interface RestoreOptions {
  /** The codecs that the router was made with. */
  codecs?: RtpCodecCapability[];
  shard?: number;
}

/** Options of {@link Router.createWebRtcTransport}. */
export interface WebRtcTransportOptions {
  /** Tell the peer our UDP candidates. On by default. */
  udp?: boolean;
  /** Tell the peer our TCP candidates. On by default. */
  tcp?: boolean;
  /** Data channels. Off by default. */
  dataChannels?: boolean;
  /** Longest message that is received, in bytes. 262,144 by default. */
  maxMessageSize?: number;
}

/** Options of {@link WebRtcTransport.enableData}. */
export interface EnableDataOptions {
  /** Longest message that is received, in bytes. 262,144 by default. */
  maxMessageSize?: number;
  /** SCTP port of the peer. 5000 by default. */
  remotePort?: number;
  /** Longest message that the peer receives, in bytes. */
  remoteMaxMessageSize?: number;
}

/** Options of {@link Router.createPlainTransport}. */
export interface PlainTransportOptions {
  /** `address:port` to listen on; port 0 is any free port. */
  listen: string;
  /** RTP and RTCP share the port. On by default. */
  rtcpMux?: boolean;
  /** The peer's address is learnt from its first valid packet. Off by default. */
  comedia?: boolean;
  /** SRTP with this profile; plain RTP by default. */
  srtpProfile?: SrtpProfile;
  /** SCTP beside RTP, in the clear, for messages on streams that both sides know by signalling. Off by default. */
  dataChannels?: boolean;
  /** Longest message that is received, in bytes. 262,144 by default. */
  maxMessageSize?: number;
}

/** Options of {@link Router.createPipeTransport}. */
export interface PipeTransportOptions {
  /** `address:port` to listen on; port 0 is any free port. */
  listen: string;
  /** SRTP with this profile; plain RTP by default, for networks that nobody else reads. */
  srtpProfile?: SrtpProfile;
  /** Lost packets are asked for, and sent again. On by default. */
  rtx?: boolean;
  /** The peer states what it wants, and is sent nothing until it does. On by default; off for another SFU. */
  demand?: boolean;
}

/** Where the other end of a plain or pipe transport is. */
export interface ConnectOptions {
  /** `address:port` that RTP is sent to. */
  address?: string;
  /** `address:port` that RTCP is sent to, if it is not multiplexed. */
  rtcpAddress?: string;
  /** The key that the other end protects with. */
  srtpParameters?: SrtpParameters;
}

/** Options of `produce`. */
export interface ProduceOptions {
  kind: MediaKind;
  /** What the publisher sends. */
  rtpParameters: RtpParameters;
  /** Whether it starts paused. */
  paused?: boolean;
  /** Of a video producer: the audio producer of the same person, for slots that follow speakers. */
  speaker?: Producer | Id;
}

/** Options of `consume`. */
export interface ConsumeOptions {
  /** What to follow. */
  producer: Producer | Id;
  /** What the receiver takes, in the router's numbers (mediasoup-client's `rtpCapabilities`). */
  rtpCapabilities: RtpCapabilities;
  /** Whether it starts paused. */
  paused?: boolean;
  /** Layers wanted at most; the best by default. */
  preferredLayers?: Layers;
  /** The MID that its packets carry, where the receiver takes that header extension. */
  mid?: string;
}

/** Options of `consumePipe`. */
export interface ConsumePipeOptions {
  /** What to follow. */
  producer: Producer | Id;
  /** What the receiver takes, in the router's numbers. */
  rtpCapabilities: RtpCapabilities;
  /** Whether it starts paused. */
  paused?: boolean;
}

/** Options of `consumeSlot`. */
export interface SlotOptions {
  kind: MediaKind;
  /** What the receiver takes. */
  rtpCapabilities: RtpCapabilities;
  /** The MID that its packets carry. */
  mid?: string;
  /** Stream id and track id of the slot, with a space between them. */
  msid?: string;
}

/** Options of {@link PipeTransport.consume}. */
export interface PipeConsumeOptions {
  /** What to send through the pipe. */
  producer: Producer | Id;
}

/** Options of `produceData`. */
export interface DataProduceOptions {
  /** Name of the channel, at most 1,024 bytes. */
  label?: string;
  /** Subprotocol, at most 1,024 bytes. */
  protocol?: string;
  /** The peer's channel, which is known to both sides by signalling; none on a direct transport. */
  sctpStreamParameters?: SctpStreamParameters;
  /** Whether it starts paused. */
  paused?: boolean;
}

/** Options of `consumeData`. */
export interface DataConsumeOptions {
  /** What to follow. */
  dataProducer: DataProducer | Id;
  /** Whether messages are delivered in order; as with the data producer by default. */
  ordered?: boolean;
  /** For so many milliseconds delivery is tried. Not together with `maxRetransmits`. */
  maxPacketLifeTime?: number;
  /** So often delivery is tried again. */
  maxRetransmits?: number;
  /**
   * The channel is told to the peer by signalling, as mediasoup-client expects it, and as it has to be on a plain transport;
   * otherwise in the channel itself.
   */
  negotiated?: boolean;
  /** Answers over the channel of a data producer of the same transport: its stream identifier. */
  answerOn?: number;
  /** Whether it starts paused. */
  paused?: boolean;
}

/** What an observer listens to: the producers that were added, or all of the router. */
export type ObserverScope = 'added' | 'router';

/** Options of {@link Router.createActiveSpeakerObserver}. */
export interface ActiveSpeakerObserverOptions {
  /** In milliseconds; 300 by default. */
  intervalMs?: number;
  scope?: ObserverScope;
}

/** Options of {@link Router.createAudioLevelObserver}. */
export interface AudioLevelObserverOptions {
  /** Most producers that are told at once. */
  maxEntries?: number;
  /** In dBov, −127 to 0; who is less loud is not told. */
  threshold?: number;
  /** In milliseconds. */
  intervalMs?: number;
  scope?: ObserverScope;
}

/** Options of {@link Router.acceptOffer}. */
export interface SdpOptions {
  /** Producers start paused. Off by default. */
  paused?: boolean;
  /** Data channels are accepted, if they are offered. On by default. */
  data?: boolean;
}

/** Which of the speakers a slot follows. */
export interface SpeakerSlot {
  /** 0 is the dominant speaker. */
  rank: number;
  /** Whose voice is never given: the receiver's own. */
  except?: Producer | Id;
}

/** How a receiver shows a video. Width and height 0: not at all. */
export interface Demand {
  /** In pixels of the screen. */
  width: number;
  /** In pixels of the screen. */
  height: number;
  /** 1 by default; higher is worth more to the viewer. */
  priority?: number;
  /** The viewer has pinned it: others give way. */
  pinned?: boolean;
  /** It is a screen, of which sharpness is worth more than motion. */
  screen?: boolean;
}

/** Options of {@link Router.pipeDataToRouter}. */
export interface PipeDataToRouterOptions {
  dataProducer: DataProducer | Id;
  /** Another router of the same `Sfu`. */
  router: Router | Id;
}

/** Options of {@link Router.pipeToRouter}. */
export interface PipeToRouterOptions {
  producer: Producer | Id;
  /** Another router of the same `Sfu`. */
  router: Router | Id;
}
