//! Makes one continuous egress stream of whatever a consumer follows.
//!
//! At a switch, to another simulcast layer or another person alike, the
//! sequence number goes on by one, the timestamp by the time between the two
//! captures, picture id, TL0PICIDX and frame number by one. Dropped packets
//! leave no trace but in VP9's picture ids and in frame numbers: references are
//! told as distances in those, so within a stream they keep their gaps. The caller passes each packet of the streams it offers to exactly
//! one of [`Rewriter::switch`], [`Rewriter::forward`] and [`Rewriter::skip`],
//! never a duplicate.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::seqmap::{Mapped, Offsets, SeqMap, StreamKey};
use crate::stream::recv::{CaptureClock, ClockRate, signed_nanos, wrap_u32};
use crate::stream::select::{CaptureTime, PacketMeta, References};
use crate::wire::codec::PictureId;
use crate::wire::{ExtSeq, MediaKind, RtpTime, SeqNo};

mod history;

pub use history::History;

/// Rewrites the numbers of one consumer (receive slot).
///
/// ```
/// use sfu_core::stream::recv::ClockRate;
/// use sfu_core::stream::select::PacketMeta;
/// use sfu_core::stream::send::{Rewriter, StreamKey};
/// use sfu_core::wire::{ExtSeq, MediaKind, RtpTime, SeqNo};
/// use sfu_ice::Time;
///
/// let (ann, bob) = (StreamKey(1), StreamKey(2));
/// let packet = |seq, timestamp, millis| {
///     PacketMeta::new(ExtSeq::first(SeqNo(seq)), RtpTime(timestamp), Time::from_millis(millis))
/// };
/// let mut rewriter = Rewriter::new(MediaKind::Video, ClockRate::VIDEO, SeqNo(1), RtpTime(0));
/// rewriter.switch(ann, &packet(500, 7_000_000, 0))?;
/// // 40 ms later the slot goes over to Bob's key frame, with one number and
/// // 3,600 ticks in between.
/// let sent = rewriter.switch(bob, &packet(60_000, 11, 40))?;
/// assert_eq!((sent.seq, sent.timestamp), (SeqNo(2), RtpTime(3_600)));
/// assert_eq!(rewriter.lookup(SeqNo(1)).unwrap().source, ann);
/// # Ok::<(), sfu_core::stream::send::Refused>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewriter {
    kind: MediaKind,
    rate: ClockRate,
    first_timestamp: RtpTime,
    map: SeqMap,
    source: Option<Source>,
    newest: Option<Newest>,
    picture_id: Option<PictureId>,
    tl0_pic_idx: Option<u8>,
    /// Newest frame number given out.
    frame_number: Option<u16>,
    /// What [`Self::set_top`] said last.
    top: Option<u8>,
    /// Ticks by which egress timestamps are ahead of the true capture time,
    /// because a switch could not go back in time. Paid back at the next one.
    ahead: i64,
    /// Shortest audio packet of the stream that is followed, in ticks.
    packet_ticks: Option<i64>,
}

/// Header values of an egress packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rewritten {
    /// Sequence number.
    pub seq: SeqNo,
    /// RTP timestamp.
    pub timestamp: RtpTime,
    /// Marker bit.
    pub marker: bool,
    /// Picture id of VP8 or VP9, in the ingress width; `None` if the packet has
    /// none.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX of VP8 or VP9; `None` if the packet has none.
    pub tl0_pic_idx: Option<u8>,
    /// Frame number of the dependency descriptor; `None` if the packet has none.
    pub frame_number: Option<u16>,
    /// Highest spatial layer that the receiver gets; `None` for all.
    pub top: Option<u8>,
}

/// Where an egress packet came from, and what was added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sent {
    /// Its egress sequence number.
    pub seq: SeqNo,
    /// Its ingress stream.
    pub source: StreamKey,
    /// Its number there.
    pub ext: ExtSeq,
    /// The offsets that it was, and must again be, sent with.
    pub offsets: Offsets,
}

