//! Data channels: their commands, what associations tell, and messages on
//! their way.

use hashbrown::HashMap;
use sfu_ice::sctp::{ChannelParameters, Message, SctpConfig, SctpEvent, SctpState};
use sfu_ice::{SctpError, Time};

use super::command::Reply;
use super::machine::Engine;
use super::peers::TransportKey;
use crate::route::transport::{Side, Transport, TransportKind, WebRtc};
use crate::route::{
    CloseReason, CommandError, DataConsumerConfig, DataConsumerId, DataProducerConfig,
    DataProducerId, DataStream, Delivered, Event, Router, TransportId,
};

/// Data producers and data consumers on one pipe at most: as many as an
/// association has streams.
const MAX_PIPED_CHANNELS: usize = 1_024;

/// The transports that carry messages.
const NEEDS_DATA: &str = "webrtc, pipe or direct, or plain with SCTP";

type Result<T> = std::result::Result<T, CommandError>;

/// Where data producers and data consumers are: their router and place there.
#[derive(Debug, Default)]
pub(super) struct DataIds {
    pub(super) producers: HashMap<DataProducerId, (u32, u32)>,
    pub(super) consumers: HashMap<DataConsumerId, (u32, u32)>,
}

impl Engine {
    pub(super) fn enable_data(
        &mut self,
        now: Time,
        id: TransportId,
        config: SctpConfig,
    ) -> Result<Reply> {
        let key = self.transport_key(id)?;
        let is_plain = |transport: &mut Transport| {
            matches!(transport.kind, TransportKind::Plain(_)) && transport.pipe.is_none()
        };
        if self.transport_mut(key).is_some_and(is_plain) {
            return self.enable_plain_data(key, id, config);
        }
        let webrtc = self.webrtc_mut(key, id)?;
        let enabled = webrtc.peer.enable_sctp(now, config);
        enabled.map_err(|error| CommandError::Transport(error.to_string()))?;
        self.attend(key);
        Ok(Reply::Done)
    }

    pub(super) fn produce_data(
        &mut self,
        now: Time,
        id: TransportId,
        config: DataProducerConfig,
    ) -> Result<Reply> {
        let key = self.transport_key(id)?;
        let limit = self.data_limit(key, self.config.max_producers);
        let router = self.router_mut(key.router)?;
        if router.data.producers_of(key.transport).len() >= limit {
            return Err(CommandError::Limit { what: "data producers on a transport", limit });
        }
        let transport = router.transports.get_mut(key.transport as usize);
        let transport = transport.ok_or(CommandError::TransportNotFound(id))?;
        let (is, piped) = (transport.kind_name(), transport.pipe.is_some());
        let by_stream = piped || transport.sctp.is_some();
        match (&mut transport.kind, config.stream) {
            (TransportKind::WebRtc(webrtc), Some(stream)) => {
                let parameters = config.parameters.clone();
                let opened = webrtc.peer.open_channel(now, Some(stream), parameters, true);
                opened.map_err(|error| CommandError::Data { transport: id, error })?;
            }
            (_, Some(stream)) if by_stream => {
                let parameters = config.parameters.clone();
                let expected = match &mut transport.sctp {
                    Some(sctp) => sctp.expect(stream, parameters),
                    None => transport.data.expect(now, stream, parameters),
                };
                expected.map_err(|error| CommandError::Data { transport: id, error })?;
            }
            (TransportKind::Direct, None) => {}
            (kind, None) if by_stream || matches!(kind, TransportKind::WebRtc(_)) => {
                let (what, expected) =
                    ("stream of the data producer", "one, unless the transport is direct");
                return Err(CommandError::InvalidParameters { what, expected });
            }
            (TransportKind::Direct, Some(_)) => {
                let (what, expected) =
                    ("stream of the data producer", "none on a direct transport");
                return Err(CommandError::InvalidParameters { what, expected });
            }
            _ => {
                let needs = NEEDS_DATA;
                return Err(CommandError::WrongTransportKind { transport: id, is, needs });
            }
        }
        let producer = self.add_data_producer(key, config)?;
        self.attend(key);
        Ok(Reply::DataProducer(producer))
    }

