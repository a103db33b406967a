//! A microphone without a sound: Opus packets with the audio level of the
//! script, and markers for payload.

use std::time::Duration;

use sfu_core::wire::rtcp::SenderInfo;
use sfu_core::wire::{RtpTime, Ssrc};
use sfu_ice::{Random, Time};

use super::camera::abs_send_time;
use super::clock::Stamp;
use super::marker::Marker;
use super::packet::{Header, MAX_HEADER};
use super::path::Path;
use super::script::{Conversation, mix};
use super::sdp::{AUDIO_PAYLOAD_TYPE, MICROPHONE_MID};

const FRAME: Duration = Duration::from_millis(20);
/// Ticks of 48 kHz in a frame.
const FRAME_TICKS: u32 = 960;
/// Table of contents of a packet (RFC 6716 §3.1): one frame of 20 ms, full band.
const TOC: u8 = 0xf8;
/// Where the marker stands in a payload.
pub(crate) const MARKER_AT: usize = 1;
/// Bytes of a frame of speech, at about 34 kbit/s, and of a room's noise.
const SPEECH: usize = 85;
const QUIET: usize = 36;
const INTRODUCTION: Duration = Duration::from_secs(2);

pub(crate) struct Microphone {
    publisher: u32,
    ssrc: Ssrc,
    seq: u16,
    timestamp: u32,
    frame: u32,
    started: Time,
    /// When the next frame is due.
    pub(crate) due: Time,
    speaking: bool,
    packets: u32,
    octets: u32,
    sent_at: Stamp,
}

impl Microphone {
    pub(crate) fn new(publisher: u32, ssrc: Ssrc, now: Time, random: &mut Random) -> Self {
        Self {
            publisher,
            ssrc,
            seq: random.u32() as u16 >> 2,
            timestamp: random.u32(),
            frame: 0,
            started: now,
            due: now + Duration::from_micros(random.u64() % 20_000),
            speaking: false,
            packets: 0,
            octets: 0,
            sent_at: Stamp::default(),
        }
    }

    /// Sends the frames that are due. `at` is the time since the conversation began.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Time,
        at: Duration,
        conversation: &Conversation,
        path: &mut Path,
        scratch: &mut [u8],
    ) {
        // A capture thread delivers what it has, late but in full.
        while now >= self.due {
            self.due += FRAME;
            self.send(now, at, conversation, path, scratch);
        }
    }

    /// What a sender report says.
    pub(crate) fn report(&self) -> Option<(Ssrc, SenderInfo)> {
        let info = SenderInfo {
            ntp: super::measure::ntp(self.sent_at),
            rtp: RtpTime(self.timestamp),
            packets: self.packets,
            octets: self.octets,
        };
        (self.packets > 0).then_some((self.ssrc, info))
    }

    fn send(
        &mut self,
        now: Time,
        at: Duration,
        conversation: &Conversation,
        path: &mut Path,
        scratch: &mut [u8],
    ) {
        let (level, speech) = conversation.level(self.publisher, at);
        self.timestamp = self.timestamp.wrapping_add(FRAME_TICKS);
        self.sent_at = Stamp::now();
        let named = now - self.started < INTRODUCTION;
        let header = Header {
            payload_type: AUDIO_PAYLOAD_TYPE,
            // The first packet of a talk spurt (RFC 3551 §4.1).
            marker: speech && !self.speaking,
            seq: self.seq,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            transport_seq: path.next_transport_seq(),
            abs_send_time: abs_send_time(self.sent_at),
            mid: named.then_some(MICROPHONE_MID),
            rid: None,
            repaired_rid: None,
            audio_level: Some(level | u8::from(speech) << 7),
        };
        self.speaking = speech;
        let head = header.write(&mut scratch[..MAX_HEADER]);
        let noise = mix(u64::from(self.publisher) << 32 | u64::from(self.frame)) as usize % 16;
        let len = if speech { SPEECH } else { QUIET } + noise;
        let payload = &mut scratch[head..head + len];
        payload.fill(0x55);
        payload[0] = TOC;
        let marker = Marker {
            sent: self.sent_at,
            publisher: self.publisher,
            frame: self.frame,
            layer: 0,
            place: 0,
            of: 1,
        };
        payload[MARKER_AT..MARKER_AT + Marker::LEN].copy_from_slice(&marker.to_bytes());
        let Some(sealed) = path.seal(scratch, head + len) else { return };
        path.send_media(&scratch[..sealed], sealed);
        self.seq = self.seq.wrapping_add(1);
        self.frame = self.frame.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(len as u32);
    }
}
