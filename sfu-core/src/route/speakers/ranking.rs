//! The loudest few: who has which place, and who dominates.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;
use slab::Slab;

use super::config::SpeakerOptions;
use super::observer::Observers;
use super::voice::{Speech, Voice};
use crate::route::config::ProducerConfig;
use crate::route::producer::Producer;
use crate::stream::observe::Dominance;
use crate::stream::select::PacketMeta;
use crate::wire::rtp::AudioLevel;

/// How often places are given up and dominance is decided.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Who was not audible for this long is not looked at any more. Longer than
/// the memory of [`SpeechActivity`](crate::stream::observe::SpeechActivity).
const LISTED: Duration = Duration::from_millis(1_200);
/// A place is taken from somebody who speaks only by who is louder by this
/// much, in hundredths of a dB,
const MARGIN: u16 = 600;
/// not before somebody had it for this long,
const MIN_STAY: Duration = Duration::from_millis(500);
/// and has spoken for this long: by then, who only handed the word over counts
/// as quiet.
const MIN_SPURT: Duration = Duration::from_millis(250);
/// Dominant speakers remembered.
const RECENT: usize = 16;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ranking {
    pub(super) options: SpeakerOptions,
    pub(super) places: Vec<Place>,
    /// Who was audible lately.
    pub(super) listed: Vec<u32>,
    /// Who is audible in this turn and has no place.
    candidates: Vec<u32>,
    pub(super) dominance: Dominance,
    /// Who was dominant, the present one first.
    pub(super) recent: Vec<u32>,
    pub(super) due: Time,
    /// Who has a place changed since it was told.
    pub(super) changed: bool,
    /// Places whose followers have to be re-pointed, one bit each.
    pub(super) moved: u32,
    /// Video slots may have to be re-pointed.
    pub(super) reordered: bool,
    /// Audio consumers by the place they follow.
    #[serde(skip)]
    pub(super) audio_slots: Vec<Vec<u32>>,
    #[serde(skip)]
    pub(super) video_slots: Vec<u32>,
    /// Producers looked at, to be counted by the engine.
    #[serde(skip)]
    pub(crate) examined: u64,
}

/// One of the places of the loudest.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    /// Who has it or, if nobody does, had it last: followers stay there.
    pub(super) producer: Option<u32>,
    /// Whether somebody has it.
    pub(super) held: bool,
    /// When it was taken or given up.
    since: Time,
}

impl Place {
    const FREE: Self = Self { producer: None, held: false, since: Time::ZERO };
}

impl Ranking {
    pub(crate) fn new(options: SpeakerOptions) -> Self {
        Self {
            options,
            places: vec![Place::FREE; options.places.into()],
            listed: Vec::new(),
            candidates: Vec::new(),
            dominance: Dominance::new(),
            recent: Vec::new(),
            due: Time::ZERO,
            changed: false,
            moved: 0,
            reordered: false,
            audio_slots: vec![Vec::new(); options.places.into()],
            video_slots: Vec::new(),
            examined: 0,
        }
    }

    /// Whether a slot follows speakers.
    pub(crate) fn has_followers(&self) -> bool {
        !self.video_slots.is_empty() || self.audio_slots.iter().any(|slots| !slots.is_empty())
    }

    /// Takes note of a packet of producer `key`; what it is to slots that follow
    /// speakers.
    pub(crate) fn hear(
        &mut self,
        observers: &mut Observers,
        now: Time,
        key: u32,
        voice: &mut Voice,
        meta: &PacketMeta,
        level: Option<AudioLevel>,
    ) -> Speech {
        let heard = voice.meter.push(now, meta.ext, level, meta.payload_len.into());
        voice.activity.push(now, heard.above_noise);
        observers.hear(key, voice.watched_by, heard.loudness);
        if heard.audible {
            if !std::mem::replace(&mut voice.listed, true) {
                self.listed.push(key);
            }
            if !voice.is_open() && !std::mem::replace(&mut voice.candidate, true) {
                self.candidates.push(key);
            }
        }
        voice.judge(now, meta, &heard)
    }