    fn add_data_producer(
        &mut self,
        key: TransportKey,
        config: DataProducerConfig,
    ) -> Result<DataProducerId> {
        let id = DataProducerId::from_u64(self.take_id()).ok_or(CommandError::Contained)?;
        let place = self.router_mut(key.router)?.data.add_producer(id, key.transport, config);
        self.data.producers.insert(id, (key.router, place));
        Ok(id)
    }

    pub(super) fn consume_data(
        &mut self,
        now: Time,
        id: TransportId,
        config: &DataConsumerConfig,
    ) -> Result<Reply> {
        let key = self.transport_key(id)?;
        let producer = match self.data.producers.get(&config.producer) {
            Some((router, producer)) if *router == key.router => *producer,
            _ => return Err(CommandError::DataProducerNotFound(config.producer)),
        };
        let limit = self.data_limit(key, self.config.max_consumers);
        let router = self.router_mut(key.router)?;
        if router.data.consumers_of(key.transport).len() >= limit {
            return Err(CommandError::Limit { what: "data consumers on a transport", limit });
        }
        let parameters = router.data.consumer_parameters(producer, config)?;
        let (stream, parameters) = open_stream(router, now, key, id, parameters, config)?;
        let consumer = DataConsumerId::from_u64(self.take_id()).ok_or(CommandError::Contained)?;
        let place = self.router_mut(key.router)?.data.add_consumer(
            consumer,
            key.transport,
            producer,
            stream,
            parameters.clone(),
            config,
        );
        self.data.consumers.insert(consumer, (key.router, place));
        self.attend(key);
        Ok(Reply::DataConsumer { consumer, stream, parameters })
    }

    pub(super) fn close_data_producer(&mut self, now: Time, id: DataProducerId) -> Result<Reply> {
        let (router, key) = self.data_producer_key(id)?;
        self.end_data_producer(now, router, key, CloseReason::Requested);
        Ok(Reply::Done)
    }

    pub(super) fn close_data_consumer(&mut self, now: Time, id: DataConsumerId) -> Result<Reply> {
        let (router, key) = self.data_consumer_key(id)?;
        self.end_data_consumer(now, router, key, CloseReason::Requested);
        Ok(Reply::Done)
    }

    pub(super) fn pause_data_producer(
        &mut self,
        id: DataProducerId,
        paused: bool,
    ) -> Result<Reply> {
        let (router, key) = self.data_producer_key(id)?;
        if let Some(producer) = self.router_mut(router)?.data.producers.get_mut(key as usize) {
            producer.config.paused = paused;
        }
        Ok(Reply::Done)
    }

    pub(super) fn pause_data_consumer(
        &mut self,
        id: DataConsumerId,
        paused: bool,
    ) -> Result<Reply> {
        let (router, key) = self.data_consumer_key(id)?;
        if let Some(consumer) = self.router_mut(router)?.data.consumers.get_mut(key as usize) {
            consumer.paused = paused;
        }
        Ok(Reply::Done)
    }

    /// A message of this process, by a data producer of a direct transport.
    pub(super) fn send_message(
        &mut self,
        now: Time,
        id: DataProducerId,
        message: &Message,
    ) -> Result<Reply> {
        let (index, key) = self.data_producer_key(id)?;
        check_len(message)?;
        let router = self.router_mut(index)?;
        let producer = router.data.producers.get(key as usize);
        let transport = producer.ok_or(CommandError::DataProducerNotFound(id))?.transport;
        let transport = router.transports.get(transport as usize).ok_or(CommandError::Contained)?;
        if !matches!(transport.kind, TransportKind::Direct) {
            let (transport, is) = (transport.id, transport.kind_name());
            return Err(CommandError::WrongTransportKind { transport, is, needs: "direct" });
        }
        self.route_message(now, index, key, message);
        Ok(Reply::Done)
    }

