//! A receiver of one slot: asks for what is missing, reports, and keeps
//! everything for the test to judge.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use sfu_core::wire::codec::dd::DdReader;
use sfu_core::wire::rtcp::{NtpTime, Pli, ReportBlock, RtcpWriter, SenderInfo};
use sfu_core::wire::rtp::{ExtensionMap, Extensions, RtpView, read_extensions, rtx};
use sfu_core::wire::{ExtSeq, RtpTime, SeqNo, Ssrc};
use sfu_core::{ConsumerConfig, Time};

use super::{Format, Ordered, Stamp};

/// One packet of the slot, as it came or came again.
#[derive(Clone, Debug)]
pub struct Received {
    pub at: Time,
    pub timestamp: RtpTime,
    pub marker: bool,
    pub format: Format,
    pub stamp: Stamp,
    pub picture: Option<u16>,
    pub tl0: Option<u8>,
    pub repaired: bool,
    pub padding: usize,
    /// The dependency descriptor.
    pub descriptor: Option<Vec<u8>>,
    /// The time of capture that it tells.
    pub capture: Option<NtpTime>,
}

#[derive(Debug)]
pub struct Sink {
    pub config: ConsumerConfig,
    formats: Vec<Format>,
    /// Every packet, by extended number.
    pub packets: Ordered<Received>,
    /// Numbers that empty packets stand for.
    pub fillers: BTreeSet<u64>,
    pub duplicates: u32,
    pub repaired: u32,
    /// Asks for missing packets.
    pub nack: bool,
    /// Takes whatever comes, and looks at nothing but RTP headers.
    pub blind: bool,
    /// Sender reports with their times of arrival.
    pub reports: Vec<(Time, SenderInfo)>,
    /// Packets that a report may count: those that came on the stream itself.
    pub direct: u64,
    /// Since when each is missing, and when it is asked for.
    missing: BTreeMap<u64, (Time, Time)>,
    /// The start of a key frame was among the packets.
    started: bool,
    highest: Option<ExtSeq>,
    first: u64,
    next_report: Time,
    next_pli: Time,
    expected_before: u64,
    received_before: u64,
}

/// A packet is asked for when it is this late, and then at this distance.
const LATE: Duration = Duration::from_millis(10);
const RETRY: Duration = Duration::from_millis(70);

impl Sink {
    pub fn new(now: Time, config: ConsumerConfig, formats: Vec<Format>) -> Self {
        Self {
            config,
            formats,
            packets: Ordered::default(),
            fillers: BTreeSet::new(),
            duplicates: 0,
            repaired: 0,
            nack: true,
            blind: false,
            reports: Vec::new(),
            direct: 0,
            missing: BTreeMap::new(),
            started: false,
            highest: None,
            first: 0,
            next_report: now + Duration::from_millis(500),
            next_pli: now,
            expected_before: 0,
            received_before: 0,
        }
    }

    pub fn owns(&self, ssrc: Ssrc) -> bool {
        self.config.ssrc == ssrc || self.config.rtx_ssrc == Some(ssrc)
    }

    /// Takes a decrypted packet of the slot; gives its transport-wide number.
    pub fn push(&mut self, now: Time, packet: &mut [u8], ids: &ExtensionMap) -> Option<u16> {
        let view = RtpView::parse(packet).unwrap();
        let told = read_extensions(&view, ids);
        let twcc = told.twcc;
        let payload_type = view.payload_type();
        let repaired = Some(view.ssrc()) == self.config.rtx_ssrc;
        let (codec, format) = (self.config.codecs.iter().zip(&self.formats))
            .find(|(codec, _)| {
                let wanted =
                    if repaired { codec.rtx_payload_type } else { Some(codec.payload_type) };
                wanted == Some(payload_type)
            })
            .expect("a payload type that the receiver never named");
        let format = *format;
        if repaired {
            let original = rtx::unwrap(packet, self.config.ssrc, codec.payload_type).unwrap();
            let start = original.expect("padding was not asked for").start;
            self.take(now, &RtpView::parse(&packet[start..]).unwrap(), None, format, repaired);
        } else {
            let told = (*ids == self.config.extensions).then_some(told);
            self.take(now, &view, told, format, repaired);
        }
        twcc
    }

