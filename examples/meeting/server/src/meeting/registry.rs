//! The bounded set of live meetings.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;
use time::OffsetDateTime;

use super::{
    Code, EndReason, Limits, Live, MeetingId, Moment, Refusal, RoomFacts, Services, Title,
};

/// What anybody with the link may know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeetingInfo {
    /// The meeting.
    pub meeting_id: MeetingId,
    /// Its title.
    pub title: Title,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// How many people are in it.
    pub participant_count: usize,
}

/// Every meeting that somebody is in or about to join.
#[derive(Debug)]
pub struct Registry {
    meetings: RwLock<HashMap<MeetingId, Arc<Live>>>,
    capacity: usize,
    limits: Limits,
    services: Services,
}

impl Registry {
    /// No meetings yet, and at most `capacity` at a time.
    #[must_use]
    pub fn new(capacity: usize, limits: Limits, services: Services) -> Self {
        Self { meetings: RwLock::default(), capacity, limits, services }
    }

    /// The live meeting with this id.
    #[must_use]
    pub fn get(&self, id: MeetingId) -> Option<Arc<Live>> {
        self.meetings.read().unwrap_or_else(PoisonError::into_inner).get(&id).map(Arc::clone)
    }

    /// The live meeting with these facts, brought to life if need be.
    ///
    /// # Errors
    /// `unavailable` when the server holds as many meetings as it may.
    pub fn open(&self, facts: RoomFacts, now: Moment) -> Result<Arc<Live>, Refusal> {
        let mut meetings = self.meetings.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = meetings.get(&facts.meeting_id) {
            return Ok(Arc::clone(live));
        }
        if meetings.len() >= self.capacity {
            return Err(Refusal::new(
                Code::Unavailable,
                "too many meetings are going on; try later",
            ));
        }
        let id = facts.meeting_id;
        let live = Live::open(facts, self.limits.clone(), self.services.clone(), now);
        meetings.insert(id, Arc::clone(&live));
        Ok(live)
    }

    /// Lets time pass in every meeting and releases those that nobody has been in for a while.
    pub fn handle_timeout(&self, now: Moment) {
        for live in self.all() {
            live.handle_timeout(now);
        }
        let mut meetings = self.meetings.write().unwrap_or_else(PoisonError::into_inner);
        meetings.retain(|_, live| !live.close_if_forsaken(now));
    }

    /// Tells large meetings what has changed in them.
    pub fn tell_news(&self, now: Moment) {
        for live in self.all() {
            live.tell_news(now);
        }
    }

    /// Ends every meeting.
    pub fn close(&self, reason: EndReason, now: Moment) {
        for live in self.all() {
            live.close(reason, now);
        }
    }

    /// How many meetings are live, and how many people are in them.
    #[must_use]
    pub fn population(&self) -> (usize, usize) {
        let all = self.all();
        (all.len(), all.iter().map(|live| live.participant_count()).sum())
    }

    fn all(&self) -> Vec<Arc<Live>> {
        let meetings = self.meetings.read().unwrap_or_else(PoisonError::into_inner);
        meetings.values().map(Arc::clone).collect()
    }
}
