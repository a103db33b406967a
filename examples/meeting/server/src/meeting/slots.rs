//! Who is carried by which receive section ("slot") of one receiver.
//!
//! A client negotiates a fixed number of slots once; this decides what flows through them. Nobody
//! is moved without need, the voice and the face of a person share an index wherever both are
//! carried, people who speak displace people who are muted, and what is not shown is not sent.
//! A slot may also follow the speakers by itself; the media plane then moves it without being asked.

use std::cmp::Reverse;

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

/// What a slot carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// One person's stream.
    Stream(Stream),
    /// Whoever speaks: the voice of this rank, or the face of the active speaker at rank 0.
    Speaker {
        /// A speaker keeps the rank until pushed out.
        rank: u8,
    },
}

/// What the client is told about one of its slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// The slot.
    pub mid: String,
    /// Whom it carries; `None` when it is empty or follows the speakers.
    pub participant_id: Option<ParticipantId>,
    /// What it carries, or would carry.
    pub source: Source,
    /// Set on a slot that follows the speakers: the rank that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<u8>,
}

/// Somebody whose voice the receiver could hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioCandidate {
    /// Who.
    pub participant: ParticipantId,
    /// Muted people give up their slot when others need it.
    pub muted: bool,
}

/// Which voices a receiver's audio slots carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voices<'a> {
    /// One person a slot.
    Each(&'a [AudioCandidate]),
    /// This many speakers, one rank a slot; further slots are empty.
    Speakers(u8),
}

/// Somebody whose camera the receiver shows. When slots are short they are served in the order of
/// these fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoCandidate {
    /// Who.
    pub participant: ParticipantId,
    /// The receiver pinned it.
    pub pinned: bool,
    /// A host put it into the spotlight.
    pub spotlit: bool,
    /// The layer that the tile asks for; larger tiles come first.
    pub layer: u8,
    /// Is heard at present.
    pub speaks: bool,
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
    held: Vec<Option<Holder>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Person(ParticipantId),
    Speaker(u8),
}

impl Slots {
    /// Empty slots, in the order of the client's offer.
    #[must_use]
    pub fn new(specs: Vec<SlotSpec>) -> Self {
        let held = vec![None; specs.len()];
        Self { specs, held }
    }

    /// Fills the slots anew from candidates in the order in which they joined, and says whether
    /// anything changed. Called again with the same candidates it changes nothing. With
    /// `speaker_shown`, one video slot follows the active speaker.
    pub fn assign(
        &mut self,
        audio: Voices<'_>,
        video: &[VideoCandidate],
        speaker_shown: bool,
        screen: Option<ScreenCandidate>,
    ) -> bool {
        let before = self.held.clone();
        let mut pairs =
            Pairs { audio: self.take(Source::Microphone), video: self.take(Source::Camera) };
        pairs.keep_speaker(speaker_shown);
        match audio {
            Voices::Each(audio) => pairs.fill(audio, video),
            Voices::Speakers(places) => {
                let ranks = (0..places).map(|rank| Some(Holder::Speaker(rank)));
                let ranks = ranks.chain(std::iter::repeat(None));
                for (rank, held) in ranks.zip(&mut pairs.audio) {
                    *held = rank;
                }
                pairs.show(video);
            }
        }
        self.put(Source::Microphone, &pairs.audio);
        self.put(Source::Camera, &pairs.video);
        let sharer =
            |there: bool| screen.filter(|_| there).map(|screen| Holder::Person(screen.participant));
        self.put(Source::Screen, &[sharer(screen.is_some_and(|screen| screen.video))]);
        self.put(Source::ScreenAudio, &[sharer(screen.is_some_and(|screen| screen.audio))]);
        self.held != before
    }

    /// Each slot and what it carries.
    pub fn iter(&self) -> impl Iterator<Item = (&SlotSpec, Option<Content>)> {
        self.specs.iter().zip(&self.held).map(|(spec, held)| {
            let content = held.map(|holder| match holder {
                Holder::Person(participant) => {
                    Content::Stream(Stream { participant, source: spec.source() })
                }
                Holder::Speaker(rank) => Content::Speaker { rank },
            });
            (spec, content)
        })
    }

    /// How many slots can carry this source.
    #[must_use]
    pub fn count(&self, source: Source) -> usize {
        self.specs.iter().filter(|spec| spec.source() == source).count()
    }

