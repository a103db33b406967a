//! A camera without a picture: VP8 simulcast with the descriptors, sizes,
//! rates and key frames of a browser's, and markers for payload.

use std::sync::Arc;
use std::time::Duration;

use sfu_core::wire::rtcp::SenderInfo;
use sfu_core::wire::{RtpTime, SeqNo, Ssrc};
use sfu_ice::{Random, Time};

use super::clock::Stamp;
use super::marker::Marker;
use super::packet::{Header, MAX_HEADER};
use super::path::Path;
use super::recording::Recording;
use super::script::mix;
use super::sdp::{CAMERA_MID, RTX_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE};

/// Frames a second.
pub(crate) const FRAME_RATE: u32 = 30;
/// RTP clock ticks from one frame to the next.
const FRAME_TICKS: u32 = 90_000 / FRAME_RATE;
/// The layers, smallest first, in bits per second. The web client's are 150,
/// 500 and 1700 kbit/s; a little more keeps what arrives above them.
pub(crate) const LAYERS: [(&str, u32); 3] = [("q", 160_000), ("h", 500_000), ("f", 1_700_000)];

/// Most bytes of a packet's payload, VP8 descriptor included.
const MAX_PAYLOAD: usize = 1_140;
/// VP8 payload descriptor with 15 bits of picture id, TL0PICIDX and TID.
const DESCRIPTOR: usize = 6;
/// The frame header of a key frame (RFC 6386 §9.1).
const FRAME_HEADER: usize = 10;
/// Where the marker stands in a payload.
pub(crate) const MARKER_AT: usize = DESCRIPTOR + FRAME_HEADER;
const MIN_PAYLOAD: usize = MARKER_AT + Marker::LEN;
/// A key frame is this many times as large as a mean frame.
const KEY_FACTOR: f64 = 5.0;
/// Room for a packet with its tag.
const PACKET_ROOM: usize = MAX_HEADER + MAX_PAYLOAD + 16;
/// Packets kept for retransmission, per layer: more than a second.
const HISTORY: usize = 512;
/// For so long every packet names its section and layer.
const INTRODUCTION: Duration = Duration::from_secs(2);
/// Room for one frame.
pub(crate) const SCRATCH: usize = 64 * PACKET_ROOM;

pub(crate) struct Camera {
    publisher: u32,
    layers: Vec<Layer>,
    recording: Option<Arc<Recording>>,
    frame: u64,
    started: Time,
    /// When the next frame is due.
    pub(crate) due: Time,
    /// Retransmissions sent.
    pub(crate) repaired: u64,
    /// Key frames sent because somebody asked.
    pub(crate) key_frames_on_request: u64,
}

struct Layer {
    rid: &'static str,
    height: u16,
    bitrate: u32,
    ssrc: Ssrc,
    rtx_ssrc: Ssrc,
    seq: u16,
    rtx_seq: u16,
    timestamp: u32,
    picture_id: u16,
    tl0_pic_idx: u8,
    frames: u32,
    /// Somebody wants it.
    active: bool,
    key_wanted: bool,
    packets: u32,
    octets: u32,
    /// When the frame with `timestamp` was sent.
    sent_at: Stamp,
    history: History,
}

/// Packets as they were before they were sealed.
#[derive(Default)]
struct History {
    bytes: Vec<u8>,
    /// Sequence number, header length and length of each.
    kept: Vec<Option<(u16, u16, u16)>>,
}

/// A place in the pattern of three temporal layers.
struct Temporal {
    id: u8,
    /// It refers to layer 0 alone.
    sync: bool,
    /// Its size relative to the mean.
    weight: f64,
}

const PATTERN: [Temporal; 4] = [
    Temporal { id: 0, sync: false, weight: 1.6 },
    Temporal { id: 2, sync: true, weight: 0.7 },
    Temporal { id: 1, sync: true, weight: 1.0 },
    Temporal { id: 2, sync: false, weight: 0.7 },
];

impl Camera {
    pub(crate) fn new(
        publisher: u32,
        recording: Option<Arc<Recording>>,
        now: Time,
        random: &mut Random,
    ) -> Self {
        let layers = LAYERS.iter().zip([180, 360, 720]).map(|(&(rid, bitrate), height)| Layer {
            rid,
            height,
            bitrate,
            ssrc: Ssrc(random.u32()),
            rtx_ssrc: Ssrc(random.u32()),
            // RFC 3711 §3.3.1: not near the wrap.
            seq: random.u32() as u16 >> 2,
            rtx_seq: random.u32() as u16 >> 2,
            timestamp: random.u32(),
            picture_id: random.u32() as u16 & 0x7fff,
            tl0_pic_idx: random.u32() as u8,
            frames: 0,
            active: true,
            key_wanted: true,
            packets: 0,
            octets: 0,
            sent_at: Stamp::default(),
            history: History::default(),
        });
        let layers = layers.collect();
        // Cameras do not tick together.
        let due = now + Duration::from_micros(random.u64() % 33_333);
        Self {
            publisher,
            layers,
            recording,
            frame: 0,
            started: now,
            due,
            repaired: 0,
            key_frames_on_request: 0,
        }
    }