impl Sent {
    /// The header values with which the packet `meta` describes was sent.
    pub fn rewrite(&self, meta: &PacketMeta) -> Rewritten {
        Rewritten {
            seq: self.seq,
            timestamp: self.offsets.timestamp(meta.timestamp),
            marker: meta.marker || self.offsets.top.is_some_and(|top| meta.ends_picture(top)),
            picture_id: meta.picture_id.map(|id| self.offsets.picture_id(id)),
            tl0_pic_idx: meta.tl0_pic_idx.map(|index| self.offsets.tl0_pic_idx(index)),
            frame_number: meta
                .dependencies
                .map(|frame| frame.frame_number.wrapping_add(self.offsets.frame_number)),
            top: self.offsets.top,
        }
    }
}

/// Why a packet has no place in the egress stream. Not an error: count it and
/// drop the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It was skipped on purpose.
    #[error("skipped")]
    Skipped,
    /// It was skipped, but a number had been kept for it: send an empty packet
    /// in its place, or the receiver takes it for lost.
    #[error("skipped after its number was kept")]
    Hole {
        /// The number.
        seq: SeqNo,
        /// The timestamp that it would have had.
        timestamp: RtpTime,
    },
    /// It is from before the consumer followed its stream, from after it left
    /// it, or older than any NACK can reach.
    #[error("outside of the time its stream was followed")]
    NotFollowed,
    /// Audio of a stream just switched to that would overlap what was sent.
    /// The next packet becomes the first one.
    #[error("overlaps the audio that was already sent")]
    Overlap,
}

/// The stream that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    key: StreamKey,
    /// Highest number forwarded or skipped.
    highest: ExtSeq,
    /// Ingress timestamp of the newest forwarded packet.
    timestamp: RtpTime,
    /// Picture id of the newest packet, forwarded or skipped.
    picture_id: Option<PictureId>,
    /// The last thing that happened was a skip, of this timestamp and spatial
    /// layer.
    skipping: Option<(RtpTime, u8)>,
    /// Audio packets refused for overlap since the switch was asked for; the
    /// switch itself is still to come. `None` once it is done.
    pending: Option<u8>,
}

/// The newest egress timestamp and when its packet was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Newest {
    timestamp: RtpTime,
    arrival: Time,
    capture: Option<CaptureTime>,
}

/// A jump of the ingress numbers beyond this starts the numbers anew.
const MAX_JUMP: u64 = 3_000;
/// If capture and arrival distance differ by more, the clocks are not believed.
const MAX_SKEW: i64 = 1_000_000_000;
/// An ingress timestamp that moves this far from the arrival was restarted.
const MAX_TIMESTAMP_JUMP: i64 = 10_000_000_000;
/// No encoder steps back this far without a restart.
const MAX_STEP_BACK: i64 = 1_000_000_000;
/// Length of an audio packet until it is known, and the longest there is
/// (RFC 7587 §4.2).
const AUDIO_PACKET: i64 = 20_000_000;
const AUDIO_PACKET_MAX: i64 = 120_000_000;
/// Audio of a new stream may begin this long before the old one ends, or is
/// refused, but not more than three packets in a row.
const MAX_OVERLAP: i64 = 5_000_000;
const MAX_OVERLAP_PACKETS: u8 = 3;
/// No step of the timestamp is larger: a quarter of its circle.
const MAX_STEP: i64 = 1 << 30;

impl Rewriter {
    /// A stream that begins with `seq` and `timestamp` (both random,
    /// RFC 3550 §5.1).
    pub fn new(kind: MediaKind, rate: ClockRate, seq: SeqNo, timestamp: RtpTime) -> Self {
        Self {
            kind,
            rate,
            first_timestamp: timestamp,
            map: SeqMap::new(seq),
            source: None,
            newest: None,
            picture_id: None,
            tl0_pic_idx: None,
            frame_number: None,
            top: None,
            ahead: 0,
            packet_ticks: None,
        }
    }

    /// Follows `source` from this packet on. For video it must be the first
    /// packet of a key frame.
    ///
    /// # Errors
    /// [`Refused::Overlap`] for audio; the switch happens at a later packet.
    pub fn switch(&mut self, source: StreamKey, packet: &PacketMeta) -> Result<Rewritten, Refused> {
        let refused = match self.source {
            Some(Source { key, pending: Some(refused), .. }) if key == source => refused,
            _ => 0,
        };
        self.source = Some(Source::new(source, packet, Some(refused.saturating_add(1))));
        let step = match self.newest {
            None => Step { timestamp: self.first_timestamp, ahead: 0 },
            Some(newest) => {
                let ideal = self.ideal(&newest, packet);
                let least = match self.kind {
                    MediaKind::Video => 1,
                    MediaKind::Audio => {
                        self.packet_ticks.unwrap_or_else(|| self.rate.ticks(AUDIO_PACKET))
                    }
                };
                let overlap = self.rate.nanos(least.saturating_sub(ideal));
                if self.kind == MediaKind::Audio
                    && overlap > MAX_OVERLAP
                    && refused < MAX_OVERLAP_PACKETS
                {
                    return Err(Refused::Overlap);
                }
                Step::at_least(&newest, ideal, least)
            }
        };
        self.start(source, packet, step);
        self.send(packet)
    }