    /// A message of this process for one data consumer alone.
    pub(super) fn send_message_to(
        &mut self,
        now: Time,
        id: DataConsumerId,
        message: &Message,
    ) -> Result<Reply> {
        let (router, key) = self.data_consumer_key(id)?;
        check_len(message)?;
        self.deliver_message(now, router, key, message);
        Ok(Reply::Done)
    }

    pub(super) fn set_low_threshold(
        &mut self,
        id: DataConsumerId,
        threshold: Option<u32>,
    ) -> Result<Reply> {
        let (index, key) = self.data_consumer_key(id)?;
        let router = self.router_mut(index)?;
        let consumer = router.data.consumers.get(key as usize);
        let consumer = consumer.ok_or(CommandError::DataConsumerNotFound(id))?;
        let transport = router.transports.get_mut(consumer.transport as usize);
        let transport = transport.ok_or(CommandError::Contained)?;
        if let (TransportKind::WebRtc(webrtc), Some(stream)) =
            (&mut transport.kind, consumer.stream)
        {
            let threshold = threshold.map(|bytes| bytes as usize);
            let set = webrtc.peer.set_buffered_amount_low_threshold(stream, threshold);
            let transport = transport.id;
            set.map_err(|error| CommandError::Data { transport, error })?;
        } else if let Some(stream) = consumer.stream {
            let threshold = threshold.map(|bytes| bytes as usize);
            let set = match &mut transport.sctp {
                Some(sctp) => sctp.set_buffered_amount_low_threshold(stream, threshold),
                None => transport.data.set_low_threshold(stream, threshold),
            };
            let transport = transport.id;
            set.map_err(|error| CommandError::Data { transport, error })?;
        }
        Ok(Reply::Done)
    }

    pub(super) fn data_producer_stats(&mut self, id: DataProducerId) -> Result<Reply> {
        let (router, key) = self.data_producer_key(id)?;
        let stats = self.router_mut(router)?.data_producer_stats(key);
        Ok(Reply::DataProducerStats(Box::new(stats.ok_or(CommandError::Contained)?)))
    }

    pub(super) fn data_consumer_stats(&mut self, id: DataConsumerId) -> Result<Reply> {
        let (router, key) = self.data_consumer_key(id)?;
        let stats = self.router_mut(router)?.data_consumer_stats(key);
        Ok(Reply::DataConsumerStats(Box::new(stats.ok_or(CommandError::Contained)?)))
    }

    /// Takes note of what a peer's association tells.
    pub(super) fn handle_sctp_event(&mut self, now: Time, key: TransportKey, event: SctpEvent) {
        match event {
            SctpEvent::StateChanged(state) => self.set_sctp_state(now, key, state),
            SctpEvent::ChannelOpened { stream, parameters, by_peer: true } => {
                self.channel_opened(now, key, stream, parameters);
            }
            SctpEvent::ChannelClosed { stream } => self.channel_closed(now, key, stream),
            SctpEvent::Message { stream, message } => {
                let router = self.routers.get(key.router as usize);
                let producer = router.and_then(|r| r.data.producer_on(key.transport, stream));
                if let Some(producer) = producer {
                    self.route_message(now, key.router, producer, &message);
                }
            }
            SctpEvent::BufferedAmountLow { stream } => {
                let Some(router) = self.routers.get(key.router as usize) else { return };
                let consumer = router.data.consumer_on(key.transport, stream);
                let consumer = consumer.and_then(|key| router.data.consumers.get(key as usize));
                if let Some(consumer) = consumer {
                    let (router, consumer) = (router.id, consumer.id);
                    self.events.push(Event::DataBufferedAmountLow { router, consumer });
                }
            }
            _ => {}
        }
    }

    fn set_sctp_state(&mut self, now: Time, key: TransportKey, state: SctpState) {
        let Some(router) = self.routers.get(key.router as usize) else { return };
        let Some(transport) = router.transports.get(key.transport as usize) else { return };
        let (router, transport) = (router.id, transport.id);
        self.events.push(Event::SctpStateChanged { router, transport, state });
        if matches!(state, SctpState::Failed | SctpState::Closed) {
            self.close_data_of(now, key, CloseReason::AssociationLost);
        }
    }

