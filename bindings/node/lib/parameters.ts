/**
 * What two endpoints tell each other: RTP, ICE, DTLS and SCTP parameters.
 *
 * The form is that of mediasoup v3 and mediasoup-client.
 */

/** Identity of a router, transport, producer…: 16 hexadecimal digits, unique in its `Sfu`, never used again. */
export type Id = string;

/** Audio or video. */
export type MediaKind = 'audio' | 'video';

/** What an endpoint, or a router, is able to receive. */
export interface RtpCapabilities {
  /** Media and RTX codecs, in order of preference. */
  codecs?: RtpCodecCapability[];
  /** RTP header extensions. */
  headerExtensions?: RtpHeaderExtension[];
}

/** One codec that can be received. */
export interface RtpCodecCapability {
  kind: MediaKind;
  /** `audio/opus`, `video/VP8`, `video/rtx`…; compared without regard to case. */
  mimeType: string;
  /** The payload type that the endpoint would like for it, 0 to 127. */
  preferredPayloadType?: number;
  /** In Hz. */
  clockRate: number;
  /** Channels, for audio; absent means 1. */
  channels?: number;
  /** Format-specific parameters (`a=fmtp`). */
  parameters?: CodecParameters;
  /** RTCP feedback messages that can be sent for it. */
  rtcpFeedback?: RtcpFeedback[];
}

/** Format-specific parameters (`a=fmtp`), by name. */
export type CodecParameters = Record<string, string | number | boolean>;

/** One kind of RTCP feedback (RFC 4585 §4.2). */
export interface RtcpFeedback {
  /** `nack`, `ccm`, `transport-cc`… */
  type: string;
  /** `pli`, `fir`…; absent where there is none. */
  parameter?: string;
}

/** One RTP header extension (RFC 8285) that can be used. */
export interface RtpHeaderExtension {
  kind: MediaKind;
  uri: string;
  /** The id that the endpoint would like for it, 1 to 255. */
  preferredId: number;
  preferredEncrypt?: boolean;
  /** Seen from its owner; `sendrecv` by default. */
  direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
}

/** The RTP of one producer or consumer. */
export interface RtpParameters {
  /** Media identification (RFC 9143). */
  mid?: string;
  /** Media and RTX codecs, the preferred one first. */
  codecs: RtpCodecParameters[];
  headerExtensions?: RtpHeaderExtensionParameters[];
  /** The streams: one for each simulcast layer, the smallest first. */
  encodings?: RtpEncodingParameters[];
  rtcp?: RtcpParameters;
  /** `a=msid` (RFC 8830): stream id and track id, with a space between them. */
  msid?: string;
}

/** One codec in use. */
export interface RtpCodecParameters {
  mimeType: string;
  /** 0 to 127. */
  payloadType: number;
  /** In Hz. */
  clockRate: number;
  channels?: number;
  parameters?: CodecParameters;
  rtcpFeedback?: RtcpFeedback[];
}

/** One header extension in use. */
export interface RtpHeaderExtensionParameters {
  uri: string;
  /** The id in the packets, 1 to 255. */
  id: number;
  encrypt?: boolean;
}

/** One stream, or one simulcast layer of it. */
export interface RtpEncodingParameters {
  ssrc?: number;
  /** Restriction identifier (RFC 8851). */
  rid?: string;
  /** The media codec of this encoding; absent means any of the parameters' codecs. */
  codecPayloadType?: number;
  /** The retransmission stream. */
  rtx?: { ssrc: number };
  /** Whether discontinuous transmission is used. */
  dtx?: boolean;
  /** Layers inside the stream, such as `L1T3`. */
  scalabilityMode?: string;
  /** In bit/s. */
  maxBitrate?: number;
}

/** RTCP settings of a producer or consumer. */
export interface RtcpParameters {
  cname?: string;
  reducedSize?: boolean;
}

/** ICE credentials of one side (RFC 8839 §5.4). */
export interface IceParameters {
  usernameFragment: string;
  password: string;
  iceLite?: boolean;
}

/** An address to reach a transport at (RFC 8839 §5.1). */
export interface IceCandidate {
  foundation: string;
  component?: number;
  protocol: 'udp' | 'tcp';
  priority: number;
  address: string;
  port: number;
  type: 'host' | 'srflx' | 'prflx' | 'relay';
  tcpType?: 'active' | 'passive' | 'so';
}

/** DTLS role and certificate fingerprints of one side. */
export interface DtlsParameters {
  /** Role of the side that these parameters describe; `auto` by default. */
  role?: 'auto' | 'client' | 'server';
  /** Digests of its certificate; one that matches is enough. */
  fingerprints: DtlsFingerprint[];
}

/** A digest of a certificate. */
export interface DtlsFingerprint {
  algorithm: 'sha-256' | 'sha-384' | 'sha-512';
  /** Pairs of hexadecimal digits with colons between them. */
  value: string;
}

/** SCTP of one side. */
export interface SctpParameters {
  port: number;
  /** Streams that it sends on at first. */
  OS: number;
  /** Streams that it receives on at most. */
  MIS: number;
  /** Longest message that it receives, in bytes. */
  maxMessageSize: number;
}

/** The channel of a data producer or a data consumer. */
export interface SctpStreamParameters {
  streamId: number;
  /** Whether messages are delivered in order; by default they are, unless they may be lost. */
  ordered?: boolean;
  /** For so many milliseconds delivery is tried. */
  maxPacketLifeTime?: number;
  /** So often delivery is tried again. */
  maxRetransmits?: number;
}

/** How SRTP protects. */
export type SrtpProfile = 'AEAD_AES_128_GCM' | 'AEAD_AES_256_GCM' | 'AES_CM_128_HMAC_SHA1_80';

/** Profile and key of one direction of SRTP. */
export interface SrtpParameters {
  profile: SrtpProfile;
  /** Master key and salt, one after the other, in base64. */
  keyBase64: string;
}

/** Layers of a video. 255 is "all there are". */
export interface Layers {
  /** 0 is the smallest picture. */
  spatialLayer: number;
  /** 0 is the fewest frames; all by default. */
  temporalLayer?: number;
}

/** A path between the two ends of a transport. */
export interface Tuple {
  protocol: 'udp' | 'tcp';
  /** `address:port`. */
  local: string;
  /** `address:port`. */
  remote: string;
}
