//! The selector of one consumer, whatever its producer sends.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::filter::LayerFilter;
use super::{PacketMeta, Plain, Simulcast};
use crate::wire::MediaKind;

/// A pair of layers: which of the streams, and which part of its pictures.
///
/// ```
/// use sfu_core::Layers;
/// let layers: Layers = serde_json::from_str(r#"{"spatialLayer":2,"temporalLayer":1}"#).unwrap();
/// assert_eq!(layers, Layers { spatial: 2, temporal: 1 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct Layers {
    /// Spatial layer: for simulcast the index of the stream; 0 is the smallest.
    #[serde(rename = "spatialLayer")]
    pub spatial: u8,
    /// Temporal layer: this one and all below it. Absent in JSON means all.
    #[serde(rename = "temporalLayer", default = "all_layers")]
    pub temporal: u8,
}

const fn all_layers() -> u8 {
    u8::MAX
}

impl Layers {
    /// Everything.
    pub const MAX: Self = Self { spatial: u8::MAX, temporal: u8::MAX };
    /// The smallest picture at the lowest rate.
    pub const MIN: Self = Self { spatial: 0, temporal: 0 };
}

/// Which streams of a producer are alive, one bit per stream index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(clippy::exhaustive_structs)]
pub struct ActiveStreams(pub u8);

impl ActiveStreams {
    /// No stream.
    pub const NONE: Self = Self(0);

    /// This set with `stream` (0 to 7) in it or not.
    #[must_use]
    pub const fn with(self, stream: u8, active: bool) -> Self {
        let bit = Self::bit(stream);
        Self(if active { self.0 | bit } else { self.0 & !bit })
    }

    /// Whether `stream` is in the set.
    pub const fn contains(self, stream: u8) -> bool {
        self.0 & Self::bit(stream) != 0
    }

    /// The streams in the set, smallest first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = u8> {
        (0..8).filter(move |stream| self.contains(*stream))
    }

    const fn bit(stream: u8) -> u8 {
        if stream < 8 { 1 << stream } else { 0 }
    }
}

/// What to do with a packet for this consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_enums)]
pub enum Decision {
    /// Do not send it: [`Rewriter::skip`](crate::stream::send::Rewriter::skip).
    Drop,
    /// Send it: [`Rewriter::forward`](crate::stream::send::Rewriter::forward).
    Forward,
    /// Send it as the first one of a stream that the consumer did not follow
    /// until now: [`Rewriter::switch`](crate::stream::send::Rewriter::switch).
    /// Packets of the same stream with a higher number that overtook this one
    /// were dropped; offer them again from the retransmission cache.
    Switch,
}

/// Which rule chose the target layer, for `explain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Nothing is wanted: the consumer is paused.
    Paused,
    /// No stream of the producer is alive.
    NoActiveStream,
    /// There is only one stream.
    OnlyStream,
    /// The preferred layer is alive.
    Preferred,
    /// The preferred layer is not alive: the best one below it.
    HighestActive,
    /// Nothing at or below the preferred layer is alive: the lowest one above.
    LowestActive,
    /// A better layer has come alive, but not for long enough to trust it.
    Stabilising,
}

/// The selector of one consumer.
///
/// Inside of a stream it selects by the dependency descriptor where packets
/// carry one, else by VP9's descriptor, else by temporal layers; each key frame
/// decides anew.
///
/// ```
/// use sfu_core::stream::select::{ActiveStreams, Decision, Layers, PacketMeta, Selector};
/// use sfu_core::wire::{ExtSeq, RtpTime, SeqNo};
/// use sfu_ice::Time;
/// let mut selector = Selector::simulcast();
/// selector.set_streams(Time::ZERO, ActiveStreams(0b11));
/// selector.set_preferred(Time::ZERO, Layers { spatial: 1, temporal: 2 });
/// assert_eq!(selector.needs_key_frame(), Some(1));
///
/// let mut packet = PacketMeta::new(ExtSeq::first(SeqNo(9)), RtpTime(0), Time::ZERO);
/// packet.stream = 1;
/// assert_eq!(selector.decide(&packet), Decision::Drop);
/// packet.keyframe_start = true;
/// assert_eq!(selector.decide(&packet), Decision::Switch);
/// assert_eq!(selector.needs_key_frame(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Selector {
    /// One stream: audio, screen, a camera without simulcast, SVC.
    Plain(Plain),
    /// Several encodings of one source.
    Simulcast(Simulcast),
}

