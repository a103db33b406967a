//! A consumer: what one receiver gets.

use std::sync::Arc;

use super::error::{Error, Result};
use super::params::RtpParameters;
use super::router::Place;
use super::trace::{OF_CONSUMERS, traced};
use crate::engine::{Command, Reply};
use crate::route::{ConsumerId, ConsumerStats, Explanation, ProducerId, SpeakerSlot, TraceType};
use crate::stream::allocate::Demand;
use crate::stream::select::Layers;
use crate::wire::MediaKind;

/// What one receiver gets of a producer, or of one after the other.
///
/// A handle: cheap to clone, and dropping it closes nothing.
#[derive(Clone)]
pub struct Consumer {
    place: Place,
    id: ConsumerId,
    kind: MediaKind,
    parameters: Arc<RtpParameters>,
}

impl Consumer {
    pub(super) fn new(
        place: Place,
        id: ConsumerId,
        kind: MediaKind,
        parameters: RtpParameters,
    ) -> Self {
        Self { place, id, kind, parameters: Arc::new(parameters) }
    }

    /// Its identity.
    pub fn id(&self) -> ConsumerId {
        self.id
    }

    /// Audio or video.
    pub fn kind(&self) -> MediaKind {
        self.kind
    }

    /// What the receiver is sent, for its side of the negotiation.
    pub fn rtp_parameters(&self) -> &RtpParameters {
        &self.parameters
    }

    /// Points it at another producer of the router, or at none. The stream to
    /// the receiver goes on without a gap; video from the next key frame of
    /// what it follows now, which is asked for.
    ///
    /// # Errors
    /// `NotFound` if either is closed; `Incompatible` if the receiver takes
    /// none of the producer's codecs, or if one is audio and the other video.
    pub async fn switch(&self, producer: Option<ProducerId>) -> Result<()> {
        self.place.act(Command::SwitchConsumer(self.id, producer)).await
    }

    /// Has it follow whoever speaks, until [`switch`](Self::switch). The
    /// engine does it by itself: nothing has to be told to the receiver when
    /// another begins to speak.
    ///
    /// ```no_run
    /// # async fn run(session: sfu_core::SdpSession) -> sfu_core::Result<()> {
    /// use sfu_core::{MediaKind, SpeakerSlot};
    ///
    /// let own = |kind| session.producers().iter().find(move |own| own.kind == kind);
    /// let slots = session.slots().iter();
    /// for (slot, rank) in slots.filter(|slot| slot.kind == MediaKind::Audio).zip(0..3) {
    ///     let except = own(MediaKind::Audio).map(|own| own.producer.id());
    ///     slot.consumer.follow_speaker(SpeakerSlot { rank, except }).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if it is closed; `InvalidParameters` for a rank that there is
    /// not.
    pub async fn follow_speaker(&self, slot: SpeakerSlot) -> Result<()> {
        self.place.act(Command::FollowSpeaker(self.id, slot)).await
    }

    /// The most that is wanted of a simulcast producer. A lower layer is sent
    /// while the wanted one is not there.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn set_preferred_layers(&self, layers: Layers) -> Result<()> {
        self.place.act(Command::SetPreferredLayers(self.id, layers)).await
    }

    /// Says how the receiver shows it: how large, how important, or not at all.
    /// From the first such word on, layers are chosen for all video consumers
    /// of the transport, so that the sum is worth most to the viewer within
    /// what the path carries
    /// ([`set_available_outgoing_bitrate`](super::WebRtcTransport::set_available_outgoing_bitrate));
    /// preferred layers stay the most that is sent. What was chosen, and why,
    /// is told by [`Event::ConsumerLayersChanged`](crate::Event::ConsumerLayersChanged).
    ///
    /// ```no_run
    /// # async fn run(speaker: sfu_core::Consumer, thumbnail: sfu_core::Consumer)
    /// # -> sfu_core::Result<()> {
    /// use sfu_core::Demand;
    /// speaker.set_demand(Demand::shown(1_280, 720).pinned(true)).await?;
    /// thumbnail.set_demand(Demand::shown(320, 180)).await?;
    /// // The viewer scrolled it out of sight: nothing is sent any more.
    /// thumbnail.set_demand(Demand::hidden()).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn set_demand(&self, demand: Demand) -> Result<()> {
        self.place.act(Command::SetDemand(self.id, demand)).await
    }

    /// Sends nothing until [`resume`](Self::resume).
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn pause(&self) -> Result<()> {
        self.place.act(Command::PauseConsumer(self.id)).await
    }

    /// Sends again; video from the next key frame on, which is asked for.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn resume(&self) -> Result<()> {
        self.place.act(Command::ResumeConsumer(self.id)).await
    }

    /// Asks the publisher for a key frame. Requests for the same stream are
    /// coalesced.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn request_key_frame(&self) -> Result<()> {
        self.place.act(Command::RequestKeyFrame(self.id)).await
    }

    /// Has [`Event::ConsumerTrace`](crate::Event::ConsumerTrace) told of these types
    /// from now on; none of them is none. For debugging: each packet is an
    /// event, and who reads too slowly loses some.
    ///
    /// # Errors
    /// `InvalidParameters` for a type that consumers do not have; `NotFound` if it
    /// is closed.
    pub async fn enable_trace_event(&self, types: &[TraceType]) -> Result<()> {
        let types = traced(types, OF_CONSUMERS)?;
        self.place.act(Command::TraceConsumer(self.id, types)).await
    }

    /// Its figures.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn stats(&self) -> Result<ConsumerStats> {
        match self.place.call(Command::ConsumerStats(self.id)).await? {
            Reply::ConsumerStats(stats) => Ok(*stats),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// Why it gets what it gets: the inputs and the rule that decided.
    ///
    /// # Errors
    /// `NotFound` if it is closed.
    pub async fn explain(&self) -> Result<Explanation> {
        match self.place.call(Command::Explain(self.id)).await? {
            Reply::Explanation(explanation) => Ok(*explanation),
            _ => Err(Error::unexpected_reply()),
        }
    }

    /// Closes it.
    ///
    /// # Errors
    /// `NotFound` if it is closed already.
    pub async fn close(&self) -> Result<()> {
        self.place.act(Command::CloseConsumer(self.id)).await
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
