//! The receiving end of a pipe: what is wanted of a producer's encodings, by
//! all that follow it, and what its origin says of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;
use slab::Slab;

use crate::route::consumer::Consumer;
use crate::route::producer::Producer;
use crate::stream::select::Layers;
use crate::wire::MediaKind;

/// Encodings that a producer has at most.
pub(super) const MAX_ENCODINGS: usize = 8;
/// How long less must be wanted before the origin is told so: a layer that is
/// given up and wanted again costs a key frame.
const HOLD: Duration = Duration::from_millis(500);
/// How long the origin's word on its streams holds; it repeats it each second.
const STATE_HOLDS: Duration = Duration::from_secs(5);

/// What is wanted of each encoding.
pub(super) type Wants = [Option<Layers>; MAX_ENCODINGS];

/// The far side of a producer that comes by a pipe.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Upstream {
    /// Which encodings the publisher sends, one bit each, whether or not the
    /// pipe carries them, and when that was heard.
    alive: Option<(u8, Time)>,
    /// The origin is paused.
    pub(crate) paused: bool,
    /// What the origin was told, for each encoding.
    levels: [Level; MAX_ENCODINGS],
    /// Something about its consumers changed since that was compared.
    pub(crate) dirty: bool,
}

/// The demand for one encoding: rises at once, falls after a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Level {
    told: Option<Layers>,
    lower_since: Option<Time>,
}

impl Upstream {
    /// Takes in what the origin says of encoding `stream`; whether that is news.
    pub(super) fn hear(&mut self, now: Time, stream: u8, alive: bool) -> bool {
        let before = self.alive.map(|(mask, _)| mask);
        let bit = if stream < 8 { 1 << stream } else { 0 };
        let mask = before.unwrap_or(0);
        let mask = if alive { mask | bit } else { mask & !bit };
        self.alive = Some((mask, now));
        before != Some(mask)
    }

    /// Which encodings the publisher sends; none if the origin said nothing
    /// for too long.
    pub(crate) fn alive(&self, now: Time) -> Option<u8> {
        self.alive.filter(|(_, heard)| now.since(*heard) <= STATE_HOLDS).map(|(mask, _)| mask)
    }

    /// Compares what is wanted with what the origin was told. Gives each
    /// encoding of which it must be told, and what.
    pub(super) fn update<'a>(
        &'a mut self,
        now: Time,
        wants: &'a Wants,
        encodings: usize,
        all: bool,
    ) -> impl Iterator<Item = (usize, Option<Layers>)> + 'a {
        self.dirty = false;
        let levels = self.levels.iter_mut().zip(wants).take(encodings).enumerate();
        levels.filter_map(move |(at, (level, want))| {
            let changed = level.update(now, *want);
            (changed || all).then_some((at, level.told))
        })
    }
}

impl Level {
    /// Takes in what is wanted now; whether the origin must be told.
    fn update(&mut self, now: Time, want: Option<Layers>) -> bool {
        let raised = union(self.told, want);
        if raised != self.told {
            self.told = raised;
            self.lower_since = None;
            return true;
        }
        if want == self.told {
            self.lower_since = None;
            return false;
        }
        let since = *self.lower_since.get_or_insert(now);
        if now.since(since) < HOLD {
            return false;
        }
        *self = Self { told: want, lower_since: None };
        true
    }
}

/// What all consumers together want of a producer's encodings. While somebody
/// wants to know who speaks, every microphone is to be heard.
pub(super) fn wants(producer: &Producer, consumers: &Slab<Consumer>, listening: bool) -> Wants {
    let mut wants = Wants::default();
    if producer.config.kind == MediaKind::Audio && listening {
        return [Some(Layers::MAX); MAX_ENCODINGS];
    }
    for key in &producer.consumers {
        let Some(consumer) = consumers.get(*key as usize) else { continue };
        for (stream, layers) in consumer.needs(producer).into_iter().flatten() {
            if let Some(want) = wants.get_mut(usize::from(stream)) {
                *want = union(*want, Some(layers));
            }
        }
    }
    wants
}

impl Consumer {
    /// Which encodings of its producer it needs now, and which layers of them:
    /// what it shall get, and what it gets until then.
    fn needs(&self, producer: &Producer) -> [Option<(u8, Layers)>; 2] {
        if self.paused {
            return [None; 2];
        }
        if let Some(leg) = self.leg {
            return [leg.wanted.map(|layers| (leg.stream, layers)), None];
        }
        if producer.streams.len() == 1 {
            // What is inside the one stream is known only once it comes.
            return [self.wants().map(|layers| (0, layers)), None];
        }
        let whole = |layers: Layers| (layers.spatial, Layers { spatial: u8::MAX, ..layers });
        let target = self.selector.target();
        // Being left, it is needed no longer than the switch takes.
        let current = self.selector.current();
        [target.map(whole), current.map(whole)]
    }
}

fn union(a: Option<Layers>, b: Option<Layers>) -> Option<Layers> {
    match (a, b) {
        (Some(a), Some(b)) => {
            Some(Layers { spatial: a.spatial.max(b.spatial), temporal: a.temporal.max(b.temporal) })
        }
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: Option<Layers> = Some(Layers { spatial: 0, temporal: 1 });
    const HIGH: Option<Layers> = Some(Layers { spatial: 2, temporal: 0 });
    const BOTH: Option<Layers> = Some(Layers { spatial: 2, temporal: 1 });

    #[test]
    fn demand_rises_at_once_and_falls_after_a_while() {
        let mut level = Level::default();
        let at = Time::from_millis;
        assert!(!level.update(at(0), None));
        assert!(level.update(at(1), LOW));
        assert!(level.update(at(2), HIGH));
        assert_eq!(level.told, BOTH, "less of the one, more of the other");
        assert!(!level.update(at(3), BOTH));
        assert!(!level.update(at(100), None));
        assert!(!level.update(at(599), None));
        assert!(level.update(at(600), None));
        assert_eq!(level.told, None);
    }

    #[test]
    fn a_layer_that_is_wanted_again_was_never_given_up() {
        let mut level = Level::default();
        let at = Time::from_millis;
        assert!(level.update(at(0), HIGH));
        for round in 1..20 {
            assert!(!level.update(at(round * 400), None));
            assert!(!level.update(at(round * 400 + 399), HIGH));
        }
    }

    #[test]
    fn the_word_of_a_silent_origin_does_not_hold_for_ever() {
        let mut upstream = Upstream::default();
        assert_eq!(upstream.alive(Time::from_secs(1)), None);
        assert!(upstream.hear(Time::from_secs(1), 0, true));
        assert!(upstream.hear(Time::from_secs(1), 2, true));
        assert!(!upstream.hear(Time::from_secs(2), 2, true));
        assert_eq!(upstream.alive(Time::from_secs(7)), Some(0b101));
        assert!(upstream.hear(Time::from_secs(7), 0, false));
        assert_eq!(upstream.alive(Time::from_secs(12)), Some(0b100));
        assert_eq!(upstream.alive(Time::from_secs(13)), None);
    }
}
