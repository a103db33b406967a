//! A media plane without media: it answers, records what it was asked for, and sends nothing.
//!
//! The API tests run on it, and so can a server whose signalling alone is of interest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;

use super::plane::{Accepted, MediaError, MediaPlane, MediaRoom};
use crate::meeting::{MeetingId, Offer, ParticipantId, SlotFill, Source, SourceSet, Stream};

/// The plane; clones share their record.
#[derive(Debug, Clone, Default)]
pub struct FakePlane {
    record: Arc<Mutex<Record>>,
}

/// What the plane was asked for.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Sessions that are open.
    pub sessions: BTreeMap<ParticipantId, FakeSession>,
    /// How many media rooms are open.
    pub rooms: usize,
    losses: BTreeMap<ParticipantId, mpsc::UnboundedSender<ParticipantId>>,
}

/// What a session was asked for.
#[derive(Debug, Clone, Default)]
pub struct FakeSession {
    /// The SDP of its offer.
    pub offer: String,
    /// What is forwarded.
    pub sending: SourceSet,
    /// What its slots carry, and at which spatial layer.
    pub slots: BTreeMap<String, (Option<Stream>, u8)>,
}

impl FakePlane {
    /// What the plane was asked for so far.
    #[must_use]
    pub fn record(&self) -> Record {
        self.lock().clone()
    }

    /// Pretends that a participant's transport failed.
    pub fn lose(&self, participant: ParticipantId) {
        if let Some(losses) = self.lock().losses.get(&participant) {
            let _ = losses.send(participant);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MediaPlane for FakePlane {
    fn open_room(&self, _: MeetingId) -> BoxFuture<'_, Result<Box<dyn MediaRoom>, MediaError>> {
        async {
            self.lock().rooms += 1;
            let (losses, lost) = mpsc::unbounded_channel();
            Ok(Box::new(FakeRoom { plane: self.clone(), losses, lost }) as Box<dyn MediaRoom>)
        }
        .boxed()
    }
}

struct FakeRoom {
    plane: FakePlane,
    losses: mpsc::UnboundedSender<ParticipantId>,
    lost: mpsc::UnboundedReceiver<ParticipantId>,
}

impl MediaRoom for FakeRoom {
    fn accept_offer<'a>(
        &'a mut self,
        participant: ParticipantId,
        offer: &'a Offer,
    ) -> BoxFuture<'a, Result<Accepted, MediaError>> {
        async move {
            if !offer.sdp.starts_with("v=0") {
                return Err(MediaError::Refused("line 1: expected v=0".into()));
            }
            let mut record = self.plane.lock();
            let session = FakeSession { offer: offer.sdp.clone(), ..FakeSession::default() };
            record.sessions.insert(participant, session);
            record.losses.insert(participant, self.losses.clone());
            let published = offer.tracks.iter().map(|track| track.source).collect();
            Ok(Accepted { sdp: "v=0\r\ns=fake\r\n".into(), published })
        }
        .boxed()
    }

    fn set_sending(
        &mut self,
        participant: ParticipantId,
        source: Source,
        sending: bool,
    ) -> BoxFuture<'_, Result<(), MediaError>> {
        async move {
            let mut record = self.plane.lock();
            let session = record.sessions.get_mut(&participant).ok_or_else(no_session)?;
            session.sending = session.sending.with(source, sending);
            Ok(())
        }
        .boxed()
    }

    fn fill<'a>(
        &'a mut self,
        participant: ParticipantId,
        fill: &'a SlotFill,
    ) -> BoxFuture<'a, Result<(), MediaError>> {
        async move {
            let mut record = self.plane.lock();
            let session = record.sessions.get_mut(&participant).ok_or_else(no_session)?;
            session.slots.insert(fill.mid.clone(), (fill.stream, fill.spatial_layer));
            Ok(())
        }
        .boxed()
    }

    fn close_session(&mut self, participant: ParticipantId) -> BoxFuture<'_, ()> {
        async move {
            let mut record = self.plane.lock();
            record.sessions.remove(&participant);
            record.losses.remove(&participant);
        }
        .boxed()
    }

    fn lost(&mut self) -> BoxFuture<'_, ParticipantId> {
        async {
            match self.lost.recv().await {
                Some(participant) => participant,
                None => std::future::pending().await,
            }
        }
        .boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        async {
            let mut record = self.plane.lock();
            record.rooms = record.rooms.saturating_sub(1);
        }
        .boxed()
    }
}

fn no_session() -> MediaError {
    MediaError::Failed("no such session".into())
}
