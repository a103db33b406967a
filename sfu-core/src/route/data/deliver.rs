//! A message on its way from a data producer to all who follow it, and the end
//! of those who are on the way.

use sfu_ice::sctp::Message;
use sfu_ice::{SctpError, Time};

use super::stats::{DataConsumerStats, DataProducerStats};
use crate::route::event::{CloseReason, Event};
use crate::route::router::Router;
use crate::route::transport::{Side, TransportKind};
use crate::route::{DataConsumerId, DataProducerId};

/// What became of a message for one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It is on its way; the transport has something to send.
    Sent(u32),
    /// It was told to this process.
    Told,
    /// It was left out, and counted.
    Dropped,
    /// It could not be sent, and may not be left out.
    TooSlow,
}

/// A data producer that was closed.
#[derive(Debug)]
pub(crate) struct ClosedData {
    pub(crate) producer: DataProducerId,
    pub(crate) transport: u32,
    /// The data consumers that went with it, and their transports.
    pub(crate) consumers: Vec<(DataConsumerId, u32)>,
}

impl Router {
    /// Takes note of a message of a producer; gives those who are to get it.
    pub(crate) fn data_receivers(&mut self, producer: u32, message: &Message) -> Vec<u32> {
        let Some(producer) = self.data.producers.get_mut(producer as usize) else {
            return Vec::new();
        };
        producer.messages += 1;
        producer.bytes += message.payload.len() as u64;
        if producer.config.paused { Vec::new() } else { producer.consumers.clone() }
    }

    /// Hands a message to one consumer.
    pub(crate) fn deliver_message(
        &mut self,
        now: Time,
        key: u32,
        message: &Message,
        events: &mut Vec<Event>,
    ) -> Delivered {
        let Some(consumer) = self.data.consumers.get_mut(key as usize) else {
            return Delivered::Dropped;
        };
        let Some(transport) = self.transports.get_mut(consumer.transport as usize) else {
            return Delivered::Dropped;
        };
        if consumer.paused {
            return Delivered::Dropped;
        }
        // Nothing waits for a pipe whose other end is not known yet.
        let reachable = transport.can_send();
        let delivered = match (&mut transport.kind, &mut transport.sctp, consumer.stream) {
            (TransportKind::Plain(_), Some(sctp), Some(stream)) => {
                match sctp.send(stream, message) {
                    Ok(()) => Delivered::Sent(consumer.transport),
                    Err(SctpError::BufferFull) if !consumer.may_drop() => Delivered::TooSlow,
                    Err(_) => Delivered::Dropped,
                }
            }
            (TransportKind::WebRtc(webrtc), _, Some(stream)) => {
                match webrtc.peer.send_message(now, stream, message) {
                    Ok(()) => Delivered::Sent(consumer.transport),
                    Err(SctpError::BufferFull) if !consumer.may_drop() => Delivered::TooSlow,
                    Err(_) => Delivered::Dropped,
                }
            }
            (TransportKind::Local(_) | TransportKind::Plain(_), None, Some(stream))
                if reachable =>
            {
                match transport.data.send(stream, message) {
                    Ok(()) => Delivered::Sent(consumer.transport),
                    Err(SctpError::BufferFull) if !consumer.may_drop() => Delivered::TooSlow,
                    Err(_) => Delivered::Dropped,
                }
            }
            (TransportKind::Direct, ..) => {
                let (router, consumer, message) = (self.id, consumer.id, message.clone());
                events.push(Event::Message { router, consumer, message });
                Delivered::Told
            }
            _ => Delivered::Dropped,
        };
        match delivered {
            Delivered::Sent(_) | Delivered::Told => {
                consumer.messages += 1;
                consumer.bytes += message.payload.len() as u64;
            }
            Delivered::Dropped | Delivered::TooSlow => consumer.dropped += 1,
        }
        delivered
    }

