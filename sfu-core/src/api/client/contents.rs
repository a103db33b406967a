//! Everything in a router, described as the calls did that made it.

use serde_json::{Value, json};

use super::registry::{Noun, Registry};
use crate::api::contents::{Known, KnownObserver};
use crate::api::error::Result;
use crate::api::router::Router;

impl Registry {
    /// Notes everything in a router that is noted itself, and describes it.
    pub(super) async fn admit_contents(&self, router: &Router) -> Result<Value> {
        let id = router.id();
        let description = router.description().await?;
        let (piped, own) = description.consumers();
        let transports = description.transports.iter().map(|it| match router.known_transport(it) {
            Known::WebRtc(transport) => self.admit_webrtc(id, transport),
            Known::Plain(transport) => self.admit_plain(id, transport),
            Known::Pipe(transport) => self.admit_pipe(id, transport),
            Known::Direct(transport) => Ok(self.admit_direct(id, transport)),
        });
        let producers = description.producers.iter().map(|it| {
            let place = (id, Some(it.transport));
            self.admit_producer(place, router.known_producer(it)?, it.paused)
        });
        let consumers = own.into_iter().map(|it| {
            let consumer = router.known_consumer(it)?;
            self.admit_consumer((id, it.transport), consumer, it.producer, it.paused)
        });
        let pipe_consumers = piped.iter().filter_map(|legs| {
            let producer = legs.first.producer?;
            let place = (id, Some(legs.first.transport));
            let consumer = router.known_pipe_consumer(legs);
            let paused = legs.first.paused;
            Some(consumer.and_then(|it| self.admit_pipe_consumer(place, it, producer, paused)))
        });
        let data_producers = description.data_producers.iter().map(|it| {
            let producer = router.known_data_producer(it);
            self.admit_data_producer((id, it.transport), producer, it.paused)
        });
        let data_consumers = description.data_consumers.iter().map(|it| {
            let consumer = router.known_data_consumer(it);
            self.admit_data_consumer((id, it.transport), consumer, it.paused)
        });
        let observers = description.dump.observers.iter().map(|it| {
            self.add(
                id,
                match router.known_observer(it) {
                    KnownObserver::ActiveSpeaker(observer) => Noun::ActiveSpeakerObserver(observer),
                    KnownObserver::AudioLevel(observer) => Noun::AudioLevelObserver(observer),
                },
            );
            json!({ "id": it.id, "router": id, "kind": it.kind })
        });
        Ok(json!({
            "transports": transports.collect::<Result<Value>>()?,
            "producers": producers.collect::<Result<Value>>()?,
            "consumers": consumers.collect::<Result<Value>>()?,
            "pipeConsumers": pipe_consumers.collect::<Result<Value>>()?,
            "dataProducers": data_producers.collect::<Result<Value>>()?,
            "dataConsumers": data_consumers.collect::<Result<Value>>()?,
            "observers": observers.collect::<Value>(),
        }))
    }
}