    /// A channel that a peer opened becomes a data producer, unless there are
    /// too many.
    pub(super) fn channel_opened(
        &mut self,
        now: Time,
        key: TransportKey,
        stream: u16,
        parameters: ChannelParameters,
    ) {
        let limit = self.data_limit(key, self.config.max_producers);
        let Some(router) = self.routers.get_mut(key.router as usize) else { return };
        let id = router.id;
        let room = router.data.producers_of(key.transport).len() < limit;
        let Some(transport) = router.transports.get_mut(key.transport as usize) else { return };
        let transport_id = transport.id;
        if !room {
            if let TransportKind::WebRtc(webrtc) = &mut transport.kind {
                let _ = webrtc.peer.close_channel(now, stream);
            } else {
                transport.data.close_channel(Side::Far, stream);
            }
            return;
        }
        let told = parameters.clone();
        let config = DataProducerConfig { stream: Some(stream), parameters, paused: false };
        if let Ok(producer) = self.add_data_producer(key, config) {
            self.events.push(Event::DataChannelOpened {
                router: id,
                transport: transport_id,
                producer,
                stream,
                parameters: told,
            });
        }
    }

    fn channel_closed(&mut self, now: Time, key: TransportKey, stream: u16) {
        let Some(router) = self.routers.get(key.router as usize) else { return };
        let producer = router.data.producer_on(key.transport, stream);
        let consumer = router.data.consumer_on(key.transport, stream);
        if let Some(consumer) = consumer {
            self.end_data_consumer(now, key.router, consumer, CloseReason::PeerClosed);
        }
        if let Some(producer) = producer {
            self.end_data_producer(now, key.router, producer, CloseReason::PeerClosed);
        }
    }

    /// Sends a message of a data producer to all who follow it.
    pub(super) fn route_message(
        &mut self,
        now: Time,
        router: u32,
        producer: u32,
        message: &Message,
    ) {
        let Some(state) = self.routers.get_mut(router as usize) else { return };
        for consumer in state.data_receivers(producer, message) {
            self.deliver_message(now, router, consumer, message);
        }
    }

    fn deliver_message(&mut self, now: Time, index: u32, consumer: u32, message: &Message) {
        let Self { routers, events, .. } = self;
        let Some(router) = routers.get_mut(index as usize) else { return };
        match router.deliver_message(now, consumer, message, events) {
            Delivered::Sent(transport) => {
                self.attend_at(index, transport);
            }
            Delivered::TooSlow => {
                self.end_data_consumer(now, index, consumer, CloseReason::SlowReceiver);
            }
            Delivered::Told | Delivered::Dropped => {}
        }
    }

    /// Closes all data producers and data consumers of a transport.
    pub(super) fn close_data_of(&mut self, now: Time, key: TransportKey, reason: CloseReason) {
        let Some(router) = self.routers.get(key.router as usize) else { return };
        let (producers, consumers) =
            (router.data.producers_of(key.transport), router.data.consumers_of(key.transport));
        for consumer in consumers {
            self.end_data_consumer(now, key.router, consumer, reason);
        }
        for producer in producers {
            self.end_data_producer(now, key.router, producer, reason);
        }
    }

    pub(super) fn end_data_producer(
        &mut self,
        now: Time,
        index: u32,
        key: u32,
        reason: CloseReason,
    ) {
        let Self { routers, events, data, .. } = self;
        let Some(router) = routers.get_mut(index as usize) else { return };
        let Some(closed) = router.close_data_producer(now, key, reason, events) else { return };
        data.producers.remove(&closed.producer);
        self.attend_at(index, closed.transport);
        for (consumer, transport) in closed.consumers {
            self.data.consumers.remove(&consumer);
            self.attend_at(index, transport);
        }
    }

