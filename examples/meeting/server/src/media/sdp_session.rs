//! One participant's media: what it sends by source, and what it receives by slot.

use std::collections::HashMap;

use sfu_core::{
    Consumer, Demand as Shown, ErrorKind, Layers, MediaKind, Producer, ProducerId, Router,
    SdpOptions, SdpSession, SpeakerSlot, TransportId,
};
use tracing::debug;

use super::plane::{Accepted, MediaError};
use super::sfu_plane::failed;
use crate::meeting::{Demand, Kind, Offer, Source};
use crate::signaling::protocol::{Explained, Layer};

pub(super) struct Session {
    sdp: SdpSession,
    producers: HashMap<Source, Producer>,
    slots: HashMap<String, Slot>,
}

struct Slot {
    consumer: Consumer,
    follows: Follow,
    demand: Demand,
}

/// What a slot is pointed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    Nobody,
    Producer(ProducerId),
    Speaker(u8),
}

impl Session {
    /// Takes in a peer. Its producers are paused until it is said what may be sent.
    pub(super) async fn accept(router: &Router, offer: &Offer) -> Result<Self, MediaError> {
        let mut options = SdpOptions::default();
        options.paused = true;
        let sdp = router.accept_offer(&offer.sdp, options).await.map_err(failed)?;
        match (producers(&sdp, offer), slots(&sdp, offer)) {
            (Ok(producers), Ok(slots)) => {
                let session = Self { sdp, producers, slots };
                let linked = session.link_face_to_voice().await;
                if linked.is_err() {
                    session.close().await;
                }
                linked.map(|()| session)
            }
            (Err(error), _) | (_, Err(error)) => {
                close(&sdp).await;
                Err(error)
            }
        }
    }

    /// Slots that show whoever speaks find the face by the voice.
    async fn link_face_to_voice(&self) -> Result<(), MediaError> {
        let voice = self.producers.get(&Source::Microphone).map(Producer::id);
        match self.producers.get(&Source::Camera) {
            Some(face) if voice.is_some() => face.set_speaker(voice).await.map_err(failed),
            _ => Ok(()),
        }
    }

    pub(super) fn producers(&self) -> impl Iterator<Item = (Source, ProducerId)> {
        self.producers.iter().map(|(source, producer)| (*source, producer.id()))
    }

    pub(super) fn accepted(&self) -> Accepted {
        Accepted {
            sdp: self.sdp.answer().to_owned(),
            published: self.producers.keys().copied().collect(),
        }
    }

    pub(super) fn transport(&self) -> TransportId {
        self.sdp.transport().id()
    }

    pub(super) async fn is_gone(&self) -> bool {
        let stats = self.sdp.transport().stats().await;
        stats.is_err_and(|error| error.kind() == ErrorKind::NotFound)
    }

    pub(super) fn producer(&self, source: Source) -> Result<ProducerId, MediaError> {
        let producer = self.producers.get(&source).map(Producer::id);
        producer.ok_or_else(|| MediaError::Failed(format!("there is no {source:?}")))
    }

    pub(super) async fn set_sending(
        &self,
        source: Source,
        sending: bool,
    ) -> Result<(), MediaError> {
        let Some(producer) = self.producers.get(&source) else { return Ok(()) };
        let done = if sending { producer.resume().await } else { producer.pause().await };
        done.map_err(failed)
    }

    /// The demand goes first: the switch then asks for the right key frame.
    pub(super) async fn fill(
        &mut self,
        mid: &str,
        follow: Follow,
        demand: Demand,
    ) -> Result<(), MediaError> {
        let own = |source| self.producers.get(&source).map(Producer::id);
        let (own_voice, own_face) = (own(Source::Microphone), own(Source::Camera));
        let slot = self.slots.get_mut(mid);
        let slot = slot.ok_or_else(|| MediaError::Failed(format!("there is no slot {mid}")))?;
        let is_video = slot.consumer.kind() == MediaKind::Video;
        let is_said = demand.height > 0;
        if is_video && is_said && follow != Follow::Nobody && slot.demand != demand {
            slot.consumer.set_demand(shown(demand)).await.map_err(failed)?;
            slot.demand = demand;
        }
        if slot.follows == follow {
            return Ok(());
        }
        let done = match follow {
            Follow::Nobody => slot.consumer.switch(None).await,
            Follow::Producer(producer) => slot.consumer.switch(Some(producer)).await,
            Follow::Speaker(rank) => {
                let except = if is_video { own_face } else { own_voice };
                slot.consumer.follow_speaker(SpeakerSlot { rank, except }).await
            }
        };
        done.map_err(failed)?;
        slot.follows = follow;
        Ok(())
    }

    pub(super) async fn explain(&self, mid: &str) -> Result<Explained, MediaError> {
        let slot = self.slots.get(mid);
        let slot = slot.ok_or_else(|| MediaError::Failed(format!("there is no slot {mid}")))?;
        let found = slot.consumer.explain().await.map_err(failed)?;
        let layer = |spatial| Layer { spatial, temporal: Layers::MAX.temporal };
        let wanted = found.preferred.map(|it| Layer { spatial: it.spatial, temporal: it.temporal });
        // The rule's stable name is how it is written as JSON.
        let rule = serde_json::to_value(found.rule).unwrap_or_default();
        Ok(Explained {
            reason: rule.as_str().unwrap_or("unknown").to_owned(),
            detail: found.reason,
            wanted,
            target: found.target.map(layer),
            current: found.current.map(layer),
            awaits_key_frame: found.awaits_key_frame,
            available_bitrate: found.available_bitrate,
        })
    }

    pub(super) async fn close(&self) {
        close(&self.sdp).await;
    }
}

async fn close(sdp: &SdpSession) {
    if let Err(error) = sdp.close().await {
        debug!(%error, "the session was closed already");
    }
}

/// A track whose section the offer does not send on (or with no codec of ours) is not published.
fn producers(sdp: &SdpSession, offer: &Offer) -> Result<HashMap<Source, Producer>, MediaError> {
    let mut producers = HashMap::new();
    for track in &offer.tracks {
        let found = sdp.producers().iter().find(|producer| producer.mid == track.mid);
        let Some(found) = found else { continue };
        if found.kind != kind(track.source.kind()) {
            let text = format!("section {} is not of the kind of its track", track.mid);
            return Err(MediaError::Refused(text));
        }
        producers.insert(track.source, found.producer.clone());
    }
    Ok(producers)
}

fn slots(sdp: &SdpSession, offer: &Offer) -> Result<HashMap<String, Slot>, MediaError> {
    let mut slots = HashMap::new();
    for spec in &offer.slots {
        let found = sdp.slots().iter().find(|slot| slot.mid == spec.mid);
        let fits = found.filter(|slot| slot.kind == kind(spec.kind));
        let Some(slot) = fits else {
            let text = format!("section {} is none on which {:?} is received", spec.mid, spec.kind);
            return Err(MediaError::Refused(text.to_lowercase()));
        };
        let consumer = slot.consumer.clone();
        let slot = Slot { consumer, follows: Follow::Nobody, demand: Demand::default() };
        slots.insert(spec.mid.clone(), slot);
    }
    Ok(slots)
}

fn shown(demand: Demand) -> Shown {
    let pixels = |length: u32| u16::try_from(length).unwrap_or(u16::MAX);
    Shown::shown(pixels(demand.width), pixels(demand.height))
        .pinned(demand.important)
        .screen(demand.screen)
}

const fn kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}