    /// What its extensions tell, if that is known already.
    fn take(
        &mut self,
        now: Time,
        view: &RtpView<'_>,
        told: Option<Extensions>,
        format: Format,
        repaired: bool,
    ) {
        if self.blind {
            return;
        }
        let ext = match self.highest {
            Some(highest) => highest.nearest(view.seq()),
            None => ExtSeq::first(view.seq()),
        };
        let newest = self.highest.is_none_or(|highest| ext > highest);
        match self.highest {
            None => {
                self.first = ext.0;
                self.highest = Some(ext);
            }
            Some(highest) if ext > highest => {
                assert!(ext.0 - highest.0 < 1_000, "the numbers jump by {}", ext.0 - highest.0);
                for lost in highest.0 + 1..ext.0 {
                    self.missing.insert(lost, (now, now + LATE));
                }
                self.highest = Some(ext);
            }
            Some(_) => {}
        }
        self.missing.remove(&ext.0);
        if view.payload().is_empty() {
            self.fillers.insert(ext.0);
            self.direct += u64::from(!repaired);
            return;
        }
        let told = told.unwrap_or_else(|| read_extensions(view, &self.config.extensions));
        let (stamp, picture, tl0) = Stamp::read(format, view.payload());
        let received = Received {
            at: now,
            timestamp: view.timestamp(),
            marker: view.marker(),
            format,
            stamp,
            picture,
            tl0,
            repaired,
            padding: view.padding_len(),
            descriptor: told.dependency_descriptor.map(|place| place.of(view.packet()).to_vec()),
            capture: told.abs_capture_time.map(|told| told.capture),
        };
        if !newest && let Some(before) = self.packets.get(&ext.0) {
            self.duplicates += 1;
            assert_eq!(
                (before.stamp, before.timestamp, before.marker),
                (received.stamp, received.timestamp, received.marker),
                "two packets under number {ext:?}"
            );
            return;
        }
        self.repaired += u32::from(repaired);
        self.direct += u64::from(!repaired);
        self.started |= stamp.key && stamp.index == 0;
        self.packets.insert(ext.0, received);
    }

    pub fn handle_sender_report(&mut self, now: Time, info: SenderInfo) {
        self.reports.push((now, info));
    }

    /// The highest number so far.
    pub fn highest(&self) -> Option<ExtSeq> {
        self.highest
    }

    /// Whether there is something to ask for, now or soon.
    pub fn lacks_some(&self) -> bool {
        self.nack && !self.missing.is_empty() || self.lacks_start()
    }

    /// When [`Self::feedback`] has something to say; not before `from`
    /// if something is missing.
    pub fn next_feedback(&self, from: Time) -> Time {
        if self.nack && !self.missing.is_empty() {
            return from;
        }
        let report = if self.highest.is_some() { self.next_report } else { Time::MAX };
        if self.lacks_start() { report.min(self.next_pli) } else { report }
    }

    /// The feedback that is due, as a compound.
    pub fn feedback(&mut self, now: Time) -> Option<Vec<u8>> {
        let missing = self.nack && !self.missing.is_empty();
        let reports = now >= self.next_report && self.highest.is_some();
        let lost = now >= self.next_pli && self.lacks_start();
        if !missing && !reports && !lost {
            return None;
        }
        let own = Ssrc(self.config.ssrc.0 ^ 0x8000_0000);
        let mut out = vec![0; 1_200];
        let mut writer = RtcpWriter::compound(&mut out, own, "receiver");
        if reports && let Some(block) = self.report_block(now) {
            self.next_report = now + Duration::from_secs(1);
            writer.receiver_report(own, &[block]).unwrap();
        }
        if self.nack {
            self.missing.retain(|_, (since, _)| now.since(*since) < Duration::from_secs(2));
            let due: Vec<SeqNo> = (self.missing.iter_mut())
                .filter(|(_, (_, due))| *due <= now)
                .map(|(ext, (_, due))| {
                    *due = now + RETRY;
                    ExtSeq(*ext).seq()
                })
                .collect();
            writer.nack(own, self.config.ssrc, due).unwrap();
        }
        if lost {
            self.next_pli = now + Duration::from_millis(500);
            writer.pli(Pli { sender: own, media: self.config.ssrc }).unwrap();
        }
        let len = writer.finish();
        out.truncate(len);
        (len > 0).then_some(out)
    }

    /// The very first packet was lost, which no receiver can know, and no key
    /// frame has come since.
    fn lacks_start(&self) -> bool {
        let first = || self.packets.first_key_value();
        !self.started && first().is_some_and(|(_, packet)| packet.stamp.index > 0)
    }

    pub fn pli(&self) -> Vec<u8> {
        let sender = Ssrc(self.config.ssrc.0 ^ 0x8000_0000);
        let mut out = vec![0; 200];
        let mut writer = RtcpWriter::compound(&mut out, sender, "receiver");
        writer.pli(Pli { sender, media: self.config.ssrc }).unwrap();
        let len = writer.finish();
        out.truncate(len);
        out
    }

