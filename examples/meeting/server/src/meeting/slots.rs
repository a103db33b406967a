//! Who is carried by which receive section ("slot") of one receiver.
//!
//! A client negotiates a fixed number of slots once; this decides what flows through them. Nobody
//! is moved without need, the voice and the face of a person share an index wherever both are
//! carried, people who speak displace people who are muted, and what is not shown is not sent.

use serde::{Deserialize, Serialize};

use super::{Kind, ParticipantId, Source};

/// What a slot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotRole {
    /// A person's microphone or camera.
    Participant,
    /// A shared screen or its sound.
    Screen,
}

/// A section on which a client is ready to receive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotSpec {
    /// The section's media id.
    pub mid: String,
    /// Audio or video.
    pub kind: Kind,
    /// People or a screen.
    pub role: SlotRole,
}

impl SlotSpec {
    /// The one source that such a slot can carry.
    #[must_use]
    pub const fn source(&self) -> Source {
        match (self.role, self.kind) {
            (SlotRole::Participant, Kind::Audio) => Source::Microphone,
            (SlotRole::Participant, Kind::Video) => Source::Camera,
            (SlotRole::Screen, Kind::Audio) => Source::ScreenAudio,
            (SlotRole::Screen, Kind::Video) => Source::Screen,
        }
    }
}

/// One source of one participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Who sends it.
    pub participant: ParticipantId,
    /// What it is.
    pub source: Source,
}

/// What the client is told about one of its slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// The slot.
    pub mid: String,
    /// Whom it carries; `None` when it is empty.
    pub participant_id: Option<ParticipantId>,
    /// What it carries, or would carry.
    pub source: Source,
}

/// Somebody whose voice the receiver could hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioCandidate {
    /// Who.
    pub participant: ParticipantId,
    /// Muted people give up their slot when others need it.
    pub muted: bool,
}

/// Somebody whose camera the receiver shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoCandidate {
    /// Who.
    pub participant: ParticipantId,
    /// The layer that the tile asks for; larger tiles are served first when slots are short.
    pub layer: u8,
}

/// The screen that is being shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenCandidate {
    /// Who shares.
    pub participant: ParticipantId,
    /// Whether its picture is there and shown.
    pub video: bool,
    /// Whether its sound is there.
    pub audio: bool,
}

/// The slots of one receiver and whom they carry.
#[derive(Debug, Clone)]
pub struct Slots {
    specs: Vec<SlotSpec>,
    held: Vec<Option<ParticipantId>>,
}

impl Slots {
    /// Empty slots, in the order of the client's offer.
    #[must_use]
    pub fn new(specs: Vec<SlotSpec>) -> Self {
        let held = vec![None; specs.len()];
        Self { specs, held }
    }

    /// Fills the slots anew from candidates in the order in which they joined, and says whether
    /// anything changed. Called again with the same candidates it changes nothing.
    pub fn assign(
        &mut self,
        audio: &[AudioCandidate],
        video: &[VideoCandidate],
        screen: Option<ScreenCandidate>,
    ) -> bool {
        let before = self.held.clone();
        let mut pairs =
            Pairs { audio: self.take(Source::Microphone), video: self.take(Source::Camera) };
        pairs.fill(audio, video);
        self.put(Source::Microphone, &pairs.audio);
        self.put(Source::Camera, &pairs.video);
        let sharer = |there: bool| screen.filter(|_| there).map(|screen| screen.participant);
        self.put(Source::Screen, &[sharer(screen.is_some_and(|screen| screen.video))]);
        self.put(Source::ScreenAudio, &[sharer(screen.is_some_and(|screen| screen.audio))]);
        self.held != before
    }

    /// Each slot and what it carries.
    pub fn iter(&self) -> impl Iterator<Item = (&SlotSpec, Option<Stream>)> {
        self.specs.iter().zip(&self.held).map(|(spec, held)| {
            (spec, held.map(|participant| Stream { participant, source: spec.source() }))
        })
    }

    /// The whole assignment in the words of the protocol.
    #[must_use]
    pub fn assignments(&self) -> Vec<Assignment> {
        self.iter()
            .map(|(spec, stream)| Assignment {
                mid: spec.mid.clone(),
                participant_id: stream.map(|stream| stream.participant),
                source: spec.source(),
            })
            .collect()
    }