    /// The people whose `source` is carried.
    pub fn people(&self, source: Source) -> impl Iterator<Item = ParticipantId> {
        let slots = self.specs.iter().zip(&self.held);
        slots.filter(move |(spec, _)| spec.source() == source).filter_map(|(_, held)| person(*held))
    }

    /// The whole assignment in the words of the protocol.
    #[must_use]
    pub fn assignments(&self) -> Vec<Assignment> {
        self.iter()
            .map(|(spec, content)| {
                let (participant_id, speaker) = match content {
                    Some(Content::Stream(stream)) => (Some(stream.participant), None),
                    Some(Content::Speaker { rank }) => (None, Some(rank)),
                    None => (None, None),
                };
                let (mid, source) = (spec.mid.clone(), spec.source());
                Assignment { mid, participant_id, source, speaker }
            })
            .collect()
    }

    fn take(&self, source: Source) -> Vec<Option<Holder>> {
        let slots = self.specs.iter().zip(&self.held);
        slots.filter(|(spec, _)| spec.source() == source).map(|(_, held)| *held).collect()
    }

    fn put(&mut self, source: Source, people: &[Option<Holder>]) {
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
    audio: Vec<Option<Holder>>,
    video: Vec<Option<Holder>>,
}

impl Pairs {
    /// Gives the active speaker's face a slot of its own, or takes it away. Of full slots the last
    /// one is taken.
    fn keep_speaker(&mut self, shown: bool) {
        let speaker = Some(Holder::Speaker(0));
        if !shown {
            for held in self.video.iter_mut().filter(|held| **held == speaker) {
                *held = None;
            }
        } else if !self.video.contains(&speaker) {
            let free = self.video.iter().position(Option::is_none);
            let place = free.or_else(|| self.video.len().checked_sub(1));
            if let Some(held) = place.and_then(|place| self.video.get_mut(place)) {
                *held = speaker;
            }
        }
    }

    fn fill(&mut self, audio: &[AudioCandidate], video: &[VideoCandidate]) {
        let heard = select(audio, self.audio.len(), |candidate| {
            (candidate.muted, !self.audio.contains(&Some(Holder::Person(candidate.participant))))
        });
        let heard: Vec<_> = heard.iter().map(|candidate| candidate.participant).collect();
        self.vacate_audio(&heard);
        self.show(video);
        for person in heard {
            seat(&mut self.audio, &self.video, person);
        }
        while self.move_one_voice_to_its_face() {}
    }

    /// Fills the video slots that do not follow the speaker.
    fn show(&mut self, video: &[VideoCandidate]) {
        let speaker = self.video.iter().filter(|held| is_speaker(**held)).count();
        let seen = select(video, self.video.len() - speaker, |candidate| {
            let holds = self.video.contains(&Some(Holder::Person(candidate.participant)));
            (
                Reverse((candidate.pinned, candidate.spotlit, candidate.layer, candidate.speaks)),
                !holds,
            )
        });
        let seen: Vec<_> = seen.iter().map(|candidate| candidate.participant).collect();
        for held in self.video.iter_mut().filter(|held| !is_speaker(**held)) {
            *held = held.filter(|holder| seen.iter().any(|id| *holder == Holder::Person(*id)));
        }
        for person in seen {
            seat(&mut self.video, &self.audio, person);
        }
    }

    fn vacate_audio(&mut self, stay: &[ParticipantId]) {
        for held in &mut self.audio {
            *held = held.filter(|holder| stay.iter().any(|id| *holder == Holder::Person(*id)));
        }
    }

    /// Moves voices rather than faces: a moved voice costs nothing, a moved face a key frame. Each
    /// move makes one more pair and breaks none, so that this ends.
    fn move_one_voice_to_its_face(&mut self) -> bool {
        let moves = self.audio.iter().enumerate().find_map(|(from, held)| {
            let to = self.video.iter().position(|face| face == held && held.is_some())?;
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

fn person(held: Option<Holder>) -> Option<ParticipantId> {
    match held? {
        Holder::Person(id) => Some(id),
        Holder::Speaker(_) => None,
    }
}

fn is_speaker(held: Option<Holder>) -> bool {
    matches!(held, Some(Holder::Speaker(_)))
}

/// Gives `person` a free slot unless it has one: beside its other half, else beside nobody, else
/// anywhere.
fn seat(slots: &mut [Option<Holder>], beside: &[Option<Holder>], person: ParticipantId) {
    let person = Holder::Person(person);
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