    fn report_block(&mut self, now: Time) -> Option<ReportBlock> {
        let highest = self.highest?;
        let expected = highest.0 - self.first + 1;
        let interval = expected - self.expected_before;
        let lost = interval.saturating_sub(self.direct - self.received_before);
        self.expected_before = expected;
        self.received_before = self.direct;
        let last = self.reports.last();
        Some(ReportBlock {
            ssrc: self.config.ssrc,
            fraction_lost: (lost * 256).checked_div(interval).unwrap_or(0).min(255) as u8,
            cumulative_lost: expected.saturating_sub(self.direct) as i32,
            highest_seq: (highest.0 - 65_536) as u32,
            jitter: 0,
            last_sr: last.map_or(0, |(_, info)| info.ntp.middle()),
            delay_since_last_sr: last.map_or(0, |(at, _)| NtpTime::to_short(now.since(*at))),
        })
    }

    /// Numbers that never came, up to `tail` packets before the end.
    pub fn holes(&self, tail: u64) -> Vec<u64> {
        let (Some((first, _)), Some((last, _))) =
            (self.packets.first_key_value(), self.packets.last_key_value())
        else {
            return Vec::new();
        };
        (*first..last.saturating_sub(tail))
            .filter(|ext| !self.packets.contains_key(ext) && !self.fillers.contains(ext))
            .collect()
    }

    /// Judges the whole stream: no holes (but in the last `tail` packets),
    /// timestamps that never go back, every frame complete, every frame's
    /// reference there, picture ids without gaps. Gives the number of frames.
    pub fn assert_continuous(&self, tail: u64) -> usize {
        let frames = self.assert_decodable(tail, 0);
        self.assert_pictures();
        frames
    }

    /// The same, but up to `broken` frames may lack something: what was lost
    /// before a key frame is not asked for any more, and where a slot changes
    /// over, the end of the last frame may still be missing.
    pub fn assert_decodable(&self, tail: u64, broken: usize) -> usize {
        let holes = self.holes(tail);
        let told = holes.iter().map(|hole| (hole, self.next_key(*hole)));
        assert!(holes.len() <= broken, "never came: {:?}", told.collect::<Vec<_>>());
        let frames = self.frames(tail);
        let mut decoded = HashSet::new();
        let mut failed = Vec::new();
        for (at, frame) in frames.iter().enumerate() {
            let head = frame[0].stamp;
            let complete = frame.len() == usize::from(head.count)
                && frame.iter().enumerate().all(|(at, packet)| {
                    usize::from(packet.stamp.index) == at
                        && (packet.stamp.source, packet.stamp.frame) == (head.source, head.frame)
                });
            // The marker is at the end of each picture, and nowhere else.
            let next = frames.get(at + 1).map(|next| next[0].timestamp);
            let ends = next != Some(frame[0].timestamp);
            let (last, rest) = frame.split_last().unwrap();
            let marked = frame[0].format == Format::Opus
                || last.marker == ends && rest.iter().all(|packet| !packet.marker);
            let mut needs = head.needs.iter().flatten();
            let decodable = needs.all(|need| decoded.contains(&(head.source, *need)));
            if complete && decodable {
                decoded.insert((head.source, head.frame));
            }
            if !complete || !marked || !decodable {
                failed.push((frame.len(), marked, decodable, head));
            }
        }
        assert!(failed.len() <= broken, "of {} frames not decodable: {failed:#?}", frames.len());
        for pair in frames.windows(2) {
            let [before, after] = [pair[0][0], pair[1][0]];
            let same = before.stamp.source == after.stamp.source
                && before.stamp.capture == after.stamp.capture;
            let step = after.timestamp.distance(before.timestamp);
            assert!(
                if same { step == 0 } else { step > 0 },
                "the timestamp goes wrong from {before:?} to {after:?}"
            );
        }
        decoded.len()
    }

    /// Frames, in order; the last one may be cut and is left out.
    fn frames(&self, tail: u64) -> Vec<Vec<&Received>> {
        let last = self.packets.last_key_value().map_or(0, |(last, _)| last.saturating_sub(tail));
        let mut frames: Vec<Vec<&Received>> = Vec::new();
        for (_, packet) in self.packets.range(..last) {
            let same = |other: &Received| {
                (other.timestamp, other.stamp.frame) == (packet.timestamp, packet.stamp.frame)
            };
            match frames.last_mut() {
                Some(frame) if same(frame[0]) => frame.push(packet),
                _ => frames.push(vec![packet]),
            }
        }
        // The whole last picture.
        let last = frames.last().map(|frame| frame[0].timestamp);
        while frames.last().is_some_and(|frame| Some(frame[0].timestamp) == last) {
            frames.pop();
        }
        if frames.first().is_some_and(|frame| frame[0].stamp.index > 0) {
            // It began in the middle, see `lacks_start`.
            let start = frames.iter().position(|f| f[0].stamp.key && f[0].stamp.index == 0);
            frames.drain(..start.unwrap_or(frames.len()));
        }
        frames
    }

