//! One stream: audio, a screen, or a camera without simulcast, with whatever
//! layers are inside.

use serde::{Deserialize, Serialize};

use super::filter::LayerFilter;
use super::{Decision, Layers, PacketMeta, Reason};
use crate::wire::{ExtSeq, MediaKind};

/// Forwards a single stream: audio at once, video from a key frame on, without
/// the layers that are not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plain {
    kind: MediaKind,
    paused: bool,
    /// Number of the first packet since the (re)start.
    start: Option<ExtSeq>,
    filter: LayerFilter,
}

impl Plain {
    pub(super) const fn new(kind: MediaKind) -> Self {
        Self { kind, paused: false, start: None, filter: LayerFilter::new() }
    }

    pub(super) fn set_preferred(&mut self, preferred: Layers) {
        self.filter.set_target(preferred);
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
            if self.kind == MediaKind::Video && !self.filter.begin(packet) {
                return Decision::Drop;
            }
            self.start = Some(packet.ext);
            return Decision::Switch;
        };
        let passes = match self.kind {
            MediaKind::Audio => packet.ext >= start,
            MediaKind::Video => packet.ext >= start && self.filter.passes(packet),
        };
        if passes { Decision::Forward } else { Decision::Drop }
    }

    pub(super) fn needs_key_frame(&self) -> Option<u8> {
        let waits = self.start.is_none() || self.filter.needs_key_frame();
        (waits && self.kind == MediaKind::Video && !self.paused).then_some(0)
    }

    pub(super) fn current(&self) -> Option<Layers> {
        self.start.map(|_| self.filter.current())
    }

    pub(super) fn target(&self) -> Option<Layers> {
        (!self.paused).then(|| self.filter.target())
    }

    pub(super) fn filter(&self) -> &LayerFilter {
        &self.filter
    }

    pub(super) fn filter_mut(&mut self) -> &mut LayerFilter {
        &mut self.filter
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
