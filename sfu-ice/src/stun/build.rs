//! Writes STUN messages into a fixed buffer, without allocating.
//!
//! Attributes are appended in call order; [`Builder::finish`] adds
//! MESSAGE-INTEGRITY and FINGERPRINT last, as RFC 8489 §14.5 and §14.7 ask.

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use super::integrity;
use super::message::{Class, ErrorCode, HEADER_LEN, MAGIC_COOKIE, TransactionId, attr, v6_mask};

/// The longest message a [`Builder`] holds: a request with a USERNAME of two
/// fragments of 256 characters.
pub const MAX_MESSAGE: usize = 640;

/// The message would be longer than [`MAX_MESSAGE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("the STUN message would be longer than its buffer")]
#[non_exhaustive]
pub struct BuildError;

/// Builds one Binding message.
///
/// ```
/// use sfu_ice::stun::{Builder, Class, Message, TransactionId};
/// let mut builder = Builder::new(Class::Request, TransactionId([7; 12]));
/// builder.username("server", "client").priority(1).use_candidate();
/// let bytes = builder.finish(Some("the password that both know"))?;
/// let message = Message::parse(bytes)?;
/// assert_eq!(message.username(), Some(("server", "client")));
/// assert!(message.has_integrity("the password that both know"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    bytes: [u8; MAX_MESSAGE],
    len: usize,
    id: TransactionId,
    overflow: bool,
}

impl Builder {
    /// An empty Binding message.
    pub fn new(class: Class, id: TransactionId) -> Self {
        let kind: u16 = match class {
            Class::Request => 0x0001,
            Class::Indication => 0x0011,
            Class::Success => 0x0101,
            Class::Error => 0x0111,
        };
        let mut builder = Self { bytes: [0; MAX_MESSAGE], len: 0, id, overflow: false };
        builder.put(&kind.to_be_bytes());
        builder.put(&[0, 0]);
        builder.put(&MAGIC_COOKIE.to_be_bytes());
        builder.put(&id.0);
        builder
    }

    /// USERNAME: the receiver's user fragment, a colon, the sender's.
    pub fn username(&mut self, receiver: &str, sender: &str) -> &mut Self {
        let len = receiver.len().saturating_add(sender.len()).saturating_add(1);
        self.attribute_parts(attr::USERNAME, len, &[receiver.as_bytes(), b":", sender.as_bytes()])
    }

    /// PRIORITY (RFC 8445 §7.1.1).
    pub fn priority(&mut self, priority: u32) -> &mut Self {
        self.attribute(attr::PRIORITY, &priority.to_be_bytes())
    }

    /// USE-CANDIDATE: nominates the pair.
    pub fn use_candidate(&mut self) -> &mut Self {
        self.attribute(attr::USE_CANDIDATE, &[])
    }

    /// NOMINATION of draft-thatcher-ice-renomination.
    pub fn nomination(&mut self, value: u32) -> &mut Self {
        self.attribute(attr::NOMINATION, &value.to_be_bytes())
    }

    /// ICE-CONTROLLING with the sender's tie-breaker.
    pub fn ice_controlling(&mut self, tie_breaker: u64) -> &mut Self {
        self.attribute(attr::ICE_CONTROLLING, &tie_breaker.to_be_bytes())
    }

    /// ICE-CONTROLLED with the sender's tie-breaker.
    pub fn ice_controlled(&mut self, tie_breaker: u64) -> &mut Self {
        self.attribute(attr::ICE_CONTROLLED, &tie_breaker.to_be_bytes())
    }

    /// XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
    pub fn xor_mapped_address(&mut self, addr: SocketAddr) -> &mut Self {
        let [p0, p1] = (addr.port() ^ (MAGIC_COOKIE >> 16) as u16).to_be_bytes();
        match addr.ip() {
            IpAddr::V4(ip) => {
                let ip = (ip.to_bits() ^ MAGIC_COOKIE).to_be_bytes();
                self.attribute_parts(attr::XOR_MAPPED_ADDRESS, 8, &[&[0, 1, p0, p1], &ip])
            }
            IpAddr::V6(ip) => {
                let ip = (ip.to_bits() ^ v6_mask(self.id)).to_be_bytes();
                self.attribute_parts(attr::XOR_MAPPED_ADDRESS, 20, &[&[0, 2, p0, p1], &ip])
            }
        }
    }

    /// ERROR-CODE with its standard reason phrase.
    pub fn error_code(&mut self, error: ErrorCode) -> &mut Self {
        let code = error.code();
        let number = [0, 0, (code / 100) as u8 & 0x07, (code % 100) as u8];
        let reason = error.reason().as_bytes();
        self.attribute_parts(attr::ERROR_CODE, reason.len().saturating_add(4), &[&number, reason])
    }

    /// UNKNOWN-ATTRIBUTES with one attribute type (RFC 8489 §14.9).
    pub fn unknown_attribute(&mut self, kind: u16) -> &mut Self {
        self.attribute(attr::UNKNOWN_ATTRIBUTES, &kind.to_be_bytes())
    }

    /// Any other attribute.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        self.attribute_parts(kind, value.len(), &[value])
    }

    /// Adds MESSAGE-INTEGRITY (if there is a password) and FINGERPRINT, and
    /// returns the finished datagram.
    ///
    /// # Errors
    /// [`BuildError`] if an attribute did not fit.
    pub fn finish(&mut self, password: Option<&str>) -> Result<&[u8], BuildError> {
        if let Some(password) = password {
            let mac = integrity::message_integrity(self.written(), password).ok_or(BuildError)?;
            self.attribute(attr::MESSAGE_INTEGRITY, &mac);
        }
        let crc = integrity::fingerprint(self.written());
        self.attribute(attr::FINGERPRINT, &crc.to_be_bytes());
        if self.overflow {
            return Err(BuildError);
        }
        Ok(self.written())
    }

    fn attribute_parts(&mut self, kind: u16, len: usize, parts: &[&[u8]]) -> &mut Self {
        let Ok(wire_len) = u16::try_from(len) else {
            self.overflow = true;
            return self;
        };
        self.put(&kind.to_be_bytes());
        self.put(&wire_len.to_be_bytes());
        for part in parts {
            self.put(part);
        }
        while !self.len.is_multiple_of(4) && !self.overflow {
            self.put(&[0]);
        }
        let body = u16::try_from(self.len.saturating_sub(HEADER_LEN)).unwrap_or(u16::MAX);
        if let Some(field) = self.bytes.get_mut(2..4) {
            field.copy_from_slice(&body.to_be_bytes());
        }
        self
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        match self.bytes.get_mut(self.len..end) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len = end;
            }
            None => self.overflow = true,
        }
    }

    fn written(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }
}
