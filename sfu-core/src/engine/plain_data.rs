//! SCTP beside RTP, without DTLS: what the association of a plain transport
//! tells and sends.

use sfu_ice::Time;
use sfu_ice::sctp::{Association, SctpConfig, SctpEvent, SctpState};

use super::command::Reply;
use super::machine::Engine;
use super::peers::TransportKey;
use crate::route::egress::Egress;
use crate::route::transport::{TransportKind, carries_media};
use crate::route::{CloseReason, CommandError, Sink, TransportId};

impl Engine {
    /// Lets a plain transport carry data.
    pub(super) fn enable_plain_data(
        &mut self,
        key: TransportKey,
        id: TransportId,
        config: SctpConfig,
    ) -> Result<Reply, CommandError> {
        let refused = |message: &str| Err(CommandError::Transport(message.to_owned()));
        // The port is what tells SCTP from RTP and RTCP.
        if config.port == 0 || config.remote_port == 0 || carries_media(config.remote_port) {
            return refused("SCTP ports: expected 1 to 32767 or 49152 to 65535 for the peer's");
        }
        if config.max_streams == 0 {
            return refused("number of SCTP streams: expected 1 or more");
        }
        let seed = self.random.seed();
        let transport = self.transport_mut(key).ok_or(CommandError::TransportNotFound(id))?;
        let TransportKind::Plain(plain) = &mut transport.kind else {
            return Err(CommandError::Contained);
        };
        match plain.sctp {
            Some(enabled) if enabled == config => return Ok(Reply::Done),
            Some(_) => return refused("SCTP is enabled already, with other settings"),
            None => plain.sctp = Some(config),
        }
        transport.sctp = Some(Box::new(Association::plain(config, seed)));
        self.attend(key);
        Ok(Reply::Done)
    }

    /// Looks after the association of a plain transport.
    pub(super) fn tend_plain_data(&mut self, now: Time, key: TransportKey, sink: &mut dyn Sink) {
        let Some(transport) = self.transport_mut(key) else { return };
        let known = transport.rtp_path().is_some();
        let Some(sctp) = &mut transport.sctp else { return };
        if known && sctp.state() == SctpState::New {
            sctp.start(now, false);
        }
        if sctp.poll_timeout().is_some_and(|due| due <= now) {
            sctp.handle_timeout(now);
        }
        loop {
            while let Some(event) = self.plain_event(key) {
                self.handle_plain_event(now, key, event);
            }
            // What is sent can have consequences, too.
            if !self.transmit_plain_data(now, key, sink) {
                break;
            }
        }
    }

    fn plain_event(&mut self, key: TransportKey) -> Option<SctpEvent> {
        self.transport_mut(key)?.sctp.as_mut()?.poll_event()
    }

    fn handle_plain_event(&mut self, now: Time, key: TransportKey, event: SctpEvent) {
        let Some(router) = self.routers.get(key.router as usize) else { return };
        match event {
            SctpEvent::ChannelClosed { stream } => {
                if let Some(consumer) = router.data.consumer_on(key.transport, stream) {
                    self.end_data_consumer(now, key.router, consumer, CloseReason::PeerClosed);
                }
            }
            SctpEvent::IncomingClosed { stream } => {
                if let Some(producer) = router.data.producer_on(key.transport, stream) {
                    self.end_data_producer(now, key.router, producer, CloseReason::PeerClosed);
                }
            }
            event => self.handle_sctp_event(now, key, event),
        }
    }

    /// Sends what waits; whether there was anything.
    fn transmit_plain_data(&mut self, now: Time, key: TransportKey, sink: &mut dyn Sink) -> bool {
        let Self { routers, arena, scratch, .. } = self;
        let router = routers.get_mut(key.router as usize);
        let transport = router.and_then(|r| r.transports.get_mut(key.transport as usize));
        let Some((transport, path)) = transport.and_then(|it| it.rtp_path().map(|path| (it, path)))
        else {
            return false;
        };
        let Some(sctp) = &mut transport.sctp else { return false };
        let mut sent = false;
        while sctp.poll_transmit(now, scratch) {
            let mut egress = Egress { arena: &mut *arena, sink: &mut *sink };
            let len = egress.packet(path, scratch.len(), |out| {
                out.get_mut(..scratch.len())?.copy_from_slice(&*scratch);
                Some(scratch.len())
            });
            transport.counters.count_sent(len);
            sent = true;
        }
        sent
    }

    /// Gives the data producers and data consumers of a restored plain transport
    /// their streams again: the peer is asked for another association.
    pub(super) fn adopt_plain_data(&mut self, key: TransportKey) {
        let seed = self.random.seed();
        let Some(router) = self.routers.get_mut(key.router as usize) else { return };
        let Some(transport) = router.transports.get_mut(key.transport as usize) else { return };
        let TransportKind::Plain(plain) = &transport.kind else { return };
        let Some(config) = plain.sctp.filter(|_| transport.pipe.is_none()) else { return };
        let mut sctp = Box::new(Association::plain(config, seed));
        let on = |(of, stream): (u32, Option<u16>)| stream.filter(|_| of == key.transport);
        for (_, producer) in &router.data.producers {
            if let Some(stream) = on((producer.transport, producer.config.stream)) {
                // There was room for it before.
                let _ = sctp.expect(stream, producer.config.parameters.clone());
            }
        }
        for (_, consumer) in &router.data.consumers {
            if let Some(stream) = on((consumer.transport, consumer.stream)) {
                let _ = sctp.open_negotiated(Some(stream), consumer.parameters.clone());
            }
        }
        transport.sctp = Some(sctp);
    }

    /// Ends the association of a plain transport; what is left to say to the peer
    /// goes with the farewells.
    pub(super) fn end_plain_data(&mut self, now: Time, key: TransportKey) {
        let Some(transport) = self.transport_mut(key) else { return };
        let path = transport.rtp_path();
        let (Some(mut sctp), Some(path)) = (transport.sctp.take(), path) else { return };
        sctp.close();
        let mut datagram = Vec::new();
        if sctp.poll_transmit(now, &mut datagram) {
            self.farewells.push((path, datagram));
        }
    }
}
