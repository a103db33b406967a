//! What is counted, per participant and of all.

use std::time::Duration;

use sfu_core::wire::rtcp::NtpTime;

use super::clock::Stamp;

/// What one participant received while it was measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Received {
    pub(crate) packets: u64,
    /// Bytes of video payload.
    pub(crate) video_bytes: u64,
    pub(crate) audio_packets: u64,
    pub(crate) video_packets: u64,
    /// Packets that came by retransmission.
    pub(crate) repaired: u64,
    /// Packets that did not come, not even by retransmission.
    pub(crate) lost: u64,
    /// Packets that were not authentic or not RTP.
    pub(crate) rejected: u64,
    /// Packets that came twice or too late.
    pub(crate) late: u64,
    pub(crate) nacks: u64,
    pub(crate) plis: u64,
    pub(crate) frames: u64,
    /// Changes of publisher or layer within a slot.
    pub(crate) switches: u64,
    pub(crate) freezes: u64,
    pub(crate) frozen: Duration,
    /// Slots with a source whose picture never came.
    pub(crate) blank: u64,
    pub(crate) breaks: Breaks,
}

/// What a decoder would trip over, though nothing was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaks {
    /// The first packet after a switch did not begin a key frame.
    pub(crate) no_key_frame: u64,
    /// The picture id did not go on by one.
    pub(crate) picture_id: u64,
    /// TL0PICIDX did not go on as the layer of the frame says.
    pub(crate) tl0_pic_idx: u64,
    /// The timestamp went backwards.
    pub(crate) timestamp: u64,
    /// A frame lacked its beginning or end.
    pub(crate) torn: u64,
}

impl Breaks {
    pub(crate) fn total(&self) -> u64 {
        self.no_key_frame + self.picture_id + self.tl0_pic_idx + self.timestamp + self.torn
    }
}

impl Received {
    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            packets,
            video_bytes,
            audio_packets,
            video_packets,
            repaired,
            lost,
            rejected,
            late,
            nacks,
            plis,
            frames,
            switches,
            freezes,
            frozen,
            blank,
            breaks,
        } = *other;
        self.packets += packets;
        self.video_bytes += video_bytes;
        self.audio_packets += audio_packets;
        self.video_packets += video_packets;
        self.repaired += repaired;
        self.lost += lost;
        self.rejected += rejected;
        self.late += late;
        self.nacks += nacks;
        self.plis += plis;
        self.frames += frames;
        self.switches += switches;
        self.freezes += freezes;
        self.frozen += frozen;
        self.blank += blank;
        self.breaks.no_key_frame += breaks.no_key_frame;
        self.breaks.picture_id += breaks.picture_id;
        self.breaks.tl0_pic_idx += breaks.tl0_pic_idx;
        self.breaks.timestamp += breaks.timestamp;
        self.breaks.torn += breaks.torn;
    }

    /// Share of packets that never came.
    pub(crate) fn loss(&self) -> f64 {
        let expected = self.packets + self.lost;
        if expected == 0 { 0.0 } else { self.lost as f64 / expected as f64 }
    }
}

/// A stamp as RTCP writes it.
pub(crate) fn ntp(stamp: Stamp) -> NtpTime {
    NtpTime::from_unix(Duration::from_nanos(stamp.0))
}