    /// The next packet of `source`, which is audio, follows right after what was
    /// sent last, even if it was made before that: the beginning of a word that
    /// comes out of a history. The stream then [lags](Self::lag) by the overlap.
    /// If packets were left out before it, the stream lags less by their time.
    pub fn accept_overlap(&mut self, source: StreamKey) {
        if self.newest.is_none() {
            return;
        }
        self.source = Some(Source {
            key: source,
            highest: ExtSeq(0),
            timestamp: RtpTime(0),
            picture_id: None,
            skipping: None,
            pending: Some(MAX_OVERLAP_PACKETS),
        });
    }

    /// By how much timestamps are later than the capture of their packets,
    /// because a switch could not go back in time.
    pub fn lag(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.rate.nanos(self.ahead)).unwrap_or(0))
    }

    /// Says which spatial layer is the highest that the receiver gets, from the
    /// next packet on: its frames end a picture. `None` leaves the publisher's
    /// markers as they are.
    pub fn set_top(&mut self, top: Option<u8>) {
        self.top = top;
    }

    /// The header values of a packet that is to be sent.
    ///
    /// # Errors
    /// [`Refused::NotFollowed`] or [`Refused::Overlap`] if it has no place.
    pub fn forward(
        &mut self,
        source: StreamKey,
        packet: &PacketMeta,
    ) -> Result<Rewritten, Refused> {
        match &self.source {
            Some(now) if now.key == source => {
                if packet.ext <= now.highest {
                    self.send_late(source, packet)
                } else if now.pending.is_some() || self.has_restarted(now, packet) {
                    self.switch(source, packet)
                } else {
                    self.send(packet)
                }
            }
            Some(_) => self.send_late(source, packet),
            None => Err(Refused::NotFollowed),
        }
    }

    /// Takes note of a packet that is not to be sent, so that its absence
    /// shows nowhere. Packets of streams that are not followed are ignored.
    ///
    /// # Errors
    /// Always [`Refused::Skipped`] or [`Refused::Hole`], so that all three
    /// outcomes of a decision have one type.
    pub fn skip(&mut self, source: StreamKey, packet: &PacketMeta) -> Result<Rewritten, Refused> {
        match &mut self.source {
            Some(now) if now.key == source && now.pending.is_none() && packet.ext > now.highest => {
                let mut offsets = self.map.offsets().unwrap_or_default();
                // VP9 tells references as distances between picture ids.
                let closes_gaps = !packet.references.contains(References::LAYERED);
                let is_new = |id: PictureId| {
                    closes_gaps && now.picture_id.is_none_or(|last| picture_distance(id, last) > 0)
                };
                if let Some(id) = packet.picture_id.filter(|id| is_new(*id)) {
                    now.picture_id = Some(id);
                    offsets.picture_id = offsets.picture_id.wrapping_sub(1);
                }
                // Holes between two skipped packets of one frame are of that frame.
                let frame = Some((packet.timestamp, packet.spatial_id));
                let same_frame = now.skipping == frame;
                let from = if same_frame { ExtSeq(now.highest.0 + 1) } else { packet.ext };
                now.highest = packet.ext;
                now.skipping = frame;
                self.map.hide(from, packet.ext, offsets);
            }
            Some(_) => {
                if let Some(kept) = self.map.hide_late(source, packet.ext) {
                    let Rewritten { seq, timestamp, .. } = rewritten(&kept, packet);
                    return Err(Refused::Hole { seq, timestamp });
                }
            }
            None => {}
        }
        Err(Refused::Skipped)
    }

    /// The packet that was sent under `seq`, for a retransmission with
    /// identical content; `None` if the number was never given out or is more
    /// than 2,048 packets old. The packet itself may be missing: lost on its
    /// way to us.
    pub fn lookup(&self, seq: SeqNo) -> Option<Sent> {
        let Mapped { source, ingress, egress, offsets } = self.map.lookup(seq)?;
        Some(Sent { seq: egress.seq(), source, ext: ingress, offsets })
    }

    /// The egress clock, for sender reports, given the clock of the stream that
    /// is followed; `None` while nothing of it was sent.
    pub fn egress_clock(&self, ingress: CaptureClock) -> Option<CaptureClock> {
        let follows = self.source.is_some_and(|source| source.pending.is_none());
        let offsets = self.map.offsets().filter(|_| follows)?;
        Some(ingress.shifted(offsets.timestamp))
    }

    /// What is added to timestamps of the stream that is followed, and which one
    /// that is; `None` while nothing of it was sent. If it changes, what sender
    /// reports told before is about another clock.
    pub fn clock_offset(&self) -> Option<(StreamKey, u32)> {
        let source = self.source.filter(|source| source.pending.is_none())?;
        Some((source.key, self.map.offsets()?.timestamp))
    }

    /// The stream that is followed.
    pub fn source(&self) -> Option<StreamKey> {
        self.source.map(|source| source.key)
    }

    /// Highest number given out; `None` before the first packet.
    pub fn highest_seq(&self) -> Option<SeqNo> {
        self.newest.map(|_| self.map.highest().seq())
    }

    /// Ticks from the newest packet to this one, by their captures.
    fn ideal(&self, newest: &Newest, packet: &PacketMeta) -> i64 {
        self.rate.ticks(elapsed(newest, packet)).saturating_sub(self.ahead)
    }

    /// Begins the numbers of `source` at `packet`.
    fn start(&mut self, source: StreamKey, packet: &PacketMeta, step: Step) {
        if let Some(now) = &mut self.source {
            now.pending = None;
        }
        self.ahead = step.ahead;
        self.packet_ticks = None;
        let offsets = Offsets {
            timestamp: step.timestamp.0.wrapping_sub(packet.timestamp.0),
            picture_id: next_picture(self.picture_id, packet.picture_id),
            tl0_pic_idx: next_tl0(self.tl0_pic_idx, packet.tl0_pic_idx),
            frame_number: next_frame(self.frame_number, packet),
            top: self.top,
        };
        self.map.start(source, packet.ext, offsets);
    }

    fn send(&mut self, packet: &PacketMeta) -> Result<Rewritten, Refused> {
        if let Some(offsets) = self.map.offsets().filter(|offsets| offsets.top != self.top) {
            self.map.renew(packet.ext, Offsets { top: self.top, ..offsets });
        }
        let mapped = self.map.forward(packet.ext).ok_or(Refused::NotFollowed)?;
        let rewritten = rewritten(&mapped, packet);
        if let Some(source) = &mut self.source {
            let ticks = i64::from(packet.timestamp.distance(source.timestamp));
            if ticks > 0 {
                if packet.ext.0 == source.highest.0.saturating_add(1) {
                    let longest = self.rate.ticks(AUDIO_PACKET_MAX);
                    let shortest = self.packet_ticks.unwrap_or(longest);
                    self.packet_ticks = Some(shortest.min(ticks));
                }
                source.timestamp = packet.timestamp;
            }
            source.highest = packet.ext;
            source.skipping = None;
            source.picture_id = newer_picture(source.picture_id, packet.picture_id);
        }
        self.picture_id = newer_picture(self.picture_id, rewritten.picture_id);
        self.tl0_pic_idx = newer_tl0(self.tl0_pic_idx, rewritten.tl0_pic_idx);
        self.frame_number = newer_frame(self.frame_number, rewritten.frame_number);
        let timestamp = rewritten.timestamp;
        if self.newest.is_none_or(|newest| timestamp.distance(newest.timestamp) > 0) {
            let PacketMeta { arrival, capture, .. } = *packet;
            self.newest = Some(Newest { timestamp, arrival, capture });
        }
        Ok(rewritten)
    }

    fn send_late(&self, source: StreamKey, packet: &PacketMeta) -> Result<Rewritten, Refused> {
        let mapped = self.map.late(source, packet.ext).ok_or(Refused::NotFollowed)?;
        Ok(rewritten(&mapped, packet))
    }

    /// Whether the stream began anew without a word: a jump of its numbers, or
    /// of its timestamps against the clock.
    fn has_restarted(&self, now: &Source, packet: &PacketMeta) -> bool {
        if packet.ext.0 > now.highest.0.saturating_add(MAX_JUMP) {
            return true;
        }
        let moved = self.rate.nanos(i64::from(packet.timestamp.distance(now.timestamp)));
        moved < -MAX_STEP_BACK
            || moved > MAX_TIMESTAMP_JUMP
                && self.newest.is_some_and(|newest| {
                    let passed = signed_nanos(packet.arrival, newest.arrival);
                    moved.saturating_sub(passed).abs() > MAX_TIMESTAMP_JUMP
                })
    }
}

