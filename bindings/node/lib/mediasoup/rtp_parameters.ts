// The JSON in which endpoints and routers describe what they send and receive (ORTC).

/** Audio or video. */
export type MediaKind = 'audio' | 'video';

/** What an endpoint or a router can receive. */
export type RtpCapabilities = {
  /** Media and RTX codecs, the preferred ones first. */
  codecs?: RtpCodecCapability[];
  /** RTP header extensions. */
  headerExtensions?: RtpHeaderExtension[];
};

/** As `RtpCapabilities`; payload types may be left to the router. */
export type RouterRtpCapabilities = Omit<RtpCapabilities, 'codecs'> & { codecs?: RouterRtpCodecCapability[] };

/** One codec that can be received. */
export type RtpCodecCapability = {
  kind: MediaKind;
  /** `audio/opus`, `video/VP8`, `video/rtx`…, compared without regard to case. */
  mimeType: string;
  /** Payload type that its owner would like. */
  preferredPayloadType: number;
  /** Clock rate in Hz. */
  clockRate: number;
  /** Channels of audio. 1 by default. */
  channels?: number;
  /** Format parameters (`a=fmtp`); some tell variants of a codec apart. */
  parameters?: Record<string, unknown>;
  /** RTCP feedback that can be sent for it. */
  rtcpFeedback?: RtcpFeedback[];
};

/** A codec for `createRouter`; without a payload type the router chooses one. */
export type RouterRtpCodecCapability = Omit<RtpCodecCapability, 'preferredPayloadType'> & {
  preferredPayloadType?: number;
};

/** In which direction a header extension can be used, seen from its owner. */
export type RtpHeaderExtensionDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** An RTP header extension that can be used. */
export type RtpHeaderExtension = {
  kind: MediaKind;
  uri: RtpHeaderExtensionUri;
  /** Id that its owner would like. */
  preferredId: number;
  /** Whether it would like the value encrypted (RFC 6904). */
  preferredEncrypt?: boolean;
  direction?: RtpHeaderExtensionDirection;
};

/** What a producer receives, or a consumer sends. */
export type RtpParameters = {
  /** Media identification (RFC 8843). */
  mid?: string;
  /** Media and RTX codecs in use. */
  codecs: RtpCodecParameters[];
  /** RTP header extensions in use. */
  headerExtensions?: RtpHeaderExtensionParameters[];
  /** Streams; several are simulcast, the smallest picture first. */
  encodings?: RtpEncodingParameters[];
  /** Settings of RTCP. */
  rtcp?: RtcpParameters;
  /** Stream id and track id, with a space between them (RFC 8830). */
  msid?: string;
};

/** A codec in use. */
export type RtpCodecParameters = {
  mimeType: string;
  payloadType: number;
  /** Clock rate in Hz. */
  clockRate: number;
  /** Channels of audio. 1 by default. */
  channels?: number;
  /** Format parameters (`a=fmtp`). */
  parameters?: Record<string, unknown>;
  rtcpFeedback?: RtcpFeedback[];
};

/** One kind of RTCP feedback (RFC 4585). */
export type RtcpFeedback = { type: string; parameter?: string };

/** One stream. */
export type RtpEncodingParameters = {
  ssrc?: number;
  /** RTP stream id (RFC 8852), unique in its producer. */
  rid?: string;
  /** Payload type of its codec; by default that of the first codec. */
  codecPayloadType?: number;
  /** Its retransmission stream (RFC 4588). */
  rtx?: { ssrc: number };
  /** Nothing may be sent for long, as of a screen that does not change. */
  dtx?: boolean;
  /** Layers inside the stream, such as `L3T3_KEY`. */
  scalabilityMode?: string;
  /** Highest bit rate in bit/s. */
  maxBitrate?: number;
};

/** Names of the header extensions that this SFU knows. */
export type RtpHeaderExtensionUri =
  | 'urn:ietf:params:rtp-hdrext:sdes:mid'
  | 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id'
  | 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id'
  | 'urn:ietf:params:rtp-hdrext:ssrc-audio-level'
  | 'urn:3gpp:video-orientation'
  | 'urn:ietf:params:rtp-hdrext:toffset'
  | 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01'
  | 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time'
  | 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time'
  | 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay'
  | 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension'
  | 'urn:mediasoup:params:rtp-hdrext:packet-id';

/** A header extension in use. */
export type RtpHeaderExtensionParameters = {
  uri: RtpHeaderExtensionUri;
  /** The number in the packets. */
  id: number;
  /** Whether the value is encrypted (RFC 6904). */
  encrypt?: boolean;
  parameters?: Record<string, unknown>;
};

/** Settings of RTCP. */
export type RtcpParameters = {
  /** Canonical name (RFC 3550 §6.5.1). */
  cname?: string;
  /** Reduced-size RTCP (RFC 5506). On by default. */
  reducedSize?: boolean;
};
