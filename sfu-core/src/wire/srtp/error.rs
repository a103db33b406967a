//! What can go wrong with one packet, and with keys.

use sfu_ice::SrtpProfile;
use thiserror::Error;

/// Why a packet was refused. Counted, never logged per packet.
///
/// After an error the bytes of the packet are unspecified: an open in place
/// that fails may have overwritten them. Drop the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SrtpError {
    /// Shorter than its fixed header, its trailer and its tag.
    #[error("the packet is too short to be protected")]
    TooShort,
    /// Not version 2, or CSRCs or the header extension reach past the end.
    #[error("the header is not RTP or RTCP")]
    Malformed,
    /// The authentication tag is wrong.
    #[error("the authentication tag does not match")]
    Authentication,
    /// This index of this SSRC was accepted (inbound) or sealed (outbound)
    /// before.
    #[error("the packet index was used before")]
    Replayed,
    /// The index is behind the replay window, so nobody knows whether it was
    /// used before.
    #[error("the packet index is behind the replay window")]
    TooOld,
    /// All SSRC entries of the context are in use by live streams.
    #[error("too many SSRCs are active on one transport")]
    SsrcLimit,
    /// The key has protected as many packets as RFC 3711 §9.2 permits (2^48
    /// SRTP, 2^31 SRTCP). Only new keys help.
    #[error("the key has protected as many packets as it may")]
    KeyExhausted,
    /// The buffer has no room for the overhead, or `len` exceeds it.
    #[error("the buffer has no room for the authentication tag")]
    NoRoom,
}

/// Why a context could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SrtpKeyError {
    /// There is no transform for this profile.
    #[error("SRTP profile {0:?} is not supported")]
    Profile(SrtpProfile),
    /// The master key does not have the profile's length.
    #[error("SRTP master key has {actual} bytes, the profile needs {expected}")]
    KeyLength {
        /// Bytes that the profile needs.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
    /// The master salt does not have the profile's length.
    #[error("SRTP master salt has {actual} bytes, the profile needs {expected}")]
    SaltLength {
        /// Bytes that the profile needs.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
    /// The cryptographic provider refused a key of the right length.
    #[error("the cryptographic provider refused the SRTP key")]
    Provider,
    /// A snapshot holds more SSRCs than a context may have, the same SSRC
    /// twice, or an index that is out of range.
    #[error("the SRTP snapshot is inconsistent: {what}")]
    Snapshot {
        /// What was wrong.
        what: &'static str,
    },
}
