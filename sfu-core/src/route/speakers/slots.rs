//! Consumers that follow speakers, whoever that is.

use sfu_ice::Time;

use super::config::{SpeakerOptions, SpeakerSlot, Speakers};
use super::ranking::Ranking;
use crate::route::consumer::Consumer;
use crate::route::error::CommandError;
use crate::route::event::Event;
use crate::route::id::ProducerId;
use crate::route::router::Router;
use crate::wire::MediaKind;

/// Ranks of video slots.
const VIDEO_RANKS: u8 = 16;
/// People in the order of pictures that are looked at for a slot: all ranks,
/// and the receiver itself, who is left out.
const LINEUP: usize = VIDEO_RANKS as usize + 1;

/// Somebody with a camera, by the keys of the producers.
#[derive(Clone, Copy, Debug)]
struct Person {
    voice: u32,
    camera: u32,
}

impl Router {
    /// Finds out who speaks and points the slots that follow speakers. Runs
    /// before each turn's packets are forwarded.
    pub(crate) fn update_speakers(&mut self, now: Time, events: &mut Vec<Event>) {
        if !self.ranking.is_due(now) {
            return;
        }
        let Self { ranking, producers, observers, .. } = self;
        ranking.admit_candidates(now, producers);
        if now >= ranking.due {
            let dominant = ranking.tick(now, producers);
            if let Some(producer) = dominant.and_then(|key| producers.get(key as usize)) {
                let (router, producer) = (self.id, producer.id);
                events.push(Event::ActiveSpeaker { router, observer: None, producer });
            }
            observers.tick(now, self.id, &ranking.listed, producers, events);
        }
        let moved = std::mem::take(&mut ranking.moved);
        if moved != 0 {
            self.point_audio_slots(now, moved);
        }
        if std::mem::take(&mut self.ranking.reordered) {
            self.point_video_slots(now);
        }
        if std::mem::take(&mut self.ranking.changed) {
            let speakers = self.places();
            events.push(Event::SpeakersChanged { router: self.id, speakers });
        }
    }

    /// Who speaks.
    pub(crate) fn speakers(&self) -> Speakers {
        let id = |key: &u32| Some(self.producers.get(*key as usize)?.id);
        let recent = self.ranking.recent.iter().filter_map(id).collect();
        Speakers { places: self.places(), recent }
    }

    fn places(&self) -> Vec<Option<ProducerId>> {
        let places = self.ranking.places.iter().map(|place| {
            let key = place.producer.filter(|_| place.held)?;
            Some(self.producers.get(key as usize)?.id)
        });
        places.collect()
    }

    pub(crate) fn set_speaker_options(
        &mut self,
        options: SpeakerOptions,
    ) -> Result<(), CommandError> {
        options.check()?;
        self.ranking.set_options(options, &mut self.producers);
        Ok(())
    }

    /// Links a video producer to the voice of the same person.
    pub(crate) fn set_producer_speaker(&mut self, key: u32, speaker: Option<ProducerId>) {
        if let Some(producer) = self.producers.get_mut(key as usize) {
            producer.config.speaker = speaker;
            self.ranking.reordered = true;
        }
    }

    /// A consumer follows speakers from now on.
    pub(crate) fn follow_speaker(
        &mut self,
        now: Time,
        key: u32,
        slot: SpeakerSlot,
    ) -> Result<(), CommandError> {
        let Some(consumer) = self.consumers.get(key as usize) else {
            return Err(CommandError::Contained);
        };
        let kind = consumer.config.kind;
        let places = self.ranking.options.places;
        if kind == MediaKind::Audio && slot.rank >= places {
            let (what, expected) = ("rank of an audio slot", "less than the number of places");
            return Err(CommandError::InvalidParameters { what, expected });
        }
        if kind == MediaKind::Video && slot.rank >= VIDEO_RANKS {
            let (what, expected) = ("rank of a video slot", "0 to 15");
            return Err(CommandError::InvalidParameters { what, expected });
        }
        self.unfollow_speaker(key);
        let Some(consumer) = self.consumers.get_mut(key as usize) else {
            return Err(CommandError::Contained);
        };
        consumer.speaker = Some(slot);
        self.ranking.add_slot(key, kind, slot.rank);
        match kind {
            MediaKind::Audio => {
                self.point(now, &[key], |router, consumer| router.audio_target(consumer));
            }
            MediaKind::Video => {
                let lineup = self.lineup();
                self.point(now, &[key], |router, consumer| router.video_target(&lineup, consumer));
            }
        }
        Ok(())
    }

