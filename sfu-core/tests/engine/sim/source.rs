//! A publisher's camera or microphone. It answers PLI and FIR with key frames
//! and NACK with retransmissions, sends sender reports by its own clocks, sends
//! fewer layers if it is told to, and reacts to nothing else.

use std::collections::VecDeque;
use std::time::Duration;

use sfu_core::wire::rtcp::{NtpTime, RtcpWriter, SenderInfo};
use sfu_core::wire::rtp::{
    AbsSendTime, Elements, ExtensionKind, ExtensionMap, HeaderFields, HeaderTemplate, PassThrough,
    rtx,
};
use sfu_core::wire::{Mid, PayloadType, Rid, RtpTime, SeqNo, Ssrc};
use sfu_core::{Layers, Time};

use super::{Descriptor, Format, Frugal, Layout, Stamp};

/// Packets kept for retransmission.
const HISTORY: usize = 1_024;

/// One encoding.
#[derive(Debug)]
pub struct Layer {
    pub ssrc: Ssrc,
    pub rtx_ssrc: Ssrc,
    pub rid: Option<Rid>,
    pub enabled: bool,
    pub want_key: bool,
    /// Key frames asked for by PLI or FIR, with their times.
    pub asked: Vec<Time>,
    /// Numbers asked for by NACK, with their times.
    pub nacked: Vec<(Time, SeqNo)>,
    pub packets: u32,
    pub octets: u32,
    seq: SeqNo,
    rtx_seq: SeqNo,
    picture: u16,
    tl0: u8,
    frame: u32,
    /// Pictures since the last key picture.
    since_key: u32,
    /// Spatial layers that are sent, of a layout that has several.
    pub active: u8,
    /// Leaves out layer frames, if it does.
    pub frugal: Option<Frugal>,
    /// What may be asked for again.
    history: VecDeque<Piece>,
}

/// What a packet is written from, at first and when it is asked for again.
#[derive(Clone, Debug)]
struct Piece {
    fields: HeaderFields,
    /// Header extension elements, in the long form.
    elements: Vec<u8>,
    stamp: Stamp,
    format: Format,
    descriptor: Descriptor,
    len: usize,
}

#[derive(Debug)]
pub struct Source {
    pub format: Format,
    pub layers: Vec<Layer>,
    pub payload_type: u8,
    pub mid: Option<Mid>,
    pub extensions: ExtensionMap,
    /// A muted source sends nothing.
    pub muted: bool,
    /// Time between frames.
    pub interval: Duration,
    /// Packets in a frame of layer 0; each layer above has twice as many.
    pub burst: u8,
    /// What a microphone hears; without it packets carry no level.
    pub voice: Option<Voice>,
    /// Every frame by itself decodable.
    pub intra_only: bool,
    pub layout: Layout,
    /// Packets tell their time of capture by the peer's wall clock.
    pub capture_times: bool,
    /// Nanoseconds by which the peer's wall clock is ahead, and its drift in
    /// parts per million.
    pub clock: (u64, i64),
    next_frame: Time,
    next_report: Time,
    /// RTP timestamp at the origin of time.
    rtp_origin: u32,
}

/// What a microphone hears: a room, and now and then somebody in it.
#[derive(Clone, Debug)]
pub struct Voice {
    /// Level of the room in dBov; it goes up and down by 2 dB.
    pub noise: i8,
    /// From when to when somebody speaks, with the level in dBov. Speech has a
    /// gap of 40 ms in every 220 ms.
    pub words: Vec<(Time, Time, i8)>,
    /// Sends nothing but a packet now and then while nobody speaks.
    pub discontinuous: bool,
}

impl Voice {
    pub fn new(noise: i8) -> Self {
        Self { noise, words: Vec::new(), discontinuous: false }
    }

    /// Whether somebody speaks at `time`.
    pub fn speaks(&self, time: Time) -> bool {
        self.word(time).is_some()
    }

    fn word(&self, time: Time) -> Option<&(Time, Time, i8)> {
        self.words.iter().find(|(from, to, _)| (*from..*to).contains(&time))
    }