    pub(super) fn end_data_consumer(
        &mut self,
        now: Time,
        index: u32,
        key: u32,
        reason: CloseReason,
    ) {
        let Self { routers, events, data, .. } = self;
        let Some(router) = routers.get_mut(index as usize) else { return };
        let closed = router.close_data_consumer(now, key, reason, events);
        let Some((consumer, transport)) = closed else { return };
        data.consumers.remove(&consumer);
        self.attend_at(index, transport);
    }

    /// Has the next run send what a transport has to send.
    fn attend_at(&mut self, router: u32, transport: u32) {
        let router = self.routers.get(router as usize);
        let transport = router.and_then(|r| r.transports.get(transport as usize));
        let timer = transport.and_then(|transport| self.timers.get(transport.timer as usize));
        if let Some(key) = timer.copied() {
            self.attend(key);
        }
    }

    /// Whether a restored router's ids are in use here.
    pub(super) fn knows_data_of(&self, router: &Router) -> bool {
        router.data.producers.iter().any(|(_, p)| self.data.producers.contains_key(&p.id))
            || router.data.consumers.iter().any(|(_, c)| self.data.consumers.contains_key(&c.id))
    }

    /// Enters the data producers and data consumers of a restored router into
    /// the tables. Those of peers that had not connected yet get their channels
    /// again, and so do those of plain transports, whose peers are asked for
    /// another association; that of the others is gone, and they with it.
    pub(super) fn adopt_data(&mut self, now: Time, index: u32) {
        let Some(router) = self.routers.get_mut(index as usize) else { return };
        for (key, producer) in &router.data.producers {
            self.data.producers.insert(producer.id, (index, key as u32));
        }
        for (key, consumer) in &router.data.consumers {
            self.data.consumers.insert(consumer.id, (index, key as u32));
        }
        let Router { transports, data, .. } = router;
        let (mut lost, mut kept) = (Vec::new(), Vec::new());
        for (place, transport) in transports {
            let new = match &transport.kind {
                TransportKind::WebRtc(webrtc) => webrtc.peer.sctp_state() == Some(SctpState::New),
                _ => transport.pipe.is_none(),
            };
            if !new {
                let (transport, timer) = (place as u32, transport.timer);
                lost.push(TransportKey { router: index, transport, timer });
                continue;
            }
            let TransportKind::WebRtc(webrtc) = &mut transport.kind else {
                let (transport, timer) = (place as u32, transport.timer);
                kept.push(TransportKey { router: index, transport, timer });
                continue;
            };
            let place = place as u32;
            let producers = data.producers.iter().filter(|(_, p)| p.transport == place);
            let producers =
                producers.map(|(_, p)| (p.config.stream, p.config.parameters.clone(), true));
            let consumers = data.consumers.iter().filter(|(_, c)| c.transport == place);
            let consumers = consumers.map(|(_, c)| (c.stream, c.parameters.clone(), c.negotiated));
            for (stream, parameters, negotiated) in producers.chain(consumers) {
                // A channel that two share is there already.
                let _ = webrtc.peer.open_channel(now, stream, parameters, negotiated);
            }
        }
        for key in lost {
            self.close_data_of(now, key, CloseReason::AssociationLost);
        }
        for key in kept {
            self.adopt_plain_data(key);
        }
    }

    /// A pipe brings the channels of many peers.
    fn data_limit(&mut self, key: TransportKey, limit: usize) -> usize {
        let piped = self.transport_mut(key).is_some_and(|transport| transport.pipe.is_some());
        if piped { MAX_PIPED_CHANNELS } else { limit }
    }

    fn webrtc_mut(&mut self, key: TransportKey, id: TransportId) -> Result<&mut WebRtc> {
        let transport = self.transport_mut(key).ok_or(CommandError::TransportNotFound(id))?;
        let is = transport.kind_name();
        match &mut transport.kind {
            TransportKind::WebRtc(webrtc) => Ok(webrtc),
            _ => {
                let needs = "webrtc or plain";
                Err(CommandError::WrongTransportKind { transport: id, is, needs })
            }
        }
    }

