//! Protection profiles and master keys.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SrtpKeyError;

/// An SRTP protection profile as DTLS-SRTP negotiates it (RFC 5764 §4.1.2,
/// RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SrtpProfile {
    /// AES-128 in GCM with a 16-byte tag (0x0007).
    AeadAes128Gcm,
    /// AES-256 in GCM with a 16-byte tag (0x0008).
    AeadAes256Gcm,
    /// AES-128 in counter mode with an 80-bit HMAC-SHA1 tag (0x0001).
    AesCm128HmacSha1_80,
}

impl SrtpProfile {
    /// Length of the master key in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Length of the master salt in bytes.
    pub const fn salt_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
            Self::AesCm128HmacSha1_80 => 14,
        }
    }
}

/// A master key and salt with the profile they are for. Prints redacted;
/// serialises in the clear, because a snapshot that could not decrypt would
/// not be one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterKey {
    profile: SrtpProfile,
    key: Vec<u8>,
    salt: Vec<u8>,
}

impl MasterKey {
    /// A master key of `profile`.
    ///
    /// # Errors
    /// [`SrtpKeyError::KeyLength`] or [`SrtpKeyError::SaltLength`] when a
    /// length is not the profile's.
    pub fn new(profile: SrtpProfile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpKeyError> {
        let this = Self { profile, key: key.to_vec(), salt: salt.to_vec() };
        this.check()?;
        Ok(this)
    }

    /// The profile.
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(super) fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// A deserialised key has not gone through `new`.
    pub(super) fn check(&self) -> Result<(), SrtpKeyError> {
        let (expected, actual) = (self.profile.key_len(), self.key.len());
        if expected != actual {
            return Err(SrtpKeyError::KeyLength { expected, actual });
        }
        let (expected, actual) = (self.profile.salt_len(), self.salt.len());
        if expected != actual {
            return Err(SrtpKeyError::SaltLength { expected, actual });
        }
        Ok(())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}
