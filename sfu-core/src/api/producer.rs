//! A producer: one source of media in a router.

use std::sync::Arc;

use super::error::{Error, ErrorKind, Result};
use super::params::RtpParameters;
use super::router::Place;
use super::trace::{OF_PRODUCERS, traced};
use crate::engine::{Command, Reply};
use crate::route::{ProducerId, ProducerStats, TraceType};
use crate::wire::MediaKind;

/// One source of media: a microphone, a camera, a screen.
///
/// A handle: cheap to clone, and dropping it closes nothing.
#[derive(Clone)]
pub struct Producer {
    place: Place,
    id: ProducerId,
    kind: MediaKind,
    parameters: Arc<RtpParameters>,
}

/// Kind and consumable parameters of a producer.
pub(super) async fn consumable(
    place: &Place,
    producer: ProducerId,
) -> Result<(MediaKind, RtpParameters)> {
    match place.call(Command::ProducerParameters(producer)).await? {
        Reply::ProducerParameters(kind, json) => {
            let parameters = serde_json::from_str(&json)
                .map_err(|error| Error::caused(ErrorKind::Internal, error))?;
            Ok((kind, parameters))
        }
        _ => Err(Error::unexpected_reply()),
    }
}

impl Producer {
    pub(super) fn new(
        place: Place,
        id: ProducerId,
        kind: MediaKind,
        parameters: RtpParameters,
    ) -> Self {
        Self { place, id, kind, parameters: Arc::new(parameters) }
    }

    /// Its identity.
    pub fn id(&self) -> ProducerId {
        self.id
    }

    /// Audio or video.
    pub fn kind(&self) -> MediaKind {
        self.kind
    }

    /// What the publisher sends.
    pub fn rtp_parameters(&self) -> &RtpParameters {
        &self.parameters
    }

    /// Forwards nothing of it until [`resume`](Self::resume).
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn pause(&self) -> Result<()> {
        self.place.act(Command::PauseProducer(self.id)).await
    }

    /// Forwards again; video from the next key frame on, which is asked for.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn resume(&self) -> Result<()> {
        self.place.act(Command::ResumeProducer(self.id)).await
    }

    /// Says whose voice belongs to this video producer: consumers that follow
    /// the active speaker get its picture when that voice speaks. None unlinks
    /// it.
    ///
    /// # Errors
    /// `NotFound` if either is closed; `InvalidParameters` unless this is
    /// video and `speaker` is audio.
    pub async fn set_speaker(&self, speaker: Option<ProducerId>) -> Result<()> {
        self.place.act(Command::SetProducerSpeaker(self.id, speaker)).await
    }

    /// Has [`Event::ProducerTrace`](crate::Event::ProducerTrace) told of these types
    /// from now on; none of them is none. For debugging: each packet is an
    /// event, and who reads too slowly loses some.
    ///
    /// # Errors
    /// `InvalidParameters` for a type that producers do not have; `NotFound` if it
    /// is closed.
    pub async fn enable_trace_event(&self, types: &[TraceType]) -> Result<()> {
        let types = traced(types, OF_PRODUCERS)?;
        self.place.act(Command::TraceProducer(self.id, types)).await
    }

    /// Its figures.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn stats(&self) -> Result<ProducerStats> {
        match self.place.call(Command::ProducerStats(self.id)).await? {
            Reply::ProducerStats(stats) => Ok(*stats),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// Closes it; its consumers become empty slots.
    ///
    /// # Errors
    /// `NotFound` if it is closed already.
    pub async fn close(&self) -> Result<()> {
        self.place.act(Command::CloseProducer(self.id)).await
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
