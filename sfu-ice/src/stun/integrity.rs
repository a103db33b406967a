//! MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489 §14.5, §14.7).
//!
//! Both are computed over the message up to the attribute, with a length
//! field that already counts the attribute. MACs are compared in constant
//! time.

use subtle::ConstantTimeEq;

use super::message::{HEADER_LEN, Message};
use crate::crypto;

const FINGERPRINT_XOR: u32 = 0x5354_554E;
/// Attribute header and value.
const INTEGRITY_ATTRIBUTE: usize = 24;
const FINGERPRINT_ATTRIBUTE: usize = 8;

impl Message<'_> {
    /// Whether MESSAGE-INTEGRITY is present and made with this short-term
    /// password. ICE passwords are ASCII, so they need no OpaqueString
    /// preparation (RFC 8489 §9.1.1).
    pub fn has_integrity(&self, password: &str) -> bool {
        let Some((offset, mac)) = self.integrity else { return false };
        let Some(covered) = self.datagram().get(..offset) else { return false };
        message_integrity(covered, password).is_some_and(|ours| bool::from(ours.ct_eq(mac)))
    }

    /// True if there is no FINGERPRINT, or a right one.
    pub(super) fn fingerprint_is_right(&self) -> bool {
        let Some((offset, crc)) = self.fingerprint else { return true };
        self.datagram().get(..offset).is_some_and(|covered| fingerprint(covered) == crc)
    }
}

/// The MAC of a message whose bytes so far are `covered`.
pub(super) fn message_integrity(covered: &[u8], password: &str) -> Option<[u8; 20]> {
    let (kind, length, rest) = with_length(covered, INTEGRITY_ATTRIBUTE);
    crypto::hmac_sha1(password.as_bytes(), &[kind, &length, rest])
}

/// The FINGERPRINT value of a message whose bytes so far are `covered`.
pub(super) fn fingerprint(covered: &[u8]) -> u32 {
    let (kind, length, rest) = with_length(covered, FINGERPRINT_ATTRIBUTE);
    let mut crc = crc32fast::Hasher::new();
    crc.update(kind);
    crc.update(&length);
    crc.update(rest);
    crc.finalize() ^ FINGERPRINT_XOR
}

/// The message in three parts, with a length field as it would be if an
/// attribute of `attribute` bytes followed at the end.
fn with_length(covered: &[u8], attribute: usize) -> (&[u8], [u8; 2], &[u8]) {
    let body = covered.len().saturating_sub(HEADER_LEN).saturating_add(attribute);
    let length = u16::try_from(body).unwrap_or(u16::MAX).to_be_bytes();
    let kind = covered.get(..2).unwrap_or(&[]);
    let rest = covered.get(4..).unwrap_or(&[]);
    (kind, length, rest)
}
