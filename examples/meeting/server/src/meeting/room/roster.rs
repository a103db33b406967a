//! Who is told of whom: everything at once in a small meeting, and in a large one so little that a
//! join costs the same however many are there.

use std::collections::HashSet;

use serde::Serialize;

use super::Room;
use crate::meeting::news::{Digest, SMALL};
use crate::meeting::{
    Audience, LeaveReason, MediaState, Participant, ParticipantId, Refusal, Role,
};
use crate::signaling::protocol::{Departure, Joined, MeetingSummary, ServerMessage};

/// How many people a newcomer is told of.
const FIRST_PAGE: usize = 50;

/// Some of the people present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RosterPage {
    /// In the order in which they joined.
    pub participants: Vec<Participant>,
    /// How many are present in all.
    pub participant_count: usize,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

impl Room {
    /// The people who joined after `after` (a page's `next`), at most `limit`.
    #[must_use]
    pub fn roster_page(&self, after: u64, limit: usize) -> RosterPage {
        let mut seats = self.seats.present_after(after);
        let mut last = after;
        let page = seats.by_ref().take(limit).map(|(number, seat)| {
            last = number;
            seat.participant(self.sharing)
        });
        let participants: Vec<_> = page.collect();
        let next = seats.next().map(|_| last.to_string());
        RosterPage { participants, participant_count: self.participant_count(), next }
    }

    /// These people, as far as they are present.
    #[must_use]
    pub fn roster_of(&self, ids: &[ParticipantId]) -> RosterPage {
        let seats = ids.iter().filter_map(|id| self.seats.get(*id));
        let seats = seats.filter(|seat| seat.is_present());
        let participants = seats.map(|seat| seat.participant(self.sharing)).collect();
        RosterPage { participants, participant_count: self.participant_count(), next: None }
    }

    /// How many people are present. Reserved seats are not.
    #[must_use]
    pub fn participant_count(&self) -> usize {
        self.seats.present_count()
    }

    /// The media state of one participant.
    #[must_use]
    pub fn media_state(&self, id: ParticipantId) -> Option<MediaState> {
        self.seats.get(id).map(|seat| seat.media_state(self.sharing))
    }

    /// Tells a large meeting what has changed in it. Call it a few times a second.
    pub fn tell_news(&mut self) {
        if std::mem::take(&mut self.speaking_is_news)
            && let Some(speaking) = self.speaking.clone()
        {
            self.tell(Audience::Everyone, ServerMessage::ActiveSpeaker(speaking));
        }
        let Some(Digest { joined, left, changed, more }) = self.news.take() else { return };
        let message = ServerMessage::ParticipantsChanged {
            joined: self.roster_of(&joined).participants,
            left: left
                .into_iter()
                .map(|(participant_id, reason)| Departure { participant_id, reason })
                .collect(),
            changed: changed.into_iter().filter_map(|id| self.media_state(id)).collect(),
            participant_count: self.participant_count(),
            more,
        };
        self.tell(Audience::Everyone, message);
    }

    pub(super) fn announce_arrival(&mut self, id: ParticipantId) {
        let participant_count = self.participant_count();
        if participant_count > SMALL {
            self.news.joined(id);
        } else if let Some(seat) = self.seats.get(id) {
            let participant = seat.participant(self.sharing);
            let message = ServerMessage::ParticipantJoined { participant, participant_count };
            self.tell(Audience::Others(id), message);
        }
    }

    pub(super) fn announce_departure(&mut self, id: ParticipantId, reason: LeaveReason) {
        let participant_count = self.participant_count();
        if participant_count >= SMALL {
            self.news.left(id, reason);
        } else {
            let (participant_id, others) = (id, Audience::Others(id));
            let message =
                ServerMessage::ParticipantLeft { participant_id, reason, participant_count };
            // What is still to be told came before this.
            self.tell_news();
            self.tell(others, message);
        }
    }

    pub(super) fn announce(&mut self, id: ParticipantId) {
        let Some(state) = self.media_state(id) else { return };
        let message = ServerMessage::MediaState(state);
        if self.participant_count() > SMALL {
            // Whom it is about hears it at once: a host may have muted them.
            self.tell(Audience::One(id), message);
            self.news.changed(id);
        } else {
            self.tell(Audience::Everyone, message);
        }
    }

    pub(super) fn announce_speaking(&mut self) {
        self.speaking_is_news = true;
        if self.participant_count() <= SMALL {
            self.tell_news();
        }
    }

    pub(super) fn joined(
        &self,
        id: ParticipantId,
        resumed: bool,
    ) -> Result<ServerMessage, Refusal> {
        let seat = self.seat(id)?;
        Ok(ServerMessage::Joined(Box::new(Joined {
            participant_id: id,
            role: seat.role,
            resumed,
            meeting: MeetingSummary {
                meeting_id: self.facts.meeting_id,
                title: self.facts.title.clone(),
            },
            participants: self.first_page(id),
            participant_count: self.participant_count(),
            spotlight: self.spotlight,
            speakers: self.speaking.clone(),
            chat: self.chat.iter().cloned().collect(),
            slots: seat.media.as_ref().map(|media| media.slots.assignments()).unwrap_or_default(),
        })))
    }

    /// The people that a newcomer most likely sees first, itself among them.
    fn first_page(&self, newcomer: ParticipantId) -> Vec<Participant> {
        let count = self.participant_count();
        if count <= FIRST_PAGE {
            return self.roster_page(0, FIRST_PAGE).participants;
        }
        let everybody = || self.seats.present_after(0).map(|(_, seat)| seat);
        let hosts = everybody().filter(|seat| seat.role == Role::Host).map(|seat| seat.id);
        let order = [Some(newcomer), self.sharing, self.spotlight].into_iter().flatten();
        let order = order.chain(hosts).chain(self.heard.iter().copied());
        let order = order.chain(everybody().map(|seat| seat.id));
        let mut seen = HashSet::new();
        let ids: Vec<_> = order.filter(|id| seen.insert(*id)).take(FIRST_PAGE).collect();
        self.roster_of(&ids).participants
    }
}
