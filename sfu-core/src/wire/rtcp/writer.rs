//! Builds a compound packet in a buffer whose length is the budget.
//!
//! A packet that does not fit is refused and leaves no trace, so that the
//! caller can send what there is and go on in the next buffer.

use sfu_ice::Time;

use super::app::{App, ENTRY, Entry, PipeDemand, PipeState, SCTP_ANSWERED, SCTP_BEGUN};
use super::ntp::NtpTime;
use super::psfb::{self, FirEntry, Pli, Remb};
use super::report::{ReportBlock, Sdes, SenderInfo};
use super::twcc::{self, TransportFeedback};
use super::xr::{Dlrr, ExtendedReport};
use super::{APP, BYE, Fir, Nack, NackPairs, PSFB, RR, RTPFB, SDES, SR, XR};
use crate::wire::{SeqNo, Ssrc};

/// Why a packet was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RtcpWriteError {
    /// The rest of the buffer is too small, the report and source description
    /// that a compound starts with included.
    #[error("no room left in the compound packet")]
    NoSpace,
    /// More items than the packet can count: 31 reports or goodbyes, 255
    /// streams of a REMB.
    #[error("too many items for one packet")]
    TooMany,
    /// The CNAME is longer than 255 bytes.
    #[error("the CNAME is longer than 255 bytes")]
    Cname,
}

/// Writes RTCP packets one after the other.
///
/// ```
/// use sfu_core::wire::rtcp::{Compound, RtcpWriter};
/// use sfu_core::wire::{SeqNo, Ssrc};
/// let mut out = [0; 1_200];
/// let mut writer = RtcpWriter::compound(&mut out, Ssrc(1), "cname");
/// writer.nack(Ssrc(1), Ssrc(2), [SeqNo(7), SeqNo(9)]).unwrap();
/// let len = writer.finish();
/// // An empty receiver report, the source description and the NACK.
/// assert_eq!(Compound::parse(&out[..len]).unwrap().packets().count(), 3);
/// ```
#[derive(Debug)]
pub struct RtcpWriter<'a> {
    out: &'a mut [u8],
    len: usize,
    /// Source and name that a compound has to carry and does not yet.
    owed: Option<(Ssrc, &'a str)>,
}

impl<'a> RtcpWriter<'a> {
    /// A compound as RFC 3550 §6.1 wants it: it starts with a report, an empty
    /// one if the first packet is something else, and names `ssrc` by `cname`
    /// (at most 255 bytes).
    pub fn compound(out: &'a mut [u8], ssrc: Ssrc, cname: &'a str) -> Self {
        Self { out, len: 0, owed: Some((ssrc, cname)) }
    }

    /// A reduced-size packet (RFC 5506) of just what is written, for peers that
    /// negotiated it.
    pub fn reduced_size(out: &'a mut [u8]) -> Self {
        Self { out, len: 0, owed: None }
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes left in the buffer.
    pub fn remaining(&self) -> usize {
        self.out.len().saturating_sub(self.len)
    }

    /// The number of bytes written to the start of the buffer; zero if there
    /// was nothing to send.
    pub fn finish(self) -> usize {
        self.len
    }

    /// A sender report of `ssrc` with at most 31 blocks.
    ///
    /// # Errors
    /// As [`RtcpWriteError`] says; nothing is written then. The same holds for
    /// all methods below.
    pub fn sender_report(
        &mut self,
        ssrc: Ssrc,
        info: &SenderInfo,
        blocks: &[ReportBlock],
    ) -> Result<(), RtcpWriteError> {
        let len = 4 + SenderInfo::LEN + blocks.len() * ReportBlock::LEN;
        let mut body = self.reserve(SR, count(blocks.len(), 31)?, len)?;
        put(&mut body, &ssrc.0.to_be_bytes());
        put(&mut body, &info.to_bytes());
        blocks.iter().for_each(|block| put(&mut body, &block.to_bytes()));
        Ok(())
    }

    /// A receiver report of `ssrc` with at most 31 blocks.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn receiver_report(
        &mut self,
        ssrc: Ssrc,
        blocks: &[ReportBlock],
    ) -> Result<(), RtcpWriteError> {
        let len = 4 + blocks.len() * ReportBlock::LEN;
        let mut body = self.reserve(RR, count(blocks.len(), 31)?, len)?;
        put(&mut body, &ssrc.0.to_be_bytes());
        blocks.iter().for_each(|block| put(&mut body, &block.to_bytes()));
        Ok(())
    }

