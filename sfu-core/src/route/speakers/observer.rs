//! Observers: what was asked to be told of who speaks how loud.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;
use slab::Slab;

use super::config::{ActiveSpeakerOptions, AudioLevelOptions, ObserverScope};
use super::ranking::{TICK, voice_mut};
use crate::route::dump::ObserverDump;
use crate::route::error::CommandError;
use crate::route::event::{AudioVolume, Event};
use crate::route::id::{RouterId, RtpObserverId};
use crate::route::producer::Producer;
use crate::stream::observe::{Dominance, LevelWindow, Loudness};

/// All observers of a router; each has a bit in
/// [`Voice::watched_by`](super::Voice).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Observers {
    places: Vec<Option<Observer>>,
    /// Those that listen to every packet, one bit each.
    levels: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Observer {
    pub(crate) id: RtpObserverId,
    scope: ObserverScope,
    paused: bool,
    due: Time,
    kind: Kind,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Kind {
    ActiveSpeaker { options: ActiveSpeakerOptions, dominance: Dominance },
    AudioLevels(Levels),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Levels {
    options: AudioLevelOptions,
    /// Number of the interval.
    interval: u32,
    /// By the key of the producer.
    windows: Vec<LevelWindow>,
    /// Who was above the threshold in this interval.
    heard: Vec<u32>,
    silent: bool,
}

impl Observer {
    pub(crate) fn dump(&self) -> ObserverDump {
        let kind = match self.kind {
            Kind::ActiveSpeaker { .. } => "active-speaker",
            Kind::AudioLevels(_) => "audio-level",
        };
        ObserverDump { id: self.id, kind: kind.to_owned() }
    }

    pub(crate) fn active_speaker(
        now: Time,
        id: RtpObserverId,
        options: ActiveSpeakerOptions,
    ) -> Self {
        let kind = Kind::ActiveSpeaker { options, dominance: Dominance::new() };
        Self { id, scope: options.scope, paused: false, due: now + options.interval, kind }
    }

    pub(crate) fn audio_levels(now: Time, id: RtpObserverId, options: AudioLevelOptions) -> Self {
        let levels =
            Levels { options, interval: 1, windows: Vec::new(), heard: Vec::new(), silent: true };
        let kind = Kind::AudioLevels(levels);
        Self { id, scope: options.scope, paused: false, due: now + options.interval, kind }
    }
}

impl Observers {
    /// How many a router has at most: they are bits of a word.
    pub(crate) const MAX: usize = 64;

    pub(crate) fn add(&mut self, observer: Observer) -> Result<u32, CommandError> {
        let free = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
        if free >= Self::MAX {
            return Err(CommandError::Limit { what: "observers in a router", limit: Self::MAX });
        }
        if matches!(observer.kind, Kind::AudioLevels(_)) {
            self.levels |= 1 << free;
        }
        match self.places.get_mut(free) {
            Some(place) => *place = Some(observer),
            None => self.places.push(Some(observer)),
        }
        Ok(free as u32)
    }

    /// The observers with their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Observer)> {
        self.places
            .iter()
            .enumerate()
            .filter_map(|(key, place)| Some((key as u32, place.as_ref()?)))
    }

    /// Whether its parts fit together, of a snapshot that may be damaged.
    pub(crate) fn is_consistent(&self) -> bool {
        let levels = self.iter().filter(|(_, o)| matches!(o.kind, Kind::AudioLevels(_)));
        let bits = levels.fold(0, |bits, (key, _)| bits | bit(key));
        self.places.len() <= Self::MAX && bits == self.levels
    }

    pub(crate) fn set_paused(&mut self, now: Time, key: u32, paused: bool) {
        let Some(observer) = self.places.get_mut(key as usize).and_then(Option::as_mut) else {
            return;
        };
        if observer.paused && !paused {
            observer.due = now + observer.interval();
        }
        observer.paused = paused;
        if let Kind::AudioLevels(levels) = &mut observer.kind {
            levels.begin();
        }
    }

    /// Closes an observer and lets go of what it listened to.
    pub(crate) fn close(&mut self, key: u32, producers: &mut Slab<Producer>) {
        if let Some(place) = self.places.get_mut(key as usize) {
            *place = None;
        }
        let bit = bit(key);
        self.levels &= !bit;
        for (_, producer) in producers {
            if let Some(voice) = producer.voice.as_deref_mut() {
                voice.watched_by &= !bit;
            }
        }
    }

    /// Adds a producer to what an observer listens to, or takes it out.
    pub(crate) fn watch(
        &mut self,
        key: u32,
        producer: u32,
        watched: bool,
        producers: &mut Slab<Producer>,
    ) -> Result<(), CommandError> {
        let Some(voice) = voice_mut(producers, producer) else {
            return Err(CommandError::InvalidParameters {
                what: "producer of an observer",
                expected: "an audio producer",
            });
        };
        let bit = bit(key);
        voice.watched_by = if watched { voice.watched_by | bit } else { voice.watched_by & !bit };
        let observer = self.places.get_mut(key as usize).and_then(Option::as_mut);
        if let Some(observer) = observer.filter(|_| !watched) {
            observer.forget(producer);
        }
        Ok(())
    }

    /// A producer is gone.
    pub(crate) fn forget(&mut self, producer: u32) {
        self.places.iter_mut().flatten().for_each(|observer| observer.forget(producer));
    }

    /// Takes note of a packet's loudness.
    pub(super) fn hear(&mut self, key: u32, watched_by: u64, loudness: Loudness) {
        let mut left = self.levels;
        while left != 0 {
            let at = left.trailing_zeros();
            left &= left - 1;
            let Some(Some(observer)) = self.places.get_mut(at as usize) else { continue };
            if observer.paused || !observer.listens_to(at, watched_by) {
                continue;
            }
            if let Kind::AudioLevels(levels) = &mut observer.kind {
                levels.hear(key, loudness);
            }
        }
    }

    /// Tells what is due. `listed` are the producers that may have spoken.
    pub(super) fn tick(
        &mut self,
        now: Time,
        router: RouterId,
        listed: &[u32],
        producers: &Slab<Producer>,
        events: &mut Vec<Event>,
    ) {
        for (at, observer) in self.places.iter_mut().enumerate() {
            let Some(observer) = observer.as_mut().filter(|o| !o.paused && now >= o.due) else {
                continue;
            };
            observer.due = now + observer.interval();
            let event = observer.tell(now, at as u32, router, listed, producers);
            events.extend(event);
        }
    }
}

impl Observer {
    fn interval(&self) -> std::time::Duration {
        let interval = match &self.kind {
            Kind::ActiveSpeaker { options, .. } => options.interval,
            Kind::AudioLevels(levels) => levels.options.interval,
        };
        interval.max(TICK)
    }

    fn listens_to(&self, key: u32, watched_by: u64) -> bool {
        self.scope == ObserverScope::Router || watched_by & bit(key) != 0
    }

    fn forget(&mut self, producer: u32) {
        match &mut self.kind {
            Kind::ActiveSpeaker { dominance, .. } => dominance.forget(producer),
            Kind::AudioLevels(levels) => {
                levels.heard.retain(|other| *other != producer);
                if let Some(window) = levels.windows.get_mut(producer as usize) {
                    *window = LevelWindow::default();
                }
            }
        }
    }

    fn tell(
        &mut self,
        now: Time,
        key: u32,
        router: RouterId,
        listed: &[u32],
        producers: &Slab<Producer>,
    ) -> Option<Event> {
        let (observer, scope) = (self.id, self.scope);
        match &mut self.kind {
            Kind::ActiveSpeaker { dominance, .. } => {
                let activity = |key: u32| {
                    let voice = producers.get(key as usize)?.voice.as_ref()?;
                    Some((voice.watched_by, &voice.activity))
                };
                let dominant = dominance.current().and_then(activity).map(|(_, a)| a);
                let others = listed.iter().filter_map(|&other| {
                    let (watched_by, activity) = activity(other)?;
                    let listens = scope == ObserverScope::Router || watched_by & bit(key) != 0;
                    listens.then_some((other, activity))
                });
                let next = dominance.decide(now, dominant, others)?;
                let producer = producers.get(next as usize)?.id;
                Some(Event::ActiveSpeaker { router, observer: Some(observer), producer })
            }
            Kind::AudioLevels(levels) => {
                let volumes = levels.loudest(producers);
                if !volumes.is_empty() {
                    return Some(Event::AudioLevels { router, observer, volumes });
                }
                let was_silent = std::mem::replace(&mut levels.silent, true);
                (!was_silent).then_some(Event::Silence { router, observer })
            }
        }
    }
}

impl Levels {
    fn hear(&mut self, key: u32, loudness: Loudness) {
        let at = key as usize;
        if at >= self.windows.len() {
            self.windows.resize(at + 1, LevelWindow::default());
        }
        let Some(window) = self.windows.get_mut(at) else { return };
        window.push(self.interval, loudness);
        if loudness.dbov() >= self.options.threshold && window.mark() {
            self.heard.push(key);
        }
    }

    /// Ends the interval with the means of those that were loud enough.
    fn loudest(&mut self, producers: &Slab<Producer>) -> Vec<AudioVolume> {
        let (windows, interval, options) = (&self.windows, self.interval, &self.options);
        let volume = |key: &u32| {
            let volume = windows.get(*key as usize)?.mean(interval)?.dbov();
            let producer = producers.get(*key as usize)?.id;
            (volume >= options.threshold).then_some(AudioVolume { producer, volume })
        };
        let mut volumes: Vec<AudioVolume> = self.heard.iter().filter_map(volume).collect();
        volumes.sort_by_key(|volume| std::cmp::Reverse(volume.volume));
        volumes.truncate(options.max_entries.into());
        self.silent &= volumes.is_empty();
        self.begin();
        volumes
    }

    fn begin(&mut self) {
        self.heard.clear();
        self.interval = self.interval.wrapping_add(1);
    }
}

fn bit(key: u32) -> u64 {
    1_u64.checked_shl(key).unwrap_or(0)
}
