//! The plan of a meeting's media, written by its room and read by its conductor.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::conductor::{Report, conduct};
use super::plane::MediaPlane;
use crate::meeting::{MeetingId, Negotiation, ParticipantId, SlotFill, SourceSet};

/// Where a room leaves its wishes. Nothing here waits.
#[derive(Debug, Default)]
pub struct Desk {
    plan: Mutex<Plan>,
    changed: Notify,
}

/// What a meeting's media should look like.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) sessions: BTreeMap<ParticipantId, SessionPlan>,
    pub(super) closed: bool,
}

#[derive(Debug, Clone)]
pub(super) struct SessionPlan {
    pub(super) negotiation: Negotiation,
    pub(super) sending: SourceSet,
    pub(super) fills: Arc<[SlotFill]>,
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
        });
    }

    /// Only these sources of a participant shall be forwarded.
    pub fn send(&self, id: ParticipantId, sources: SourceSet) {
        self.change(|plan| {
            if let Some(session) = plan.sessions.get_mut(&id) {
                session.sending = sources;
            }
        });
    }

    /// A participant's slots shall carry this.
    pub fn fill(&self, id: ParticipantId, fills: Vec<SlotFill>) {
        self.change(|plan| {
            if let Some(session) = plan.sessions.get_mut(&id) {
                session.fills = fills.into();
            }
        });
    }

    /// A participant shall have no session.
    pub fn close_session(&self, id: ParticipantId) {
        self.change(|plan| {
            plan.sessions.remove(&id);
        });
    }

    /// The meeting shall have no media; the task ends.
    pub fn close(&self) {
        self.change(|plan| *plan = Plan { closed: true, ..Plan::default() });
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn plan(&self) -> Plan {
        self.lock().clone()
    }

    fn change(&self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
