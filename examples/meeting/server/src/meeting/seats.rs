//! The seats of one room, found by id, by token and in the order in which people joined.
//!
//! It also keeps the indices that let a room of a thousand decide about one receiver without
//! looking at everybody: who can be heard and who can be seen. [`Room`](super::Room) calls
//! [`Seats::reindex`] after each change of a seat; nothing here decides anything.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::seat::Seat;
use super::{ParticipantId, SecretHash, Source};

#[derive(Debug, Default)]
pub(super) struct Seats {
    /// By a number that grows with each seat.
    seats: BTreeMap<u64, Seat>,
    by_id: HashMap<ParticipantId, u64>,
    by_token: HashMap<SecretHash, u64>,
    present: usize,
    voices: BTreeSet<u64>,
    faces: BTreeSet<u64>,
    last: u64,
}

impl Seats {
    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// How many seats have been taken.
    pub(super) fn present_count(&self) -> usize {
        self.present
    }

    /// How many microphones can be heard, muted ones included.
    pub(super) fn voice_count(&self) -> usize {
        self.voices.len()
    }

    pub(super) fn add(&mut self, seat: Seat) {
        self.last += 1;
        self.by_id.insert(seat.id, self.last);
        self.by_token.insert(seat.token, self.last);
        self.seats.insert(self.last, seat);
    }

    pub(super) fn remove(&mut self, id: ParticipantId) -> Option<Seat> {
        let number = self.by_id.remove(&id)?;
        let seat = self.seats.remove(&number)?;
        self.by_token.remove(&seat.token);
        self.voices.remove(&number);
        self.faces.remove(&number);
        self.present -= usize::from(seat.is_present());
        Some(seat)
    }

    /// Counts a seat that is taken for the first time.
    pub(super) fn count_in(&mut self) {
        self.present += 1;
    }

    /// Brings the indices up to what the seat publishes now.
    pub(super) fn reindex(&mut self, id: ParticipantId) {
        let Some(number) = self.by_id.get(&id).copied() else { return };
        let Some(seat) = self.seats.get(&number) else { return };
        set(&mut self.voices, number, seat.publishes(Source::Microphone));
        set(&mut self.faces, number, seat.video_enabled && seat.publishes(Source::Camera));
    }

    pub(super) fn get(&self, id: ParticipantId) -> Option<&Seat> {
        self.seats.get(self.by_id.get(&id)?)
    }

    pub(super) fn get_mut(&mut self, id: ParticipantId) -> Option<&mut Seat> {
        self.seats.get_mut(self.by_id.get(&id)?)
    }

    pub(super) fn by_token(&self, token: &SecretHash) -> Option<&Seat> {
        self.seats.get(self.by_token.get(token)?)
    }

    /// Every seat, in the order in which they were reserved.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.seats.values()
    }

    /// Taken seats with a number above `after`, with their numbers.
    pub(super) fn present_after(&self, after: u64) -> impl Iterator<Item = (u64, &Seat)> {
        let from = after.saturating_add(1);
        let seats = self.seats.range(from..).map(|(number, seat)| (*number, seat));
        seats.filter(|(_, seat)| seat.is_present())
    }

    /// Who can be heard.
    pub(super) fn voices(&self) -> impl Iterator<Item = &Seat> {
        self.voices.iter().filter_map(|number| self.seats.get(number))
    }

    /// Who can be seen.
    pub(super) fn faces(&self) -> impl Iterator<Item = &Seat> {
        self.faces.iter().filter_map(|number| self.seats.get(number))
    }

    /// Takes every seat away.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Seat> + use<> {
        std::mem::take(self).seats.into_values()
    }
}

fn set(index: &mut BTreeSet<u64>, number: u64, member: bool) {
    if member {
        index.insert(number);
    } else {
        index.remove(&number);
    }
}
