//! The media plane on `sfu_core`: a router per meeting.

use std::collections::{HashMap, VecDeque};

use futures_util::future::{BoxFuture, FutureExt};
use sfu_core::{ErrorKind, Event, Events, ProducerId, Router, RouterOptions, Sfu, SpeakerOptions};
use tracing::{debug, warn};

use super::plane::{Accepted, MediaError, MediaNews, MediaPlane, MediaRoom};
use super::sdp_session::{Follow, Session};
use crate::meeting::{Content, MeetingId, Offer, ParticipantId, SlotFill, Source};
use crate::signaling::protocol::Explained;

/// How many voices are forwarded at a time where slots follow the speakers.
const SPEAKERS: u8 = 3;

/// Media by an [`Sfu`] in this process.
#[derive(Debug, Clone)]
pub struct SfuPlane {
    sfu: Sfu,
}

impl SfuPlane {
    /// Meetings of this plane run on `sfu`.
    #[must_use]
    pub fn new(sfu: Sfu) -> Self {
        Self { sfu }
    }
}

impl MediaPlane for SfuPlane {
    fn speaker_places(&self) -> u8 {
        SPEAKERS
    }

    fn open_room(
        &self,
        meeting: MeetingId,
    ) -> BoxFuture<'_, Result<Box<dyn MediaRoom>, MediaError>> {
        async move {
            let speakers = SpeakerOptions::default().places(SPEAKERS);
            let options = RouterOptions::default().speakers(speakers);
            let router = self.sfu.create_router(options).await.map_err(failed)?;
            debug!(%meeting, ?router, "media room opened");
            Ok(Box::new(SfuRoom::new(router)) as Box<dyn MediaRoom>)
        }
        .boxed()
    }
}

struct SfuRoom {
    router: Router,
    events: Events,
    sessions: HashMap<ParticipantId, Session>,
    /// Whose producers they are, and of what.
    publishers: HashMap<ProducerId, (ParticipantId, Source)>,
    active: Option<ProducerId>,
    speakers: Vec<Option<ProducerId>>,
    /// Sessions whose end may have gone unnoticed.
    suspects: VecDeque<ParticipantId>,
    /// Somebody may have begun to speak unnoticed.
    missed_speech: bool,
}

impl SfuRoom {
    fn new(router: Router) -> Self {
        Self {
            events: router.events().only(is_heeded),
            router,
            sessions: HashMap::new(),
            publishers: HashMap::new(),
            active: None,
            speakers: Vec::new(),
            suspects: VecDeque::new(),
            missed_speech: false,
        }
    }

    fn whose(&self, producer: ProducerId) -> Option<ParticipantId> {
        self.publishers.get(&producer).map(|(participant, _)| *participant)
    }

    fn speaking(&self) -> MediaNews {
        let speakers = self.speakers.iter().map(|place| place.and_then(|id| self.whose(id)));
        let active = self.active.and_then(|id| self.whose(id));
        MediaNews::Speakers { active, speakers: speakers.collect() }
    }

    fn forget(&mut self, participant: ParticipantId) {
        self.publishers.retain(|_, (whose, _)| *whose != participant);
    }

    fn session(&mut self, participant: ParticipantId) -> Result<&mut Session, MediaError> {
        let session = self.sessions.get_mut(&participant);
        session.ok_or_else(|| MediaError::Failed("there is no such session".into()))
    }

