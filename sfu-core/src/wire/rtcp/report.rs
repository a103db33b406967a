//! Sender and receiver reports, source descriptions and goodbyes (RFC 3550
//! §6.4 to §6.6).

use serde::{Deserialize, Serialize};

use super::RtcpError;
use super::ntp::NtpTime;
use crate::wire::{RtpTime, Ssrc};

/// What a receiver says about one stream (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct ReportBlock {
    /// The stream that is reported on.
    pub ssrc: Ssrc,
    /// Share of packets lost since the previous report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start, −2^23 to 2^23 − 1; negative if there were
    /// more duplicates than losses.
    pub cumulative_lost: i32,
    /// Highest sequence number received, extended with the count of wraps.
    pub highest_seq: u32,
    /// Interarrival jitter in RTP clock ticks.
    pub jitter: u32,
    /// [`NtpTime::middle`] of the last sender report; zero if there was none.
    pub last_sr: u32,
    /// Time since that report, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    pub(super) const LEN: usize = 24;

    fn read(bytes: &[u8; Self::LEN]) -> Self {
        let [ssrc, lost, highest_seq, jitter, last_sr, delay_since_last_sr] = words(bytes);
        let [fraction_lost, a, b, c] = lost.to_be_bytes();
        Self {
            ssrc: Ssrc(ssrc),
            fraction_lost,
            // The arithmetic shift extends the sign.
            cumulative_lost: i32::from_be_bytes([a, b, c, 0]) >> 8,
            highest_seq,
            jitter,
            last_sr,
            delay_since_last_sr,
        }
    }

    /// The wire form; the cumulative loss is capped to its 24 bits.
    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned();
        let lost = (u32::from(self.fraction_lost) << 24) | (lost & 0x00ff_ffff);
        let words = [
            self.ssrc.0,
            lost,
            self.highest_seq,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        ];
        bytes(&words)
    }
}

/// What a sender says about its stream (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct SenderInfo {
    /// Time of the report on the sender's clock.
    pub ntp: NtpTime,
    /// The same instant on the RTP clock of the stream.
    pub rtp: RtpTime,
    /// Packets sent since the start, wrapping.
    pub packets: u32,
    /// Payload bytes sent since the start, wrapping.
    pub octets: u32,
}

impl SenderInfo {
    pub(super) const LEN: usize = 20;

    fn read(bytes: &[u8; Self::LEN]) -> Self {
        let [high, low, rtp, packets, octets] = words(bytes);
        let ntp = NtpTime((u64::from(high) << 32) | u64::from(low));
        Self { ntp, rtp: RtpTime(rtp), packets, octets }
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let ntp = self.ntp.0;
        bytes(&[(ntp >> 32) as u32, ntp as u32, self.rtp.0, self.packets, self.octets])
    }
}

/// A sender report.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SenderReport<'a> {
    /// The stream whose sender reports.
    pub ssrc: Ssrc,
    /// What it says about its own stream.
    pub info: SenderInfo,
    blocks: &'a [u8],
}

impl<'a> SenderReport<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let (ssrc, rest) = body.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
        let (info, rest) = rest.split_first_chunk().ok_or(RtcpError::Truncated)?;
        let ssrc = Ssrc(u32::from_be_bytes(*ssrc));
        Ok(Self { ssrc, info: SenderInfo::read(info), blocks: blocks(count, rest)? })
    }

    /// What it says about the streams that it receives.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        read_blocks(self.blocks)
    }
}

/// A receiver report.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    blocks: &'a [u8],
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let (ssrc, rest) = body.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
        Ok(Self { ssrc: Ssrc(u32::from_be_bytes(*ssrc)), blocks: blocks(count, rest)? })
    }

    /// What it says about the streams that it receives.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        read_blocks(self.blocks)
    }
}

/// A source description (RFC 3550 §6.5).
#[derive(Clone, Copy, Debug)]
pub struct Sdes<'a> {
    chunks: &'a [u8],
}

impl<'a> Sdes<'a> {
    const END: u8 = 0;
    pub(super) const CNAME: u8 = 1;

    pub(super) fn read(body: &'a [u8]) -> Self {
        Self { chunks: body }
    }

    /// Each source with its canonical name (§6.5.1). Ends at a chunk that does
    /// not fit in the packet; sources without a name are left out.
    pub fn cnames(&self) -> impl Iterator<Item = (Ssrc, &'a [u8])> + use<'a> {
        let mut rest = self.chunks;
        std::iter::from_fn(move || {
            loop {
                let (ssrc, cname) = Self::chunk(&mut rest)?;
                if let Some(cname) = cname {
                    return Some((ssrc, cname));
                }
            }
        })
    }

    /// Reads the first chunk and moves `chunks` behind it.
    fn chunk(chunks: &mut &'a [u8]) -> Option<(Ssrc, Option<&'a [u8]>)> {
        let bytes = *chunks;
        let (ssrc, mut rest) = bytes.split_first_chunk::<4>()?;
        let mut cname = None;
        loop {
            let (&kind, tail) = rest.split_first()?;
            if kind == Self::END {
                break;
            }
            let (&len, tail) = tail.split_first()?;
            let (text, tail) = tail.split_at_checked(len.into())?;
            if kind == Self::CNAME {
                cname = Some(text);
            }
            rest = tail;
        }
        // One to four zeros end the list, up to the next word.
        let at = bytes.len() - rest.len();
        *chunks = bytes.get((at + 1).next_multiple_of(4)..)?;
        Some((Ssrc(u32::from_be_bytes(*ssrc)), cname))
    }

    /// Length of a packet that gives one source a name, in bytes.
    pub(super) fn len_of(cname: &str) -> usize {
        // Header, SSRC, item header, text, and at least one zero.
        (4 + 4 + 2 + cname.len() + 1).next_multiple_of(4)
    }
}

/// A goodbye (RFC 3550 §6.6).
#[derive(Clone, Copy, Debug)]
pub struct Bye<'a> {
    ssrcs: &'a [u8],
    reason: &'a [u8],
}

impl<'a> Bye<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let len = usize::from(count) * 4;
        let (ssrcs, rest) = body.split_at_checked(len).ok_or(RtcpError::Truncated)?;
        let reason = match rest.split_first() {
            Some((&len, text)) => text.get(..len.into()).ok_or(RtcpError::Truncated)?,
            None => &[],
        };
        Ok(Self { ssrcs, reason })
    }

    /// The sources that leave.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        read_ssrcs(self.ssrcs)
    }

    /// Why they leave, usually UTF-8; empty if not said.
    pub fn reason(&self) -> &'a [u8] {
        self.reason
    }
}

pub(super) fn read_ssrcs(list: &[u8]) -> impl Iterator<Item = Ssrc> + use<'_> {
    list.as_chunks::<4>().0.iter().map(|b| Ssrc(u32::from_be_bytes(*b)))
}

fn blocks(count: u8, bytes: &[u8]) -> Result<&[u8], RtcpError> {
    // What follows the blocks is a profile-specific extension (§6.4.3).
    bytes.get(..usize::from(count) * ReportBlock::LEN).ok_or(RtcpError::Truncated)
}

fn read_blocks(bytes: &[u8]) -> impl Iterator<Item = ReportBlock> + use<'_> {
    bytes.as_chunks::<{ ReportBlock::LEN }>().0.iter().map(ReportBlock::read)
}

/// The big-endian words of `bytes`, zero where it is too short.
fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    words
}

fn bytes<const N: usize>(words: &[u32]) -> [u8; N] {
    let mut out = [0; N];
    for (bytes, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    out
}
