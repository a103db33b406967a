//! Errors of this crate, in two families.
//!
//! Packet errors ([`StunError`], [`DtlsError`], [`SctpError`]) are small `Copy`
//! values that the caller counts; they are never formatted per packet. Control
//! errors ([`PeerError`]) answer a call of the application and say what was
//! wrong.

use thiserror::Error;

/// Why a STUN datagram was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum StunError {
    /// Shorter than the 20-byte header, or the first two bits are set.
    #[error("not a STUN message")]
    NotStun,
    /// The length field disagrees with the datagram or is not a multiple of 4.
    #[error("the length field does not match the datagram")]
    BadLength,
    /// The magic cookie of RFC 8489 §5 is missing.
    #[error("no magic cookie")]
    BadCookie,
    /// An attribute runs past the end or has an impossible value.
    #[error("a malformed attribute")]
    BadAttribute,
    /// FINGERPRINT is present and wrong.
    #[error("the fingerprint is wrong")]
    BadFingerprint,
    /// USERNAME, MESSAGE-INTEGRITY or PRIORITY is missing.
    #[error("a required attribute is missing")]
    MissingAttribute,
    /// USERNAME names an agent that is not us.
    #[error("the user name is unknown")]
    UnknownUsername,
    /// MESSAGE-INTEGRITY is wrong.
    #[error("the message integrity is wrong")]
    BadIntegrity,
    /// An attribute that must be understood is not (RFC 8489 §6.3.1).
    #[error("an unknown attribute that must be understood")]
    UnknownAttribute,
    /// Not a Binding method, or a class that this agent does not expect.
    #[error("not a message this agent expects")]
    Unexpected,
    /// Both agents claim the controlled role (RFC 8445 §7.3.1.1).
    #[error("a role conflict")]
    RoleConflict,
    /// The response buffer is full: the caller polls too seldom.
    #[error("too many unsent responses")]
    Overflow,
}

/// Why DTLS input was dropped or an association ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DtlsError {
    /// The datagram came over a tuple that no authenticated check validated.
    #[error("a record from a tuple that ICE has not validated")]
    InvalidTuple,
    /// Records came before the remote fingerprint was known and the small
    /// buffer for them is full.
    #[error("too many records before the remote fingerprint is known")]
    Overflow,
    /// The association has ended, or was restored from a snapshot without its
    /// DTLS state.
    #[error("the association is closed")]
    Closed,
    /// The peer's certificate matches none of the signalled fingerprints.
    #[error("the certificate does not match the signalled fingerprint")]
    FingerprintMismatch,
    /// The peer negotiated an SRTP profile that the configuration excludes.
    #[error("the negotiated SRTP profile is not allowed")]
    SrtpProfile,
    /// The handshake did not finish in time.
    #[error("the handshake timed out")]
    Timeout,
    /// The peers share no version, cipher suite, group or signature scheme,
    /// or the peer broke the protocol.
    #[error("the handshake failed")]
    Handshake,
    /// Application data before the association is connected.
    #[error("the association is not connected yet")]
    NotConnected,
}

/// Why SCTP input was dropped, or a call on a data channel was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SctpError {
    /// SCTP was not negotiated, or the association is not established yet.
    #[error("the SCTP association is not established")]
    NotConnected,
    /// The association has ended.
    #[error("the SCTP association is closed")]
    Closed,
    /// Not an SCTP packet, or one with a chunk that runs past its end.
    #[error("a malformed SCTP packet")]
    Malformed,
    /// The packet is refused as if it were lost, because the peer is beyond
    /// what this side holds for it.
    #[error("the peer sends more than is held for it")]
    Overload,
    /// The peer broke a bound that a sound implementation cannot break.
    #[error("the peer broke a bound of the association")]
    Violation,
    /// Too many events wait: the caller polls too seldom.
    #[error("too many events wait to be polled")]
    Overflow,
    /// No channel has this stream identifier.
    #[error("no data channel has this stream identifier")]
    UnknownStream,
    /// Another channel has this stream identifier.
    #[error("the stream identifier is in use by another data channel")]
    StreamInUse,
    /// The stream identifier is beyond those that were negotiated, or all of
    /// them are in use.
    #[error("no such stream identifier is left")]
    NoStreamLeft,
    /// The label or the protocol is too long.
    #[error("the label and the protocol may have 1024 bytes each")]
    LabelTooLong,
    /// The channel is not open yet, or not any more.
    #[error("the data channel is not open")]
    NotOpen,
    /// The message is longer than the peer takes.
    #[error("the message is longer than the peer takes")]
    MessageTooLong,
    /// The send buffer is full: the peer is slower than the sender.
    #[error("the send buffer is full")]
    BufferFull,
}

/// Why a call on a [`Peer`](crate::Peer) or its parts was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The remote DTLS parameters were already set to something else.
    #[error("the remote DTLS parameters are already set and cannot change")]
    RemoteDtlsAlreadySet,
    /// No usable fingerprint was given.
    #[error("at least one sha-256, sha-384 or sha-512 fingerprint is required")]
    NoFingerprint,
    /// A fingerprint's value is not colon-separated hex of the right length.
    #[error("the fingerprint value is not colon-separated hex of the length its algorithm has")]
    BadFingerprint,
    /// A user fragment or password breaks RFC 8839 §5.4.
    #[error(
        "ICE credentials need a ufrag of 4 to 256 and a password of 22 to 256 letters, digits, '+' or '/'"
    )]
    BadCredentials,
    /// An `a=candidate` value does not follow RFC 8839 §5.1.
    #[error("not a candidate: {0}")]
    BadCandidate(&'static str),
    /// A certificate or key could not be read or made.
    #[error("the certificate or its key is unusable, an EC P-256 key in PKCS#8 form is expected")]
    BadCertificate,
    /// The chosen DTLS backend is not compiled in.
    #[error("this DTLS backend is not compiled in")]
    BackendUnavailable,
    /// The DTLS backend refused its configuration.
    #[error("the DTLS backend refused the configuration")]
    BadDtlsConfig,
    /// Data channels are enabled with other settings.
    #[error("data channels are enabled already, with other settings")]
    SctpAlreadyEnabled,
    /// The peer is closed.
    #[error("the peer is closed")]
    Closed,
}
