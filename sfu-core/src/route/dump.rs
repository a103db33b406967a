//! What a router consists of, copied out on request: for programs that lost
//! track, and for people who debug them.

use serde::{Deserialize, Serialize};

use super::id::{
    ConsumerId, DataConsumerId, DataProducerId, ProducerId, RouterId, RtpObserverId, TransportId,
};
use super::router::Router;

/// Everything in a router, by its ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RouterDump {
    /// The router.
    pub id: RouterId,
    /// Its transports, in no particular order.
    pub transports: Vec<TransportDump>,
    /// Its observers.
    pub observers: Vec<ObserverDump>,
}

/// An observer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ObserverDump {
    /// The observer.
    pub id: RtpObserverId,
    /// `active-speaker` or `audio-level`.
    pub kind: String,
}

/// Everything on a transport, in the order in which it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TransportDump {
    /// The transport.
    pub id: TransportId,
    /// `webrtc`, `plain`, `pipe` or `direct`.
    pub kind: String,
    /// What its peer sends.
    pub producers: Vec<ProducerId>,
    /// What its peer receives, empty slots included.
    pub consumers: Vec<ConsumerId>,
    /// The data channels on which its peer sends.
    pub data_producers: Vec<DataProducerId>,
    /// The data channels on which its peer receives.
    pub data_consumers: Vec<DataConsumerId>,
}

impl Router {
    pub(crate) fn dump(&self) -> RouterDump {
        let transports = self.transports.iter().map(|(key, transport)| {
            let key = key as u32;
            let producers = transport.producers.iter();
            let consumers = transport.consumers.iter();
            let mut data_producers: Vec<_> =
                self.data.producers.iter().filter(|(_, p)| p.transport == key).collect();
            let mut data_consumers: Vec<_> =
                self.data.consumers.iter().filter(|(_, c)| c.transport == key).collect();
            // Ids count up, places in a slab are used again.
            data_producers.sort_unstable_by_key(|(_, producer)| producer.id);
            data_consumers.sort_unstable_by_key(|(_, consumer)| consumer.id);
            TransportDump {
                id: transport.id,
                kind: transport.kind_name().to_owned(),
                producers: producers
                    .filter_map(|key| Some(self.producers.get(*key as usize)?.id))
                    .collect(),
                consumers: consumers
                    .filter_map(|key| Some(self.consumers.get(*key as usize)?.id))
                    .collect(),
                data_producers: data_producers.into_iter().map(|(_, p)| p.id).collect(),
                data_consumers: data_consumers.into_iter().map(|(_, c)| c.id).collect(),
            }
        });
        RouterDump {
            id: self.id,
            transports: transports.collect(),
            observers: self.observers.iter().map(|(_, observer)| observer.dump()).collect(),
        }
    }
}
