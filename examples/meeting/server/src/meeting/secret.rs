//! Bearer secrets: the token of a seat and the host's key.
//!
//! A secret has 256 random bits, is shown to its owner once, and is kept as a SHA-256 hash. With so
//! much entropy a fast hash is enough, and looking hashes up leaks nothing that could be searched.

use std::fmt;

use aws_lc_rs::digest;

/// A secret on its way to its owner. It does not print itself in logs.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A new random secret of 64 hexadecimal digits.
    #[must_use]
    pub fn random() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The text that the owner must present.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the server keeps.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The hash of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes what somebody presented.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// Reads a stored hash.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash as stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_recognised_by_its_hash_and_never_printed() {
        let secret = Secret::random();
        assert_eq!(secret.hash(), SecretHash::of(secret.reveal()));
        assert_ne!(secret.hash(), Secret::random().hash());
        assert_eq!(secret.reveal().len(), 64);
        assert!(!format!("{secret:?} {:?}", secret.hash()).contains(&secret.reveal()[..4]));
    }

    #[test]
    fn the_hash_is_sha_256() {
        let bytes = SecretHash::of("abc");
        assert_eq!(bytes.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
