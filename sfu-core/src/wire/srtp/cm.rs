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
        let kdf = Kdf::new(master)?;
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
