//! The master key of one direction.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{SrtpKeyError, SrtpProfile};

/// A master key and salt with the profile they are for. Prints redacted;
/// serialises in the clear, because a snapshot that could not decrypt would
/// not be one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MasterKey {
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
    pub(super) fn new(profile: SrtpProfile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpKeyError> {
        let this = Self { profile, key: key.to_vec(), salt: salt.to_vec() };
        this.check()?;
        Ok(this)
    }

    /// The profile.
    pub(super) fn profile(&self) -> SrtpProfile {
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
