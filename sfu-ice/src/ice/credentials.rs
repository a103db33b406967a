//! User fragment and password of an ICE agent (RFC 8445 §5.3, RFC 8839 §5.4).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{PeerError, Random};

/// ice-char of RFC 8839 §5.1: 64 characters, so a random byte maps evenly.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// 16 characters: 96 bits, so that two agents on one port never share one.
const UFRAG_LEN: usize = 16;
/// 24 characters: 144 bits, above the required 128.
const PASSWORD_LEN: usize = 24;

/// The short-term credentials that authenticate connectivity checks.
///
/// ```
/// use sfu_ice::{Random, ice::IceCredentials};
/// let mut random = Random::from_seed([1; 32]);
/// let credentials = IceCredentials::generate(&mut random);
/// assert!(credentials.ufrag.len() >= 4 && credentials.password.len() >= 22);
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct IceCredentials {
    /// The user fragment, 4 to 256 ice-chars. Public.
    pub ufrag: String,
    /// The password, 22 to 256 ice-chars. Secret until signalled.
    pub password: String,
}

impl IceCredentials {
    /// New credentials with 96 random bits in the fragment and 144 in the
    /// password.
    pub fn generate(random: &mut Random) -> Self {
        Self { ufrag: ice_chars(random, UFRAG_LEN), password: ice_chars(random, PASSWORD_LEN) }
    }

    /// As [`generate`](Self::generate), with a fragment that begins with
    /// `prefix`. A host that shards peers can put the shard there and route a
    /// first check without a table.
    ///
    /// # Errors
    /// [`PeerError::BadCredentials`] if the prefix is longer than 64 characters
    /// or has one that is not an ice-char.
    pub fn with_prefix(prefix: &str, random: &mut Random) -> Result<Self, PeerError> {
        if prefix.len() > 64 || !prefix.bytes().all(is_ice_char) {
            return Err(PeerError::BadCredentials);
        }
        let mut credentials = Self::generate(random);
        credentials.ufrag.insert_str(0, prefix);
        Ok(credentials)
    }

    /// Checks lengths and alphabet of credentials that came from signalling.
    ///
    /// # Errors
    /// [`PeerError::BadCredentials`]
    pub fn validate(&self) -> Result<(), PeerError> {
        let fine = |text: &str, min: usize| {
            (min..=256).contains(&text.len()) && text.bytes().all(is_ice_char)
        };
        if fine(&self.ufrag, 4) && fine(&self.password, 22) {
            Ok(())
        } else {
            Err(PeerError::BadCredentials)
        }
    }
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCredentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

pub(super) fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

fn ice_chars(random: &mut Random, len: usize) -> String {
    let mut bytes = [0; UFRAG_LEN + PASSWORD_LEN];
    random.fill(&mut bytes);
    bytes
        .iter()
        .take(len)
        .filter_map(|byte| ICE_CHARS.get(usize::from(byte & 63)))
        .map(|byte| char::from(*byte))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_credentials_are_valid_and_differ() {
        let mut random = Random::from_seed([3; 32]);
        let a = IceCredentials::generate(&mut random);
        let b = IceCredentials::generate(&mut random);
        assert_eq!(a.validate(), Ok(()));
        assert_eq!((a.ufrag.len(), a.password.len()), (UFRAG_LEN, PASSWORD_LEN));
        assert_ne!(a.ufrag, b.ufrag);
        assert_ne!(a.password, b.password);
    }

    #[test]
    fn a_prefix_leads_the_fragment_and_is_checked() {
        let mut random = Random::from_seed([3; 32]);
        let with = IceCredentials::with_prefix("s07", &mut random).unwrap();
        assert!(with.ufrag.starts_with("s07") && with.validate().is_ok());
        for bad in ["a:b", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(
                IceCredentials::with_prefix(bad, &mut random),
                Err(PeerError::BadCredentials)
            );
        }
    }

    #[test]
    fn short_and_foreign_characters_are_refused() {
        let make = |ufrag: &str, password: &str| IceCredentials {
            ufrag: ufrag.to_owned(),
            password: password.to_owned(),
        };
        let password = "asd88fgpdd777uzjYhagZg";
        assert!(make("8hhY", password).validate().is_ok());
        assert!(make("8hh", password).validate().is_err());
        assert!(make("8hh:Y", password).validate().is_err());
        assert!(make("8hhY", "asd88fgpdd777uzjYhagZ").validate().is_err());
    }

    #[test]
    fn debug_output_hides_the_password() {
        let credentials = IceCredentials::generate(&mut Random::from_seed([3; 32]));
        assert!(!format!("{credentials:?}").contains(&credentials.password));
    }
}
