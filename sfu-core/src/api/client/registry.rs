//! From ids to handles.

use std::collections::HashMap;
use std::sync::Mutex;

use super::lock;
use crate::api::connection::Watcher;
use crate::api::consumer::Consumer;
use crate::api::data_consumer::DataConsumer;
use crate::api::data_producer::DataProducer;
use crate::api::error::{Error, ErrorKind, Result};
use crate::api::observer::{ActiveSpeakerObserver, AudioLevelObserver};
use crate::api::pipe::{PipeConsumer, PipeTransport};
use crate::api::producer::Producer;
use crate::api::router::Router;
use crate::api::transport::{DirectTransport, PlainTransport, TransportHandle, WebRtcTransport};
use crate::route::{Event, RouterId};

/// A handle of any kind.
#[derive(Clone)]
pub(super) enum Noun {
    Router(Router),
    WebRtcTransport(WebRtcTransport),
    PlainTransport(PlainTransport),
    PipeTransport(PipeTransport),
    DirectTransport(DirectTransport),
    Producer(Producer),
    Consumer(Consumer),
    PipeConsumer(PipeConsumer),
    DataProducer(DataProducer),
    DataConsumer(DataConsumer),
    ActiveSpeakerObserver(ActiveSpeakerObserver),
    AudioLevelObserver(AudioLevelObserver),
}

impl Noun {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Router(_) => "Router",
            Self::WebRtcTransport(_) => "WebRtcTransport",
            Self::PlainTransport(_) => "PlainTransport",
            Self::PipeTransport(_) => "PipeTransport",
            Self::DirectTransport(_) => "DirectTransport",
            Self::Producer(_) => "Producer",
            Self::Consumer(_) => "Consumer",
            Self::PipeConsumer(_) => "PipeConsumer",
            Self::DataProducer(_) => "DataProducer",
            Self::DataConsumer(_) => "DataConsumer",
            Self::ActiveSpeakerObserver(_) => "ActiveSpeakerObserver",
            Self::AudioLevelObserver(_) => "AudioLevelObserver",
        }
    }

    fn id(&self) -> u64 {
        match self {
            Self::Router(it) => it.id().as_u64(),
            Self::WebRtcTransport(it) => it.id().as_u64(),
            Self::PlainTransport(it) => it.id().as_u64(),
            Self::PipeTransport(it) => it.id().as_u64(),
            Self::DirectTransport(it) => it.id().as_u64(),
            Self::Producer(it) => it.id().as_u64(),
            Self::Consumer(it) => it.id().as_u64(),
            Self::PipeConsumer(it) => it.ids().first().map_or(0, |id| id.as_u64()),
            Self::DataProducer(it) => it.id().as_u64(),
            Self::DataConsumer(it) => it.id().as_u64(),
            Self::ActiveSpeakerObserver(it) => it.id().as_u64(),
            Self::AudioLevelObserver(it) => it.id().as_u64(),
        }
    }

    /// What all transports have; `None` for anything else.
    pub(super) fn transport(&self) -> Option<&TransportHandle> {
        match self {
            Self::WebRtcTransport(it) => Some(it.handle()),
            Self::PlainTransport(it) => Some(it.handle()),
            Self::PipeTransport(it) => Some(it.handle()),
            Self::DirectTransport(it) => Some(it.handle()),
            _ => None,
        }
    }
}

struct Entry {
    router: RouterId,
    noun: Noun,
}

/// All handles of a client, until what they stand for is closed.
pub(super) struct Registry {
    entries: Mutex<HashMap<u64, Entry>>,
}

impl Registry {
    pub(super) fn new() -> Self {
        Self { entries: Mutex::default() }
    }

    pub(super) fn add(&self, router: RouterId, noun: Noun) {
        let mut entries = lock(&self.entries);
        // The router may have been closed since it was made, and then nothing
        // would ever remove it.
        if matches!(noun, Noun::Router(_)) || entries.contains_key(&router.as_u64()) {
            entries.insert(noun.id(), Entry { router, noun });
        }
    }

    /// What has this id, for a method of `expected`.
    pub(super) fn find(&self, id: u64, expected: &str) -> Result<Noun> {
        let found = lock(&self.entries).get(&id).map(|entry| entry.noun.clone());
        let Some(noun) = found else {
            let message =
                format!("{expected} {id:016x}: expected one of this Sfu that is not closed");
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        if noun.name() == expected {
            return Ok(noun);
        }
        let message = format!("{id:016x}: expected a {expected}, and it is a {}", noun.name());
        Err(Error::new(ErrorKind::InvalidParameters, message))
    }

    pub(super) fn router(&self, id: RouterId) -> Result<Router> {
        match self.find(id.as_u64(), "Router")? {
            Noun::Router(router) => Ok(router),
            _ => Err(Error::unexpected_reply()),
        }
    }

    pub(super) fn remove(&self, id: u64) {
        // The handle is dropped once the lock is free.
        let removed = lock(&self.entries).remove(&id);
        drop(removed);
    }

    fn remove_router(&self, router: RouterId) {
        let mut entries = lock(&self.entries);
        let of_router: Vec<u64> =
            entries.iter().filter(|(_, e)| e.router == router).map(|(id, _)| *id).collect();
        let removed: Vec<_> = of_router.iter().filter_map(|id| entries.remove(id)).collect();
        drop(entries);
        drop(removed);
    }

    pub(super) fn clear(&self) {
        let entries = std::mem::take(&mut *lock(&self.entries));
        drop(entries);
    }
}

impl Watcher for Registry {
    fn note(&self, event: &Event) {
        match event {
            Event::RouterClosed { router } => self.remove_router(*router),
            Event::TransportClosed { transport, .. } => self.remove(transport.as_u64()),
            Event::ProducerClosed { producer, .. } => self.remove(producer.as_u64()),
            Event::ConsumerClosed { consumer, .. } => self.remove(consumer.as_u64()),
            Event::DataProducerClosed { producer, .. } => self.remove(producer.as_u64()),
            Event::DataConsumerClosed { consumer, .. } => self.remove(consumer.as_u64()),
            Event::DataChannelOpened { router, producer, stream, parameters, .. } => {
                let Ok(owner) = self.router(*router) else { return };
                let made = owner.data_producer(*producer, *stream, parameters.clone());
                self.add(*router, Noun::DataProducer(made));
            }
            _ => {}
        }
    }
}
