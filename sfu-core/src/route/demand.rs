//! What a producer's consumers want of it all together, told to whoever can
//! have the publisher send less.
//!
//! More is told at once, before the publisher is asked for the key frame of a
//! first viewer. Less is told when it has held for half a second, so that a
//! page that is turned or a speaker who changes costs nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::event::Event;
use super::router::Router;
use crate::stream::select::Layers;
use crate::wire::MediaKind;

/// How long less must be wanted before it is told.
const HOLD: Duration = Duration::from_millis(500);
/// A publisher that was asked for a layer for so long and does not send it
/// does not have it.
const PATIENCE: Duration = Duration::from_secs(2);
/// After so long it may have it again.
const RETRY: Duration = Duration::from_secs(30);

/// What was told of one producer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ProducerDemand {
    /// The last that was told; none is nothing yet.
    told: Option<Option<Layers>>,
    /// Since when less is wanted than was told.
    less_since: Option<Time>,
    /// Since when each spatial layer is wanted, as it was told.
    wanted_since: [Option<Time>; 8],
    /// Since when each spatial layer is known not to come.
    missing_since: [Option<Time>; 8],
}

impl ProducerDemand {
    /// Takes in what is wanted now; gives what is to be told.
    fn update(&mut self, now: Time, wanted: Option<Layers>) -> Option<Option<Layers>> {
        let told = self.told.flatten();
        let most = union(told, wanted);
        if most != told {
            // What is less in one kind of layers and more in the other is told
            // as more first.
            return Some(self.tell(now, most));
        }
        if self.told.is_some() && wanted == told {
            self.less_since = None;
            return None;
        }
        let since = *self.less_since.get_or_insert(now);
        (now.since(since) >= HOLD).then(|| self.tell(now, wanted))
    }

    fn tell(&mut self, now: Time, demand: Option<Layers>) -> Option<Layers> {
        self.told = Some(demand);
        self.less_since = None;
        for (layer, since) in (0..).zip(&mut self.wanted_since) {
            *since = match demand {
                Some(demand) if layer <= demand.spatial => since.or(Some(now)),
                _ => None,
            };
        }
        demand
    }

    /// Takes note of which spatial layers come at `now`, one bit each.
    pub(crate) fn review(&mut self, now: Time, active: u8) {
        let both = self.missing_since.iter_mut().zip(&self.wanted_since);
        for (stream, (missing, wanted)) in both.enumerate() {
            let asked = wanted.is_some_and(|wanted| now.since(wanted) > PATIENCE);
            if active & (1 << stream) != 0 {
                *missing = None;
            } else if let Some(since) = *missing {
                if now.since(since) > RETRY {
                    *missing = None;
                }
            } else if asked {
                *missing = Some(now);
            }
        }
    }

    /// Whether the publisher was asked for this spatial layer for so long that it
    /// would come if there was any.
    pub(crate) fn is_missing(&self, stream: u8) -> bool {
        self.missing_since.get(usize::from(stream)).is_some_and(Option::is_some)
    }
}

/// Enough for both.
fn union(a: Option<Layers>, b: Option<Layers>) -> Option<Layers> {
    let (Some(a), Some(b)) = (a, b) else { return a.or(b) };
    Some(Layers { spatial: a.spatial.max(b.spatial), temporal: a.temporal.max(b.temporal) })
}

impl Router {
    /// Looks at what the consumers of a producer want, and tells it if it is
    /// time. Microphones are left alone: they are heard to find out who speaks.
    pub(crate) fn review_demand(&mut self, now: Time, key: u32, events: &mut Vec<Event>) {
        let Some(producer) = self.producers.get_mut(key as usize) else { return };
        if producer.config.kind != MediaKind::Video {
            return;
        }
        let consumers = producer.consumers.iter();
        let wanted = consumers.filter_map(|key| self.consumers.get(*key as usize)?.wants());
        let wanted = wanted.fold(None, |sum, wanted| union(sum, Some(wanted)));
        let top = producer.top_spatial();
        let wanted = wanted.map(|layers| Layers { spatial: layers.spatial.min(top), ..layers });
        if let Some(demand) = producer.demand.update(now, wanted) {
            let (router, producer) = (self.id, producer.id);
            events.push(Event::ProducerDemandChanged { router, producer, demand });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn layers(spatial: u8, temporal: u8) -> Option<Layers> {
        Some(Layers { spatial, temporal })
    }

    #[test]
    fn more_is_told_at_once_and_less_after_a_hold() {
        let at = |millis| Time::from_secs(9) + Duration::from_millis(millis);
        let mut demand = ProducerDemand::default();
        assert_eq!(demand.update(at(0), layers(1, 2)), Some(layers(1, 2)));
        assert_eq!(demand.update(at(10), layers(2, 2)), Some(layers(2, 2)));
        assert_eq!(demand.update(at(20), layers(0, 2)), None);
        assert_eq!(demand.update(at(300), layers(2, 2)), None, "only for a moment");
        assert_eq!(demand.update(at(400), None), None);
        assert_eq!(demand.update(at(899), None), None);
        assert_eq!(demand.update(at(900), None), Some(None));
        assert_eq!(demand.update(at(5_000), None), None);
        assert_eq!(demand.update(at(5_001), layers(0, 0)), Some(layers(0, 0)));
        assert_eq!(demand.update(at(5_002), layers(1, 0)), Some(layers(1, 0)));
    }

    #[test]
    fn nobody_at_all_is_told_too() {
        let mut demand = ProducerDemand::default();
        assert_eq!(demand.update(Time::from_secs(1), None), None);
        assert_eq!(demand.update(Time::from_secs(2), None), Some(None));
    }

    #[test]
    fn more_of_one_and_less_of_the_other_is_told_in_two_steps() {
        let mut demand = ProducerDemand::default();
        let (now, later) = (Time::from_secs(1), Time::from_secs(2));
        demand.update(now, layers(2, 0));
        assert_eq!(demand.update(now, layers(1, 2)), Some(layers(2, 2)));
        assert_eq!(demand.update(now, layers(1, 2)), None);
        assert_eq!(demand.update(later, layers(1, 2)), Some(layers(1, 2)));
    }

    #[test]
    fn an_encoding_is_missing_when_it_was_asked_for_long_enough() {
        let mut demand = ProducerDemand::default();
        demand.update(Time::from_secs(10), layers(0, 2));
        demand.update(Time::from_secs(12), layers(1, 2));
        let mut missing = |seconds, active| {
            demand.review(Time::from_secs(seconds), active);
            [0, 1, 2].map(|stream| demand.is_missing(stream))
        };
        assert_eq!(missing(13, 0), [true, false, false]);
        assert_eq!(missing(15, 0), [true, true, false]);
        assert_eq!(missing(16, 1), [false, true, false]);
        assert_eq!(missing(44, 1), [false, true, false]);
        assert_eq!(missing(46, 1), [false, false, false], "it is asked for once more");
    }
}