impl Selector {
    /// For a producer with one stream. Video starts at a key frame.
    pub const fn plain(kind: MediaKind) -> Self {
        Self::Plain(Plain::new(kind))
    }

    /// For a producer with up to eight simulcast streams.
    pub const fn simulcast() -> Self {
        Self::Simulcast(Simulcast::new())
    }

    /// Sets the best layers that the consumer shall get.
    pub fn set_preferred(&mut self, now: Time, preferred: Layers) {
        match self {
            Self::Plain(plain) => plain.set_preferred(preferred),
            Self::Simulcast(simulcast) => simulcast.set_preferred(now, preferred),
        }
    }

    /// Says which streams are alive. Cheap: may be called at every change and
    /// at every tick.
    pub fn set_streams(&mut self, now: Time, active: ActiveStreams) {
        match self {
            Self::Plain(_) => {}
            Self::Simulcast(simulcast) => simulcast.set_streams(now, active),
        }
    }

    /// Stops forwarding until [`resume`](Self::resume).
    pub fn pause(&mut self) {
        match self {
            Self::Plain(plain) => plain.pause(),
            Self::Simulcast(simulcast) => simulcast.pause(),
        }
    }

    /// Forwards again, video from the next key frame on.
    pub fn resume(&mut self) {
        match self {
            Self::Plain(plain) => plain.resume(),
            Self::Simulcast(simulcast) => simulcast.resume(),
        }
    }

    /// Starts over, video with a key frame: the slot was pointed at another
    /// producer of the same shape (for one of another shape make a new
    /// selector). Preferred layers and pause stay.
    pub fn reset(&mut self) {
        match self {
            Self::Plain(plain) => plain.reset(),
            Self::Simulcast(simulcast) => simulcast.reset(),
        }
    }

    /// What to do with a packet. Call once per packet, in order of arrival.
    pub fn decide(&mut self, packet: &PacketMeta) -> Decision {
        if packet.padding_only {
            return Decision::Drop;
        }
        match self {
            Self::Plain(plain) => plain.decide(packet),
            Self::Simulcast(simulcast) => simulcast.decide(packet),
        }
    }

    /// The stream whose next key frame this consumer waits for.
    pub fn needs_key_frame(&self) -> Option<u8> {
        match self {
            Self::Plain(plain) => plain.needs_key_frame(),
            Self::Simulcast(simulcast) => simulcast.needs_key_frame(),
        }
    }

    /// The layers that the consumer gets now; `None` if nothing.
    pub fn current(&self) -> Option<Layers> {
        match self {
            Self::Plain(plain) => plain.current(),
            Self::Simulcast(simulcast) => simulcast.current(),
        }
    }

    /// The layers that it shall get; `None` if nothing.
    pub fn target(&self) -> Option<Layers> {
        match self {
            Self::Plain(plain) => plain.target(),
            Self::Simulcast(simulcast) => simulcast.target(),
        }
    }

    /// The spatial layer inside of the stream whose frames end a picture for the
    /// receiver, so that their last packets get the marker; `None` if the
    /// publisher's marker is right for it.
    pub fn top(&self) -> Option<u8> {
        self.filter().top()
    }

    /// Says that packets follow that came before: until
    /// [`end_history`](Self::end_history), of a stream that starts over only the
    /// base temporal layer is wanted, since it is sent to catch up.
    pub fn begin_history(&mut self) {
        self.filter_mut().set_brief(true);
    }

    /// Says that packets are of the present again.
    pub fn end_history(&mut self) {
        self.filter_mut().set_brief(false);
    }

    fn filter(&self) -> &LayerFilter {
        match self {
            Self::Plain(plain) => plain.filter(),
            Self::Simulcast(simulcast) => simulcast.filter(),
        }
    }

    fn filter_mut(&mut self) -> &mut LayerFilter {
        match self {
            Self::Plain(plain) => plain.filter_mut(),
            Self::Simulcast(simulcast) => simulcast.filter_mut(),
        }
    }

    /// Which rule chose [`target`](Self::target).
    pub fn reason(&self) -> Reason {
        match self {
            Self::Plain(plain) => plain.reason(),
            Self::Simulcast(simulcast) => simulcast.reason(),
        }
    }
}
