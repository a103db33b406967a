use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Duration;

use sfu_ice::Random;

use super::*;
use crate::stream::recv::{RecvStream, RemoteClock, ntp_at};
use crate::stream::select::{ActiveStreams, Decision, Layers, Selector};
use crate::wire::rtcp::SenderInfo;

mod audio;
mod cases;
mod video;

/// Two publishers with three layers each, whose clocks, numbers and network
/// delays have nothing to do with each other, seen from the SFU.
struct World {
    random: Random,
    publishers: Vec<Publisher>,
    arrivals: Vec<Arriving>,
}

struct Publisher {
    /// Its wall clock minus ours.
    clock: i64,
    delay: Duration,
    remote: RemoteClock,
    layers: Vec<Layer>,
}

struct Layer {
    recv: RecvStream,
    seq: u16,
    timestamp: u32,
    picture: u16,
    wide: bool,
    tl0: u8,
}

/// A packet or a sender report on its way.
#[derive(Clone)]
struct Arriving {
    at: Time,
    publisher: usize,
    layer: usize,
    seq: SeqNo,
    /// When its frame was captured, plus the fastest way to us.
    captured: Time,
    frame: u64,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Packet(PacketMeta),
    Lost,
    Report(SenderInfo),
}

#[derive(Clone, Copy)]
struct Network {
    jitter_micros: u32,
    lost_percent: u32,
}

const FRAME: Duration = Duration::from_micros(33_333);
/// Frames between key frames, of all layers at once.
const KEY_INTERVAL: u64 = 12;
/// Temporal layers of successive frames (L1T3).
const TEMPORAL: [u8; 4] = [0, 2, 1, 2];

impl World {
    fn new(seed: u8, frames: u64, network: Network) -> Self {
        let mut random = Random::from_seed([seed; 32]);
        let publishers = (0..2).map(|_| Publisher::new(&mut random)).collect();
        let mut world = Self { random, publishers, arrivals: Vec::new() };
        for publisher in 0..2 {
            for frame in 0..frames {
                world.capture(publisher, frame, network);
            }
        }
        world.arrivals.sort_by_key(|arriving| arriving.at);
        world
    }

    /// All packets of one frame in all layers.
    fn capture(&mut self, publisher: usize, frame: u64, network: Network) {
        let phase = Duration::from_millis(11 * publisher as u64);
        let captured = Time::from_secs(10) + FRAME * frame as u32 + phase;
        let this = &mut self.publishers[publisher];
        let keyframe = frame.is_multiple_of(KEY_INTERVAL);
        let temporal = TEMPORAL[(frame % KEY_INTERVAL % 4) as usize];
        for (index, layer) in this.layers.iter_mut().enumerate() {
            let elapsed = ClockRate::VIDEO.ticks((FRAME * frame as u32).as_nanos() as i64);
            let timestamp = RtpTime(layer.timestamp).offset(elapsed as u32);
            if temporal == 0 {
                layer.tl0 = layer.tl0.wrapping_add(1);
            }
            let fastest = captured + this.delay;
            if frame.is_multiple_of(30) {
                let ntp = ntp_at(captured + Duration::from_nanos(this.clock as u64));
                let info = SenderInfo { ntp, rtp: timestamp, packets: 0, octets: 0 };
                // The first reports are not delayed: the minimum is known.
                self.arrivals.push(Arriving {
                    at: fastest + Duration::from_millis(frame % 5),
                    publisher,
                    layer: index,
                    seq: SeqNo(0),
                    captured: fastest,
                    frame,
                    content: Content::Report(info),
                });
            }
            let packets = 1 + index as u64 * 2;
            for number in 0..packets {
                let jitter = Duration::from_micros(match network.jitter_micros {
                    0 => 0,
                    limit => u64::from(self.random.u32() % limit),
                });
                let at = fastest + Duration::from_micros(100 + number * 50) + jitter;
                let seq = SeqNo(layer.seq);
                layer.seq = layer.seq.wrapping_add(1);
                let meta = PacketMeta {
                    stream: index as u8,
                    temporal_id: Some(temporal),
                    layer_sync: temporal > 0,
                    keyframe_start: keyframe && number == 0,
                    marker: number + 1 == packets,
                    picture_id: Some(PictureId {
                        value: layer.picture & if layer.wide { 0x7fff } else { 0x7f },
                        wide: layer.wide,
                    }),
                    tl0_pic_idx: Some(layer.tl0),
                    payload_len: 1_000,
                    ..PacketMeta::new(ExtSeq(0), timestamp, at)
                };
                let lost = self.random.u32() % 100 < network.lost_percent;
                let content = if lost { Content::Lost } else { Content::Packet(meta) };
                let captured = fastest;
                self.arrivals.push(Arriving {
                    at,
                    publisher,
                    layer: index,
                    seq,
                    captured,
                    frame,
                    content,
                });
            }
            layer.picture = layer.picture.wrapping_add(1);
        }
    }
}