    fn data_producer_key(&self, id: DataProducerId) -> Result<(u32, u32)> {
        let key = self.data.producers.get(&id).copied();
        key.ok_or(CommandError::DataProducerNotFound(id))
    }

    fn data_consumer_key(&self, id: DataConsumerId) -> Result<(u32, u32)> {
        let key = self.data.consumers.get(&id).copied();
        key.ok_or(CommandError::DataConsumerNotFound(id))
    }
}

/// The channel of a data consumer, and what it is opened with.
fn open_stream(
    router: &mut Router,
    now: Time,
    key: TransportKey,
    id: TransportId,
    parameters: ChannelParameters,
    config: &DataConsumerConfig,
) -> Result<(Option<u16>, ChannelParameters)> {
    let data_error = |error| CommandError::Data { transport: id, error };
    let shared = match config.stream {
        DataStream::Existing(stream)
            if router.data.consumer_on(key.transport, stream).is_some() =>
        {
            return Err(data_error(SctpError::StreamInUse));
        }
        DataStream::Existing(stream) => Some(stream),
        _ => None,
    };
    let answers = shared.is_some_and(|on| router.data.producer_on(key.transport, on).is_some());
    let transport = router.transports.get_mut(key.transport as usize);
    let transport = transport.ok_or(CommandError::TransportNotFound(id))?;
    let is = transport.kind_name();
    match (&mut transport.kind, &mut transport.sctp, config.stream) {
        (TransportKind::Direct, ..) => Ok((None, parameters)),
        (TransportKind::Plain(_), Some(sctp), stream) => {
            let stream = match stream {
                DataStream::Negotiated(stream) => stream,
                DataStream::Existing(stream) if answers => Some(stream),
                DataStream::Existing(_) => return Err(data_error(SctpError::UnknownStream)),
                DataStream::InBand => {
                    let (what, expected) = (
                        "stream of the data consumer",
                        "one that is negotiated, as SCTP without DTLS opens none in itself",
                    );
                    return Err(CommandError::InvalidParameters { what, expected });
                }
            };
            let opened = sctp.open_negotiated(stream, parameters.clone());
            Ok((Some(opened.map_err(data_error)?), parameters))
        }
        (TransportKind::Local(_) | TransportKind::Plain(_), None, stream)
            if transport.pipe.is_some() =>
        {
            let (stream, negotiated) = match stream {
                DataStream::Negotiated(stream) => (stream, true),
                DataStream::InBand => (None, false),
                DataStream::Existing(_) => {
                    let (what, expected) =
                        ("stream of the data consumer", "one of its own on a pipe");
                    return Err(CommandError::InvalidParameters { what, expected });
                }
            };
            let opened = transport.data.open(now, stream, &parameters, negotiated);
            Ok((Some(opened.map_err(data_error)?), parameters))
        }
        (TransportKind::WebRtc(webrtc), _, stream) => {
            if let Some(stream) = shared {
                let existing = webrtc.peer.channel(stream);
                let existing = existing.ok_or_else(|| data_error(SctpError::UnknownStream))?;
                return Ok((Some(stream), existing.clone()));
            }
            let (stream, negotiated) = match stream {
                DataStream::Negotiated(stream) => (stream, true),
                _ => (None, false),
            };
            let opened = webrtc.peer.open_channel(now, stream, parameters.clone(), negotiated);
            Ok((Some(opened.map_err(data_error)?), parameters))
        }
        _ => {
            let needs = NEEDS_DATA;
            Err(CommandError::WrongTransportKind { transport: id, is, needs })
        }
    }
}

fn check_len(message: &Message) -> Result<()> {
    /// As much as every peer takes.
    const MAX_MESSAGE: usize = 262_144;
    if message.payload.len() > MAX_MESSAGE {
        let (what, expected) = ("length of the message", "at most 262144 bytes");
        return Err(CommandError::InvalidParameters { what, expected });
    }
    Ok(())
}