    /// Names one more source (RFC 3550 §6.5.1), for compounds that report as
    /// several.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn cname(&mut self, ssrc: Ssrc, cname: &str) -> Result<(), RtcpWriteError> {
        let len = sdes_len(cname)?;
        let body = self.reserve(SDES, 1, len - 4)?;
        write_sdes(body, ssrc, cname);
        Ok(())
    }

    /// A goodbye of at most 31 sources.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn bye(&mut self, ssrcs: &[Ssrc]) -> Result<(), RtcpWriteError> {
        let mut body = self.reserve(BYE, count(ssrcs.len(), 31)?, ssrcs.len() * 4)?;
        ssrcs.iter().for_each(|ssrc| put(&mut body, &ssrc.0.to_be_bytes()));
        Ok(())
    }

    /// A generic NACK of as many of `seqs` as there is room for; gives their
    /// number. `seqs` ascends, without repetition, and may wrap. Without any,
    /// nothing is written.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn nack(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        seqs: impl IntoIterator<Item = SeqNo, IntoIter: Clone>,
    ) -> Result<usize, RtcpWriteError> {
        let seqs = seqs.into_iter();
        let room = (self.room()? / 4).saturating_sub(2);
        let pairs = NackPairs::new(seqs.clone()).take(room).count();
        if pairs == 0 {
            return if seqs.clone().next().is_none() {
                Ok(0)
            } else {
                Err(RtcpWriteError::NoSpace)
            };
        }
        let mut body = self.reserve(RTPFB, Nack::FORMAT, 8 + pairs * 4)?;
        put(&mut body, &sender.0.to_be_bytes());
        put(&mut body, &media.0.to_be_bytes());
        let mut written = 0;
        for pair in NackPairs::new(seqs).take(pairs) {
            written += pair.seqs().count();
            put(&mut body, &pair.to_bytes());
        }
        Ok(written)
    }

    /// Transport-wide feedback on the packets `base`, `base + 1`, …, each with
    /// its arrival on the local clock or `None`; gives the number of statuses
    /// written. The rest, if there is one, starts the next packet, with the
    /// next feedback count.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn twcc(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        feedback_count: u8,
        base: u16,
        arrivals: impl IntoIterator<Item = Option<Time>, IntoIter: Clone>,
    ) -> Result<u16, RtcpWriteError> {
        let arrivals = arrivals.into_iter();
        if arrivals.clone().next().is_none() {
            return Ok(0);
        }
        let start = self.len + self.lead_in()? + 4;
        let room = self.out.get_mut(start..).ok_or(RtcpWriteError::NoSpace)?;
        let (len, statuses) =
            twcc::write_body(room, (sender, media), feedback_count, base, arrivals)
                .ok_or(RtcpWriteError::NoSpace)?;
        self.reserve(RTPFB, TransportFeedback::FORMAT, len)?;
        Ok(statuses)
    }

    /// A picture loss indication.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn pli(&mut self, pli: Pli) -> Result<(), RtcpWriteError> {
        let mut body = self.reserve(PSFB, Pli::FORMAT, 8)?;
        put(&mut body, &pli.sender.0.to_be_bytes());
        put(&mut body, &pli.media.0.to_be_bytes());
        Ok(())
    }

    /// A full intra request. Without entries, nothing is written.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn fir(&mut self, sender: Ssrc, entries: &[FirEntry]) -> Result<(), RtcpWriteError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut body = self.reserve(PSFB, Fir::FORMAT, 8 + entries.len() * 8)?;
        put(&mut body, &sender.0.to_be_bytes());
        // The media source is zero, as the entries name theirs (RFC 5104 §4.3.1.2).
        put(&mut body, &[0; 4]);
        for entry in entries {
            put(&mut body, &entry.ssrc.0.to_be_bytes());
            put(&mut body, &[entry.command, 0, 0, 0]);
        }
        Ok(())
    }

    /// An estimate of `bitrate` bits per second for at most 255 streams
    /// together; the wire keeps 18 significant bits.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn remb(
        &mut self,
        sender: Ssrc,
        bitrate: u64,
        ssrcs: &[Ssrc],
    ) -> Result<(), RtcpWriteError> {
        let count = count(ssrcs.len(), u8::MAX)?;
        let mut body = self.reserve(PSFB, psfb::APPLICATION_LAYER, 16 + ssrcs.len() * 4)?;
        put(&mut body, &sender.0.to_be_bytes());
        put(&mut body, &[0; 4]);
        put(&mut body, &Remb::head(bitrate, count));
        ssrcs.iter().for_each(|ssrc| put(&mut body, &ssrc.0.to_be_bytes()));
        Ok(())
    }

    /// An extended report with the local time, to be answered by a DLRR.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn rrtr(&mut self, sender: Ssrc, ntp: NtpTime) -> Result<(), RtcpWriteError> {
        let mut body = self.reserve(XR, 0, 16)?;
        put(&mut body, &sender.0.to_be_bytes());
        put(&mut body, &[ExtendedReport::RRTR, 0, 0, 2]);
        put(&mut body, &ntp.0.to_be_bytes());
        Ok(())
    }

    /// An extended report that answers receivers' RRTRs. Without answers,
    /// nothing is written.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn dlrr(&mut self, sender: Ssrc, answers: &[Dlrr]) -> Result<(), RtcpWriteError> {
        if answers.is_empty() {
            return Ok(());
        }
        let words = u16::try_from(answers.len() * 3).map_err(|_| RtcpWriteError::TooMany)?;
        let mut body = self.reserve(XR, 0, 8 + answers.len() * Dlrr::LEN)?;
        put(&mut body, &sender.0.to_be_bytes());
        put(&mut body, &[ExtendedReport::DLRR, 0]);
        put(&mut body, &words.to_be_bytes());
        for answer in answers {
            put(&mut body, &answer.ssrc.0.to_be_bytes());
            put(&mut body, &answer.last_rr.to_be_bytes());
            put(&mut body, &answer.delay_since_last_rr.to_be_bytes());
        }
        Ok(())
    }

    /// What the receiving end of a pipe wants. Without entries, nothing is
    /// written.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn pipe_demand(
        &mut self,
        sender: Ssrc,
        entries: &[PipeDemand],
    ) -> Result<(), RtcpWriteError> {
        self.pipe_message(sender, entries)
    }

    /// How the streams of the sending end of a pipe are. Without entries,
    /// nothing is written.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn pipe_state(
        &mut self,
        sender: Ssrc,
        entries: &[PipeState],
    ) -> Result<(), RtcpWriteError> {
        self.pipe_message(sender, entries)
    }

    /// An SCTP packet of a pipe's data channels; of the association that the
    /// sender of this packet began, or of that which it answers.
    ///
    /// # Errors
    /// See [`Self::sender_report`].
    pub fn pipe_sctp(
        &mut self,
        sender: Ssrc,
        begun_by_sender: bool,
        packet: &[u8],
    ) -> Result<(), RtcpWriteError> {
        let len = u16::try_from(packet.len()).map_err(|_| RtcpWriteError::TooMany)?;
        let padded = packet.len().next_multiple_of(4);
        let subtype = if begun_by_sender { SCTP_BEGUN } else { SCTP_ANSWERED };
        let mut body = self.reserve(APP, subtype, 12 + padded)?;
        put(&mut body, &sender.0.to_be_bytes());
        put(&mut body, &App::PIPE);
        put(&mut body, &len.to_be_bytes());
        put(&mut body, &[0; 2]);
        put(&mut body, packet);
        body.fill(0);
        Ok(())
    }

    fn pipe_message<E: Entry>(
        &mut self,
        sender: Ssrc,
        entries: &[E],
    ) -> Result<(), RtcpWriteError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut body = self.reserve(APP, E::SUBTYPE, 8 + entries.len() * ENTRY)?;
        put(&mut body, &sender.0.to_be_bytes());
        put(&mut body, &App::PIPE);
        entries.iter().for_each(|entry| put(&mut body, &entry.to_bytes()));
        Ok(())
    }

    /// Length in bytes of the report and description that must come first, if
    /// the next packet is not a report.
    fn lead_in(&self) -> Result<usize, RtcpWriteError> {
        self.owed.map_or(Ok(0), |(_, cname)| Ok(EMPTY_RR_LEN + sdes_len(cname)?))
    }

    /// Bytes that the body of the next packet, not a report, can have.
    fn room(&self) -> Result<usize, RtcpWriteError> {
        Ok(self.remaining().saturating_sub(4 + self.lead_in()?))
    }

    /// Writes the header of a packet, with what a compound owes before or after
    /// it, and gives the space of its body, unchanged.
    fn reserve(
        &mut self,
        packet_type: u8,
        count: u8,
        body_len: usize,
    ) -> Result<&mut [u8], RtcpWriteError> {
        let words = u16::try_from(body_len / 4).map_err(|_| RtcpWriteError::TooMany)?;
        let is_report = matches!(packet_type, SR | RR);
        let owed_len = match self.owed {
            Some((_, cname)) if is_report => sdes_len(cname)?,
            _ => self.lead_in()?,
        };
        let space = self.out.get_mut(self.len..).ok_or(RtcpWriteError::NoSpace)?;
        let used = 4 + body_len + owed_len;
        let space = space.get_mut(..used).ok_or(RtcpWriteError::NoSpace)?;
        self.len += used;

        let (before, after) = if is_report { (0, 4 + body_len) } else { (owed_len, used) };
        let (mut lead_in, rest) =
            space.split_at_mut_checked(before).ok_or(RtcpWriteError::NoSpace)?;
        let (packet, mut trailer) =
            rest.split_at_mut_checked(after - before).ok_or(RtcpWriteError::NoSpace)?;
        if let Some((ssrc, cname)) = self.owed.take() {
            let sdes = if is_report {
                &mut trailer
            } else {
                put(&mut lead_in, &[0x80, RR, 0, 1]);
                put(&mut lead_in, &ssrc.0.to_be_bytes());
                &mut lead_in
            };
            let words = (sdes_len(cname)? / 4).saturating_sub(1) as u16;
            put(sdes, &header(SDES, 1, words));
            write_sdes(sdes, ssrc, cname);
        }
        let (head, body) = packet.split_first_chunk_mut().ok_or(RtcpWriteError::NoSpace)?;
        *head = header(packet_type, count, words);
        Ok(body)
    }
}

