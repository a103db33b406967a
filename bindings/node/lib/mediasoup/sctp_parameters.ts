// SCTP of a transport, and of the data channels in it; keys of plain SRTP.

/** Numbers of SCTP streams. */
export type NumSctpStreams = {
  /** Outgoing streams at first. */
  OS: number;
  /** Incoming streams at most. */
  MIS: number;
};

/** What a client can do with SCTP. */
export type SctpCapabilities = { numStreams: NumSctpStreams };

/** SCTP of a transport. */
export type SctpParameters = {
  /** SCTP port; 5000 as a rule. */
  port: number;
  /** Longest message that is sent, in bytes. */
  maxSendMessageSize: number;
  /** Longest message that is taken, in bytes. */
  maxReceiveMessageSize: number;
  /** Bytes that may wait for an endpoint. */
  sendBufferSize: number;
  /** The same, of one channel. */
  perStreamSendQueueLimit: number;
  /** Bytes that the endpoint may have on their way. */
  maxReceiverWindowBufferSize: number;
  /** Whether messages are those of WebRTC data channels. */
  isDataChannel: boolean;
  OS: number;
  MIS: number;
  /** Longest message that is taken, in bytes: for the client. */
  maxMessageSize: number;
};

/** Numbers of streams that both ends agreed on. */
export type SctpNegotiatedCapabilities = { negotiatedMaxOutboundStreams: number; negotiatedMaxInboundStreams: number };

/** They are known once the association is there. */
export function negotiatedCapabilities(sctp: SctpParameters | undefined, state: SctpState | undefined): SctpNegotiatedCapabilities | undefined {
  if (!sctp || state !== 'connected') return undefined;
  return { negotiatedMaxOutboundStreams: sctp.OS, negotiatedMaxInboundStreams: sctp.MIS };
}

/** What the options of a transport say about messages. */
export type SctpOptions = {
  /** With data channels. Not by default. */
  enableSctp?: boolean;
  /** Has no effect; there are 1024 each way. */
  numSctpStreams?: NumSctpStreams;
  /** Longest message that is taken, in bytes. 262,144 by default. */
  maxReceiveMessageSize?: number;
  /** Has no effect: the endpoint says what it takes. */
  maxSendMessageSize?: number;
  /** Both of them. */
  maxSctpMessageSize?: number;
  /** Has no effect. */
  sctpSendBufferSize?: number;
  /** Has no effect. */
  sctpPerStreamSendQueueLimit?: number;
  /** Has no effect. */
  sctpMaxReceiverWindowBufferSize?: number;
  /** Has no effect. */
  sctpDefaultStreamBufferedAmountLowThreshold?: number;
};

/** SCTP as the SFU has it. */
export type SfuSctpParameters = Pick<SctpParameters, 'port' | 'OS' | 'MIS' | 'maxMessageSize'>;

/** Bytes that the SFU lets wait for a channel, and for an association. */
const SEND_BUFFER = 1 << 20;

/** The SFU's, in the API's form. */
export function sctpParameters(sfu: SfuSctpParameters, maxSendMessageSize: number, isDataChannel = true): SctpParameters {
  return {
    ...sfu,
    maxSendMessageSize,
    maxReceiveMessageSize: sfu.maxMessageSize,
    sendBufferSize: SEND_BUFFER,
    perStreamSendQueueLimit: SEND_BUFFER,
    maxReceiverWindowBufferSize: SEND_BUFFER,
    isDataChannel,
  };
}

/** Longest message through a pipe, in bytes. */
export const PIPE_MESSAGE_SIZE = 262_144;

/** SCTP of a pipe between two routers. */
export function pipeSctpParameters(): SctpParameters {
  const sfu = { port: 5000, OS: 1024, MIS: 1024, maxMessageSize: PIPE_MESSAGE_SIZE };
  return sctpParameters(sfu, PIPE_MESSAGE_SIZE, false);
}

/** The channel of a data producer or data consumer. */
export type SctpStreamParameters = {
  streamId: number;
  /** In order; so by default, unless messages may be lost. */
  ordered?: boolean;
  /** Milliseconds for which delivery is tried. Not with `maxRetransmits`. */
  maxPacketLifeTime?: number;
  /** How often delivery is tried again. Not with `maxPacketLifeTime`. */
  maxRetransmits?: number;
};

/** SCTP as `dump()` shows it. */
export type SctpParametersDump = SctpParameters & { sctpBufferedAmount: number };

/** State of an SCTP association. */
export type SctpState = 'new' | 'connecting' | 'connected' | 'failed' | 'closed';

/** SRTP suites by their names in the IANA registry. */
export type SrtpCryptoSuite =
  | 'AEAD_AES_256_GCM'
  | 'AEAD_AES_128_GCM'
  | 'AES_CM_128_HMAC_SHA1_80'
  | 'AES_CM_128_HMAC_SHA1_32';

/** Suite and key of one side. */
export type SrtpParameters = {
  cryptoSuite: SrtpCryptoSuite;
  /** Master key and salt, in Base64. */
  keyBase64: string;
};
