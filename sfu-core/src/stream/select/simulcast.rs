//! Several encodings of one source: which stream, and when to change it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::filter::LayerFilter;
use super::{ActiveStreams, Decision, Layers, PacketMeta, Reason};
use crate::wire::ExtSeq;

/// Follows one of up to eight streams and changes only at the first packet of
/// a key frame.
///
/// The target is the highest living stream at or below the preferred one, or
/// else the lowest living one. A dying stream is left at once; one that comes
/// alive must stay so for 750 ms before the consumer goes up to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulcast {
    paused: bool,
    preferred: Layers,
    active: ActiveStreams,
    /// Since when each stream is alive.
    since: [Time; 8],
    target: Option<u8>,
    reason: Reason,
    /// When a stream that stabilises must be looked at again.
    review: Option<Time>,
    current: Option<Current>,
    previous: Option<Previous>,
    filter: LayerFilter,
}

/// How long a stream must live before a consumer goes up to it.
const STABLE: Duration = Duration::from_millis(750);
/// How long late packets of the stream before a switch are still worth sending.
const LINGER: Duration = Duration::from_millis(500);

/// The stream that is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Current {
    stream: u8,
    /// First packet of the key frame at which it began.
    start: ExtSeq,
    highest: ExtSeq,
}

/// The stream that was forwarded before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Previous {
    stream: Current,
    until: Time,
    /// Its layers, as they passed last.
    filter: LayerFilter,
}

impl Simulcast {
    pub(super) const fn new() -> Self {
        Self {
            paused: false,
            preferred: Layers::MAX,
            active: ActiveStreams::NONE,
            since: [Time::ZERO; 8],
            target: None,
            reason: Reason::NoActiveStream,
            review: None,
            current: None,
            previous: None,
            filter: LayerFilter::new(),
        }
    }

    pub(super) fn set_preferred(&mut self, now: Time, preferred: Layers) {
        self.preferred = preferred;
        self.filter.set_target(Layers { spatial: u8::MAX, ..preferred });
        self.choose(now);
    }

    pub(super) fn set_streams(&mut self, now: Time, active: ActiveStreams) {
        if active == self.active {
            return;
        }
        for (stream, since) in (0..8).zip(&mut self.since) {
            if active.contains(stream) && !self.active.contains(stream) {
                *since = now;
            }
        }
        self.active = active;
        self.choose(now);
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
        self.stop();
    }

    pub(super) fn resume(&mut self) {
        self.paused = false;
        self.review = Some(Time::ZERO);
    }

    pub(super) fn reset(&mut self) {
        self.stop();
        self.active = ActiveStreams::NONE;
        self.target = None;
    }

    pub(super) fn decide(&mut self, packet: &PacketMeta) -> Decision {
        if self.paused {
            return Decision::Drop;
        }
        if self.review.is_some_and(|review| review <= packet.arrival) {
            self.choose(packet.arrival);
        }
        if let Some(current) = &mut self.current
            && current.stream == packet.stream
        {
            if packet.ext < current.start || !self.filter.passes(packet) {
                return Decision::Drop;
            }
            current.highest = current.highest.max(packet.ext);
            return Decision::Forward;
        }
        if self.target == Some(packet.stream) && self.switch(packet) {
            return Decision::Switch;
        }
        if self.is_late(packet) { Decision::Forward } else { Decision::Drop }
    }

    pub(super) fn needs_key_frame(&self) -> Option<u8> {
        self.target.filter(|target| {
            !self.paused
                && (self.current.is_none_or(|now| now.stream != *target)
                    || self.filter.needs_key_frame())
        })
    }

    pub(super) fn current(&self) -> Option<Layers> {
        let temporal = self.filter.current().temporal;
        self.current.map(|current| Layers { spatial: current.stream, temporal })
    }

    pub(super) fn target(&self) -> Option<Layers> {
        let temporal = self.preferred.temporal;
        let target = self.target.filter(|_| !self.paused);
        target.map(|spatial| Layers { spatial, temporal })
    }

    pub(super) fn filter(&self) -> &LayerFilter {
        &self.filter
    }

    pub(super) fn filter_mut(&mut self) -> &mut LayerFilter {
        &mut self.filter
    }

    pub(super) const fn reason(&self) -> Reason {
        if self.paused { Reason::Paused } else { self.reason }
    }

    fn stop(&mut self) {
        self.current = None;
        self.previous = None;
    }

    /// Goes over to the stream of this packet, if a receiver can start there.
    fn switch(&mut self, packet: &PacketMeta) -> bool {
        let left = self.filter;
        if !self.filter.begin(packet) {
            return false;
        }
        let until = packet.arrival + LINGER;
        self.previous = self.current.map(|stream| Previous { stream, until, filter: left });
        self.current =
            Some(Current { stream: packet.stream, start: packet.ext, highest: packet.ext });
        true
    }

    /// A packet that was on its way when its stream was left.
    fn is_late(&self, packet: &PacketMeta) -> bool {
        self.previous.is_some_and(|Previous { stream, until, filter }| {
            stream.stream == packet.stream
                && (stream.start..stream.highest).contains(&packet.ext)
                && packet.arrival < until
                && filter.passed(packet)
        })
    }

    fn choose(&mut self, now: Time) {
        self.review = None;
        let best = self.active.iter().rfind(|stream| *stream <= self.preferred.spatial);
        let Some(best) = best.or_else(|| self.active.iter().next()) else {
            // Nothing lives: keep waiting for what was wanted last.
            self.reason = Reason::NoActiveStream;
            return;
        };
        let current = self.current.map(|current| current.stream);
        let held = current.filter(|current| {
            *current < best && self.active.contains(*current) && !self.is_stable(now, best)
        });
        (self.target, self.reason) = match held {
            Some(current) => {
                self.review = self.stable_at(best);
                // Of those in between the highest that is stable already.
                let between = self.active.iter().rfind(|stream| {
                    (current..best).contains(stream) && self.is_stable(now, *stream)
                });
                (between.or(Some(current)), Reason::Stabilising)
            }
            None if best > self.preferred.spatial => (Some(best), Reason::LowestActive),
            None if best == self.preferred.spatial => (Some(best), Reason::Preferred),
            None => (Some(best), Reason::HighestActive),
        };
    }

    fn stable_at(&self, stream: u8) -> Option<Time> {
        self.since.get(usize::from(stream)).map(|since| *since + STABLE)
    }

    fn is_stable(&self, now: Time, stream: u8) -> bool {
        self.stable_at(stream).is_none_or(|stable| stable <= now)
    }
}

#[cfg(test)]
mod tests;