impl Source {
    const fn new(key: StreamKey, packet: &PacketMeta, pending: Option<u8>) -> Self {
        Self {
            key,
            highest: packet.ext,
            timestamp: packet.timestamp,
            picture_id: packet.picture_id,
            skipping: None,
            pending,
        }
    }
}

/// Where a switch takes the timestamp.
#[derive(Clone, Copy)]
struct Step {
    timestamp: RtpTime,
    ahead: i64,
}

impl Step {
    /// `ideal` ticks after the newest packet, but `least` at least.
    fn at_least(newest: &Newest, ideal: i64, least: i64) -> Self {
        let ticks = ideal.clamp(least, MAX_STEP);
        let timestamp = newest.timestamp.offset(wrap_u32(ticks));
        Self { timestamp, ahead: ticks.saturating_sub(ideal).max(0) }
    }
}

/// Nanoseconds between the making of the newest packet and of this one.
fn elapsed(newest: &Newest, packet: &PacketMeta) -> i64 {
    let arrival = signed_nanos(packet.arrival, newest.arrival);
    let capture = newest.capture.zip(packet.capture);
    let capture = capture.map(|(last, now)| signed_nanos(now.time(), last.time()));
    capture
        .filter(|capture| capture.saturating_sub(arrival).saturating_abs() <= MAX_SKEW)
        .unwrap_or(arrival)
}