    /// Whether there is something to do at `now`.
    pub(super) fn is_due(&self, now: Time) -> bool {
        let waiting = !self.candidates.is_empty() || self.changed || self.reordered;
        waiting || self.moved != 0 || now >= self.due
    }

    /// Gives places to those who began to speak in this turn.
    pub(super) fn admit_candidates(&mut self, now: Time, producers: &mut Slab<Producer>) {
        let mut candidates = std::mem::take(&mut self.candidates);
        for key in candidates.drain(..) {
            self.examined += 1;
            if let Some(voice) = voice_mut(producers, key) {
                voice.candidate = false;
                self.admit(now, key, producers);
            }
        }
        self.candidates = candidates;
    }

    /// What is due from time to time; gives who became dominant.
    pub(super) fn tick(&mut self, now: Time, producers: &mut Slab<Producer>) -> Option<u32> {
        self.due = now + TICK;
        self.examined += self.listed.len() as u64;
        for at in 0..self.places.len() {
            self.release_if_quiet(now, at, producers);
        }
        for at in 0..self.listed.len() {
            if let Some(&key) = self.listed.get(at) {
                self.admit(now, key, producers);
            }
        }
        let activity = |key: u32| {
            let producer = producers.get(key as usize)?;
            Some((key, &producer.voice.as_ref()?.activity))
        };
        let dominant = self.dominance.current().and_then(activity).map(|(_, activity)| activity);
        let others = self.listed.iter().filter_map(|&key| activity(key));
        let dominant = self.dominance.decide(now, dominant, others);
        if let Some(dominant) = dominant {
            self.recent.retain(|other| *other != dominant);
            self.recent.insert(0, dominant);
            self.recent.truncate(RECENT);
            self.reordered = true;
        }
        self.listed.retain(|&key| {
            let Some(voice) = voice_mut(producers, key) else { return false };
            voice.listed = voice.meter.quiet_for(now).is_some_and(|quiet| quiet < LISTED);
            voice.listed
        });
        dominant
    }

    /// Gives `key` a place if it speaks, has none, and there is one to have.
    fn admit(&mut self, now: Time, key: u32, producers: &mut Slab<Producer>) {
        let Some(producer) = producers.get(key as usize) else { return };
        let Some(voice) = producer.voice.as_ref().filter(|_| !producer.paused) else { return };
        let Some(spurt) = voice.meter.spurt(now).filter(|_| !voice.is_open()) else { return };
        let lasted = now.since(spurt.since) >= MIN_SPURT;
        let score = lasted.then(|| voice.meter.score(now));
        let own = voice.place.map(usize::from);
        let place = own.or_else(|| self.place_for(now, score, producers));
        let Some(place) = place.and_then(|at| Some((at, self.places.get_mut(at)?))) else { return };
        let (at, place) = place;
        let before = place.producer.replace(key);
        *place = Place { held: true, since: now, ..*place };
        self.changed = true;
        if before != Some(key) {
            self.moved |= 1 << at;
            if let Some(voice) = before.and_then(|before| voice_mut(producers, before)) {
                voice.close();
                voice.place = None;
            }
        }
        if let Some(voice) = voice_mut(producers, key) {
            voice.place = u8::try_from(at).ok();
            voice.open(now, spurt);
        }
    }

    /// The place that is missed least: one that nobody has, or the one of who
    /// is quiet for the longest, or the one of who is clearly less loud than
    /// `score`.
    fn place_for(
        &self,
        now: Time,
        score: Option<u16>,
        producers: &Slab<Producer>,
    ) -> Option<usize> {
        let places = || self.places.iter().enumerate();
        let free = places().filter(|(_, place)| !place.held);
        let free = free.min_by_key(|(_, place)| (place.producer.is_some(), place.since));
        if let Some((at, _)) = free {
            return Some(at);
        }
        let voice = |place: &Place| producers.get(place.producer? as usize)?.voice.as_ref();
        let quiet = places().filter_map(|(at, place)| {
            let meter = &voice(place)?.meter;
            let quiet = meter.quiet_for(now).unwrap_or(Duration::MAX);
            meter.spurt(now).is_none().then_some((quiet, at))
        });
        if let Some((_, at)) = quiet.max_by_key(|(quiet, _)| *quiet) {
            return Some(at);
        }
        let score = score?.checked_sub(MARGIN)?;
        let weakest = places()
            .filter(|(_, place)| now.since(place.since) >= MIN_STAY)
            .filter_map(|(at, place)| Some((voice(place)?.meter.score(now), at)))
            .min();
        weakest.filter(|(weakest, _)| *weakest < score).map(|(_, at)| at)
    }

