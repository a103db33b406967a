//! One stream: audio, a screen, or a camera without simulcast.

use serde::{Deserialize, Serialize};

use super::temporal::TemporalFilter;
use super::{Decision, Layers, PacketMeta, Reason};
use crate::wire::{ExtSeq, MediaKind};

/// Forwards a single stream: audio at once, video from a key frame on, without
/// the temporal layers that are not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plain {
    kind: MediaKind,
    paused: bool,
    /// Number of the first packet since the (re)start.
    start: Option<ExtSeq>,
    temporal: TemporalFilter,
}

impl Plain {
    pub(super) const fn new(kind: MediaKind) -> Self {
        Self { kind, paused: false, start: None, temporal: TemporalFilter::new() }
    }

    pub(super) fn set_preferred(&mut self, preferred: Layers) {
        self.temporal.set_target(preferred.temporal);
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
        self.start = None;
    }

    pub(super) fn resume(&mut self) {
        self.paused = false;
    }

    pub(super) fn reset(&mut self) {
        self.start = None;
    }

    pub(super) fn decide(&mut self, packet: &PacketMeta) -> Decision {
        if self.paused {
            return Decision::Drop;
        }
        let Some(start) = self.start else {
            if self.kind == MediaKind::Video && !packet.keyframe_start {
                return Decision::Drop;
            }
            self.start = Some(packet.ext);
            self.temporal.restart(packet.timestamp);
            return Decision::Switch;
        };
        let passes = match self.kind {
            MediaKind::Audio => packet.ext >= start,
            MediaKind::Video => packet.ext >= start && self.temporal.passes(packet),
        };
        if passes { Decision::Forward } else { Decision::Drop }
    }

    pub(super) fn needs_key_frame(&self) -> Option<u8> {
        let waits = self.kind == MediaKind::Video && self.start.is_none() && !self.paused;
        waits.then_some(0)
    }

    pub(super) fn current(&self) -> Option<Layers> {
        self.start.map(|_| Layers { spatial: 0, temporal: self.temporal.current() })
    }

    pub(super) fn target(&self) -> Option<Layers> {
        (!self.paused).then_some(Layers { spatial: 0, temporal: self.temporal.target() })
    }

    pub(super) const fn reason(&self) -> Reason {
        if self.paused { Reason::Paused } else { Reason::OnlyStream }
    }
}

#[cfg(test)]
mod tests {
    use sfu_ice::Time;

    use super::*;
    use crate::stream::select::Selector;
    use crate::wire::RtpTime;

    fn packet(number: u64) -> PacketMeta {
        PacketMeta::new(ExtSeq(70_000 + number), RtpTime(number as u32 * 960), Time::ZERO)
    }

    #[test]
    fn audio_starts_at_once() {
        let mut selector = Selector::plain(MediaKind::Audio);
        assert_eq!(selector.needs_key_frame(), None);
        assert_eq!(selector.decide(&packet(1)), Decision::Switch);
        assert_eq!(selector.decide(&packet(0)), Decision::Drop, "from before the start");
        assert_eq!(selector.decide(&packet(2)), Decision::Forward);
    }

    #[test]
    fn video_waits_for_a_key_frame_after_each_restart() {
        let key = |number| PacketMeta { keyframe_start: true, ..packet(number) };
        let mut selector = Selector::plain(MediaKind::Video);
        let restarts: [fn(&mut Selector); 3] = [
            |_| {},
            Selector::reset,
            |selector| {
                selector.pause();
                assert_eq!(selector.decide(&PacketMeta { keyframe_start: true, ..packet(9) }), {
                    Decision::Drop
                });
                assert_eq!((selector.needs_key_frame(), selector.target()), (None, None));
                assert_eq!(selector.reason(), Reason::Paused);
                selector.resume();
            },
        ];
        for restart in restarts {
            restart(&mut selector);
            assert_eq!(selector.current(), None);
            assert_eq!(selector.needs_key_frame(), Some(0));
            assert_eq!(selector.decide(&packet(10)), Decision::Drop);
            assert_eq!(selector.decide(&key(11)), Decision::Switch);
            assert_eq!(selector.needs_key_frame(), None);
            assert_eq!(selector.decide(&packet(12)), Decision::Forward);
            assert_eq!(selector.reason(), Reason::OnlyStream);
        }
    }

    #[test]
    fn padding_is_dropped() {
        let mut selector = Selector::plain(MediaKind::Audio);
        let padding = PacketMeta { padding_only: true, ..packet(1) };
        assert_eq!(selector.decide(&padding), Decision::Drop);
        assert_eq!(selector.current(), None);
    }
}