impl Publisher {
    fn new(random: &mut Random) -> Self {
        let layers = (0..3).map(|_| Layer {
            recv: RecvStream::new(ClockRate::VIDEO),
            // Near their ends, so that all of them wrap.
            seq: 65_000 + (random.u32() % 500) as u16,
            timestamp: u32::MAX - random.u32() % 2_000_000,
            picture: 0x7f00 + (random.u32() % 0xff) as u16,
            wide: random.u32().is_multiple_of(2),
            tl0: random.u32() as u8,
        });
        let layers = layers.collect();
        Self {
            clock: i64::from(random.u32() % 1_000_000) * 1_000_000,
            delay: Duration::from_millis(u64::from(10 + random.u32() % 80)),
            remote: RemoteClock::new(),
            layers,
        }
    }
}

/// What one consumer got, and what of the publishers it was made of.
struct Viewer {
    selector: Selector,
    rewriter: Rewriter,
    following: usize,
    sent: BTreeMap<u64, Egress>,
    /// Which packet each number that was passed over is kept for.
    kept: BTreeMap<u64, Sent>,
    /// Packets that never came, came while their publisher was not watched, or
    /// came too late to be hidden: they may leave a gap.
    excused: BTreeSet<(StreamKey, u16)>,
    switches: u32,
}

#[derive(Clone)]
struct Egress {
    source: StreamKey,
    meta: PacketMeta,
    rewritten: Rewritten,
    captured: Time,
    frame: u64,
}

fn stream_key(publisher: usize, layer: usize) -> StreamKey {
    StreamKey((publisher * 8 + layer) as u32)
}

/// Runs a viewer that changes what it watches all the time.
fn watch(seed: u8, switch_every: u64, network: Network, temporal: bool) -> Viewer {
    let mut world = World::new(seed, 3_000, network);
    let mut viewer = Viewer {
        selector: Selector::simulcast(),
        rewriter: Rewriter::new(
            MediaKind::Video,
            ClockRate::VIDEO,
            SeqNo(65_500),
            RtpTime(u32::MAX - 1_000_000),
        ),
        following: 0,
        sent: BTreeMap::new(),
        kept: BTreeMap::new(),
        excused: BTreeSet::new(),
        switches: 0,
    };
    viewer.selector.set_streams(Time::from_secs(1), ActiveStreams(0b111));
    let mut next_change = Time::from_secs(12);
    let mut recent = BTreeMap::new();
    for arriving in std::mem::take(&mut world.arrivals) {
        let now = arriving.at;
        if now >= next_change {
            next_change = now + Duration::from_millis(switch_every);
            viewer.change_mind(&mut world.random, now, temporal);
            viewer = viewer.through_a_snapshot();
        }
        let key = stream_key(arriving.publisher, arriving.layer);
        let publisher = &mut world.publishers[arriving.publisher];
        let layer = &mut publisher.layers[arriving.layer];
        let meta = match &arriving.content {
            Content::Lost => {
                viewer.excused.insert((key, arriving.seq.0));
                continue;
            }
            Content::Report(info) => {
                publisher.remote.handle_sender_report(now, info.ntp);
                layer.recv.handle_sender_report(now, info);
                continue;
            }
            Content::Packet(meta) => meta,
        };
        let arrival = layer.recv.push(now, arriving.seq, meta.timestamp, 1_000);
        assert!(arrival.kind.is_new());
        let clock = layer.recv.capture_clock(&publisher.remote).unwrap();
        let capture = Some(CaptureTime::new(clock.time_at(meta.timestamp)));
        let meta = PacketMeta { ext: arrival.ext, capture, ..*meta };
        let offered =
            Offered { key, meta, clock, captured: arriving.captured, frame: arriving.frame };
        recent.insert((key, meta.ext), offered);
        if arriving.publisher != viewer.following {
            viewer.excused.insert((key, arriving.seq.0));
        } else if viewer.take(&offered) == Decision::Switch {
            // Packets of the key frame that overtook its first one.
            let overtaking =
                (Bound::Excluded((key, meta.ext)), Bound::Included((key, ExtSeq(u64::MAX))));
            for (_, offered) in recent.range(overtaking) {
                viewer.take(offered);
            }
        }
    }
    // Each dropped frame starts a segment, and those are limited.
    viewer.check_lookups(if temporal { 100 } else { 1_000 });
    viewer
}

