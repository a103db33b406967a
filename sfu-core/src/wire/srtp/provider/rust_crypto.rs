//! RustCrypto.

use aes::cipher::{InnerIvInit, KeyInit, StreamCipher};
use aes::{Aes128, Aes256};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ctr::{Ctr128BE, CtrCore};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::super::SrtpKeyError;
use super::{GCM_NONCE, GCM_TAG, Refused, SHA1_LEN};

/// AES-GCM with a 16-byte tag under one key.
pub(in super::super) enum AesGcm {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
}

impl AesGcm {
    /// A key of 16 or 32 bytes.
    pub(in super::super) fn new(key: &[u8]) -> Result<Self, SrtpKeyError> {
        let refused = |_| SrtpKeyError::Provider;
        if key.len() == 32 {
            Aes256Gcm::new_from_slice(key).map(|k| Self::Aes256(Box::new(k))).map_err(refused)
        } else {
            Aes128Gcm::new_from_slice(key).map(|k| Self::Aes128(Box::new(k))).map_err(refused)
        }
    }

    /// Encrypts `data` in place and returns the tag.
    pub(in super::super) fn seal(
        &self,
        nonce: [u8; GCM_NONCE],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; GCM_TAG], Refused> {
        let (nonce, data) = (nonce.into(), data.into());
        let tag = match self {
            Self::Aes128(key) => key.encrypt_inout_detached(&nonce, aad, data),
            Self::Aes256(key) => key.encrypt_inout_detached(&nonce, aad, data),
        };
        tag.map(Into::into).map_err(|_| Refused)
    }

    /// Verifies `tag` and decrypts `data` in place.
    pub(in super::super) fn open(
        &self,
        nonce: [u8; GCM_NONCE],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; GCM_TAG],
    ) -> Result<(), Refused> {
        let (nonce, data) = (nonce.into(), data.into());
        match self {
            Self::Aes128(key) => key.decrypt_inout_detached(&nonce, aad, data, tag.into()),
            Self::Aes256(key) => key.decrypt_inout_detached(&nonce, aad, data, tag.into()),
        }
        .map_err(|_| Refused)
    }
}

/// AES in counter mode under one key, with a 128-bit big-endian counter.
pub(in super::super) enum AesCtr {
    Aes128(Aes128),
    Aes256(Aes256),
}

impl AesCtr {
    /// A key of 16 or 32 bytes.
    pub(in super::super) fn new(key: &[u8]) -> Result<Self, SrtpKeyError> {
        let refused = |_| SrtpKeyError::Provider;
        if key.len() == 32 {
            Aes256::new_from_slice(key).map(Self::Aes256).map_err(refused)
        } else {
            Aes128::new_from_slice(key).map(Self::Aes128).map_err(refused)
        }
    }

    /// XORs the keystream that starts at `iv` into `data`.
    pub(in super::super) fn apply(&self, iv: [u8; 16], data: &mut [u8]) -> Result<(), Refused> {
        let iv = iv.into();
        match self {
            Self::Aes128(key) => Ctr128BE::from_core(CtrCore::inner_iv_init(key.clone(), &iv))
                .try_apply_keystream(data),
            Self::Aes256(key) => Ctr128BE::from_core(CtrCore::inner_iv_init(key.clone(), &iv))
                .try_apply_keystream(data),
        }
        .map_err(|_| Refused)
    }
}

/// HMAC-SHA1 under one key.
pub(in super::super) struct HmacSha1(Hmac<Sha1>);

impl HmacSha1 {
    /// A key of any length.
    pub(in super::super) fn new(key: &[u8]) -> Result<Self, SrtpKeyError> {
        Hmac::new_from_slice(key).map(Self).map_err(|_| SrtpKeyError::Provider)
    }

    /// The whole HMAC of `data`.
    pub(in super::super) fn sign(&self, data: &[u8]) -> Result<[u8; SHA1_LEN], Refused> {
        Ok(self.0.clone().chain_update(data).finalize().into_bytes().into())
    }
}