    /// Sends no layer above `max` any more, or none at all. What comes back
    /// begins with a key frame.
    pub(crate) fn set_wanted(&mut self, max: Option<u8>) {
        for (index, layer) in self.layers.iter_mut().enumerate() {
            let wanted = max.is_some_and(|max| index <= usize::from(max));
            layer.key_wanted |= wanted && !layer.active;
            layer.active = wanted;
        }
    }

    /// Sends the frames that are due.
    pub(crate) fn handle_timeout(&mut self, now: Time, path: &mut Path, scratch: &mut [u8]) {
        if now < self.due {
            return;
        }
        let introduced = now - self.started >= INTRODUCTION;
        for (index, layer) in self.layers.iter_mut().enumerate() {
            layer.timestamp = layer.timestamp.wrapping_add(FRAME_TICKS);
            if !layer.active {
                continue;
            }
            let size = layer.next_size(self.frame, self.publisher, self.recording.as_deref());
            layer.send(size, (self.publisher, index as u8), introduced, path, scratch);
        }
        self.frame += 1;
        self.due += Duration::from_secs(1) / FRAME_RATE;
        // After a pause of this process: a camera drops frames, it does not send them at once.
        while now >= self.due {
            self.due += Duration::from_secs(1) / FRAME_RATE;
            let skip = |layer: &mut Layer| {
                layer.timestamp = layer.timestamp.wrapping_add(FRAME_TICKS);
            };
            self.layers.iter_mut().for_each(skip);
        }
    }

    /// Makes the next frame of this layer a key frame.
    pub(crate) fn handle_pli(&mut self, media: Ssrc) {
        if let Some(layer) = self.layers.iter_mut().find(|layer| layer.ssrc == media) {
            self.key_frames_on_request += u64::from(!layer.key_wanted);
            layer.key_wanted = true;
        }
    }

    /// Sends again what is still there.
    pub(crate) fn handle_nack(
        &mut self,
        media: Ssrc,
        seqs: impl Iterator<Item = SeqNo>,
        path: &mut Path,
        scratch: &mut [u8],
    ) {
        let Some(layer) = self.layers.iter_mut().find(|layer| layer.ssrc == media) else { return };
        for seq in seqs {
            self.repaired += u64::from(layer.repair(seq.0, path, scratch));
        }
    }

    /// What a sender report says of each layer that was ever sent.
    pub(crate) fn reports(&self) -> impl Iterator<Item = (Ssrc, SenderInfo)> {
        self.layers.iter().filter(|layer| layer.packets > 0).map(|layer| {
            let info = SenderInfo {
                ntp: super::measure::ntp(layer.sent_at),
                rtp: RtpTime(layer.timestamp),
                packets: layer.packets,
                octets: layer.octets,
            };
            (layer.ssrc, info)
        })
    }
}

impl Layer {
    /// Size in bytes of the next frame, and whether it is a key frame.
    fn next_size(
        &mut self,
        frame: u64,
        publisher: u32,
        recording: Option<&Recording>,
    ) -> (usize, bool) {
        let mean = f64::from(self.bitrate) / 8.0 / f64::from(FRAME_RATE);
        let asked = std::mem::take(&mut self.key_wanted);
        let (size, key) = match recording {
            Some(recording) => {
                let recorded = recording.frame(frame, mean);
                let size = f64::from(recorded.bytes);
                (if asked { size.max(mean * KEY_FACTOR) } else { size }, asked || recorded.key)
            }
            None if asked => (mean * KEY_FACTOR, true),
            None => {
                let noise = mix(u64::from(publisher) << 32 ^ frame ^ u64::from(self.height));
                let noise = 0.75 + (noise % 1_000) as f64 / 2_000.0;
                (mean * self.temporal().weight * noise, false)
            }
        };
        if key {
            // The pattern begins anew.
            self.frames = 0;
        }
        (size as usize, key)
    }

