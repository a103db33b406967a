//! The plan of a meeting's media, written by its room and read by its conductor.
//!
//! The plan is replaced, not queued: whatever changes before the conductor comes round is one
//! change. It is told whose part has changed, so that a round costs what has changed and not what
//! the meeting is large.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::conductor::{Report, conduct};
use super::plane::MediaPlane;
use crate::meeting::{MeetingId, Negotiation, ParticipantId, SlotFill, SourceSet};

/// How many questions may wait; of more, the earliest are forgotten.
const MAX_QUESTIONS: usize = 64;

/// Where a room leaves its wishes. Nothing here waits.
#[derive(Debug, Default)]
pub struct Desk {
    plan: Mutex<Plan>,
    changed: Notify,
}

/// What a meeting's media should look like.
#[derive(Debug, Default)]
struct Plan {
    sessions: BTreeMap<ParticipantId, SessionPlan>,
    changed: BTreeSet<ParticipantId>,
    questions: Vec<(ParticipantId, String)>,
    closed: bool,
}

#[derive(Debug, Clone)]
pub(super) struct SessionPlan {
    pub(super) negotiation: Negotiation,
    pub(super) sending: SourceSet,
    pub(super) fills: Arc<[SlotFill]>,
}

/// What the conductor has to look at.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Whose part has changed, and to what; `None`: there shall be no session.
    pub(super) changes: Vec<(ParticipantId, Option<SessionPlan>)>,
    /// Slots to be explained.
    pub(super) questions: Vec<(ParticipantId, String)>,
    pub(super) closed: bool,
}

impl Desk {
    /// An empty plan, and a task that follows it until it is closed.
    pub fn open(
        plane: Arc<dyn MediaPlane>,
        meeting: MeetingId,
        report: impl Fn(Report) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let desk = Arc::<Self>::default();
        tokio::spawn(conduct(Arc::clone(&desk), plane, meeting, report));
        desk
    }

    /// A participant's session shall be replaced by this negotiation's.
    pub fn negotiate(&self, id: ParticipantId, negotiation: Negotiation) {
        let fills = Arc::from(Vec::new());
        let session = SessionPlan { negotiation, sending: SourceSet::EMPTY, fills };
        self.change(|plan| {
            plan.sessions.insert(id, session);
            plan.changed.insert(id);
        });
    }

    /// Only these sources of a participant shall be forwarded.
    pub fn send(&self, id: ParticipantId, sources: SourceSet) {
        self.change(|plan| {
            if let Some(session) = plan.sessions.get_mut(&id) {
                session.sending = sources;
                plan.changed.insert(id);
            }
        });
    }

    /// A participant's slots shall carry this.
    pub fn fill(&self, id: ParticipantId, fills: Vec<SlotFill>) {
        self.change(|plan| {
            if let Some(session) = plan.sessions.get_mut(&id) {
                session.fills = fills.into();
                plan.changed.insert(id);
            }
        });
    }

    /// A participant wants to know why a slot carries what it carries.
    pub fn explain(&self, id: ParticipantId, mid: String) {
        self.change(|plan| {
            let question = (id, mid);
            if !plan.questions.contains(&question) {
                if plan.questions.len() >= MAX_QUESTIONS {
                    plan.questions.remove(0);
                }
                plan.questions.push(question);
            }
        });
    }

    /// A participant shall have no session.
    pub fn close_session(&self, id: ParticipantId) {
        self.change(|plan| {
            if plan.sessions.remove(&id).is_some() {
                plan.changed.insert(id);
            }
        });
    }

    /// The meeting shall have no media; the task ends.
    pub fn close(&self) {
        self.change(|plan| *plan = Plan { closed: true, ..Plan::default() });
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes what has changed since the last time.
    pub(super) fn take_work(&self) -> Work {
        let mut plan = self.lock();
        let changed = std::mem::take(&mut plan.changed);
        let changes = changed.into_iter().map(|id| (id, plan.sessions.get(&id).cloned())).collect();
        let questions = std::mem::take(&mut plan.questions);
        Work { changes, questions, closed: plan.closed }
    }

    /// Has these parts looked at again in the next round, which does not begin at once.
    pub(super) fn put_back(&self, ids: impl IntoIterator<Item = ParticipantId>) {
        self.lock().changed.extend(ids);
    }

    fn change(&self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