    /// A consumer follows speakers no longer.
    pub(crate) fn unfollow_speaker(&mut self, key: u32) {
        let consumer = self.consumers.get_mut(key as usize);
        if consumer.is_some_and(|consumer| consumer.speaker.take().is_some()) {
            self.ranking.remove_slot(key);
        }
    }

    /// A producer was paused or resumed.
    pub(crate) fn speaker_paused(&mut self, now: Time, key: u32) {
        let Some(producer) = self.producers.get_mut(key as usize) else { return };
        if producer.config.speaker.is_some() {
            self.ranking.reordered = true;
        }
        if let Some(voice) = producer.voice.as_deref_mut().filter(|_| producer.paused) {
            self.ranking.mute(now, voice);
        }
    }

    /// Points the followers of these places, one bit each.
    fn point_audio_slots(&mut self, now: Time, places: u32) {
        for at in 0..self.ranking.audio_slots.len() {
            if places & (1 << at) == 0 {
                continue;
            }
            let Some(slots) = self.ranking.audio_slots.get_mut(at).map(std::mem::take) else {
                continue;
            };
            self.point(now, &slots, |router, consumer| router.audio_target(consumer));
            if let Some(place) = self.ranking.audio_slots.get_mut(at) {
                *place = slots;
            }
        }
    }

    fn point_video_slots(&mut self, now: Time) {
        if self.ranking.video_slots.is_empty() {
            return;
        }
        let lineup = self.lineup();
        let slots = std::mem::take(&mut self.ranking.video_slots);
        self.point(now, &slots, |router, consumer| router.video_target(&lineup, consumer));
        self.ranking.video_slots = slots;
    }

    /// Who has the place that an audio consumer follows.
    fn audio_target(&self, consumer: &Consumer) -> Option<u32> {
        let slot = consumer.speaker?;
        let key = self.ranking.places.get(usize::from(slot.rank))?.producer?;
        let producer = self.producers.get(key as usize)?;
        (Some(producer.id) != slot.except).then_some(key)
    }

    /// The camera that a video consumer of speakers follows.
    fn video_target(&self, lineup: &[Person], consumer: &Consumer) -> Option<u32> {
        let slot = consumer.speaker?;
        let is = |key: u32| {
            let producer = self.producers.get(key as usize);
            slot.except.is_some() && producer.map(|producer| producer.id) == slot.except
        };
        let mut others = lineup.iter().filter(|person| !is(person.voice) && !is(person.camera));
        others.nth(slot.rank.into()).map(|person| person.camera)
    }

