//! Which routers are joined by pipes inside the process, and what crosses them:
//! so that two routers share one pipe, and a producer crosses it once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::pipe::Piped;
use super::super::piped_data::PipedData;
use crate::route::{DataProducerId, Event, ProducerId, RouterId, TransportId};

/// Transports of a pipe, in the order in which its routers are named.
type Pair = (TransportId, TransportId);

#[derive(Debug, Default)]
pub(crate) struct PipeBook {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    pairs: HashMap<(RouterId, RouterId), Pair>,
    piped: HashMap<(ProducerId, RouterId), Piped>,
    piped_data: HashMap<(DataProducerId, RouterId), PipedData>,
}

impl PipeBook {
    /// The pipe between two routers, whoever made it.
    pub(crate) fn pair(&self, near: RouterId, far: RouterId) -> Option<Pair> {
        find(&self.entries(), near, far)
    }

    /// Notes a new pipe, unless there is one: gives the one to be used.
    pub(crate) fn add_pair(&self, routers: (RouterId, RouterId), pair: Pair) -> Pair {
        let mut entries = self.entries();
        if let Some(known) = find(&entries, routers.0, routers.1) {
            return known;
        }
        entries.pairs.insert(routers, pair);
        pair
    }

    pub(crate) fn piped(&self, key: (ProducerId, RouterId)) -> Option<Piped> {
        self.entries().piped.get(&key).cloned()
    }

    /// Notes what was piped, unless it was before: gives what is to be used.
    pub(crate) fn add_piped(&self, key: (ProducerId, RouterId), piped: Piped) -> Piped {
        self.entries().piped.entry(key).or_insert(piped).clone()
    }

    pub(crate) fn forget_piped(&self, key: (ProducerId, RouterId)) {
        self.entries().piped.remove(&key);
    }

    pub(crate) fn piped_data(&self, key: (DataProducerId, RouterId)) -> Option<PipedData> {
        self.entries().piped_data.get(&key).cloned()
    }

    /// As [`Self::add_piped`], of messages.
    pub(crate) fn add_piped_data(
        &self,
        key: (DataProducerId, RouterId),
        piped: PipedData,
    ) -> PipedData {
        self.entries().piped_data.entry(key).or_insert(piped).clone()
    }

    pub(crate) fn forget_piped_data(&self, key: (DataProducerId, RouterId)) {
        self.entries().piped_data.remove(&key);
    }

    /// Forgets what was closed.
    pub(crate) fn note(&self, event: &Event) {
        match event {
            Event::TransportClosed { transport, .. } => {
                let is_end = |(near, far): &mut Pair| near == transport || far == transport;
                self.entries().pairs.retain(|_, pair| !is_end(pair));
            }
            Event::ProducerClosed { producer, .. } => {
                let is_end = |origin: &ProducerId, piped: &Piped| {
                    origin == producer || piped.producer() == *producer
                };
                self.entries().piped.retain(|(origin, _), piped| !is_end(origin, piped));
            }
            Event::DataProducerClosed { producer, .. } => {
                let is_end = |origin: &DataProducerId, piped: &PipedData| {
                    origin == producer || piped.producer() == *producer
                };
                self.entries().piped_data.retain(|(origin, _), piped| !is_end(origin, piped));
            }
            _ => {}
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing panics while it is held; the data is whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(entries: &Entries, near: RouterId, far: RouterId) -> Option<Pair> {
    let forward = entries.pairs.get(&(near, far)).copied();
    forward.or_else(|| entries.pairs.get(&(far, near)).map(|&(b, a)| (a, b)))
}
