//! AES-GCM transforms (RFC 7714).

use super::header::{RTCP_CLEAR, RtpHeader};
use super::kdf::{Kdf, Label};
use super::provider::{AesGcm, GCM_NONCE, GCM_TAG};
use super::suite::{E_BIT, RTCP_WORD};
use super::{MasterKey, SrtpError, SrtpKeyError};
use crate::wire::Ssrc;

/// The session keys of one direction.
pub(super) struct Gcm {
    rtp: AesGcm,
    rtcp: AesGcm,
    rtp_salt: [u8; GCM_NONCE],
    rtcp_salt: [u8; GCM_NONCE],
}

impl Gcm {
    /// Bytes that protection adds to an RTP packet.
    pub(super) const RTP_OVERHEAD: usize = GCM_TAG;
    /// Bytes that protection adds to an RTCP packet.
    pub(super) const RTCP_OVERHEAD: usize = GCM_TAG + RTCP_WORD;

    pub(super) fn new(master: &MasterKey) -> Result<Self, SrtpKeyError> {
        let kdf = Kdf::new(master.key(), master.salt())?;
        let session_key = |label| {
            let mut key = [0; 32];
            let key = key.get_mut(..master.key().len()).ok_or(SrtpKeyError::Provider)?;
            kdf.derive(label, key)?;
            AesGcm::new(key)
        };
        Ok(Self {
            rtp: session_key(Label::RtpEncryption)?,
            rtcp: session_key(Label::RtcpEncryption)?,
            rtp_salt: kdf.derive_array(Label::RtpSalt)?,
            rtcp_salt: kdf.derive_array(Label::RtcpSalt)?,
        })
    }

    /// Session keys given directly, as RFC 7714's examples do.
    #[cfg(test)]
    pub(super) fn from_session_keys(key: &[u8], salt: [u8; GCM_NONCE]) -> Self {
        let [rtp, rtcp] = [AesGcm::new(key).unwrap(), AesGcm::new(key).unwrap()];
        Self { rtp, rtcp, rtp_salt: salt, rtcp_salt: salt }
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
        let (packet, room) = packet.split_at_mut_checked(len).ok_or(SrtpError::NoRoom)?;
        let room = room.first_chunk_mut::<GCM_TAG>().ok_or(SrtpError::NoRoom)?;
        let (aad, payload) = packet.split_at_mut_checked(header.len).ok_or(SrtpError::Malformed)?;
        let nonce = rtp_nonce(&self.rtp_salt, header.ssrc, index);
        *room = self.rtp.seal(nonce, aad, payload).map_err(|_| SrtpError::Malformed)?;
        Ok(len + GCM_TAG)
    }

    /// Opens a whole packet and returns the length without the tag.
    pub(super) fn open_rtp(
        &self,
        header: RtpHeader,
        index: u64,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let (packet, tag) = packet.split_last_chunk_mut::<GCM_TAG>().ok_or(SrtpError::TooShort)?;
        let len = packet.len();
        let (aad, payload) = packet.split_at_mut_checked(header.len).ok_or(SrtpError::Malformed)?;
        let nonce = rtp_nonce(&self.rtp_salt, header.ssrc, index);
        self.rtp.open(nonce, aad, payload, tag).map_err(|_| SrtpError::Authentication)?;
        Ok(len)
    }

    /// Seals the `len` bytes at the front of `packet`, which has room for tag
    /// and index behind them.
    pub(super) fn seal_rtcp(
        &self,
        ssrc: Ssrc,
        index: u32,
        packet: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        let (packet, room) = packet.split_at_mut_checked(len).ok_or(SrtpError::NoRoom)?;
        let (tag, room) = room.split_first_chunk_mut::<GCM_TAG>().ok_or(SrtpError::NoRoom)?;
        let trailer = room.first_chunk_mut::<RTCP_WORD>().ok_or(SrtpError::NoRoom)?;
        let (clear, payload) =
            packet.split_first_chunk_mut::<RTCP_CLEAR>().ok_or(SrtpError::TooShort)?;
        *trailer = (index | E_BIT).to_be_bytes();
        let nonce = rtcp_nonce(&self.rtcp_salt, ssrc, index);
        *tag = self
            .rtcp
            .seal(nonce, &encrypted_aad(*clear, *trailer), payload)
            .map_err(|_| SrtpError::Malformed)?;
        Ok(len + Self::RTCP_OVERHEAD)
    }

    /// Opens a whole packet and returns the length without tag and index.
    pub(super) fn open_rtcp(&self, ssrc: Ssrc, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let (body, trailer) =
            packet.split_last_chunk_mut::<RTCP_WORD>().ok_or(SrtpError::TooShort)?;
        let trailer = *trailer;
        let word = u32::from_be_bytes(trailer);
        let (body, tag) = body.split_last_chunk_mut::<GCM_TAG>().ok_or(SrtpError::TooShort)?;
        let len = body.len();
        let nonce = rtcp_nonce(&self.rtcp_salt, ssrc, word & !E_BIT);
        if word & E_BIT != 0 {
            let (clear, payload) =
                body.split_first_chunk_mut::<RTCP_CLEAR>().ok_or(SrtpError::TooShort)?;
            let aad = encrypted_aad(*clear, trailer);
            self.rtcp.open(nonce, &aad, payload, tag)
        } else {
            // RFC 7714 §9.3: all of the packet is associated data, followed by
            // the index word. The tag lies between the two on the wire, so the
            // word is moved over it to make them contiguous.
            let tag = *tag;
            let aad = packet.get_mut(..len + RTCP_WORD).ok_or(SrtpError::TooShort)?;
            *aad.last_chunk_mut::<RTCP_WORD>().ok_or(SrtpError::TooShort)? = trailer;
            self.rtcp.open(nonce, aad, &mut [], &tag)
        }
        .map_err(|_| SrtpError::Authentication)?;
        Ok(len)
    }
}

/// Two zero bytes, SSRC, rollover counter, sequence number, XOR the salt
/// (RFC 7714 §8.1).
fn rtp_nonce(salt: &[u8; GCM_NONCE], ssrc: Ssrc, index: u64) -> [u8; GCM_NONCE] {
    let [c0, c1, c2, c3] = ssrc.0.to_be_bytes();
    let [_, _, i0, i1, i2, i3, i4, i5] = index.to_be_bytes();
    xor(salt, [0, 0, c0, c1, c2, c3, i0, i1, i2, i3, i4, i5])
}

/// Two zero bytes, SSRC, two zero bytes, index, XOR the salt (RFC 7714 §9.1).
fn rtcp_nonce(salt: &[u8; GCM_NONCE], ssrc: Ssrc, index: u32) -> [u8; GCM_NONCE] {
    let [c0, c1, c2, c3] = ssrc.0.to_be_bytes();
    let [i0, i1, i2, i3] = index.to_be_bytes();
    xor(salt, [0, 0, c0, c1, c2, c3, 0, 0, i0, i1, i2, i3])
}

fn xor(salt: &[u8; GCM_NONCE], mut nonce: [u8; GCM_NONCE]) -> [u8; GCM_NONCE] {
    for (byte, salt) in nonce.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    nonce
}

/// Associated data of an encrypted SRTCP packet (RFC 7714 §9.2).
fn encrypted_aad(
    [a, b, c, d, e, f, g, h]: [u8; RTCP_CLEAR],
    [i, j, k, l]: [u8; RTCP_WORD],
) -> [u8; RTCP_CLEAR + RTCP_WORD] {
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

#[cfg(test)]
mod tests;