/// A packet as the router offers it to a consumer.
#[derive(Clone, Copy)]
struct Offered {
    key: StreamKey,
    meta: PacketMeta,
    clock: CaptureClock,
    captured: Time,
    frame: u64,
}

impl Viewer {
    fn change_mind(&mut self, random: &mut Random, now: Time, temporal: bool) {
        let choice = random.u32();
        if choice.is_multiple_of(3) {
            self.following = 1 - self.following;
            self.selector.reset();
            self.selector.set_streams(now, ActiveStreams(0b111));
        }
        let temporal = if temporal { (choice >> 8) as u8 % 3 } else { 2 };
        self.selector.set_preferred(now, Layers { spatial: (choice >> 16) as u8 % 3, temporal });
    }

    fn through_a_snapshot(self) -> Self {
        let bytes = postcard::to_stdvec(&(&self.selector, &self.rewriter)).unwrap();
        let (selector, rewriter) = postcard::from_bytes(&bytes).unwrap();
        assert!(self.rewriter == rewriter && self.selector == selector);
        Self { selector, rewriter, ..self }
    }

    fn take(&mut self, offered: &Offered) -> Decision {
        let Offered { key, meta, clock, captured, frame } = *offered;
        let decision = self.selector.decide(&meta);
        let before = self.rewriter.map.highest().0;
        let sent = match decision {
            Decision::Drop => {
                if self.rewriter.map.late(key, meta.ext).is_some() {
                    self.excused.insert((key, meta.ext.seq().0));
                }
                self.rewriter.skip(key, &meta)
            }
            Decision::Forward => self.rewriter.forward(key, &meta),
            Decision::Switch => {
                self.switches += 1;
                self.rewriter.switch(key, &meta)
            }
        };
        let Ok(rewritten) = sent else { return decision };
        let highest = self.rewriter.map.highest();
        for number in before + 1..highest.0 {
            self.kept.insert(number, self.rewriter.lookup(ExtSeq(number).seq()).unwrap());
        }
        let number = highest.nearest(rewritten.seq).0;
        let egress = Egress { source: key, meta, rewritten, captured, frame };
        assert!(self.sent.insert(number, egress).is_none(), "{:?} sent twice", rewritten.seq);
        if number == highest.0 {
            // A sender report at this moment ties the frame to its capture.
            let told = self.rewriter.egress_clock(clock).unwrap().time_at(rewritten.timestamp);
            let error = signed_nanos(told, captured);
            assert!(error.abs() < 2_000_000, "sender report off by {error} ns");
        }
        self.check_lookups(60);
        decision
    }

    /// The last `reach` numbers lead back to what was sent under them.
    fn check_lookups(&self, reach: u64) {
        let highest = self.rewriter.map.highest().0;
        for (number, egress) in self.sent.range(highest.saturating_sub(reach)..) {
            let sent = self.rewriter.lookup(ExtSeq(*number).seq()).expect("number within reach");
            assert_eq!((sent.source, sent.ext), (egress.source, egress.meta.ext));
            assert_eq!(sent.rewrite(&egress.meta), egress.rewritten);
        }
    }
}