fn rewritten(mapped: &Mapped, packet: &PacketMeta) -> Rewritten {
    let Mapped { source, ingress: ext, egress, offsets } = *mapped;
    Sent { seq: egress.seq(), source, ext, offsets }.rewrite(packet)
}

fn next_picture(last: Option<PictureId>, ingress: Option<PictureId>) -> u16 {
    match (last, ingress) {
        (Some(last), Some(id)) => last.value.wrapping_add(1).wrapping_sub(id.value),
        _ => 0,
    }
}

fn next_tl0(last: Option<u8>, ingress: Option<u8>) -> u8 {
    match (last, ingress) {
        (Some(last), Some(index)) => last.wrapping_add(1).wrapping_sub(index),
        _ => 0,
    }
}

fn next_frame(last: Option<u16>, packet: &PacketMeta) -> u16 {
    match (last, packet.dependencies) {
        (Some(last), Some(frame)) => last.wrapping_add(1).wrapping_sub(frame.frame_number),
        _ => 0,
    }
}

fn newer_frame(last: Option<u16>, number: Option<u16>) -> Option<u16> {
    match (last, number) {
        (Some(last), Some(number)) if number.wrapping_sub(last).cast_signed() < 0 => Some(last),
        (last, None) => last,
        (_, number) => number,
    }
}

/// Signed distance from `other` to `id` in the narrower of their widths.
fn picture_distance(id: PictureId, other: PictureId) -> i16 {
    let unused = if id.wide && other.wide { 1 } else { 9 };
    (id.value.wrapping_sub(other.value) << unused).cast_signed() >> unused
}

fn newer_picture(last: Option<PictureId>, id: Option<PictureId>) -> Option<PictureId> {
    match (last, id) {
        (Some(last), Some(id)) if picture_distance(id, last) < 0 => Some(last),
        (last, None) => last,
        (_, id) => id,
    }
}

fn newer_tl0(last: Option<u8>, index: Option<u8>) -> Option<u8> {
    match (last, index) {
        (Some(last), Some(index)) if index.wrapping_sub(last).cast_signed() < 0 => Some(last),
        (last, None) => last,
        (_, index) => index,
    }
}

#[cfg(test)]
mod tests;