    fn release_if_quiet(&mut self, now: Time, at: usize, producers: &mut Slab<Producer>) {
        let Some(place) = self.places.get_mut(at).filter(|place| place.held) else { return };
        let voice = place.producer.and_then(|key| voice_mut(producers, key));
        let hold = self.options.hold;
        let quiet = |voice: &Voice| voice.meter.quiet_for(now).is_none_or(|quiet| quiet >= hold);
        if voice.as_deref().is_none_or(quiet) {
            *place = Place { held: false, since: now, ..*place };
            self.changed = true;
            if let Some(voice) = voice {
                voice.close();
            }
        }
    }

    /// A producer was muted: it gives up its place at once.
    pub(super) fn mute(&mut self, now: Time, voice: &mut Voice) {
        voice.interrupt();
        let place = voice.place.and_then(|at| self.places.get_mut(usize::from(at)));
        if let Some(place) = place.filter(|place| place.held) {
            *place = Place { held: false, since: now, ..*place };
            self.changed = true;
        }
    }

    /// A producer came or went; if it is somebody's camera, pictures follow.
    pub(crate) fn camera_changed(&mut self, config: &ProducerConfig) {
        self.reordered |= config.speaker.is_some();
    }

    /// A producer is gone.
    pub(crate) fn forget(&mut self, key: u32) {
        for place in self.places.iter_mut().filter(|place| place.producer == Some(key)) {
            self.changed |= place.held;
            *place = Place::FREE;
        }
        self.listed.retain(|other| *other != key);
        self.candidates.retain(|other| *other != key);
        self.dominance.forget(key);
        let before = self.recent.len();
        self.recent.retain(|other| *other != key);
        self.reordered |= self.recent.len() != before;
    }

    /// Applies other options; places that are no more are given up.
    pub(super) fn set_options(&mut self, options: SpeakerOptions, producers: &mut Slab<Producer>) {
        self.options = options;
        let count = usize::from(options.places);
        for place in self.places.iter().skip(count) {
            if let Some(voice) = place.producer.and_then(|key| voice_mut(producers, key)) {
                voice.close();
                voice.place = None;
            }
        }
        self.changed |= self.places.iter().skip(count).any(|place| place.held);
        self.moved = u32::MAX >> (32 - u32::from(SpeakerOptions::MAX_PLACES));
        self.places.resize(count, Place::FREE);
        let slots = self.audio_slots.len().max(count);
        self.audio_slots.resize(slots, Vec::new());
    }

    /// Whether its parts fit together, of a snapshot that may be damaged.
    pub(crate) fn is_consistent(&self, producers: &Slab<Producer>) -> bool {
        let voice = |key: &u32| producers.get(*key as usize).is_some_and(|p| p.voice.is_some());
        let placed = |(at, place): (usize, &Place)| {
            place.producer.is_none_or(|key| {
                let voice = producers.get(key as usize).and_then(|p| p.voice.as_ref());
                voice.is_some_and(|voice| voice.place.map(usize::from) == Some(at))
            })
        };
        self.options.check().is_ok()
            && self.places.len() == usize::from(self.options.places)
            && self.places.iter().enumerate().all(placed)
            && self.listed.iter().all(voice)
            && self.candidates.iter().all(voice)
            && self.recent.len() <= RECENT
            && self.recent.iter().all(voice)
            && self.dominance.current().as_ref().is_none_or(voice)
    }
}

pub(super) fn voice_mut(producers: &mut Slab<Producer>, key: u32) -> Option<&mut Voice> {
    producers.get_mut(key as usize)?.voice.as_deref_mut()
}
