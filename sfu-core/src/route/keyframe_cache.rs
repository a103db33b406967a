//! The last key frame of a stream and all that came since, for receivers that
//! come late: they start at once, and the publisher is not asked.
//!
//! The packets are those that the stream keeps for retransmissions anyway; only
//! where the key frame began is kept here.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::producer::Stored;
use crate::wire::buf::PacketRing;
use crate::wire::{ExtSeq, RtpTime};

/// A key frame older than this is of no use to a receiver that has no picture:
/// asking for a new one costs less than all that came since.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(3);
/// The same for a receiver that has a picture, of another layer: the change
/// may wait for a key frame of its own.
pub(crate) const MAX_AGE_SHOWN: Duration = Duration::from_millis(300);
/// Bytes of payload that the cache may hold.
const MAX_BYTES: usize = 1_500_000;
/// Bytes of payload that one receiver may be sent: they go out at once, and
/// sockets take about a hundred packets before they lose some.
const MAX_SENT: usize = 80_000;
/// A packet that is missing for longer will not come any more.
const REPAIR: Duration = Duration::from_millis(200);
/// Pictures that one receiver may be sent.
const MAX_PICTURES: u16 = 400;

/// Where the last key frame of a stream began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyFrameCache {
    start: Option<Start>,
    /// How often it served a receiver.
    pub(crate) hits: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Start {
    ext: ExtSeq,
    timestamp: RtpTime,
    at: Time,
}

/// Packets to send to a receiver that starts now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct History {
    /// First packet of the key frame.
    pub(crate) first: ExtSeq,
    /// The newest packet of the stream, or the one before the first that is
    /// missing but may still come.
    pub(crate) last: ExtSeq,
    /// Its base temporal layer is enough: the stream tells where a receiver can
    /// go up again.
    pub(crate) brief: bool,
    /// Pictures from the first packet to the last.
    pub(crate) pictures: u16,
}

impl KeyFrameCache {
    /// A key frame starts with packet `ext`, of a picture with `timestamp`.
    pub(crate) fn start(&mut self, now: Time, ext: ExtSeq, timestamp: RtpTime) {
        // Parameter sets and slices, or spatial layers, show one each.
        let same = self.start.is_some_and(|s| s.timestamp == timestamp && s.ext <= ext);
        let overtaken = self.start.is_some_and(|s| s.ext > ext && s.ext.0 - ext.0 < 1_000);
        if !same && !overtaken {
            self.start = Some(Start { ext, timestamp, at: now });
        }
    }

    /// What comes next is not kept, so that nobody could go on from here.
    pub(crate) fn forget(&mut self) {
        self.start = None;
    }

