//! SRTP protection profiles and the keys that DTLS exports for them
//! (RFC 5764 §4.1.2 and §4.2, RFC 7714 §14.2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// How media is encrypted, named as in the IANA registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SrtpProfile {
    /// AEAD_AES_128_GCM, 0x0007.
    #[serde(rename = "AEAD_AES_128_GCM")]
    AeadAes128Gcm,
    /// AEAD_AES_256_GCM, 0x0008.
    #[serde(rename = "AEAD_AES_256_GCM")]
    AeadAes256Gcm,
    /// AES_CM_128_HMAC_SHA1_80, 0x0001.
    #[serde(rename = "AES_CM_128_HMAC_SHA1_80")]
    AesCm128HmacSha1_80,
}

impl SrtpProfile {
    /// All profiles in the order in which this crate prefers them: by cost per
    /// packet.
    pub const ALL: [Self; 3] =
        [Self::AeadAes128Gcm, Self::AeadAes256Gcm, Self::AesCm128HmacSha1_80];

    /// The number in the `use_srtp` extension.
    pub const fn id(self) -> u16 {
        match self {
            Self::AeadAes128Gcm => 0x0007,
            Self::AeadAes256Gcm => 0x0008,
            Self::AesCm128HmacSha1_80 => 0x0001,
        }
    }

    /// The profile with this number.
    pub fn from_id(id: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.id() == id)
    }

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

    /// Whether the cipher authenticates by itself (RFC 7714).
    pub const fn is_aead(self) -> bool {
        !matches!(self, Self::AesCm128HmacSha1_80)
    }
}

/// Master keys and salts of both directions.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct SrtpKeys {
    /// The profile that the keys are for.
    pub profile: SrtpProfile,
    /// Master key of what this side sends.
    pub local_key: Vec<u8>,
    /// Master salt of what this side sends.
    pub local_salt: Vec<u8>,
    /// Master key of what the peer sends.
    pub remote_key: Vec<u8>,
    /// Master salt of what the peer sends.
    pub remote_salt: Vec<u8>,
}

impl SrtpKeys {
    /// Cuts exported keying material (RFC 5764 §4.2: client key, server key,
    /// client salt, server salt). `None` if it is too short.
    pub fn from_keying_material(
        profile: SrtpProfile,
        material: &[u8],
        local_is_client: bool,
    ) -> Option<Self> {
        let (client_key, rest) = material.split_at_checked(profile.key_len())?;
        let (server_key, rest) = rest.split_at_checked(profile.key_len())?;
        let (client_salt, rest) = rest.split_at_checked(profile.salt_len())?;
        let (server_salt, _) = rest.split_at_checked(profile.salt_len())?;
        let (local_key, local_salt, remote_key, remote_salt) = if local_is_client {
            (client_key, client_salt, server_key, server_salt)
        } else {
            (server_key, server_salt, client_key, client_salt)
        };
        Some(Self {
            profile,
            local_key: local_key.to_vec(),
            local_salt: local_salt.to_vec(),
            remote_key: remote_key.to_vec(),
            remote_salt: remote_salt.to_vec(),
        })
    }
}

impl fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpKeys").field("profile", &self.profile).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn material_is_cut_in_the_order_of_rfc_5764() {
        for profile in SrtpProfile::ALL {
            let (key, salt) = (profile.key_len(), profile.salt_len());
            let parts = [(1u8, key), (2, key), (3, salt), (4, salt)];
            let material: Vec<u8> =
                parts.iter().flat_map(|(byte, len)| vec![*byte; *len]).collect();
            let client = SrtpKeys::from_keying_material(profile, &material, true).unwrap();
            let server = SrtpKeys::from_keying_material(profile, &material, false).unwrap();
            assert_eq!(client.local_key, vec![1; key]);
            assert_eq!(client.local_salt, vec![3; salt]);
            assert_eq!(client.local_key, server.remote_key);
            assert_eq!(client.remote_salt, server.local_salt);
            assert_eq!(server.local_key, vec![2; key]);
            assert_eq!(
                SrtpKeys::from_keying_material(profile, &material[1..], true),
                None,
                "{profile:?}"
            );
        }
    }

    #[test]
    fn numbers_and_names_are_those_of_iana() {
        for profile in SrtpProfile::ALL {
            assert_eq!(SrtpProfile::from_id(profile.id()), Some(profile));
        }
        assert_eq!(SrtpProfile::from_id(0x0002), None);
    }

    #[test]
    fn debug_output_hides_keys() {
        let keys =
            SrtpKeys::from_keying_material(SrtpProfile::AeadAes128Gcm, &[171; 56], true).unwrap();
        assert!(!format!("{keys:?}").contains("171"));
    }
}
