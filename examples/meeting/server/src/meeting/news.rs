//! What a large meeting has yet to be told of its own people.
//!
//! In a small meeting everybody is told of everything at once. In a large one that would cost each
//! client as much as the meeting is large, so changes are collected here, and the room tells them
//! together a few times a second. Lists are bounded; what does not fit is said to be missing.

use std::collections::BTreeSet;

use super::{LeaveReason, ParticipantId};

/// How many people may be present while each change is told at once.
pub(super) const SMALL: usize = 25;
/// How many arrivals one message lists.
const MAX_JOINED: usize = 25;
/// How many departures one message lists.
const MAX_LEFT: usize = 100;
/// How many changed states one message lists; the rest comes with the next one.
const MAX_CHANGED: usize = 50;

#[derive(Debug, Default)]
pub(super) struct News {
    joined: Vec<ParticipantId>,
    left: Vec<(ParticipantId, LeaveReason)>,
    changed: BTreeSet<ParticipantId>,
}

/// One message's worth of news.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) joined: Vec<ParticipantId>,
    pub(super) left: Vec<(ParticipantId, LeaveReason)>,
    pub(super) changed: Vec<ParticipantId>,
    /// Some arrivals or departures are not listed.
    pub(super) more: bool,
}

impl News {
    pub(super) fn joined(&mut self, id: ParticipantId) {
        self.joined.push(id);
    }

    pub(super) fn left(&mut self, id: ParticipantId, reason: LeaveReason) {
        self.changed.remove(&id);
        self.left.push((id, reason));
    }

    pub(super) fn changed(&mut self, id: ParticipantId) {
        self.changed.insert(id);
    }

    /// What is to be told now; nothing when nothing happened.
    pub(super) fn take(&mut self) -> Option<Digest> {
        if self.joined.is_empty() && self.left.is_empty() && self.changed.is_empty() {
            return None;
        }
        let (mut joined, mut left) =
            (std::mem::take(&mut self.joined), std::mem::take(&mut self.left));
        let gone: BTreeSet<_> = left.iter().map(|(id, _)| *id).collect();
        let came: BTreeSet<_> = joined.iter().copied().collect();
        // Who came and went in between was never seen.
        joined.retain(|id| !gone.contains(id));
        left.retain(|(id, _)| !came.contains(id));
        let more = joined.len() > MAX_JOINED || left.len() > MAX_LEFT;
        joined.truncate(MAX_JOINED);
        left.truncate(MAX_LEFT);
        for id in &came {
            self.changed.remove(id);
        }
        let changed: Vec<_> = self.changed.iter().copied().take(MAX_CHANGED).collect();
        for id in &changed {
            self.changed.remove(id);
        }
        Some(Digest { joined, left, changed, more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ParticipantId {
        ParticipantId::from_number(number)
    }

    #[test]
    fn each_change_is_told_once() {
        let mut news = News::default();
        assert_eq!(news.take(), None);
        news.joined(id(1));
        news.changed(id(1));
        news.changed(id(2));
        news.changed(id(2));
        news.changed(id(3));
        news.left(id(3), LeaveReason::Left);
        let digest = news.take().unwrap();
        assert_eq!(digest.joined, [id(1)]);
        assert_eq!(digest.changed, [id(2)], "an arrival tells the state, too");
        assert_eq!(digest.left, [(id(3), LeaveReason::Left)]);
        assert!(!digest.more);
        assert_eq!(news.take(), None);
    }

    #[test]
    fn who_came_and_went_in_between_is_not_told() {
        let mut news = News::default();
        news.joined(id(1));
        news.left(id(1), LeaveReason::Left);
        let digest = news.take().unwrap();
        assert_eq!((digest.joined.len(), digest.left.len()), (0, 0), "but the count may be new");
    }

    #[test]
    fn a_message_is_bounded_and_no_changed_state_is_lost() {
        let mut news = News::default();
        for number in 0..1000 {
            news.joined(id(number));
            news.changed(id(5000 + number));
        }
        let first = news.take().unwrap();
        assert_eq!((first.joined.len(), first.more), (MAX_JOINED, true));
        let mut changed = first.changed;
        while let Some(next) = news.take() {
            assert!(next.changed.len() <= MAX_CHANGED && next.joined.is_empty() && !next.more);
            changed.extend(next.changed);
        }
        assert_eq!(changed, (5000..6000).map(id).collect::<Vec<_>>());
    }
}
