//! A media plane without media: it answers, records what it was asked for, and sends nothing.
//!
//! The API tests run on it, and so can a server whose signalling alone is of interest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;

use super::plane::{Accepted, MediaError, MediaNews, MediaPlane, MediaRoom};
use crate::meeting::{
    Content, Demand, MeetingId, Offer, ParticipantId, SlotFill, Source, SourceSet,
};
use crate::signaling::protocol::{Explained, Layer};

/// The plane; clones share their record.
#[derive(Debug, Clone, Default)]
pub struct FakePlane {
    record: Arc<Mutex<Record>>,
    tells_speakers: bool,
}

/// What the plane was asked for.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Sessions that are open.
    pub sessions: BTreeMap<ParticipantId, FakeSession>,
    /// How many media rooms are open.
    pub rooms: usize,
    news: BTreeMap<ParticipantId, mpsc::UnboundedSender<MediaNews>>,
}

/// What a session was asked for.
#[derive(Debug, Clone, Default)]
pub struct FakeSession {
    /// The SDP of its offer.
    pub offer: String,
    /// What is forwarded.
    pub sending: SourceSet,
    /// What its slots carry, and how it is shown.
    pub slots: BTreeMap<String, (Option<Content>, Demand)>,
}

impl FakePlane {
    /// A plane that says who speaks when it is told to.
    #[must_use]
    pub fn that_tells_speakers() -> Self {
        Self { tells_speakers: true, ..Self::default() }
    }

    /// What the plane was asked for so far.
    #[must_use]
    pub fn record(&self) -> Record {
        self.lock().clone()
    }

    /// Pretends that a participant's transport failed.
    pub fn lose(&self, participant: ParticipantId) {
        self.say(participant, MediaNews::Lost(participant));
    }

    /// Pretends that this participant speaks, alone.
    pub fn speak(&self, participant: ParticipantId) {
        let (active, speakers) = (Some(participant), vec![Some(participant)]);
        self.say(participant, MediaNews::Speakers { active, speakers });
    }

    /// Pretends that the receivers of a participant's camera want this layer at most.
    pub fn want(&self, participant: ParticipantId, max_spatial: Option<u8>) {
        let source = Source::Camera;
        self.say(participant, MediaNews::Demand { participant, source, max_spatial });
    }

    fn say(&self, participant: ParticipantId, news: MediaNews) {
        if let Some(sender) = self.lock().news.get(&participant) {
            let _ = sender.send(news);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MediaPlane for FakePlane {
    fn speaker_places(&self) -> u8 {
        if self.tells_speakers { 3 } else { 0 }
    }

    fn open_room(&self, _: MeetingId) -> BoxFuture<'_, Result<Box<dyn MediaRoom>, MediaError>> {
        async {
            self.lock().rooms += 1;
            let (sender, news) = mpsc::unbounded_channel();
            Ok(Box::new(FakeRoom { plane: self.clone(), sender, news }) as Box<dyn MediaRoom>)
        }
        .boxed()
    }
}

struct FakeRoom {
    plane: FakePlane,
    sender: mpsc::UnboundedSender<MediaNews>,
    news: mpsc::UnboundedReceiver<MediaNews>,
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
            record.news.insert(participant, self.sender.clone());
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
            session.slots.insert(fill.mid.clone(), (fill.content, fill.demand));
            Ok(())
        }
        .boxed()
    }

    fn close_session(&mut self, participant: ParticipantId) -> BoxFuture<'_, ()> {
        async move {
            let mut record = self.plane.lock();
            record.sessions.remove(&participant);
            record.news.remove(&participant);
        }
        .boxed()
    }

    fn explain<'a>(
        &'a mut self,
        participant: ParticipantId,
        mid: &'a str,
    ) -> BoxFuture<'a, Result<Explained, MediaError>> {
        async move {
            let record = self.plane.lock();
            let session = record.sessions.get(&participant).ok_or_else(no_session)?;
            let carried = session.slots.get(mid).and_then(|(content, _)| *content);
            let current = carried.map(|_| Layer { spatial: 0, temporal: 0 });
            let reason = if carried.is_some() { "fake" } else { "empty" };
            Ok(Explained { reason: reason.into(), current, ..Explained::default() })
        }
        .boxed()
    }

    fn news(&mut self) -> BoxFuture<'_, MediaNews> {
        async {
            match self.news.recv().await {
                Some(news) => news,
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
