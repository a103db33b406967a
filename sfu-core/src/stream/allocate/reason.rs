//! Why a consumer is to get what it is to get.

use serde::{Deserialize, Serialize};

/// The rule that chose a consumer's target layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LayersReason {
    /// The slot follows nobody.
    #[default]
    Empty,
    /// The consumer is paused.
    ConsumerPaused,
    /// What it follows is paused.
    ProducerPaused,
    /// The receiver does not show it.
    NotShown,
    /// More does not fit into the receiver's available bit rate.
    Bandwidth,
    /// More would not be seen at the size at which it is shown.
    Viewport,
    /// The publisher sends no better layer, or nothing.
    PublisherDoesNotSend,
    /// More would fit, but not for long enough yet.
    Hold,
    /// More was not asked for by the preferred layers.
    Preferred,
    /// The receiver takes no dependency descriptor, and showed that it does not
    /// put spatial layers together without it: it gets the lowest one.
    NoDescriptor,
    /// It gets all there is because the viewer pinned it; others give way.
    Pinned,
    /// It gets all there is.
    Best,
}

impl LayersReason {
    /// The rule in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Empty => "the slot is empty",
            Self::ConsumerPaused => "the consumer is paused",
            Self::ProducerPaused => "the producer is paused",
            Self::NotShown => "the receiver does not show it",
            Self::Bandwidth => "more does not fit into the available bit rate",
            Self::Viewport => "more would not be seen at the size at which it is shown",
            Self::PublisherDoesNotSend => "the publisher sends nothing better",
            Self::Hold => "more would fit, but not for long enough yet",
            Self::Preferred => "it has the preferred layers",
            Self::NoDescriptor => {
                "the receiver takes no dependency descriptor and cannot decode more without it"
            }
            Self::Pinned => "it is pinned, and has all there is",
            Self::Best => "it has all there is",
        }
    }
}
