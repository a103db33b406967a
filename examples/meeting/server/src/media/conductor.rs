//! The task that makes a meeting's media follow its plan.
//!
//! Each round takes what has changed in the plan, compares it with what was done and does the
//! difference. What fails is tried again after a pause, as long as the plan still asks for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::desk::{Desk, SessionPlan, Work};
use super::plane::{MediaError, MediaNews, MediaPlane, MediaRoom};
use crate::meeting::{Content, MeetingId, ParticipantId, Refusal, SlotFill, Source, SourceSet};
use crate::signaling::protocol::Explained;

/// How long one step may take; more means that the plane hangs.
const STEP: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(1);

/// What the room must know.
#[derive(Debug, Clone)]
pub enum Report {
    /// An offer was accepted.
    Answered {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        negotiation: u64,
        /// The answer.
        sdp: String,
        /// What is received from now on.
        published: SourceSet,
    },
    /// An offer was refused.
    Refused {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        negotiation: u64,
        /// Why.
        refusal: Refusal,
    },
    /// A session is gone.
    Lost {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        negotiation: u64,
    },
    /// Somebody else speaks.
    Speakers {
        /// The dominant speaker; `None` in silence.
        active: Option<ParticipantId>,
        /// Who is heard, by rank.
        speakers: Vec<Option<ParticipantId>>,
    },
    /// The best layer of a source that anybody is sent has changed.
    Demand {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        source: Source,
        /// `None`: nobody is sent any.
        max_spatial: Option<u8>,
    },
    /// Why a slot carries what it carries.
    Explained {
        /// Whose.
        participant: ParticipantId,
        /// The slot.
        mid: String,
        /// Why.
        explained: Explained,
    },
}

pub(super) async fn conduct(
    desk: Arc<Desk>,
    plane: Arc<dyn MediaPlane>,
    meeting: MeetingId,
    report: impl Fn(Report) + Send + Sync + 'static,
) {
    let mut done = Done { room: None, sessions: BTreeMap::new() };
    let mut failed = false;
    loop {
        let news = tokio::select! {
            () = desk.changed() => None,
            () = sleep(RETRY), if failed => None,
            news = done.news() => Some(news),
        };
        if let Some(news) = news {
            report(news);
            continue;
        }
        let work = desk.take_work();
        if work.closed {
            break;
        }
        let again = done.follow(work, &*plane, meeting, &report).await;
        failed = !again.is_empty();
        desk.put_back(again);
    }
    if let Some(mut room) = done.room {
        let _ = timeout(STEP, room.close()).await;
    }
}

/// What was done so far.
struct Done {
    /// Made when the first offer comes, so that a meeting without media costs none.
    room: Option<Box<dyn MediaRoom>>,
    sessions: BTreeMap<ParticipantId, Session>,
}

struct Session {
    negotiation: u64,
    /// `None` when the offer was refused.
    accepted: Option<Flow>,
}

struct Flow {
    published: SourceSet,
    sending: HashMap<Source, bool>,
    /// What each slot carries, and by which negotiation of its sender.
    fills: HashMap<String, (SlotFill, Option<u64>)>,
}

/// Something has to be tried again.
struct Failed;

impl Done {
    /// Does what has changed, and returns whose part has to be tried again.
    async fn follow(
        &mut self,
        work: Work,
        plane: &dyn MediaPlane,
        meeting: MeetingId,
        report: &(impl Fn(Report) + Send + Sync),
    ) -> BTreeSet<ParticipantId> {
        let Work { changes, questions, .. } = work;
        let mut again = BTreeSet::new();
        if self.room.is_none() {
            if changes.iter().all(|(_, wanted)| wanted.is_none()) {
                return again;
            }
            match step(plane.open_room(meeting)).await {
                Ok(room) => self.room = Some(room),
                Err(error) => {
                    warn!(%meeting, %error, "no media room");
                    return changes.into_iter().map(|(id, _)| id).collect();
                }
            }
        }
        let Some(room) = self.room.as_deref_mut() else { return again };
        let sessions = &mut self.sessions;
        for (id, wanted) in &changes {
            close_void_session(*id, wanted.as_ref(), room, sessions).await;
        }
        let wanted = || changes.iter().filter_map(|(id, wanted)| Some((*id, wanted.as_ref()?)));
        for (id, wanted) in wanted() {
            open_session(id, wanted, room, sessions, report).await;
        }
        for (id, wanted) in wanted() {
            if set_sending(id, wanted, room, sessions).await.is_err() {
                again.insert(id);
            }
        }
        for (id, wanted) in wanted() {
            if fill_slots(id, wanted, room, sessions).await.is_err() {
                again.insert(id);
            }
        }
        for (participant, mid) in questions {
            match step(room.explain(participant, &mid)).await {
                Ok(explained) => report(Report::Explained { participant, mid, explained }),
                Err(error) => debug!(%participant, mid, %error, "no explanation"),
            }
        }
        again
    }

