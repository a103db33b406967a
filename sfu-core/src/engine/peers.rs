//! Which transport a datagram belongs to.
//!
//! A known path decides at once. An unknown one is given a chance only by a
//! Binding request that names a user of ours (the check of its integrity comes
//! after), or by arriving at an address that one plain transport owns.

use std::net::SocketAddr;

use hashbrown::HashMap;
use sfu_ice::{Tuple, canonical};

use crate::route::PipeLink;

/// Where a transport is: its router, its place there, and its timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TransportKey {
    pub(crate) router: u32,
    pub(crate) transport: u32,
    pub(crate) timer: u32,
}

/// The tables of one engine. Their keys are chosen by peers, so their hashing
/// is randomised (hashbrown's default).
#[derive(Debug, Default)]
pub(crate) struct Peers {
    tuples: HashMap<Tuple, TransportKey>,
    ufrags: HashMap<String, TransportKey>,
    locals: HashMap<SocketAddr, TransportKey>,
    links: HashMap<PipeLink, TransportKey>,
}

impl Peers {
    pub(crate) fn by_tuple(&self, tuple: &Tuple) -> Option<TransportKey> {
        if let Some(key) = self.tuples.get(tuple) {
            return Some(*key);
        }
        if self.locals.is_empty() {
            return None;
        }
        self.locals.get(&tuple.local).or_else(|| self.locals.get(&wildcard(tuple.local))).copied()
    }

    pub(crate) fn by_ufrag(&self, ufrag: &str) -> Option<TransportKey> {
        self.ufrags.get(ufrag).copied()
    }

    pub(crate) fn by_link(&self, link: PipeLink) -> Option<TransportKey> {
        self.links.get(&link).copied()
    }

    pub(crate) fn add_link(&mut self, link: PipeLink, key: TransportKey) {
        self.links.insert(link, key);
    }

    pub(crate) fn owns_local(&self, local: SocketAddr) -> bool {
        self.locals.contains_key(&canonical(local))
    }

    pub(crate) fn add_tuple(&mut self, tuple: Tuple, key: TransportKey) {
        self.tuples.insert(tuple, key);
    }

    /// Forgets a path, unless another transport has it by now.
    pub(crate) fn remove_tuple(&mut self, tuple: &Tuple, key: TransportKey) {
        if self.tuples.get(tuple) == Some(&key) {
            self.tuples.remove(tuple);
        }
    }

    pub(crate) fn add_ufrag(&mut self, ufrag: &str, key: TransportKey) {
        self.ufrags.insert(ufrag.to_owned(), key);
    }

    /// Forgets the transport's user fragments that it does not answer to any more.
    pub(crate) fn retain_ufrags(&mut self, key: TransportKey, owns: impl Fn(&str) -> bool) {
        self.ufrags.retain(|ufrag, owner| *owner != key || owns(ufrag));
    }

    pub(crate) fn add_local(&mut self, local: SocketAddr, key: TransportKey) {
        self.locals.insert(canonical(local), key);
    }

    /// Forgets everything of a transport; gives the paths that it had.
    pub(crate) fn remove_transport(&mut self, key: TransportKey) -> Vec<Tuple> {
        self.ufrags.retain(|_, owner| *owner != key);
        self.locals.retain(|_, owner| *owner != key);
        self.links.retain(|_, owner| *owner != key);
        self.tuples.extract_if(|_, owner| *owner == key).map(|(tuple, _)| tuple).collect()
    }
}

fn wildcard(local: SocketAddr) -> SocketAddr {
    let ip = match local {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(ip, local.port())
}