    async fn next_news(&mut self) -> MediaNews {
        loop {
            while let Some(suspect) = self.suspects.front().copied() {
                let gone = match self.sessions.get(&suspect) {
                    Some(session) => session.is_gone().await,
                    None => false,
                };
                self.suspects.pop_front();
                if gone {
                    return MediaNews::Lost(suspect);
                }
            }
            if self.missed_speech {
                let now = self.router.speakers().await;
                self.missed_speech = false;
                if let Ok(now) = now {
                    self.active = now.recent.first().copied();
                    self.speakers = now.places;
                    return self.speaking();
                }
            }
            match self.events.next().await {
                Some(Event::TransportClosed { transport, reason, .. }) => {
                    let mut sessions = self.sessions.iter();
                    let lost = sessions.find(|(_, session)| session.transport() == transport);
                    if let Some((participant, _)) = lost {
                        debug!(%participant, ?reason, "transport closed");
                        return MediaNews::Lost(*participant);
                    }
                }
                Some(Event::SpeakersChanged { speakers, .. }) => {
                    self.speakers = speakers;
                    return self.speaking();
                }
                Some(Event::ActiveSpeaker { observer: None, producer, .. }) => {
                    self.active = Some(producer);
                    return self.speaking();
                }
                Some(Event::ProducerDemandChanged { producer, demand, .. }) => {
                    if let Some((participant, source)) = self.publishers.get(&producer).copied() {
                        let max_spatial = demand.map(|layers| layers.spatial);
                        return MediaNews::Demand { participant, source, max_spatial };
                    }
                }
                Some(Event::Lagged(missed)) => {
                    warn!(missed, "media events were missed");
                    self.suspects = self.sessions.keys().copied().collect();
                    self.missed_speech = true;
                }
                Some(_) => {}
                None => return std::future::pending().await,
            }
        }
    }
}

/// In a large meeting one change of the speaker is told of each receiver, and a thousand people who
/// join have thousands of paths; the room has no use for that, and must not miss what it has use for.
fn is_heeded(event: &Event) -> bool {
    matches!(
        event,
        Event::TransportClosed { .. }
            | Event::SpeakersChanged { .. }
            | Event::ActiveSpeaker { observer: None, .. }
            | Event::ProducerDemandChanged { .. }
    )
}

impl MediaRoom for SfuRoom {
    fn accept_offer<'a>(
        &'a mut self,
        participant: ParticipantId,
        offer: &'a Offer,
    ) -> BoxFuture<'a, Result<Accepted, MediaError>> {
        async move {
            let session = Session::accept(&self.router, offer).await?;
            let accepted = session.accepted();
            let producers = session.producers();
            self.publishers.extend(producers.map(|(source, id)| (id, (participant, source))));
            self.sessions.insert(participant, session);
            Ok(accepted)
        }
        .boxed()
    }

    fn set_sending(
        &mut self,
        participant: ParticipantId,
        source: Source,
        sending: bool,
    ) -> BoxFuture<'_, Result<(), MediaError>> {
        async move { self.session(participant)?.set_sending(source, sending).await }.boxed()
    }

    fn fill<'a>(
        &'a mut self,
        participant: ParticipantId,
        fill: &'a SlotFill,
    ) -> BoxFuture<'a, Result<(), MediaError>> {
        async move {
            let follow = match fill.content {
                Some(Content::Stream(stream)) => {
                    let sender = self.session(stream.participant)?;
                    Follow::Producer(sender.producer(stream.source)?)
                }
                Some(Content::Speaker { rank }) => Follow::Speaker(rank),
                None => Follow::Nobody,
            };
            self.session(participant)?.fill(&fill.mid, follow, fill.demand).await
        }
        .boxed()
    }

    fn close_session(&mut self, participant: ParticipantId) -> BoxFuture<'_, ()> {
        async move {
            self.forget(participant);
            if let Some(session) = self.sessions.remove(&participant) {
                session.close().await;
            }
        }
        .boxed()
    }

    fn explain<'a>(
        &'a mut self,
        participant: ParticipantId,
        mid: &'a str,
    ) -> BoxFuture<'a, Result<Explained, MediaError>> {
        async move { self.session(participant)?.explain(mid).await }.boxed()
    }

    fn news(&mut self) -> BoxFuture<'_, MediaNews> {
        self.next_news().boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        async {
            self.sessions.clear();
            if let Err(error) = self.router.close().await {
                debug!(%error, "the media room was closed already");
            }
        }
        .boxed()
    }
}

/// What an error of the SFU means to a meeting.
#[allow(clippy::needless_pass_by_value)] // For use with `map_err`.
pub(super) fn failed(error: sfu_core::Error) -> MediaError {
    match error.kind() {
        ErrorKind::InvalidParameters | ErrorKind::Incompatible => {
            MediaError::Refused(error.to_string())
        }
        _ => MediaError::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