    /// The level in a packet of 20 ms that was captured from `time` on.
    fn level(&self, time: Time) -> u8 {
        let end = time + Duration::from_millis(19);
        let word = self.word(time).or_else(|| self.word(end));
        let spoken = word.filter(|(from, ..)| end.since(*from).as_millis() % 220 < 200);
        let swing = (time.as_nanos() / 20_000_000 * 7 % 5) as i8 - 2;
        let noise = self.noise.saturating_add(swing);
        let dbov = spoken.map_or(noise, |(from, _, level)| {
            // A word begins softly, and in the middle of a packet.
            let begins = end.since(*from) < Duration::from_millis(20);
            if begins { level - 12 } else { *level }
        });
        if self.noise == -127 && spoken.is_none() { 127 } else { dbov.unsigned_abs().min(127) }
    }
}

/// A packet on its way to the transport: header values are the peer's to add.
pub struct Outgoing {
    pass: PassThrough,
    template: HeaderTemplate,
    piece: Piece,
    /// The number that it had, if it is sent again.
    original: Option<SeqNo>,
}

impl Source {
    pub fn new(now: Time, format: Format, layers: Vec<Layer>, extensions: ExtensionMap) -> Self {
        let interval = Duration::from_millis(if format == Format::Opus { 20 } else { 33 });
        let rtp_origin = layers[0].ssrc.0.wrapping_mul(2_654_435_761);
        Self {
            format,
            layers,
            payload_type: match format {
                Format::Vp8 => 96,
                Format::Vp9 => 98,
                Format::Encrypted => 45,
                Format::H264 => 102,
                Format::Opus => 111,
            },
            mid: None,
            extensions,
            muted: false,
            interval,
            burst: 1,
            voice: None,
            intra_only: false,
            layout: Layout::Flat,
            capture_times: false,
            clock: (0, 0),
            next_frame: now,
            next_report: now + Duration::from_millis(50),
            rtp_origin,
        }
    }

    pub fn next(&self) -> Time {
        self.next_frame.min(self.next_report)
    }

    pub fn layer_of(&mut self, ssrc: Ssrc) -> Option<&mut Layer> {
        self.layers.iter_mut().find(|layer| layer.ssrc == ssrc || layer.rtx_ssrc == ssrc)
    }

    /// Sends no more than what is wanted, as an encoder does whose encodings are
    /// switched on and off. What comes back starts with a key frame.
    pub fn limit(&mut self, demand: Option<Layers>) {
        let simulcast = self.layers.len() > 1;
        for (index, layer) in (0..).zip(&mut self.layers) {
            let enabled = demand.is_some_and(|top| !simulcast || index <= top.spatial);
            let active = match demand {
                Some(top) if !simulcast => top.spatial + 1,
                _ => layer.active,
            };
            layer.want_key |= enabled && !layer.enabled || active > layer.active;
            (layer.enabled, layer.active) = (enabled, active);
        }
    }

    /// The frames that are due.
    pub fn frames(&mut self, now: Time, out: &mut Vec<Outgoing>) {
        while self.next_frame <= now {
            let capture = self.next_frame;
            self.next_frame += self.interval;
            if self.muted {
                continue;
            }
            for at in 0..self.layers.len() {
                if self.layers[at].enabled {
                    self.frame(at, capture, out);
                }
            }
        }
    }

