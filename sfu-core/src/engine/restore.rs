//! Snapshots: a router's state out of one engine and into another.

use bytes::Bytes;
use sfu_ice::Time;

use super::command::Reply;
use super::machine::Engine;
use super::output::Output;
use super::peers::TransportKey;
use crate::route::transport::TransportKind;
use crate::route::{CommandError, Router, RouterId, RouterSnapshot};

/// Marks a snapshot and the version of its format.
const MAGIC: [u8; 8] = *b"plenum\x00\x02";

impl Engine {
    pub(super) fn snapshot(&self, id: RouterId) -> Result<Reply, CommandError> {
        let index = self.router_index(id)?;
        let router = self.routers.get(index as usize).ok_or(CommandError::RouterNotFound(id))?;
        let state = router.snapshot(&self.pool);
        let bytes = postcard::to_extend(&state, MAGIC.to_vec());
        bytes
            .map(|bytes| Reply::Snapshot(bytes.into()))
            .map_err(|error| CommandError::Snapshot(error.to_string()))
    }

    pub(super) fn restore(&mut self, now: Time, bytes: &Bytes) -> Result<Reply, CommandError> {
        let body = bytes.strip_prefix(&MAGIC).ok_or_else(|| {
            CommandError::Snapshot("expected one made by this version of the library".to_owned())
        })?;
        let state: RouterSnapshot = postcard::from_bytes(body)
            .map_err(|error| CommandError::Snapshot(error.to_string()))?;
        let id = state.id;
        let in_use = || CommandError::Snapshot("its ids are in use here".to_owned());
        if self.router_ids.contains_key(&id) {
            return Err(in_use());
        }
        let mut router = Router::restore(state, &self.peer, now, &mut self.pool, &mut self.random)
            .map_err(|error| CommandError::Snapshot(error.to_string()))?;
        let taken = router.transports.iter().any(|(_, t)| self.transport_ids.contains_key(&t.id))
            || router.producers.iter().any(|(_, p)| self.producer_ids.contains_key(&p.id))
            || router.consumers.iter().any(|(_, c)| self.consumer_ids.contains_key(&c.id))
            || router.observers.iter().any(|(_, o)| self.observer_ids.contains_key(&o.id))
            || self.knows_data_of(&router);
        if taken {
            for (_, producer) in &mut router.producers {
                producer.release(&mut self.pool);
            }
            return Err(in_use());
        }
        self.adopt(router);
        let index = self.router_index(id)?;
        self.adopt_data(now, index);
        Ok(Reply::Router(id))
    }

    /// Enters a restored router into the tables.
    fn adopt(&mut self, router: Router) {
        let id = router.id;
        let index = self.routers.vacant_key() as u32;
        for (key, producer) in &router.producers {
            self.producer_ids.insert(producer.id, (index, key as u32));
        }
        for (key, consumer) in &router.consumers {
            self.consumer_ids.insert(consumer.id, (index, key as u32));
        }
        for (key, observer) in router.observers.iter() {
            self.observer_ids.insert(observer.id, (index, key));
        }
        let mut router = router;
        let mut keys = Vec::new();
        for (place, transport) in &mut router.transports {
            let timer = self.timers.vacant_key() as u32;
            let key = TransportKey { router: index, transport: place as u32, timer };
            self.timers.insert(key);
            transport.timer = timer;
            self.transport_ids.insert(transport.id, key);
            match &transport.kind {
                TransportKind::WebRtc(webrtc) => {
                    self.peers.add_ufrag(&webrtc.peer.credentials().ufrag, key);
                    for tuple in webrtc.peer.tuples() {
                        self.peers.add_tuple(tuple, key);
                    }
                }
                TransportKind::Plain(plain) => {
                    let locals = [Some(plain.config.local), plain.config.local_rtcp];
                    for local in locals.into_iter().flatten() {
                        self.peers.add_local(local, key);
                        self.outputs.push(Output::SocketNeeded(local));
                    }
                }
                // Links are in no snapshot.
                TransportKind::Local(_) | TransportKind::Direct => {}
            }
            keys.push(key);
        }
        self.routers.insert(router);
        self.router_ids.insert(id, index);
        for key in keys {
            self.attend(key);
        }
    }
}
