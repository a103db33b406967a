//! AES counter mode with HMAC-SHA1-80 (RFC 3711 §4.1.1, §4.2.1).

use subtle::ConstantTimeEq;

use super::header::{RTCP_CLEAR, RtpHeader};
use super::kdf::{Kdf, Label};
use super::provider::{AesCtr, HmacSha1};
use super::suite::{E_BIT, RTCP_WORD};
use super::{MasterKey, SrtpError, SrtpKeyError};
use crate::wire::Ssrc;

/// Length of the truncated tag in bytes.
pub(super) const CM_TAG: usize = 10;
/// Length of the rollover counter that is authenticated behind an RTP packet.
const ROC: usize = 4;
/// Length of a session authentication key in bytes (RFC 3711 §5.2).
const AUTH_KEY: usize = 20;

/// The session keys of one direction.
pub(super) struct Cm {
    rtp: Keys,
    rtcp: Keys,
}

struct Keys {
    cipher: AesCtr,
    auth: HmacSha1,
    /// The 112-bit salt, padded to the block.
    salt: [u8; 16],
}

impl Cm {
    /// Bytes that protection adds to an RTP packet.
    pub(super) const RTP_OVERHEAD: usize = CM_TAG;
    /// Bytes that protection adds to an RTCP packet.
    pub(super) const RTCP_OVERHEAD: usize = CM_TAG + RTCP_WORD;

    pub(super) fn new(master: &MasterKey) -> Result<Self, SrtpKeyError> {
        let kdf = Kdf::new(master.key(), master.salt())?;
        let keys = |encryption, authentication, salt| {
            let mut padded = [0; 16];
            for (to, from) in padded.iter_mut().zip(kdf.derive_array::<14>(salt)?) {
                *to = from;
            }
            Ok(Keys {
                cipher: AesCtr::new(&kdf.derive_array::<16>(encryption)?)?,
                auth: HmacSha1::new(&kdf.derive_array::<AUTH_KEY>(authentication)?)?,
                salt: padded,
            })
        };
        Ok(Self {
            rtp: keys(Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt)?,
            rtcp: keys(Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt)?,
        })
    }

    /// Seals the `len` bytes at the front of `packet`, which has room for the
    /// tag behind them.
    pub(super) fn seal_rtp(
        &self,
        header: RtpHeader,
        index: u64,
        packet: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        let sealed = packet.get_mut(..len + CM_TAG).ok_or(SrtpError::NoRoom)?;
        let payload = sealed.get_mut(header.len..len).ok_or(SrtpError::Malformed)?;
        self.rtp.crypt(header.ssrc, index, payload)?;
        let tag = self.rtp.rtp_tag(index, sealed)?;
        *sealed.last_chunk_mut().ok_or(SrtpError::NoRoom)? = tag;
        Ok(len + CM_TAG)
    }

    /// Opens a whole packet and returns the length without the tag.
    pub(super) fn open_rtp(
        &self,
        header: RtpHeader,
        index: u64,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let received = *packet.last_chunk::<CM_TAG>().ok_or(SrtpError::TooShort)?;
        let expected = self.rtp.rtp_tag(index, packet)?;
        verify(&expected, &received)?;
        let len = packet.len() - CM_TAG;
        let payload = packet.get_mut(header.len..len).ok_or(SrtpError::Malformed)?;
        self.rtp.crypt(header.ssrc, index, payload)?;
        Ok(len)
    }

    /// Seals the `len` bytes at the front of `packet`, which has room for index
    /// and tag behind them.
    pub(super) fn seal_rtcp(
        &self,
        ssrc: Ssrc,
        index: u32,
        packet: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        let sealed = packet.get_mut(..len + Self::RTCP_OVERHEAD).ok_or(SrtpError::NoRoom)?;
        let payload = sealed.get_mut(RTCP_CLEAR..len).ok_or(SrtpError::TooShort)?;
        self.rtcp.crypt(ssrc, u64::from(index), payload)?;
        let (signed, tag) = sealed.split_last_chunk_mut::<CM_TAG>().ok_or(SrtpError::NoRoom)?;
        *signed.last_chunk_mut().ok_or(SrtpError::NoRoom)? = (index | E_BIT).to_be_bytes();
        *tag = self.rtcp.tag(signed)?;
        Ok(len + Self::RTCP_OVERHEAD)
    }

