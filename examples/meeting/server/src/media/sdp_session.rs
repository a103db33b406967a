//! One participant's media: what it sends by source, and what it receives by slot.

use std::collections::HashMap;

use sfu_core::{
    Consumer, ErrorKind, Layers, MediaKind, Producer, ProducerId, Router, SdpOptions, SdpSession,
    TransportId,
};
use tracing::debug;

use super::plane::{Accepted, MediaError};
use super::sfu_plane::failed;
use crate::meeting::{Demand, Kind, Offer, Source, spatial_layer};
use crate::signaling::protocol::{Explained, Layer};

pub(super) struct Session {
    sdp: SdpSession,
    producers: HashMap<Source, Producer>,
    slots: HashMap<String, Slot>,
}

struct Slot {
    consumer: Consumer,
    follows: Option<ProducerId>,
    spatial_layer: Option<u8>,
}

impl Session {
    /// Takes in a peer. Its producers are paused until it is said what may be sent.
    pub(super) async fn accept(router: &Router, offer: &Offer) -> Result<Self, MediaError> {
        let mut options = SdpOptions::default();
        options.paused = true;
        let sdp = router.accept_offer(&offer.sdp, options).await.map_err(failed)?;
        match (producers(&sdp, offer), slots(&sdp, offer)) {
            (Ok(producers), Ok(slots)) => Ok(Self { sdp, producers, slots }),
            (Err(error), _) | (_, Err(error)) => {
                close(&sdp).await;
                Err(error)
            }
        }
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

    /// The layer goes first: the switch then asks for the right key frame.
    pub(super) async fn fill(
        &mut self,
        mid: &str,
        producer: Option<ProducerId>,
        demand: Demand,
    ) -> Result<(), MediaError> {
        let spatial_layer = if demand.height == 0 { 2 } else { spatial_layer(demand.height) };
        let slot = self.slots.get_mut(mid);
        let slot = slot.ok_or_else(|| MediaError::Failed(format!("there is no slot {mid}")))?;
        let is_video = slot.consumer.kind() == MediaKind::Video;
        if is_video && producer.is_some() && slot.spatial_layer != Some(spatial_layer) {
            let layers = Layers { spatial: spatial_layer, ..Layers::MAX };
            slot.consumer.set_preferred_layers(layers).await.map_err(failed)?;
            slot.spatial_layer = Some(spatial_layer);
        }
        if slot.follows != producer {
            slot.consumer.switch(producer).await.map_err(failed)?;
            slot.follows = producer;
        }
        Ok(())
    }

    pub(super) async fn explain(&self, mid: &str) -> Result<Explained, MediaError> {
        let slot = self.slots.get(mid);
        let slot = slot.ok_or_else(|| MediaError::Failed(format!("there is no slot {mid}")))?;
        let found = slot.consumer.explain().await.map_err(failed)?;
        let layer = |spatial| Layer { spatial, temporal: Layers::MAX.temporal };
        let preferred = found.preferred;
        let reason = if found.producer.is_none() {
            "empty"
        } else if found.producer_paused {
            "sender_paused"
        } else if found.consumer_paused {
            "receiver_paused"
        } else if found.awaits_key_frame {
            "awaits_key_frame"
        } else {
            "as_wanted"
        };
        Ok(Explained {
            reason: reason.into(),
            detail: found.reason,
            wanted: preferred.map(|it| Layer { spatial: it.spatial, temporal: it.temporal }),
            target: found.target.map(layer),
            current: found.current.map(layer),
            awaits_key_frame: found.awaits_key_frame,
            available_bitrate: None,
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
        let slot = Slot { consumer, follows: None, spatial_layer: None };
        slots.insert(spec.mid.clone(), slot);
    }
    Ok(slots)
}

const fn kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}
