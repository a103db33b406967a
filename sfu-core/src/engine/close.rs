//! The end of routers, transports, producers and consumers, and of every trace
//! of them in the tables.

use sfu_ice::Time;

use super::machine::Engine;
use super::output::Output;
use super::peers::TransportKey;
use crate::route::transport::TransportKind;
use crate::route::{CloseReason, Event};

impl Engine {
    pub(super) fn close_router_at(&mut self, now: Time, index: u32) {
        let Some(router) = self.routers.get(index as usize) else { return };
        let id = router.id;
        let keys: Vec<TransportKey> = router
            .transports
            .iter()
            .map(|(transport, state)| TransportKey {
                router: index,
                transport: transport as u32,
                timer: state.timer,
            })
            .collect();
        for key in keys {
            self.close_transport(now, key, CloseReason::ParentClosed);
        }
        self.observer_ids.retain(|_, (router, _)| *router != index);
        self.routers.try_remove(index as usize);
        self.router_ids.remove(&id);
        self.events.push(Event::RouterClosed { router: id });
    }

    /// Closes a transport with all that is on it.
    pub(super) fn close_transport(&mut self, now: Time, key: TransportKey, reason: CloseReason) {
        self.close_data_of(now, key, CloseReason::ParentClosed);
        self.end_plain_data(now, key);
        let Some(router) = self.routers.get_mut(key.router as usize) else { return };
        let Some(transport) = router.transports.get_mut(key.transport as usize) else { return };
        let farewell = match &mut transport.kind {
            TransportKind::WebRtc(webrtc) => {
                webrtc.peer.close(now);
                let mut datagram = Vec::new();
                std::iter::from_fn(|| {
                    let tuple = webrtc.peer.poll_transmit(&mut datagram)?;
                    Some((tuple, datagram.clone()))
                })
                .take(8)
                .collect()
            }
            _ => Vec::new(),
        };
        self.farewells.extend(farewell);
        if let TransportKind::Plain(plain) = &transport.kind {
            let locals = [Some(plain.config.local), plain.config.local_rtcp];
            self.outputs.extend(locals.into_iter().flatten().map(Output::SocketReleased));
        }
        if let TransportKind::Local(link) = transport.kind {
            self.outputs.push(Output::LinkReleased(link));
        }
        let (producers, consumers) = (transport.producers.clone(), transport.consumers.clone());
        // What came by a pipe ends as its origin does.
        let parent = match reason {
            CloseReason::OriginClosed => CloseReason::OriginClosed,
            _ => CloseReason::ParentClosed,
        };
        for consumer in consumers {
            if let Some(id) = router.close_consumer(consumer, parent, &mut self.events) {
                self.consumer_ids.remove(&id);
            }
        }
        for producer in producers {
            let closed = router.close_producer(producer, parent, &mut self.pool, &mut self.events);
            if let Some(id) = closed {
                self.producer_ids.remove(&id);
            }
        }
        let Some(transport) = router.transports.try_remove(key.transport as usize) else { return };
        router.dirty_transports.retain(|dirty| *dirty != key.transport);
        router.wakeups.retain(|waking| *waking != key.transport);
        let router = router.id;
        self.transport_ids.remove(&transport.id);
        for tuple in self.peers.remove_transport(key) {
            self.outputs.push(Output::ConnectionReleased(tuple));
        }
        self.wheel.cancel(key.timer);
        self.timers.try_remove(key.timer as usize);
        self.events.push(Event::TransportClosed { router, transport: transport.id, reason });
        self.activate(key.router);
    }
}