const EMPTY_RR_LEN: usize = 8;

fn header(packet_type: u8, count: u8, words: u16) -> [u8; 4] {
    let [w0, w1] = words.to_be_bytes();
    [0x80 | (count & 0x1f), packet_type, w0, w1]
}

fn count(len: usize, max: u8) -> Result<u8, RtcpWriteError> {
    u8::try_from(len).ok().filter(|len| *len <= max).ok_or(RtcpWriteError::TooMany)
}

fn sdes_len(cname: &str) -> Result<usize, RtcpWriteError> {
    if cname.len() > usize::from(u8::MAX) {
        return Err(RtcpWriteError::Cname);
    }
    Ok(Sdes::len_of(cname))
}

fn write_sdes(mut body: &mut [u8], ssrc: Ssrc, cname: &str) {
    put(&mut body, &ssrc.0.to_be_bytes());
    put(&mut body, &[Sdes::CNAME, cname.len() as u8]);
    put(&mut body, cname.as_bytes());
    body.fill(0);
}

/// Copies `bytes` to the start of `out` and moves `out` behind them; the caller
/// has made the room.
fn put(out: &mut &mut [u8], bytes: &[u8]) {
    if let Some((head, tail)) = std::mem::take(out).split_at_mut_checked(bytes.len()) {
        head.copy_from_slice(bytes);
        *out = tail;
    }
}

#[cfg(test)]
mod tests;
