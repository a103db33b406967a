//! Key derivation (RFC 3711 §4.3, RFC 6188 §3 for 256-bit keys, RFC 7714 §11).
//!
//! The pseudo-random function is AES in counter mode under the master key. The
//! key derivation rate is always zero: DTLS-SRTP defines no other.

use super::SrtpKeyError;
use super::provider::AesCtr;

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
    /// Derives from a key of 16 or 32 bytes and a salt of 12 or 14.
    pub(super) fn new(key: &[u8], salt: &[u8]) -> Result<Self, SrtpKeyError> {
        let mut padded = [0; 16];
        for (to, from) in padded.iter_mut().zip(salt) {
            *to = *from;
        }
        Ok(Self { cipher: AesCtr::new(key)?, salt: padded })
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

#[cfg(test)]
mod tests {
    use super::super::hex::hex;
    use super::*;

    fn derived(kdf: &Kdf, label: Label, len: usize) -> Vec<u8> {
        let mut out = vec![0xff; len];
        kdf.derive(label, &mut out).unwrap();
        out
    }

    #[test]
    fn rfc_3711_appendix_b3() {
        let kdf = Kdf::new(
            &hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
            &hex("0EC675AD498AFEEBB6960B3AABE6"),
        )
        .unwrap();
        assert_eq!(
            derived(&kdf, Label::RtpEncryption, 16),
            hex("C61E7A93744F39EE10734AFE3FF7A087")
        );
        assert_eq!(derived(&kdf, Label::RtpSalt, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(
            derived(&kdf, Label::RtpAuthentication, 94),
            hex("CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
                 E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
                 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2")
        );
    }

    #[test]
    fn rfc_6188_section_7_2() {
        let kdf = Kdf::new(
            &hex("f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6"),
            &hex("3b04803de51ee7c96423ab5b78d2"),
        )
        .unwrap();
        assert_eq!(
            derived(&kdf, Label::RtpEncryption, 32),
            hex("5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4")
        );
        assert_eq!(derived(&kdf, Label::RtpSalt, 14), hex("fa31791685ca444a9e07c6c64e93"));
        assert_eq!(
            derived(&kdf, Label::RtpAuthentication, 20),
            hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05")
        );
    }
}