    /// How many packets after `ext` a key frame starts.
    fn next_key(&self, ext: u64) -> Option<u64> {
        let mut after = self.packets.range(ext..);
        after.find(|(_, packet)| packet.stamp.key).map(|(key, _)| key - ext)
    }

    /// Picture ids and TL0PICIDX: without gaps in VP8; in VP9, where they tell
    /// references as distances, with those gaps that the dropped pictures leave.
    fn assert_pictures(&self) {
        let pictures = self
            .packets
            .values()
            .filter_map(|packet| Some((packet.picture?, packet.tl0?, packet.stamp, packet.format)));
        let mut pictures: Vec<_> = pictures.collect();
        pictures.dedup_by_key(|picture| (picture.2.source, picture.2.capture));
        for pair in pictures.windows(2) {
            let [(id, tl0, before, _), (next, next_tl0, after, format)] = [pair[0], pair[1]];
            let same = before.source == after.source && after.frame > before.frame;
            let distance = match format {
                Format::Vp9 if same => (after.frame / 3 - before.frame / 3) as u16,
                _ => 1,
            };
            assert_eq!(next, (id + distance) & 0x7fff, "picture id: {before:?} {after:?}");
            let base = after.temporal == 0;
            if base && distance == 1 {
                assert_eq!(next_tl0, tl0.wrapping_add(1), "TL0PICIDX: {before:?} {after:?}");
            } else if !base {
                assert_eq!(next_tl0, tl0, "TL0PICIDX: {before:?} {after:?}");
            }
        }
    }

    /// Judges the dependency descriptors alone, as a receiver does that knows
    /// nothing else: each can be read with what came before, and each frame that
    /// they say is needed is there. Gives the number of frames.
    pub fn assert_described(&self, tail: u64) -> usize {
        let mut reader = DdReader::default();
        let mut there: HashSet<u16> = HashSet::new();
        let mut newest: Option<(u32, u16)> = None;
        let last = self.packets.last_key_value().map_or(0, |(last, _)| last.saturating_sub(tail));
        let mut frames = 0;
        for (ext, packet) in self.packets.range(..last) {
            let told = packet.descriptor.as_ref().unwrap_or_else(|| panic!("none in {packet:?}"));
            let read = reader.read(told).unwrap_or_else(|e| panic!("{e} at {ext} in {packet:?}"));
            let stamp = packet.stamp;
            assert_eq!(read.start_of_frame, stamp.index == 0);
            assert_eq!(read.end_of_frame, stamp.index + 1 == stamp.count);
            assert_eq!((read.spatial_id, read.temporal_id), (stamp.spatial, stamp.temporal));
            if !read.start_of_frame {
                continue;
            }
            match newest {
                Some((source, number)) if source != stamp.source => {
                    assert_eq!(read.frame_number, number.wrapping_add(1), "{packet:?}");
                    assert!(read.structure_attached, "another stream without its structure");
                }
                Some((_, number)) => {
                    let step = read.frame_number.wrapping_sub(number);
                    assert!((1..64).contains(&step), "frame number steps by {step}: {packet:?}");
                }
                None => assert!(read.structure_attached),
            }
            newest = Some((stamp.source, read.frame_number));
            for diff in read.frame_diffs() {
                let needed = read.frame_number.wrapping_sub(*diff);
                assert!(there.contains(&needed), "needs {diff} back: {packet:?}");
            }
            let mut targets = (0..read.decode_target_count)
                .filter(|target| read.is_active(*target) && read.dti(*target).is_present());
            assert!(targets.next().is_some(), "of no active decode target: {packet:?}");
            there.insert(read.frame_number);
            frames += 1;
        }
        frames
    }

    /// The longest time without a packet after `from`.
    pub fn longest_gap(&self, from: Time) -> Duration {
        let times: Vec<Time> =
            self.packets.values().filter(|packet| packet.at >= from).map(|p| p.at).collect();
        let gaps = times.windows(2).map(|pair| pair[1].since(pair[0]));
        gaps.max().unwrap_or(Duration::MAX)
    }

    /// The streams that it got, in order, each as often as it was changed to.
    pub fn sources(&self) -> Vec<u32> {
        let mut sources: Vec<u32> = self.packets.values().map(|p| p.stamp.source).collect();
        sources.dedup();
        sources
    }

    pub fn last(&self) -> &Received {
        self.packets.last_key_value().expect("nothing came").1
    }

    /// How many packets came after `time`.
    pub fn since(&self, time: Time) -> usize {
        self.packets.values().filter(|packet| packet.at > time).count()
    }
}