    fn frame(&mut self, at: usize, capture: Time, out: &mut Vec<Outgoing>) {
        let timestamp = self.timestamp(capture);
        let (format, intra) = (self.format, self.intra_only || self.format == Format::Opus);
        let template = self.template(at, false);
        let burst = self.burst << at;
        let level = self.voice.as_ref().map(|voice| voice.level(capture));
        if self.rests(capture) {
            self.layers[at].frame += 1;
            return;
        }
        let mut shared = Vec::new();
        if let Some((id, level)) = self.extensions.id_of(ExtensionKind::AudioLevel).zip(level) {
            shared.extend([id, 1, level]);
        }
        if self.capture_times {
            let id = self.extensions.id_of(ExtensionKind::AbsCaptureTime).unwrap();
            shared.extend([id, 8]);
            shared.extend(wall(self.clock, capture).0.to_be_bytes());
        }
        let pass = PassThrough::new(&self.extensions, &self.extensions);
        let described = self.extensions.id_of(ExtensionKind::DependencyDescriptor);
        let Self { layout, layers, .. } = self;
        let layer = &mut layers[at];
        let key = std::mem::take(&mut layer.want_key) || layer.frame == 0 || intra;
        layer.since_key = if key { 0 } else { layer.since_key + 1 };
        layer.picture = layer.picture.wrapping_add(1);
        let frames = match &mut layer.frugal {
            Some(encoder) => encoder.picture(layout, layer.since_key, layer.active, layer.frame),
            None => layout.picture(layer.since_key, layer.active),
        };
        if frames.first().is_some_and(|frame| frame.temporal == 0) {
            layer.tl0 = layer.tl0.wrapping_add(1);
        }
        for (place, frame) in frames.iter().enumerate() {
            let count = if key && format != Format::Opus { burst * 2 } else { burst };
            let number = layer.frame + place as u32;
            let mut needs = [None; 2];
            for (need, diff) in needs.iter_mut().zip(frame.diffs.iter().filter(|_| !intra)) {
                *need = Some(number - u32::from(*diff));
            }
            for index in 0..count {
                let stamp = Stamp {
                    source: layer.ssrc.0,
                    frame: number,
                    index,
                    count,
                    key,
                    capture: capture.as_nanos(),
                    spatial: frame.spatial,
                    temporal: frame.temporal,
                    needs,
                };
                // Encoders split a frame into sizes that differ by one.
                let len = match format {
                    Format::Opus => 80,
                    _ => 600 + usize::from(index % 2),
                };
                let descriptor = Descriptor {
                    picture: layer.picture,
                    tl0: layer.tl0,
                    sync: frame.sync,
                    needs_lower: frame.needs_lower,
                    needed_above: frame.needed_above,
                };
                let last = place + 1 == frames.len() && index + 1 == count;
                let marker = last && format != Format::Opus;
                let mut elements = if last { std::mem::take(&mut shared) } else { shared.clone() };
                // Far from the wrap at first, and through it soon.
                let number = 65_000_u16.wrapping_add((number & 0xffff) as u16);
                let told = layout.descriptor(frame, number, (index, count), key, layer.active);
                if let Some((id, told)) = described.zip(told) {
                    elements.extend([id, told.len() as u8]);
                    elements.extend(told);
                }
                let fields = fields(marker, layer.seq, timestamp);
                let piece = Piece { fields, elements, stamp, format, descriptor, len };
                // Nobody asks again for audio.
                if format != Format::Opus {
                    if layer.history.len() == HISTORY {
                        layer.history.pop_front();
                    }
                    layer.history.push_back(piece.clone());
                }
                layer.packets += 1;
                layer.octets += len as u32;
                out.push(Outgoing { pass, template, piece, original: None });
                layer.seq = layer.seq.next();
            }
        }
        layer.frame += match layer.frugal {
            Some(_) => frames.len() as u32,
            None => u32::from(layout.spatial_layers()),
        };
    }

    /// Whether discontinuous transmission leaves this frame out: all but one in
    /// 400 ms.
    fn rests(&self, capture: Time) -> bool {
        let voice = self.voice.as_ref().filter(|voice| voice.discontinuous);
        let end = capture + Duration::from_millis(19);
        voice.is_some_and(|voice| !voice.speaks(capture) && !voice.speaks(end))
            && !self.layers[0].frame.is_multiple_of(20)
    }

    /// One packet again, on the RTX stream.
    pub fn resend(&mut self, ssrc: Ssrc, seq: SeqNo) -> Option<Outgoing> {
        let at = self.layers.iter().position(|layer| layer.ssrc == ssrc)?;
        let template = self.template(at, true);
        let layer = &mut self.layers[at];
        let kept = layer.history.iter().find(|piece| piece.fields.seq == seq)?;
        let mut piece = kept.clone();
        piece.fields.seq = layer.rtx_seq;
        layer.rtx_seq = layer.rtx_seq.next();
        let pass = PassThrough::new(&self.extensions, &self.extensions);
        Some(Outgoing { pass, template, piece, original: Some(seq) })
    }

