//! Key derivation (RFC 3711 §4.3, RFC 6188 §3 for 256-bit keys, RFC 7714 §11).
//!
//! The pseudo-random function is AES in counter mode under the master key. The
//! key derivation rate is always zero: DTLS-SRTP defines no other.

use super::provider::AesCtr;
use super::{MasterKey, SrtpKeyError};

/// What a derived key is for (RFC 3711 §4.3.2).
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Derives session keys from one master key.
pub(super) struct Kdf {
    cipher: AesCtr,
    /// The master salt, padded on the right to 112 bits (a GCM salt has 96),
    /// then to the block.
    salt: [u8; 16],
}

impl Kdf {
    pub(super) fn new(master: &MasterKey) -> Result<Self, SrtpKeyError> {
        master.check()?;
        let mut salt = [0; 16];
        for (to, from) in salt.iter_mut().zip(master.salt()) {
            *to = *from;
        }
        Ok(Self { cipher: AesCtr::new(master.key())?, salt })
    }

    /// Fills `out` with the key for `label`.
    pub(super) fn derive(&self, label: Label, out: &mut [u8]) -> Result<(), SrtpKeyError> {
        let mut iv = self.salt;
        // key_id = label || r with a 48-bit r of zero: the label meets byte 7
        // of the salt.
        let [_, _, _, _, _, _, _, byte, ..] = &mut iv;
        *byte ^= label as u8;
        out.fill(0);
        self.cipher.apply(iv, out).map_err(|_| SrtpKeyError::Provider)
    }

    /// The key for `label` as an array.
    pub(super) fn derive_array<const N: usize>(
        &self,
        label: Label,
    ) -> Result<[u8; N], SrtpKeyError> {
        let mut out = [0; N];
        self.derive(label, &mut out)?;
        Ok(out)
    }
}