    /// What a receiver is sent to start at once; `None` if the key frame is
    /// older than `max_age`, something is missing, or it is too much.
    pub(crate) fn history(
        &self,
        now: Time,
        max_age: Duration,
        ring: &PacketRing<Stored>,
    ) -> Option<History> {
        let Start { ext: first, at, .. } = self.start?;
        if now.since(at) > max_age {
            return None;
        }
        let highest = ring.highest()?;
        let mut last = first;
        ring.get(first)?;
        let (mut held, mut base, mut pictures) = (0_usize, 0_usize, 0_u16);
        let (mut brief, mut picture) = (false, None);
        for seq in (first.0..=highest.0).map(ExtSeq) {
            let Some(entry) = ring.get(seq).filter(|entry| !entry.meta.unread) else {
                let mut after = (seq.0 + 1..=highest.0).filter_map(|seq| ring.get(ExtSeq(seq)));
                let fresh = after.next().is_some_and(|next| now.since(next.stored_at) <= REPAIR);
                if fresh {
                    break;
                }
                return None;
            };
            last = seq;
            let meta = &entry.meta.meta;
            let bytes = usize::from(meta.payload_len);
            held += bytes;
            if meta.temporal_id.is_none_or(|layer| layer == 0) {
                base += bytes;
            }
            brief |= meta.layer_sync || meta.dependencies.is_some();
            pictures += u16::from(picture.replace(meta.timestamp) != Some(meta.timestamp));
            if held > MAX_BYTES || pictures > MAX_PICTURES {
                return None;
            }
        }
        let sent = if brief { base } else { held };
        (sent <= MAX_SENT).then_some(History { first, last, brief, pictures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::select::PacketMeta;
    use crate::wire::buf::{Pool, PoolOptions};
    use crate::wire::rtp::RtpHeader;

    const FIRST: u64 = 70_000;

    struct Stream {
        pool: Pool,
        ring: PacketRing<Stored>,
        cache: KeyFrameCache,
    }

    impl Stream {
        fn new() -> Self {
            let pool = Pool::new(PoolOptions::default());
            Self { pool, ring: PacketRing::new(512), cache: KeyFrameCache::default() }
        }

        /// Packet `number`, one each 10 ms, each a picture, of `len` bytes.
        fn push(&mut self, number: u64, len: u16, temporal: Option<u8>, key: bool) {
            let now = Time::from_millis(10 * number);
            let packet = [0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
            let (ext, timestamp) = (ExtSeq(FIRST + number), RtpTime(number as u32 * 900));
            let meta = PacketMeta {
                payload_len: len,
                temporal_id: temporal,
                layer_sync: temporal.is_some_and(|layer| layer > 0),
                ..PacketMeta::new(ext, timestamp, now)
            };
            let header = RtpHeader::parse(&packet).unwrap();
            let stored = Stored { meta, header, descriptor: None, unread: false };
            let slot = self.pool.store(&packet).unwrap();
            self.ring.insert(&mut self.pool, ext, slot, now, stored);
            if key {
                self.cache.start(now, ext, timestamp);
            }
        }

        fn history(&self, millis: u64) -> Option<(u64, u64, bool)> {
            let history = self.cache.history(Time::from_millis(millis), MAX_AGE, &self.ring)?;
            Some((history.first.0 - FIRST, history.last.0 - FIRST, history.brief))
        }
    }

    #[test]
    fn all_since_the_key_frame_until_it_is_too_old() {
        let mut stream = Stream::new();
        (0..5).for_each(|number| stream.push(number, 1_000, None, false));
        assert_eq!(stream.history(50), None);
        stream.push(5, 1_000, None, true);
        assert_eq!(stream.history(50), Some((5, 5, false)));
        (6..20).for_each(|number| stream.push(number, 1_000, None, false));
        assert_eq!(stream.history(200), Some((5, 19, false)));
        assert_eq!(stream.history(3_050), Some((5, 19, false)));
        assert_eq!(stream.history(3_051), None);
    }

    #[test]
    fn a_hole_is_a_miss_until_it_is_filled() {
        let mut stream = Stream::new();
        stream.push(0, 1_000, None, true);
        stream.push(1, 1_000, None, false);
        stream.push(3, 1_000, None, false);
        assert_eq!(stream.history(40), Some((0, 1, false)), "it may still come");
        assert_eq!(stream.history(231), None);
        stream.push(2, 1_000, None, false);
        assert_eq!(stream.history(231), Some((0, 3, false)));
    }

    #[test]
    fn what_one_receiver_is_sent_is_bounded_by_its_base_layer() {
        let mut stream = Stream::new();
        stream.push(0, 2_000, Some(0), true);
        for number in 1..80 {
            stream.push(number, 2_000, Some((number % 4 > 0).into()), false);
        }
        assert_eq!(stream.history(800), Some((0, 79, true)), "160 kB, a quarter in the base");
        let mut stream = Stream::new();
        stream.push(0, 2_000, None, true);
        (1..80).for_each(|number| stream.push(number, 2_000, None, false));
        assert_eq!(stream.history(800), None);
    }

    #[test]
    fn a_key_frame_begins_with_its_first_packet() {
        let mut stream = Stream::new();
        stream.push(3, 100, None, true);
        let (now, same) = (Time::from_millis(30), RtpTime(3 * 900));
        stream.cache.start(now, ExtSeq(FIRST + 4), same);
        assert_eq!(stream.history(30), Some((3, 3, false)));
        stream.push(2, 100, None, false);
        stream.cache.start(now, ExtSeq(FIRST + 2), RtpTime(2 * 900));
        assert_eq!(stream.history(30), Some((3, 3, false)), "a late one of an earlier picture");
    }
}