    /// Opens a whole packet and returns the length without index and tag. The
    /// tag covers the E bit and is verified whatever it says (RFC 3711 §3.4).
    pub(super) fn open_rtcp(&self, ssrc: Ssrc, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let (signed, tag) = packet.split_last_chunk_mut::<CM_TAG>().ok_or(SrtpError::TooShort)?;
        verify(&self.rtcp.tag(signed)?, tag)?;
        let (body, trailer) =
            signed.split_last_chunk_mut::<RTCP_WORD>().ok_or(SrtpError::TooShort)?;
        let word = u32::from_be_bytes(*trailer);
        if word & E_BIT != 0 {
            let payload = body.get_mut(RTCP_CLEAR..).ok_or(SrtpError::TooShort)?;
            self.rtcp.crypt(ssrc, u64::from(word & !E_BIT), payload)?;
        }
        Ok(body.len())
    }
}

impl Keys {
    /// Encrypts or decrypts `payload`: the block counter starts at (salt · 2^16)
    /// XOR (SSRC · 2^64) XOR (index · 2^16) (RFC 3711 §4.1.1).
    fn crypt(&self, ssrc: Ssrc, index: u64, payload: &mut [u8]) -> Result<(), SrtpError> {
        let block = (u128::from(ssrc.0) << 64) ^ (u128::from(index) << 16);
        let iv = (u128::from_be_bytes(self.salt) ^ block).to_be_bytes();
        self.cipher.apply(iv, payload).map_err(|_| SrtpError::Malformed)
    }

    /// The tag of an RTP packet. `packet` includes the place of the tag, whose
    /// first bytes are overwritten with the rollover counter: that makes what
    /// is authenticated one slice.
    fn rtp_tag(&self, index: u64, packet: &mut [u8]) -> Result<[u8; CM_TAG], SrtpError> {
        let signed = packet.len().checked_sub(CM_TAG - ROC).ok_or(SrtpError::TooShort)?;
        let signed = packet.get_mut(..signed).ok_or(SrtpError::TooShort)?;
        let [_, _, roc @ .., _, _] = index.to_be_bytes();
        *signed.last_chunk_mut().ok_or(SrtpError::TooShort)? = roc;
        self.tag(signed)
    }

    fn tag(&self, signed: &[u8]) -> Result<[u8; CM_TAG], SrtpError> {
        let full = self.auth.sign(signed).map_err(|_| SrtpError::Malformed)?;
        full.first_chunk().copied().ok_or(SrtpError::Malformed)
    }
}

fn verify(expected: &[u8; CM_TAG], received: &[u8; CM_TAG]) -> Result<(), SrtpError> {
    if bool::from(expected.ct_eq(received)) { Ok(()) } else { Err(SrtpError::Authentication) }
}

#[cfg(test)]
mod tests {
    use super::super::SrtpProfile;
    use super::super::hex::hex;
    use super::*;

    /// RFC 3711 appendix B.2: with SSRC and index zero the payload of zeros
    /// becomes the keystream.
    #[test]
    fn rfc_3711_appendix_b2() {
        let keys = Keys {
            cipher: AesCtr::new(&hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap(),
            auth: HmacSha1::new(&[0; AUTH_KEY]).unwrap(),
            salt: hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap(),
        };
        let mut payload = vec![0; 0xff02 * 16];
        keys.crypt(Ssrc(0), 0, &mut payload).unwrap();
        let block = |number: usize| payload[number * 16..][..16].to_vec();
        assert_eq!(block(0), hex("E03EAD0935C95E80E166B16DD92B4EB4"));
        assert_eq!(block(1), hex("D23513162B02D0F72A43A2FE4A5F97AB"));
        assert_eq!(block(2), hex("41E95B3BB0A2E8DD477901E4FCA894C0"));
        assert_eq!(block(0xfeff), hex("EC8CDF7398607CB0F2D21675EA9EA1E4"));
        assert_eq!(block(0xff00), hex("362B7C3C6773516318A077D7FC5073AE"));
        assert_eq!(block(0xff01), hex("6A2CC3787889374FBEB4C81B17BA6C44"));
    }

    /// A packet may be authenticated without being encrypted (RFC 3711 §3.4);
    /// its tag counts all the same.
    #[test]
    fn an_unencrypted_srtcp_packet_is_authenticated() {
        let master = MasterKey::new(SrtpProfile::AesCm128HmacSha1_80, &[1; 16], &[2; 14]).unwrap();
        let cm = Cm::new(&master).unwrap();
        let plain = hex("81ce0002 00000007 00000009");
        let mut sealed = plain.clone();
        sealed.extend(5u32.to_be_bytes());
        let tag = cm.rtcp.tag(&sealed).unwrap();
        sealed.extend(tag);
        let mut packet = sealed.clone();
        assert_eq!(cm.open_rtcp(Ssrc(7), &mut packet), Ok(plain.len()));
        assert_eq!(packet[..plain.len()], plain);
        for bit in 0..sealed.len() * 8 {
            let mut packet = sealed.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(cm.open_rtcp(Ssrc(7), &mut packet), Err(SrtpError::Authentication));
        }
    }
}