    async fn news(&mut self) -> Report {
        let Some(room) = self.room.as_deref_mut() else { return std::future::pending().await };
        loop {
            match room.news().await {
                MediaNews::Lost(participant) => {
                    if let Some(session) = self.sessions.get(&participant) {
                        let negotiation = session.negotiation;
                        return Report::Lost { participant, negotiation };
                    }
                }
                MediaNews::Speakers { active, speakers } => {
                    return Report::Speakers { active, speakers };
                }
                MediaNews::Demand { participant, source, max_spatial } => {
                    return Report::Demand { participant, source, max_spatial };
                }
            }
        }
    }
}

async fn close_void_session(
    id: ParticipantId,
    wanted: Option<&SessionPlan>,
    room: &mut dyn MediaRoom,
    sessions: &mut BTreeMap<ParticipantId, Session>,
) {
    let Some(session) = sessions.get(&id) else { return };
    if wanted.is_some_and(|wanted| wanted.negotiation.number == session.negotiation) {
        return;
    }
    sessions.remove(&id);
    if timeout(STEP, room.close_session(id)).await.is_err() {
        warn!(participant = %id, "closing a media session takes too long");
    }
}

async fn open_session(
    participant: ParticipantId,
    wanted: &SessionPlan,
    room: &mut dyn MediaRoom,
    sessions: &mut BTreeMap<ParticipantId, Session>,
    report: &(impl Fn(Report) + Send + Sync),
) {
    if sessions.contains_key(&participant) {
        return;
    }
    let negotiation = wanted.negotiation.number;
    let accepted = step(room.accept_offer(participant, &wanted.negotiation.offer)).await;
    let (accepted, news) = match accepted {
        Ok(accepted) => {
            let flow = Flow {
                published: accepted.published,
                sending: HashMap::new(),
                fills: HashMap::new(),
            };
            let (sdp, published) = (accepted.sdp, accepted.published);
            (Some(flow), Report::Answered { participant, negotiation, sdp, published })
        }
        Err(error) => {
            debug!(%participant, %error, "offer refused");
            (None, Report::Refused { participant, negotiation, refusal: error.into() })
        }
    };
    sessions.insert(participant, Session { negotiation, accepted });
    report(news);
}

async fn set_sending(
    id: ParticipantId,
    wanted: &SessionPlan,
    room: &mut dyn MediaRoom,
    sessions: &mut BTreeMap<ParticipantId, Session>,
) -> Result<(), Failed> {
    let flow = sessions.get_mut(&id).and_then(|session| session.accepted.as_mut());
    let Some(flow) = flow else { return Ok(()) };
    for source in Source::ALL.into_iter().filter(|source| flow.published.contains(*source)) {
        let sending = wanted.sending.contains(source);
        if flow.sending.get(&source) == Some(&sending) {
            continue;
        }
        if let Err(error) = step(room.set_sending(id, source, sending)).await {
            warn!(participant = %id, ?source, sending, %error, "a source did not follow");
            return Err(Failed);
        }
        flow.sending.insert(source, sending);
    }
    Ok(())
}

async fn fill_slots(
    id: ParticipantId,
    wanted: &SessionPlan,
    room: &mut dyn MediaRoom,
    sessions: &mut BTreeMap<ParticipantId, Session>,
) -> Result<(), Failed> {
    let mut result = Ok(());
    for fill in wanted.fills.iter() {
        let sender = match fill.content {
            Some(Content::Stream(stream)) => {
                let session = sessions.get(&stream.participant);
                let flow = session.and_then(|session| session.accepted.as_ref());
                let sends = flow.is_some_and(|flow| flow.published.contains(stream.source));
                session.filter(|_| sends).map(|session| session.negotiation)
            }
            Some(Content::Speaker { .. }) | None => None,
        };
        // A stream whose session is not there (any more) cannot be shown; the room will see.
        let is_void = matches!(fill.content, Some(Content::Stream(_))) && sender.is_none();
        if is_void {
            result = Err(Failed);
        }
        let content = fill.content.filter(|_| !is_void);
        let flow = sessions.get_mut(&id).and_then(|session| session.accepted.as_mut());
        let Some(flow) = flow else { return Ok(()) };
        let is_done = match flow.fills.get(&fill.mid) {
            Some((done, by)) => (done.content, done.demand, *by) == (content, fill.demand, sender),
            None => content.is_none(),
        };
        if is_done {
            continue;
        }
        let fill = SlotFill { content, ..fill.clone() };
        if let Err(error) = step(room.fill(id, &fill)).await {
            warn!(participant = %id, mid = fill.mid, %error, "a slot did not follow");
            return Err(Failed);
        }
        flow.fills.insert(fill.mid.clone(), (fill, sender));
    }
    result
}

async fn step<T>(work: impl Future<Output = Result<T, MediaError>>) -> Result<T, MediaError> {
    match timeout(STEP, work).await {
        Ok(result) => result,
        Err(_) => Err(MediaError::Failed("it takes too long".into())),
    }
}

#[cfg(test)]
mod tests;
