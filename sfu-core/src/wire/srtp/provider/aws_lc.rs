//! aws-lc-rs.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use super::super::SrtpKeyError;
use super::{GCM_NONCE, GCM_TAG, Refused, SHA1_LEN};

/// AES-GCM with a 16-byte tag under one key.
pub(in super::super) struct AesGcm(LessSafeKey);

impl AesGcm {
    /// A key of 16 or 32 bytes.
    pub(in super::super) fn new(key: &[u8]) -> Result<Self, SrtpKeyError> {
        let algorithm = if key.len() == 32 { &AES_256_GCM } else { &AES_128_GCM };
        let key = UnboundKey::new(algorithm, key).map_err(|_| SrtpKeyError::Provider)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypts `data` in place and returns the tag.
    pub(in super::super) fn seal(
        &self,
        nonce: [u8; GCM_NONCE],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; GCM_TAG], Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag =
            self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), data).map_err(|_| Refused)?;
        tag.as_ref().try_into().map_err(|_| Refused)
    }

    /// Verifies `tag` and decrypts `data` in place.
    pub(in super::super) fn open(
        &self,
        nonce: [u8; GCM_NONCE],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; GCM_TAG],
    ) -> Result<(), Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        match self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, data) {
            Ok(_) => Ok(()),
            Err(_) => Err(Refused),
        }
    }
}

/// AES in counter mode under one key, with a 128-bit big-endian counter.
pub(in super::super) struct AesCtr(EncryptingKey);

impl AesCtr {
    /// A key of 16 or 32 bytes.
    pub(in super::super) fn new(key: &[u8]) -> Result<Self, SrtpKeyError> {
        let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
        UnboundCipherKey::new(algorithm, key)
            .and_then(EncryptingKey::ctr)
            .map(Self)
            .map_err(|_| SrtpKeyError::Provider)
    }

    /// XORs the keystream that starts at `iv` into `data`.
    pub(in super::super) fn apply(&self, iv: [u8; 16], data: &mut [u8]) -> Result<(), Refused> {
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        self.0.less_safe_encrypt(data, context).map(|_| ()).map_err(|_| Refused)
    }
}

/// HMAC-SHA1 under one key.
pub(in super::super) struct HmacSha1(hmac::Key);

impl HmacSha1 {
    /// A key of any length.
    pub(in super::super) fn new(key: &[u8]) -> Result<Self, SrtpKeyError> {
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key)))
    }

    /// The whole HMAC of `data`.
    pub(in super::super) fn sign(&self, data: &[u8]) -> Result<[u8; SHA1_LEN], Refused> {
        hmac::sign(&self.0, data).as_ref().try_into().map_err(|_| Refused)
    }
}
