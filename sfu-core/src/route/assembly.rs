//! Whether a receiver puts the spatial layers of AV1 together.
//!
//! Which frames make a picture is said by the dependency descriptor. Of those
//! receivers that take none, some decode all layers nevertheless (Firefox), and
//! others the lowest one alone (Chromium, unless the page asks for the
//! extension). Nothing that is negotiated tells them apart. So each is sent what
//! it wants, and the lowest layer alone from the moment on at which it asks for
//! key frames again and again: it would never show anything else, and have the
//! publisher make key frames for everybody.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::consumer::Consumer;
use super::producer::Producer;
use super::router::Router;
use crate::stream::select::Layers;
use crate::wire::codec::Codec;
use crate::wire::rtp::ExtensionKind;

/// So many requests in a row mean that key frames do not help. A receiver that
/// lost one asks five times a second, and has the next before that.
const IN_A_ROW: u8 = 6;
/// Requests with more time in between are none in a row.
const PAUSE: Duration = Duration::from_millis(500);

/// What is known of a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assembly {
    /// It has to put layers together without being told which.
    unaided: bool,
    /// It cannot.
    fails: bool,
    /// Requests for key frames in a row, and the last of them.
    requests: u8,
    last: Option<Time>,
}

impl Assembly {
    /// Whether the receiver gets the lowest spatial layer alone.
    pub(crate) const fn is_limited(&self) -> bool {
        self.unaided && self.fails
    }

    /// Notes a request for a key frame; whether it shows that they do not help.
    fn shows_failure(&mut self, now: Time) -> bool {
        let in_a_row = self.last.is_some_and(|last| now.since(last) <= PAUSE);
        self.requests = if in_a_row { self.requests.saturating_add(1) } else { 1 };
        self.last = Some(now);
        self.unaided && !self.fails && self.requests >= IN_A_ROW
    }
}

impl Consumer {
    /// Notes what it follows.
    pub(crate) fn note_assembly(&mut self, producer: &Producer) {
        let codec = match producer.streams.as_slice() {
            [only] => producer.config.codecs.get(usize::from(only.codec)),
            _ => None,
        };
        let takes_descriptor =
            self.config.extensions.id_of(ExtensionKind::DependencyDescriptor).is_some();
        self.assembly.unaided =
            codec.is_some_and(|codec| codec.codec == Codec::Av1) && !takes_descriptor;
    }

    /// The most that it may get.
    pub(crate) fn limit(&self) -> Layers {
        let spatial = if self.assembly.is_limited() { 0 } else { self.preferred.spatial };
        Layers { spatial, ..self.preferred }
    }
}

impl Router {
    /// Draws conclusions from a consumer's request for a key frame.
    pub(crate) fn judge_assembly(&mut self, now: Time, key: u32) {
        let Some(consumer) = self.consumers.get_mut(key as usize) else { return };
        let Some(producer) = consumer.producer.and_then(|key| self.producers.get(key as usize))
        else {
            return;
        };
        // It may have begun to send another codec.
        consumer.note_assembly(producer);
        let has_several = consumer.selector.current().is_some_and(|layers| layers.spatial > 0);
        if !has_several || !consumer.assembly.shows_failure(now) {
            return;
        }
        // All of a transport go to the same decoder.
        let transport = consumer.transport;
        let count = self.transports.get(transport as usize).map_or(0, |t| t.consumers.len());
        for at in 0..count {
            let transport = self.transports.get(transport as usize);
            let Some(&key) = transport.and_then(|t| t.consumers.get(at)) else { break };
            if let Some(consumer) = self.consumers.get_mut(key as usize) {
                consumer.assembly.fails = true;
                consumer.apply_layers(now);
                self.unsettle(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(assembly: &mut Assembly, count: u64, distance: u64) -> bool {
        (0..count).any(|at| assembly.shows_failure(Time::from_millis(9_000 + distance * at)))
    }

    #[test]
    fn who_asks_again_and_again_cannot_decode() {
        let unaided = Assembly { unaided: true, ..Assembly::default() };
        assert!(after(&mut { unaided }, 6, 90));
        assert!(!after(&mut { unaided }, 5, 90), "a lost key frame");
        assert!(!after(&mut { unaided }, 60, 501), "one lost key frame after the other");
        assert!(!after(&mut Assembly::default(), 60, 90), "the descriptor tells it all");
        let known = Assembly { fails: true, ..unaided };
        assert!(!after(&mut { known }, 60, 90), "it gets the lowest layer already");
        assert!(known.is_limited() && !unaided.is_limited());
        assert!(!Assembly { unaided: false, ..known }.is_limited());
    }
}
