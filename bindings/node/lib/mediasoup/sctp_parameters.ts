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
  OS: number;
  MIS: number;
  /** Longest message that is taken, in bytes. */
  maxMessageSize: number;
};

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
export type SctpParametersDump = SctpParameters & {
  sendBufferSize: number;
  sctpBufferedAmount: number;
  isDataChannel: boolean;
};

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
