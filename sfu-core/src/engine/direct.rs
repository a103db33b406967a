//! What comes in by commands in place of a network: packets for direct
//! transports, and what is asked about packets.

use bytes::Bytes;
use sfu_ice::Time;

use super::command::{Command, Reply};
use super::machine::Engine;
use super::peers::TransportKey;
use crate::route::transport::TransportKind;
use crate::route::{CommandError, ConsumerId, Event, ProducerId, TraceTypes, TransportId};

/// A packet that does not fit in a slot cannot be forwarded.
const MAX_PACKET: usize = 1_600;
/// Bit rates below this would stop a peer's control traffic.
const MIN_INCOMING: u64 = 10_000;
/// How often a peer is told that a bound is gone: some of it may get lost.
const UNCAPPED_TIMES: u8 = 4;

type Result<T> = std::result::Result<T, CommandError>;

impl Engine {
    pub(super) fn send_rtp_batch(
        &mut self,
        now: Time,
        transport: TransportId,
        producer: ProducerId,
        packets: &[Bytes],
    ) -> Result<Reply> {
        if packets.len() > Command::MAX_BATCH {
            return Err(CommandError::InvalidParameters {
                what: "packets in a batch",
                expected: "at most 64",
            });
        }
        let mut outcome = Ok(());
        for packet in packets {
            // One that is refused does not keep the others back.
            let fed = self.send_rtp(now, transport, producer, packet).map(|_| ());
            outcome = outcome.and(fed);
        }
        outcome?;
        Ok(Reply::Done)
    }

    pub(super) fn send_rtp(
        &mut self,
        now: Time,
        transport: TransportId,
        producer: ProducerId,
        packet: &[u8],
    ) -> Result<Reply> {
        if packet.len() > MAX_PACKET {
            return Err(CommandError::InvalidParameters {
                what: "length of the RTP packet",
                expected: "at most 1600 bytes",
            });
        }
        let place = self.direct_key(transport)?;
        let (index, key) = self.producer_key(producer)?;
        let Self { routers, pool, .. } = self;
        let router = routers.get_mut(index as usize).ok_or(CommandError::Contained)?;
        let of = router.producers.get(key as usize).map(|producer| producer.transport);
        if (index, of) != (place.router, Some(place.transport)) {
            return Err(CommandError::WrongTransport { transport, producer });
        }
        let mut packet = packet.to_vec();
        router.ingest(now, place.transport, &mut packet, pool);
        self.activate(index);
        Ok(Reply::Done)
    }

    pub(super) fn send_rtcp(&mut self, now: Time, id: TransportId, packet: &[u8]) -> Result<Reply> {
        if packet.len() > MAX_PACKET {
            return Err(CommandError::InvalidParameters {
                what: "length of the RTCP packet",
                expected: "at most 1600 bytes",
            });
        }
        let key = self.direct_key(id)?;
        self.router_mut(key.router)?.handle_told_rtcp(now, key.transport, packet);
        self.attend(key);
        Ok(Reply::Done)
    }

    fn direct_key(&mut self, id: TransportId) -> Result<TransportKey> {
        let key = self.transport_key(id)?;
        let transport = self.transport_mut(key).ok_or(CommandError::TransportNotFound(id))?;
        if !matches!(transport.kind, TransportKind::Direct) {
            let is = transport.kind_name();
            return Err(CommandError::WrongTransportKind { transport: id, is, needs: "direct" });
        }
        Ok(key)
    }

    pub(super) fn set_incoming_cap(
        &mut self,
        now: Time,
        id: TransportId,
        cap: Option<u64>,
    ) -> Result<Reply> {
        if cap.is_some_and(|cap| cap < MIN_INCOMING) {
            return Err(CommandError::InvalidParameters {
                what: "bitrate",
                expected: "10000 bit/s or more, or none",
            });
        }
        let key = self.transport_key(id)?;
        let transport = self.transport_mut(key).ok_or(CommandError::TransportNotFound(id))?;
        if matches!(transport.kind, TransportKind::Direct) || transport.pipe.is_some() {
            let is = transport.kind_name();
            let needs = "webrtc or plain";
            return Err(CommandError::WrongTransportKind { transport: id, is, needs });
        }
        if cap.is_none() && transport.incoming_cap.is_some() {
            transport.uncapped = UNCAPPED_TIMES;
        }
        transport.incoming_cap = cap;
        transport.report_due = transport.report_due.min(now);
        self.attend(key);
        Ok(Reply::Done)
    }

    pub(super) fn trace_transport(&mut self, id: TransportId, types: TraceTypes) -> Result<Reply> {
        let key = self.transport_key(id)?;
        self.transport_mut(key).ok_or(CommandError::TransportNotFound(id))?.trace = types;
        Ok(Reply::Done)
    }

    pub(super) fn trace_producer(&mut self, id: ProducerId, types: TraceTypes) -> Result<Reply> {
        let (router, key) = self.producer_key(id)?;
        let producer = self.router_mut(router)?.producers.get_mut(key as usize);
        producer.ok_or(CommandError::ProducerNotFound(id))?.trace = types;
        Ok(Reply::Done)
    }

    pub(super) fn trace_consumer(&mut self, id: ConsumerId, types: TraceTypes) -> Result<Reply> {
        let (router, key) = self.consumer_key(id)?;
        let consumer = self.router_mut(router)?.consumers.get_mut(key as usize);
        consumer.ok_or(CommandError::ConsumerNotFound(id))?.trace = types;
        Ok(Reply::Done)
    }

    /// Takes what was traced, and RTCP for direct transports, to where events
    /// are. `key` is the transport that was looked after.
    pub(super) fn collect_told(&mut self, key: TransportKey) {
        let Some(router) = self.routers.get_mut(key.router as usize) else { return };
        self.events.append(&mut router.traces);
        let id = router.id;
        let Some(transport) = router.transports.get_mut(key.transport as usize) else { return };
        for packet in transport.told.drain(..) {
            let transport = transport.id;
            self.events.push(Event::Rtcp { router: id, transport, packet });
        }
    }
}
