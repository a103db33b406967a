//! The data producers and data consumers of a router, and which follows which.

use serde::{Deserialize, Serialize};
use sfu_ice::{ChannelParameters, Reliability};
use slab::Slab;

use super::config::{DataConsumerConfig, DataProducerConfig, DataStream};
use crate::route::{CommandError, DataConsumerId, DataProducerId};

/// One source of messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DataProducer {
    pub(crate) id: DataProducerId,
    pub(crate) transport: u32,
    pub(crate) config: DataProducerConfig,
    pub(crate) consumers: Vec<u32>,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

/// One receiver of a data producer's messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DataConsumer {
    pub(crate) id: DataConsumerId,
    pub(crate) transport: u32,
    pub(crate) producer: u32,
    /// Its channel; none on a direct transport.
    pub(crate) stream: Option<u16>,
    pub(crate) negotiated: bool,
    pub(crate) parameters: ChannelParameters,
    pub(crate) paused: bool,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub(crate) dropped: u64,
}

impl DataConsumer {
    /// Whether a message that cannot be sent may be left out.
    pub(crate) fn may_drop(&self) -> bool {
        self.parameters.reliability != Reliability::Reliable
    }
}

/// All of a router. Keys are places in the slabs.
#[derive(Debug, Default)]
pub(crate) struct DataRoutes {
    pub(crate) producers: Slab<DataProducer>,
    pub(crate) consumers: Slab<DataConsumer>,
}

impl DataRoutes {
    pub(crate) fn add_producer(
        &mut self,
        id: DataProducerId,
        transport: u32,
        config: DataProducerConfig,
    ) -> u32 {
        let consumers = Vec::new();
        let producer = DataProducer { id, transport, config, consumers, messages: 0, bytes: 0 };
        self.producers.insert(producer) as u32
    }

    /// What a consumer of this producer is opened with.
    pub(crate) fn consumer_parameters(
        &self,
        producer: u32,
        config: &DataConsumerConfig,
    ) -> Result<ChannelParameters, CommandError> {
        let producer = self.producers.get(producer as usize).ok_or(CommandError::Contained)?;
        let mut parameters = producer.config.parameters.clone();
        parameters.ordered = config.ordered.unwrap_or(parameters.ordered);
        parameters.reliability = config.reliability.unwrap_or(parameters.reliability);
        Ok(parameters)
    }

    pub(crate) fn add_consumer(
        &mut self,
        id: DataConsumerId,
        transport: u32,
        producer: u32,
        stream: Option<u16>,
        parameters: ChannelParameters,
        config: &DataConsumerConfig,
    ) -> u32 {
        let consumer = DataConsumer {
            id,
            transport,
            producer,
            stream,
            negotiated: matches!(config.stream, DataStream::Negotiated(_)),
            parameters,
            paused: config.paused,
            messages: 0,
            bytes: 0,
            dropped: 0,
        };
        let key = self.consumers.insert(consumer) as u32;
        if let Some(producer) = self.producers.get_mut(producer as usize) {
            producer.consumers.push(key);
        }
        key
    }

    pub(crate) fn remove_consumer(&mut self, key: u32) -> Option<DataConsumer> {
        let consumer = self.consumers.try_remove(key as usize)?;
        if let Some(producer) = self.producers.get_mut(consumer.producer as usize) {
            producer.consumers.retain(|other| *other != key);
        }
        Some(consumer)
    }

    pub(crate) fn producer_on(&self, transport: u32, stream: u16) -> Option<u32> {
        let on = |p: &DataProducer| p.transport == transport && p.config.stream == Some(stream);
        self.producers.iter().find(|(_, producer)| on(producer)).map(|(key, _)| key as u32)
    }

    pub(crate) fn consumer_on(&self, transport: u32, stream: u16) -> Option<u32> {
        let on = |c: &DataConsumer| c.transport == transport && c.stream == Some(stream);
        self.consumers.iter().find(|(_, consumer)| on(consumer)).map(|(key, _)| key as u32)
    }

    /// The producers on a transport.
    pub(crate) fn producers_of(&self, transport: u32) -> Vec<u32> {
        let of = self.producers.iter().filter(|(_, p)| p.transport == transport);
        of.map(|(key, _)| key as u32).collect()
    }

    /// The consumers on a transport.
    pub(crate) fn consumers_of(&self, transport: u32) -> Vec<u32> {
        let of = self.consumers.iter().filter(|(_, c)| c.transport == transport);
        of.map(|(key, _)| key as u32).collect()
    }

    /// Whether every key in it leads somewhere.
    pub(crate) fn is_consistent(&self, is_transport: impl Fn(u32) -> bool) -> bool {
        let consumer = |key: &u32| self.consumers.contains(*key as usize);
        self.producers
            .iter()
            .all(|(_, p)| is_transport(p.transport) && p.consumers.iter().all(consumer))
            && self.consumers.iter().all(|(_, c)| {
                is_transport(c.transport) && self.producers.contains(c.producer as usize)
            })
    }
}