    /// Closes a data producer and all that follow it.
    pub(crate) fn close_data_producer(
        &mut self,
        now: Time,
        key: u32,
        reason: CloseReason,
        events: &mut Vec<Event>,
    ) -> Option<ClosedData> {
        let consumers = self.data.producers.get(key as usize)?.consumers.clone();
        let parent = CloseReason::ParentClosed;
        let close = |key| self.close_data_consumer(now, key, parent, events);
        let consumers = consumers.into_iter().filter_map(close).collect();
        let producer = self.data.producers.try_remove(key as usize)?;
        if let Some(stream) = producer.config.stream {
            self.release_stream(now, producer.transport, stream, Side::Far);
        }
        let (router, transport, producer) = (self.id, producer.transport, producer.id);
        events.push(Event::DataProducerClosed { router, producer, reason });
        Some(ClosedData { producer, transport, consumers })
    }

    /// Closes a data consumer; gives its id and its transport.
    pub(crate) fn close_data_consumer(
        &mut self,
        now: Time,
        key: u32,
        reason: CloseReason,
        events: &mut Vec<Event>,
    ) -> Option<(DataConsumerId, u32)> {
        let consumer = self.data.remove_consumer(key)?;
        if let Some(stream) = consumer.stream {
            self.release_stream(now, consumer.transport, stream, Side::Near);
        }
        let (router, transport, consumer) = (self.id, consumer.transport, consumer.id);
        events.push(Event::DataConsumerClosed { router, consumer, reason });
        Some((consumer, transport))
    }

    /// Closes a channel that nobody uses any more.
    fn release_stream(&mut self, now: Time, transport: u32, stream: u16, side: Side) {
        let used = self.data.producer_on(transport, stream).is_some()
            || self.data.consumer_on(transport, stream).is_some();
        let Some(transport) = self.transports.get_mut(transport as usize) else { return };
        if let Some(sctp) = &mut transport.sctp {
            // The two directions have nothing to do with each other. It is closed
            // already if the peer did it.
            let _ = match side {
                Side::Near => sctp.close_channel(stream),
                Side::Far => sctp.stop_expecting(stream),
            };
        } else if transport.pipe.is_some() {
            // The two directions have streams of their own.
            transport.data.close_channel(side, stream);
        } else if let TransportKind::WebRtc(webrtc) = &mut transport.kind
            && !used
        {
            // It is closed already if the peer did it.
            let _ = webrtc.peer.close_channel(now, stream);
        }
    }

    pub(crate) fn data_producer_stats(&self, key: u32) -> Option<DataProducerStats> {
        let producer = self.data.producers.get(key as usize)?;
        Some(DataProducerStats {
            id: producer.id,
            transport: self.transports.get(producer.transport as usize)?.id,
            label: producer.config.parameters.label.clone(),
            protocol: producer.config.parameters.protocol.clone(),
            paused: producer.config.paused,
            messages_received: producer.messages,
            bytes_received: producer.bytes,
        })
    }

    pub(crate) fn data_consumer_stats(&self, key: u32) -> Option<DataConsumerStats> {
        let consumer = self.data.consumers.get(key as usize)?;
        let transport = self.transports.get(consumer.transport as usize)?;
        let buffered = match (&transport.kind, consumer.stream) {
            (TransportKind::WebRtc(webrtc), Some(stream)) => webrtc.peer.buffered_amount(stream),
            (_, Some(stream)) => match &transport.sctp {
                Some(sctp) => sctp.buffered_amount(stream),
                None => transport.data.buffered_amount(stream),
            },
            _ => 0,
        };
        Some(DataConsumerStats {
            id: consumer.id,
            transport: transport.id,
            producer: self.data.producers.get(consumer.producer as usize)?.id,
            label: consumer.parameters.label.clone(),
            protocol: consumer.parameters.protocol.clone(),
            paused: consumer.paused,
            messages_sent: consumer.messages,
            bytes_sent: consumer.bytes,
            messages_dropped: consumer.dropped,
            buffered_amount: buffered as u64,
        })
    }
}
