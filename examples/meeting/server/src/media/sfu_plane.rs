//! The media plane on `sfu_core`: a router per meeting.

use std::collections::{HashMap, VecDeque};

use futures_util::future::{BoxFuture, FutureExt};
use sfu_core::{ErrorKind, Event, Events, Router, RouterOptions, Sfu};
use tracing::{debug, warn};

use super::plane::{Accepted, MediaError, MediaNews, MediaPlane, MediaRoom};
use super::sdp_session::Session;
use crate::meeting::{Content, MeetingId, Offer, ParticipantId, SlotFill, Source};
use crate::signaling::protocol::Explained;

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
    fn tells_speakers(&self) -> bool {
        false
    }

    fn open_room(
        &self,
        meeting: MeetingId,
    ) -> BoxFuture<'_, Result<Box<dyn MediaRoom>, MediaError>> {
        async move {
            let router = self.sfu.create_router(RouterOptions::default()).await.map_err(failed)?;
            debug!(%meeting, ?router, "media room opened");
            let events = router.events();
            let (sessions, suspects) = (HashMap::new(), VecDeque::new());
            Ok(Box::new(SfuRoom { router, events, sessions, suspects }) as Box<dyn MediaRoom>)
        }
        .boxed()
    }
}

struct SfuRoom {
    router: Router,
    events: Events,
    sessions: HashMap<ParticipantId, Session>,
    /// Sessions whose end may have gone unnoticed.
    suspects: VecDeque<ParticipantId>,
}

impl SfuRoom {
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
            match self.events.next().await {
                Some(Event::TransportClosed { transport, reason, .. }) => {
                    let mut sessions = self.sessions.iter();
                    let lost = sessions.find(|(_, session)| session.transport() == transport);
                    if let Some((participant, _)) = lost {
                        debug!(%participant, ?reason, "transport closed");
                        return MediaNews::Lost(*participant);
                    }
                }
                Some(Event::TransportStateChanged { transport, ice, dtls, .. }) => {
                    debug!(%transport, ?ice, ?dtls, "transport");
                }
                Some(Event::Lagged(missed)) => {
                    warn!(missed, "media events were missed");
                    self.suspects = self.sessions.keys().copied().collect();
                }
                Some(_) => {}
                None => return std::future::pending().await,
            }
        }
    }
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
            let producer = match fill.content {
                Some(Content::Stream(stream)) => {
                    Some(self.session(stream.participant)?.producer(stream.source)?)
                }
                Some(Content::Speaker { .. }) | None => None,
            };
            self.session(participant)?.fill(&fill.mid, producer, fill.demand).await
        }
        .boxed()
    }

    fn close_session(&mut self, participant: ParticipantId) -> BoxFuture<'_, ()> {
        async move {
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
