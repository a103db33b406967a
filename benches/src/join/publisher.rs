//! What one participant sends: microphone, camera and their sender reports.

use std::sync::Arc;
use std::time::Duration;

use sfu_core::wire::Ssrc;
use sfu_core::wire::rtcp::{RtcpPacket, RtcpWriter};
use sfu_ice::{Random, Time};

use super::camera::Camera;
use super::microphone::Microphone;
use super::path::Path;
use super::recording::Recording;
use super::script::Conversation;

const REPORTS: Duration = Duration::from_secs(1);

pub(crate) struct Publisher {
    pub(crate) camera: Camera,
    microphone: Microphone,
    reports_due: Time,
    cname: String,
}

impl Publisher {
    pub(crate) fn new(
        index: u32,
        audio_ssrc: Ssrc,
        recording: Option<Arc<Recording>>,
        now: Time,
        random: &mut Random,
    ) -> Self {
        Self {
            camera: Camera::new(index, recording, now, random),
            microphone: Microphone::new(index, audio_ssrc, now, random),
            reports_due: now + REPORTS,
            cname: format!("bench-{index}"),
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to send.
    pub(crate) fn deadline(&self) -> Time {
        self.camera.due.min(self.microphone.due).min(self.reports_due)
    }

    /// Sends what is due. The conversation began at `began`.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Time,
        (conversation, began): (&Conversation, Time),
        path: &mut Path,
        scratch: &mut [u8],
    ) {
        self.camera.handle_timeout(now, path, scratch);
        self.microphone.handle_timeout(now, now - began, conversation, path, scratch);
        if now >= self.reports_due {
            self.reports_due = now + REPORTS;
            self.report(path, scratch);
        }
    }

    /// Does what a receiver or the server asks for.
    pub(crate) fn handle_feedback(
        &mut self,
        packet: &RtcpPacket<'_>,
        path: &mut Path,
        scratch: &mut [u8],
    ) {
        match packet {
            RtcpPacket::Nack(nack) => {
                self.camera.handle_nack(nack.media, nack.seqs(), path, scratch);
            }
            RtcpPacket::Pli(pli) => self.camera.handle_pli(pli.media),
            RtcpPacket::Fir(fir) => {
                fir.entries().for_each(|entry| self.camera.handle_pli(entry.ssrc));
            }
            _ => {}
        }
    }

    /// One compound per stream, as each is a source of its own.
    fn report(&mut self, path: &mut Path, scratch: &mut [u8]) {
        let reports = self.camera.reports().chain(self.microphone.report());
        for (ssrc, info) in reports {
            let mut writer = RtcpWriter::compound(&mut scratch[..1_200], ssrc, &self.cname);
            // A report and a short name fit.
            let _ = writer.sender_report(ssrc, &info, &[]);
            let len = writer.finish();
            path.send_rtcp(scratch, len);
        }
    }
}