    /// Sender reports of all layers that have sent something, if they are due.
    pub fn reports(&mut self, now: Time) -> Vec<Vec<u8>> {
        if now < self.next_report {
            return Vec::new();
        }
        let wall = wall(self.clock, now);
        self.next_report = now + Duration::from_secs(1);
        let rtp = self.timestamp(now);
        let sent = self.layers.iter().filter(|layer| layer.packets > 0);
        sent.map(|layer| {
            let Layer { packets, octets, .. } = *layer;
            let mut report = vec![0; 200];
            let mut writer = RtcpWriter::compound(&mut report, layer.ssrc, "publisher");
            let info = SenderInfo { ntp: wall, rtp, packets, octets };
            writer.sender_report(layer.ssrc, &info, &[]).unwrap();
            let len = writer.finish();
            report.truncate(len);
            report
        })
        .collect()
    }

    /// The RTP clock of this source at `time`.
    fn timestamp(&self, time: Time) -> RtpTime {
        let rate = u64::from(self.format.clock_rate());
        let (seconds, nanos) = (time.as_nanos() / 1_000_000_000, time.as_nanos() % 1_000_000_000);
        let ticks = (seconds * rate + nanos * rate / 1_000_000_000) as u32;
        RtpTime(self.rtp_origin.wrapping_add(ticks))
    }

    fn template(&self, at: usize, repair: bool) -> HeaderTemplate {
        let layer = &self.layers[at];
        let ssrc = if repair { layer.rtx_ssrc } else { layer.ssrc };
        let payload_type = PayloadType(self.payload_type + u8::from(repair));
        let mut template = HeaderTemplate::new(ssrc, payload_type, &self.extensions).allow_mixed();
        if let Some(mid) = self.mid {
            template = template.with_mid(mid);
        }
        match (layer.rid, repair) {
            (Some(rid), false) => template.with_rid(rid),
            (Some(rid), true) => template.with_repaired_rid(rid),
            (None, _) => template,
        }
    }
}

impl Layer {
    /// The first numbers are close to their wraps.
    pub fn new(ssrc: u32, rid: Option<Rid>) -> Self {
        let some = ssrc / 10 % 100;
        Self {
            ssrc: Ssrc(ssrc),
            rtx_ssrc: Ssrc(ssrc + 1),
            rid,
            enabled: true,
            want_key: false,
            asked: Vec::new(),
            nacked: Vec::new(),
            packets: 0,
            octets: 0,
            seq: SeqNo(65_400 + some as u16),
            rtx_seq: SeqNo(7),
            picture: 32_660 + some as u16,
            tl0: 250u8.wrapping_add(some as u8),
            frame: 0,
            since_key: 0,
            active: 3,
            frugal: None,
            history: VecDeque::new(),
        }
    }
}

impl Outgoing {
    /// Writes the packet with this transport-wide number in the place of what is
    /// in `out`.
    pub fn write(mut self, now: Time, twcc: u16, out: &mut Vec<u8>) {
        let Piece { fields, elements, .. } = &mut self.piece;
        fields.twcc = twcc;
        fields.abs_send_time = AbsSendTime::at(now);
        out.clear();
        out.resize(HeaderTemplate::MAX_OWN_LEN + elements.len(), 0);
        let elements = Elements::new(Elements::TWO_BYTE, elements);
        let written = self.template.write(out, fields, elements, &self.pass).unwrap();
        out.truncate(written.len);
        match self.original {
            None => self.piece.payload(out),
            Some(seq) => {
                let mut payload = Vec::new();
                self.piece.payload(&mut payload);
                out.resize(written.len + rtx::OSN_LEN + payload.len(), 0);
                rtx::write_payload(&mut out[written.len..], seq, &payload).unwrap();
            }
        }
    }
}

impl Piece {
    fn payload(&self, out: &mut Vec<u8>) {
        self.stamp.write(self.format, self.descriptor, self.len, out);
    }
}

/// What a wall clock with this offset and drift shows at `time`.
pub fn wall((offset, ppm): (u64, i64), time: Time) -> NtpTime {
    let nanos = time.as_nanos() as i128 * (1_000_000 + i128::from(ppm)) / 1_000_000;
    NtpTime::from_duration(Duration::from_nanos(offset + nanos as u64))
}

fn fields(marker: bool, seq: SeqNo, timestamp: RtpTime) -> HeaderFields {
    HeaderFields { marker, seq, timestamp, twcc: 0, abs_send_time: AbsSendTime(0), identity: true }
}