    fn temporal(&self) -> &'static Temporal {
        &PATTERN[self.frames as usize % PATTERN.len()]
    }

    fn send(
        &mut self,
        (size, key): (usize, bool),
        (publisher, layer): (u32, u8),
        introduced: bool,
        path: &mut Path,
        scratch: &mut [u8],
    ) {
        let count = size.div_ceil(MAX_PAYLOAD - DESCRIPTOR).clamp(1, 60);
        let payload = (size.div_ceil(count) + DESCRIPTOR).clamp(MIN_PAYLOAD, MAX_PAYLOAD);
        let temporal = self.temporal();
        if temporal.id == 0 {
            self.tl0_pic_idx = self.tl0_pic_idx.wrapping_add(1);
        }
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.sent_at = Stamp::now();
        let (mut at, mut segment) = (0, 0);
        for place in 0..count {
            let named = key || !introduced;
            let header = Header {
                payload_type: VIDEO_PAYLOAD_TYPE,
                marker: place + 1 == count,
                seq: self.seq,
                timestamp: self.timestamp,
                ssrc: self.ssrc,
                transport_seq: path.next_transport_seq(),
                abs_send_time: abs_send_time(self.sent_at),
                mid: named.then_some(CAMERA_MID),
                rid: named.then_some(self.rid),
                repaired_rid: None,
                audio_level: None,
            };
            let packet = &mut scratch[at..at + PACKET_ROOM];
            let head = header.write(packet);
            let body = &mut packet[head..head + payload];
            self.write_payload(body, place == 0, key, temporal);
            let marker = Marker {
                sent: self.sent_at,
                publisher,
                frame: self.frames,
                layer,
                place: place as u8,
                of: count as u8,
            };
            body[MARKER_AT..MIN_PAYLOAD].copy_from_slice(&marker.to_bytes());
            let len = head + payload;
            self.history.keep(self.seq, head, &packet[..len]);
            let Some(sealed) = path.seal(packet, len) else { return };
            self.seq = self.seq.wrapping_add(1);
            self.packets = self.packets.wrapping_add(1);
            self.octets = self.octets.wrapping_add(payload as u32);
            at += sealed;
            segment = segment.max(sealed);
        }
        self.frames = self.frames.wrapping_add(1);
        path.send_media(&scratch[..at], segment);
    }

    fn write_payload(&self, body: &mut [u8], first: bool, key: bool, temporal: &Temporal) {
        body.fill(0x55);
        let [high, low] = self.picture_id.to_be_bytes();
        let start = if first { 0x10 } else { 0 };
        let layer = temporal.id << 6 | u8::from(temporal.sync) << 5;
        body[..DESCRIPTOR].copy_from_slice(&[
            0x80 | start,
            0xe0,
            0x80 | high,
            low,
            self.tl0_pic_idx,
            layer,
        ]);
        if first {
            let [w0, w1] = (self.height * 16 / 9).to_le_bytes();
            let [h0, h1] = self.height.to_le_bytes();
            let tag = [u8::from(!key), 0, 0, 0x9d, 0x01, 0x2a, w0, w1, h0, h1];
            body[DESCRIPTOR..MARKER_AT].copy_from_slice(&tag);
        }
    }

    /// Sends packet `seq` again (RFC 4588); whether it was still there.
    fn repair(&mut self, seq: u16, path: &mut Path, scratch: &mut [u8]) -> bool {
        let Some((head, kept)) = self.history.find(seq) else { return false };
        let header = Header {
            payload_type: RTX_PAYLOAD_TYPE,
            marker: kept[1] & 0x80 != 0,
            seq: self.rtx_seq,
            timestamp: u32::from_be_bytes([kept[4], kept[5], kept[6], kept[7]]),
            ssrc: self.rtx_ssrc,
            transport_seq: path.next_transport_seq(),
            abs_send_time: abs_send_time(Stamp::now()),
            mid: Some(CAMERA_MID),
            rid: None,
            repaired_rid: Some(self.rid),
            audio_level: None,
        };
        let at = header.write(scratch);
        let payload = &kept[head..];
        scratch[at..at + 2].copy_from_slice(&seq.to_be_bytes());
        scratch[at + 2..at + 2 + payload.len()].copy_from_slice(payload);
        let len = at + 2 + payload.len();
        let Some(sealed) = path.seal(scratch, len) else { return false };
        self.rtx_seq = self.rtx_seq.wrapping_add(1);
        path.send_media(&scratch[..sealed], sealed);
        true
    }
}

impl History {
    fn keep(&mut self, seq: u16, head: usize, packet: &[u8]) {
        if self.kept.is_empty() {
            self.kept = vec![None; HISTORY];
            self.bytes = vec![0; HISTORY * PACKET_ROOM];
        }
        let place = usize::from(seq) % HISTORY;
        self.kept[place] = Some((seq, head as u16, packet.len() as u16));
        self.bytes[place * PACKET_ROOM..][..packet.len()].copy_from_slice(packet);
    }

    /// The length of the header of packet `seq`, and the packet.
    fn find(&self, seq: u16) -> Option<(usize, &[u8])> {
        let place = usize::from(seq) % HISTORY;
        let (_, head, len) = self.kept.get(place)?.filter(|(kept, ..)| *kept == seq)?;
        Some((head.into(), &self.bytes[place * PACKET_ROOM..][..len.into()]))
    }
}

/// 24 bits of 6.18 fixed point seconds.
pub(crate) fn abs_send_time(at: Stamp) -> u32 {
    ((u128::from(at.0) << 18) / 1_000_000_000) as u32 & 0x00ff_ffff
}