    fn take(&self, source: Source) -> Vec<Option<ParticipantId>> {
        let slots = self.specs.iter().zip(&self.held);
        slots.filter(|(spec, _)| spec.source() == source).map(|(_, held)| *held).collect()
    }

    fn put(&mut self, source: Source, people: &[Option<ParticipantId>]) {
        let slots = self.specs.iter().zip(&mut self.held);
        let slots = slots.filter(|(spec, _)| spec.source() == source).map(|(_, held)| held);
        for (index, held) in slots.enumerate() {
            *held = people.get(index).copied().flatten();
        }
    }
}

/// The spatial layer (0 is the smallest) that a tile of `height` pixels deserves.
#[must_use]
pub const fn spatial_layer(height: u32) -> u8 {
    match height {
        540.. => 2,
        270.. => 1,
        _ => 0,
    }
}

/// The participant slots: `audio[n]` and `video[n]` stand side by side.
struct Pairs {
    audio: Vec<Option<ParticipantId>>,
    video: Vec<Option<ParticipantId>>,
}

impl Pairs {
    fn fill(&mut self, audio: &[AudioCandidate], video: &[VideoCandidate]) {
        let heard = select(audio, self.audio.len(), |candidate| {
            (candidate.muted, !self.audio.contains(&Some(candidate.participant)))
        });
        let seen = select(video, self.video.len(), |candidate| {
            let holds = self.video.contains(&Some(candidate.participant));
            (std::cmp::Reverse(candidate.layer), !holds)
        });
        let heard: Vec<_> = heard.iter().map(|candidate| candidate.participant).collect();
        let seen: Vec<_> = seen.iter().map(|candidate| candidate.participant).collect();
        vacate(&mut self.audio, &heard);
        vacate(&mut self.video, &seen);
        for person in seen {
            seat(&mut self.video, &self.audio, person);
        }
        for person in heard {
            seat(&mut self.audio, &self.video, person);
        }
        while self.move_one_voice_to_its_face() {}
    }

    /// Moves voices rather than faces: a moved voice costs nothing, a moved face a key frame. Each
    /// move makes one more pair and breaks none, so that this ends.
    fn move_one_voice_to_its_face(&mut self) -> bool {
        let position = |people: &[Option<ParticipantId>], person| {
            people.iter().position(|held| *held == Some(person))
        };
        let moves = self.audio.iter().enumerate().find_map(|(from, held)| {
            let to = position(&self.video, (*held)?)?;
            (to != from && to < self.audio.len()).then_some((from, to))
        });
        let Some((from, to)) = moves else { return false };
        self.audio.swap(from, to);
        true
    }
}

/// The best `count` candidates by `rank`, then by the order in which they came; in that order.
fn select<T: Copy, R: Ord>(candidates: &[T], count: usize, rank: impl Fn(&T) -> R) -> Vec<T> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|index| candidates.get(*index).map(&rank));
    order.truncate(count);
    order.sort_unstable();
    order.into_iter().filter_map(|index| candidates.get(index).copied()).collect()
}

fn vacate(slots: &mut [Option<ParticipantId>], stay: &[ParticipantId]) {
    for held in slots {
        *held = held.filter(|person| stay.contains(person));
    }
}

/// Gives `person` a free slot unless it has one: beside its other half, else beside nobody, else
/// anywhere.
fn seat(
    slots: &mut [Option<ParticipantId>],
    beside: &[Option<ParticipantId>],
    person: ParticipantId,
) {
    if slots.contains(&Some(person)) {
        return;
    }
    let cost = |index: usize| match beside.get(index).copied().flatten() {
        Some(other) if other == person => 0,
        None => 1,
        Some(_) => 2,
    };
    let free = (0..slots.len()).filter(|index| slots.get(*index) == Some(&None));
    if let Some(slot) = free.min_by_key(|index| cost(*index)).and_then(|best| slots.get_mut(best)) {
        *slot = Some(person);
    }
}

#[cfg(test)]
mod tests;
