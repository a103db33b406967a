//! Messages that cross a pipe: what its associations tell and send.

use sfu_ice::Time;
use sfu_ice::sctp::{SctpEvent, SctpState};

use super::machine::Engine;
use super::peers::TransportKey;
use crate::route::egress::Egress;
use crate::route::transport::Side;
use crate::route::{CloseReason, Event, Sink};

impl Engine {
    /// Looks after the data channels of a pipe.
    pub(super) fn tend_pipe_data(&mut self, now: Time, key: TransportKey, sink: &mut dyn Sink) {
        let Some(transport) = self.transport_mut(key) else { return };
        if transport.pipe.is_none() {
            return;
        }
        // Before its peer is known nothing runs out of time.
        if transport.can_send() {
            transport.data.handle_timeout(now);
        }
        loop {
            while let Some((side, event)) =
                self.transport_mut(key).and_then(|transport| transport.data.poll_event())
            {
                self.handle_pipe_data(now, key, side, event);
            }
            // What is sent can have consequences, too.
            if !self.transmit_pipe_data(now, key, sink) {
                break;
            }
        }
        let Some(router) = self.routers.get_mut(key.router as usize) else { return };
        let Some(transport) = router.transports.get_mut(key.transport as usize) else { return };
        if let Some(state) = transport.data.poll_state() {
            let (router, transport) = (router.id, transport.id);
            self.events.push(Event::SctpStateChanged { router, transport, state });
        }
    }

    /// Sends what waits; whether there was anything.
    fn transmit_pipe_data(&mut self, now: Time, key: TransportKey, sink: &mut dyn Sink) -> bool {
        let Self { routers, arena, scratch, .. } = self;
        let router = routers.get_mut(key.router as usize);
        let Some(transport) = router.and_then(|r| r.transports.get_mut(key.transport as usize))
        else {
            return false;
        };
        let mut sent = false;
        while transport.can_send()
            && let Some(side) = transport.data.poll_transmit(now, scratch)
        {
            let mut egress = Egress { arena: &mut *arena, sink: &mut *sink };
            transport.send_pipe_data(&mut egress, side == Side::Near, scratch);
            sent = true;
        }
        sent
    }

    fn handle_pipe_data(&mut self, now: Time, key: TransportKey, side: Side, event: SctpEvent) {
        let Some(router) = self.routers.get(key.router as usize) else { return };
        let on = |stream| match side {
            Side::Near => router.data.consumer_on(key.transport, stream),
            Side::Far => router.data.producer_on(key.transport, stream),
        };
        match (side, event) {
            (_, SctpEvent::StateChanged(SctpState::Failed | SctpState::Closed)) => {
                self.end_pipe_data(now, key, side, CloseReason::AssociationLost);
            }
            (Side::Near, SctpEvent::ChannelClosed { stream }) => {
                if let Some(consumer) = on(stream) {
                    self.end_data_consumer(now, key.router, consumer, CloseReason::OriginClosed);
                }
            }
            (Side::Near, SctpEvent::BufferedAmountLow { stream }) => {
                let consumer = on(stream).and_then(|key| router.data.consumers.get(key as usize));
                if let Some(consumer) = consumer {
                    let (router, consumer) = (router.id, consumer.id);
                    self.events.push(Event::DataBufferedAmountLow { router, consumer });
                }
            }
            (Side::Far, SctpEvent::ChannelOpened { stream, parameters, by_peer: true }) => {
                self.channel_opened(now, key, stream, parameters);
            }
            (Side::Far, SctpEvent::ChannelClosed { stream }) => {
                if let Some(producer) = on(stream) {
                    self.end_data_producer(now, key.router, producer, CloseReason::OriginClosed);
                }
            }
            (Side::Far, SctpEvent::Message { stream, message }) => {
                if let Some(producer) = on(stream) {
                    self.route_message(now, key.router, producer, &message);
                }
            }
            _ => {}
        }
    }

    /// Ends what one of a pipe's associations carried.
    fn end_pipe_data(&mut self, now: Time, key: TransportKey, side: Side, reason: CloseReason) {
        let Some(router) = self.routers.get(key.router as usize) else { return };
        match side {
            Side::Near => {
                for consumer in router.data.consumers_of(key.transport) {
                    self.end_data_consumer(now, key.router, consumer, reason);
                }
            }
            Side::Far => {
                for producer in router.data.producers_of(key.transport) {
                    self.end_data_producer(now, key.router, producer, reason);
                }
            }
        }
    }
}