    /// People with cameras: those who spoke, the last one first, then the
    /// others in the order in which their cameras came.
    fn lineup(&self) -> Vec<Person> {
        let mut cameras: Vec<(ProducerId, u32, u32)> = self
            .producers
            .iter()
            .filter(|(_, producer)| !producer.paused)
            .filter_map(|(key, p)| Some((p.config.speaker?, p.serial, key as u32)))
            .collect();
        cameras.sort_unstable_by_key(|(_, serial, _)| *serial);
        let spoke = self.ranking.recent.iter().filter_map(|&voice| {
            let id = self.producers.get(voice as usize)?.id;
            let (.., camera) = cameras.iter().find(|(speaker, ..)| *speaker == id)?;
            Some(Person { voice, camera: *camera })
        });
        let mut lineup: Vec<Person> = spoke.collect();
        let spoke = lineup.len();
        for (_, _, camera) in cameras {
            if lineup.len() >= LINEUP.max(spoke) {
                break;
            }
            // The voice of who did not speak is of no interest but to leave out
            // the receiver itself, which the camera tells as well.
            let person = self.producers.get(camera as usize).and_then(|p| p.config.speaker);
            let voice = person.and_then(|id| self.voice_on_transport_of(camera, id));
            if !lineup.iter().any(|other| other.camera == camera || Some(other.voice) == voice) {
                lineup.push(Person { voice: voice.unwrap_or(camera), camera });
            }
        }
        lineup
    }

    /// The key of the voice `id`, which is as a rule on the camera's transport.
    fn voice_on_transport_of(&self, camera: u32, id: ProducerId) -> Option<u32> {
        let transport = self.producers.get(camera as usize)?.transport;
        let voice = self.transports.get(transport as usize)?.producers.iter().copied();
        let is = |key: &u32| self.producers.get(*key as usize).is_some_and(|p| p.id == id);
        let found = voice.clone().find(is);
        found.or_else(|| self.producers.iter().find(|(_, p)| p.id == id).map(|(key, _)| key as u32))
    }

    /// Points consumers at what `target` says, in a time that grows with their
    /// number only.
    fn point(
        &mut self,
        now: Time,
        slots: &[u32],
        target: impl Fn(&Self, &Consumer) -> Option<u32>,
    ) {
        let mut left: Vec<u32> = Vec::new();
        for &key in slots {
            let Some(consumer) = self.consumers.get(key as usize) else { continue };
            let to = target(self, consumer).filter(|to| {
                let producer = self.producers.get(*to as usize);
                producer.is_some_and(|producer| consumer.check_can_follow(producer).is_ok())
            });
            let Some(consumer) = self.consumers.get_mut(key as usize) else { continue };
            if consumer.producer == to {
                continue;
            }
            if let Some(from) = consumer.producer.filter(|from| !left.contains(from)) {
                left.push(from);
            }
            consumer.unfollow();
            if let Some(to) = to
                && let Some(producer) = self.producers.get_mut(to as usize)
            {
                producer.consumers.push(key);
                producer.active = producer.active_streams(now);
                consumer.follow(now, to, producer);
            }
            self.unsettle(key);
            self.ask_key_frame(key);
        }
        for from in left {
            let Some(producer) = self.producers.get_mut(from as usize) else { continue };
            producer.consumers.retain(|&key| {
                let consumer = self.consumers.get(key as usize);
                consumer.is_some_and(|consumer| consumer.producer == Some(from))
            });
        }
    }

    /// Finds the slots again after a restore.
    pub(crate) fn restore_slots(&mut self) {
        let places = self.ranking.places.len();
        self.ranking.audio_slots.resize(places, Vec::new());
        for (key, consumer) in &self.consumers {
            if let Some(slot) = consumer.speaker {
                self.ranking.add_slot(key as u32, consumer.config.kind, slot.rank);
            }
        }
    }
}

impl Ranking {
    fn add_slot(&mut self, key: u32, kind: MediaKind, rank: u8) {
        match kind {
            MediaKind::Audio => {
                let rank = usize::from(rank.min(SpeakerOptions::MAX_PLACES - 1));
                if rank >= self.audio_slots.len() {
                    self.audio_slots.resize(rank + 1, Vec::new());
                }
                self.audio_slots.get_mut(rank).into_iter().for_each(|slots| slots.push(key));
            }
            MediaKind::Video => self.video_slots.push(key),
        }
    }

    pub(crate) fn remove_slot(&mut self, key: u32) {
        for slots in self.audio_slots.iter_mut().chain([&mut self.video_slots]) {
            slots.retain(|other| *other != key);
        }
    }
}
