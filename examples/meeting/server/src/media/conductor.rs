//! The task that makes a meeting's media follow its plan.
//!
//! Each round takes the latest plan, compares it with what was done and does the difference. What
//! fails is tried again after a pause, as long as the plan still asks for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::desk::{Desk, Plan, SessionPlan};
use super::plane::{MediaError, MediaPlane, MediaRoom};
use crate::meeting::{MeetingId, ParticipantId, Refusal, SlotFill, Source, SourceSet};

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
        let lost = tokio::select! {
            () = desk.changed() => None,
            () = sleep(RETRY), if failed => None,
            lost = done.lost() => Some(lost),
        };
        if let Some((participant, negotiation)) = lost {
            report(Report::Lost { participant, negotiation });
            continue;
        }
        let plan = desk.plan();
        if plan.closed {
            break;
        }
        failed = done.follow(&plan, &*plane, meeting, &report).await.is_err();
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
    async fn follow(
        &mut self,
        plan: &Plan,
        plane: &dyn MediaPlane,
        meeting: MeetingId,
        report: &(impl Fn(Report) + Send + Sync),
    ) -> Result<(), Failed> {
        if self.room.is_none() {
            if plan.sessions.is_empty() {
                return Ok(());
            }
            match step(plane.open_room(meeting)).await {
                Ok(room) => self.room = Some(room),
                Err(error) => {
                    warn!(%meeting, %error, "no media room");
                    return Err(Failed);
                }
            }
        }
        let Some(room) = self.room.as_deref_mut() else { return Err(Failed) };
        let sessions = &mut self.sessions;
        close_sessions(plan, room, sessions).await;
        open_sessions(plan, room, sessions, report).await;
        let mut result = Ok(());
        for (id, wanted) in &plan.sessions {
            if set_sending(*id, wanted, room, sessions).await.is_err() {
                result = Err(Failed);
            }
        }
        for (id, wanted) in &plan.sessions {
            if fill_slots(*id, wanted, room, sessions).await.is_err() {
                result = Err(Failed);
            }
        }
        result
    }

    async fn lost(&mut self) -> (ParticipantId, u64) {
        let Some(room) = self.room.as_deref_mut() else { return std::future::pending().await };
        loop {
            let participant = room.lost().await;
            if let Some(session) = self.sessions.get(&participant) {
                return (participant, session.negotiation);
            }
        }
    }
}

async fn close_sessions(
    plan: &Plan,
    room: &mut dyn MediaRoom,
    sessions: &mut BTreeMap<ParticipantId, Session>,
) {
    let void = sessions.iter().filter(|(id, session)| {
        let wanted = plan.sessions.get(*id).map(|wanted| wanted.negotiation.number);
        wanted != Some(session.negotiation)
    });
    let void: Vec<_> = void.map(|(id, _)| *id).collect();
    for id in void {
        sessions.remove(&id);
        let closed = timeout(STEP, room.close_session(id)).await;
        if closed.is_err() {
            warn!(participant = %id, "closing a media session takes too long");
        }
    }
}

async fn open_sessions(
    plan: &Plan,
    room: &mut dyn MediaRoom,
    sessions: &mut BTreeMap<ParticipantId, Session>,
    report: &(impl Fn(Report) + Send + Sync),
) {
    for (id, wanted) in &plan.sessions {
        if sessions.contains_key(id) {
            continue;
        }
        let (participant, negotiation) = (*id, wanted.negotiation.number);
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
    for fill in wanted.fills.iter() {
        // A stream whose session is not there (any more) cannot be shown; the next plan knows.
        let sender = fill.stream.and_then(|stream| {
            let session = sessions.get(&stream.participant)?;
            let sends = session.accepted.as_ref()?.published.contains(stream.source);
            sends.then_some(session.negotiation)
        });
        let stream = fill.stream.filter(|_| sender.is_some());
        let fill = SlotFill { stream, ..fill.clone() };
        let flow = sessions.get_mut(&id).and_then(|session| session.accepted.as_mut());
        let Some(flow) = flow else { return Ok(()) };
        let is_done = match flow.fills.get(&fill.mid) {
            Some((done, by)) => *done == fill && *by == sender,
            None => stream.is_none(),
        };
        if is_done {
            continue;
        }
        if let Err(error) = step(room.fill(id, &fill)).await {
            warn!(participant = %id, mid = fill.mid, %error, "a slot did not follow");
            return Err(Failed);
        }
        flow.fills.insert(fill.mid.clone(), (fill, sender));
    }
    Ok(())
}

async fn step<T>(work: impl Future<Output = Result<T, MediaError>>) -> Result<T, MediaError> {
    match timeout(STEP, work).await {
        Ok(result) => result,
        Err(_) => Err(MediaError::Failed("it takes too long".into())),
    }
}

#[cfg(test)]
mod tests;
