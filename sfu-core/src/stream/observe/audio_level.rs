//! One source's loudness, packet by packet.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::wire::ExtSeq;
use crate::wire::rtp::AudioLevel;

/// Loudness in dB above −127 dBov: 0 is silence, 127 the loudest there is.
///
/// ```
/// use sfu_core::stream::observe::Loudness;
/// assert!(Loudness::from_dbov(-20) > Loudness::from_dbov(-60));
/// assert_eq!(Loudness::from_dbov(-20).dbov(), -20);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Loudness(u8);

impl Loudness {
    /// Nothing to hear.
    pub const SILENCE: Self = Self(0);

    /// From dBov, −127 to 0; what lies outside is clamped.
    pub const fn from_dbov(dbov: i8) -> Self {
        let below = dbov.unsigned_abs();
        if dbov >= 0 {
            Self(127)
        } else if below >= 127 {
            Self(0)
        } else {
            Self(127 - below)
        }
    }

    /// From the header extension (RFC 6464 §3), which counts downwards.
    pub const fn from_level(level: AudioLevel) -> Self {
        Self(127 - (level.level & 0x7f))
    }

    /// In dBov, −127 to 0.
    pub const fn dbov(self) -> i8 {
        self.0.cast_signed().saturating_sub(127)
    }

    /// How many dB louder than `other`; 0 if it is not.
    pub const fn above(self, other: Self) -> u8 {
        self.0.saturating_sub(other.0)
    }
}

/// What one packet of a source was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// How loud it was.
    pub loudness: Loudness,
    /// Loud enough above the noise to be a voice, or simply loud.
    pub audible: bool,
    /// Digital silence or discontinuous transmission: level 127, or a payload
    /// of at most three bytes.
    pub silent: bool,
    /// dB above the source's noise.
    pub above_noise: u8,
}

/// A stretch of audible packets with no long pause in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Spurt {
    /// Number of its first audible packet.
    pub first: ExtSeq,
    /// When that arrived.
    pub since: Time,
}

/// Follows the loudness of one source.
///
/// The level comes from the header extension. Without one it is guessed from
/// the payload's size: a codec with a variable bit rate spends bytes on speech
/// (the lower third of the sizes seen counts as quiet), and one with a constant
/// bit rate counts as speaking all the time.
///
/// ```
/// use sfu_core::stream::observe::LevelMeter;
/// use sfu_core::wire::ExtSeq;
/// use sfu_core::wire::rtp::AudioLevel;
/// use sfu_ice::Time;
/// let mut meter = LevelMeter::new();
/// let level = |level| Some(AudioLevel { level, voice: false });
/// let noise = meter.push(Time::from_millis(0), ExtSeq(1), level(80), 40);
/// let speech = meter.push(Time::from_millis(20), ExtSeq(2), level(30), 90);
/// assert!(!noise.audible && speech.audible);
/// assert_eq!(meter.spurt(Time::from_millis(30)).unwrap().first, ExtSeq(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelMeter {
    floor: NoiseFloor,
    sizes: Sizes,
    /// Smoothed loudness at `at`, in hundredths of a dB.
    score: u16,
    at: Option<Time>,
    spurt: Option<Spurt>,
    audible_at: Option<Time>,
    newest: Option<ExtSeq>,
}

/// This much above the noise is a voice, in dB.
const VOICE: u8 = 10;
/// How much less it takes if the sender's own detection says voice, in dB.
const TRUSTED: u8 = 4;
/// Quieter is never audible, louder always is, whatever the noise.
const LEAST: u8 = Loudness::from_dbov(-60).0;
const MOST: u8 = Loudness::from_dbov(-40).0;
/// A pause this long ends a spurt: longer than the gaps between syllables.
const PAUSE: Duration = Duration::from_millis(200);
/// Decay of the smoothed loudness, in hundredths of a dB per millisecond.
const DECAY: u64 = 4;
/// No packets for this long is silence on the sender's side.
const GAP: Duration = Duration::from_millis(150);
/// Payloads of discontinuous transmission are not longer, in bytes
/// (RFC 6716 §3.1).
const DTX_LEN: usize = 3;

impl LevelMeter {
    /// A source of which nothing was heard.
    pub const fn new() -> Self {
        Self {
            floor: NoiseFloor::new(),
            sizes: Sizes { smallest: u16::MAX, largest: 0 },
            score: 0,
            at: None,
            spurt: None,
            audible_at: None,
            newest: None,
        }
    }

    /// Takes in a packet with its level, if it carries one, and the length of
    /// its payload in bytes.
    pub fn push(
        &mut self,
        now: Time,
        ext: ExtSeq,
        level: Option<AudioLevel>,
        payload_len: usize,
    ) -> Heard {
        if self.at.is_some_and(|at| now.since(at) > GAP) {
            self.floor.push(now, Loudness::SILENCE);
        }
        let dtx = payload_len <= DTX_LEN;
        let loudness = match level {
            _ if dtx => Loudness::SILENCE,
            Some(level) => Loudness::from_level(level),
            None => self.sizes.guess(payload_len),
        };
        self.floor.push(now, loudness);
        let floor = self.floor.loudness();
        let above_noise = loudness.above(floor);
        let trusted = if level.is_some_and(|level| level.voice) { TRUSTED } else { 0 };
        let least = floor.0.saturating_add(VOICE).clamp(LEAST, MOST).saturating_sub(trusted);
        let audible = loudness.0 >= least;
        self.score = self.score(now);
        if audible {
            // Steady noise that is loud is audible, but nobody speaks.
            let noisy = VOICE.saturating_sub(above_noise).saturating_mul(3);
            let worth = u16::from(loudness.0.saturating_sub(noisy)) * 100;
            if worth > self.score {
                self.score += (worth - self.score).div_ceil(2);
            }
        }
        self.at = Some(now);
        self.newest = self.newest.max(Some(ext));
        if audible {
            let spurt = self.spurt(now).unwrap_or(Spurt { first: ext, since: now });
            self.spurt = Some(Spurt { first: spurt.first.min(ext), ..spurt });
            self.audible_at = Some(now);
        }
        let silent = dtx || loudness == Loudness::SILENCE;
        Heard { loudness, audible, silent, above_noise }
    }

    /// Forgets the spurt: the source was muted.
    pub fn interrupt(&mut self) {
        self.spurt = None;
        self.audible_at = None;
        self.score = 0;
    }

    /// The spurt that goes on at `now`.
    pub fn spurt(&self, now: Time) -> Option<Spurt> {
        self.spurt.filter(|_| self.quiet_for(now).is_some_and(|quiet| quiet < PAUSE))
    }

    /// Time since the last audible packet; `None` if there was none.
    pub fn quiet_for(&self, now: Time) -> Option<Duration> {
        self.audible_at.map(|at| now.since(at))
    }

    /// Smoothed loudness of the voice in hundredths of a dB above −127 dBov:
    /// up at once, down by 40 dB per second. Steady noise counts for less.
    pub fn score(&self, now: Time) -> u16 {
        let Some(at) = self.at else { return 0 };
        let passed = u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX);
        let decay = u16::try_from(passed.saturating_mul(DECAY)).unwrap_or(u16::MAX);
        self.score.saturating_sub(decay)
    }

    /// Highest number so far.
    pub const fn newest(&self) -> Option<ExtSeq> {
        self.newest
    }

    /// What counts as the source's noise.
    pub fn noise(&self) -> Loudness {
        self.floor.loudness()
    }
}

impl Default for LevelMeter {
    fn default() -> Self {
        Self::new()
    }
}

/// The quietest of the last few seconds: speech has gaps, noise has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NoiseFloor {
    before: Loudness,
    /// The quietest since `until` was set; `None` without packets.
    current: Option<Loudness>,
    until: Option<Time>,
}

impl NoiseFloor {
    /// Assumed of a source that was not heard for long enough.
    const UNKNOWN: Loudness = Loudness::from_dbov(-65);
    /// A floor below this does not make whispers of clicks.
    const LOWEST: Loudness = Loudness::from_dbov(-75);
    const FIRST: Duration = Duration::from_secs(1);
    const INTERVAL: Duration = Duration::from_secs(3);

    const fn new() -> Self {
        Self { before: Self::UNKNOWN, current: None, until: None }
    }

    fn push(&mut self, now: Time, loudness: Loudness) {
        match self.until {
            None => self.until = Some(now + Self::FIRST),
            Some(until) if now >= until => {
                self.before = self.current.unwrap_or(self.before);
                self.current = None;
                self.until = Some(now + Self::INTERVAL);
            }
            Some(_) => {}
        }
        self.current = Some(self.current.map_or(loudness, |current| current.min(loudness)));
    }

    fn loudness(&self) -> Loudness {
        self.current.map_or(self.before, |current| current.min(self.before)).max(Self::LOWEST)
    }
}

/// Range of the payload sizes of a source that sends no levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sizes {
    smallest: u16,
    largest: u16,
}

impl Sizes {
    const QUIET: Loudness = Loudness::from_dbov(-77);
    const SPEECH: Loudness = Loudness::from_dbov(-30);
    /// With less difference between its sizes, in bytes, a codec's bit rate is
    /// constant.
    const LEAST_SPREAD: u16 = 12;

    fn guess(&mut self, len: usize) -> Loudness {
        let len = u16::try_from(len).unwrap_or(u16::MAX);
        self.smallest = self.smallest.min(len);
        self.largest = self.largest.max(len);
        let spread = self.largest.saturating_sub(self.smallest);
        let over = len.saturating_sub(self.smallest);
        let quiet = spread >= Self::LEAST_SPREAD && over <= spread / 3;
        if quiet { Self::QUIET } else { Self::SPEECH }
    }
}

/// Mean loudness of a source in one interval of an observer. Intervals are
/// numbered, so that none has to be cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelWindow {
    interval: u32,
    sum: u32,
    count: u32,
    marked: bool,
}

impl LevelWindow {
    /// Takes in the level of a packet in this interval.
    pub fn push(&mut self, interval: u32, loudness: Loudness) {
        if self.interval != interval {
            *self = Self { interval, ..Self::default() };
        }
        self.sum = self.sum.saturating_add(loudness.0.into());
        self.count = self.count.saturating_add(1);
    }

    /// Marks the interval of the last packet; whether it was not yet.
    pub fn mark(&mut self) -> bool {
        !std::mem::replace(&mut self.marked, true)
    }

    /// Mean of the levels in this interval; `None` if there were none.
    pub fn mean(&self, interval: u32) -> Option<Loudness> {
        let mean = self.sum.checked_div(self.count).filter(|_| self.interval == interval)?;
        u8::try_from(mean).ok().map(Loudness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds packets of 20 ms; a level is in dBov.
    struct Source {
        meter: LevelMeter,
        now: Time,
        ext: u64,
    }

    impl Source {
        fn new() -> Self {
            Self { meter: LevelMeter::new(), now: Time::from_secs(9), ext: 65_536 }
        }

        fn level(&mut self, dbov: i8) -> Heard {
            self.packet(Some(AudioLevel { level: dbov.unsigned_abs(), voice: false }), 80)
        }

        fn packet(&mut self, level: Option<AudioLevel>, len: usize) -> Heard {
            self.now += Duration::from_millis(20);
            self.ext += 1;
            self.meter.push(self.now, ExtSeq(self.ext), level, len)
        }
    }

    #[test]
    fn a_first_word_is_heard_from_its_first_packet() {
        for noise in [-127, -90, -70, -60] {
            let mut source = Source::new();
            for _ in 0..200 {
                assert!(!source.level(noise).audible, "noise at {noise}");
            }
            let first = source.ext + 1;
            assert!(source.level(-45).audible);
            assert!(source.level(-25).audible);
            assert_eq!(source.meter.spurt(source.now).unwrap().first, ExtSeq(first));
        }
        assert!(Source::new().level(-30).audible, "also if it is the very first packet");
    }

    #[test]
    fn a_spurt_outlives_the_gaps_between_syllables_and_ends_in_a_pause() {
        let mut source = Source::new();
        source.level(-30);
        let first = source.meter.spurt(source.now).unwrap();
        for _ in 0..8 {
            source.level(-70);
        }
        source.level(-30);
        assert_eq!(source.meter.spurt(source.now), Some(first));
        for _ in 0..10 {
            source.level(-70);
        }
        assert_eq!(source.meter.spurt(source.now), None);
        assert!(source.level(-30).audible);
        assert_eq!(source.meter.spurt(source.now).unwrap().first, ExtSeq(source.ext));
    }

    #[test]
    fn steady_noise_becomes_the_floor_within_a_second() {
        let mut source = Source::new();
        let mut audible = 0;
        for at in 0..500 {
            audible += u32::from(source.level(-48 + (at * 7 % 5) as i8 - 2).audible);
        }
        assert!(audible <= 51, "{audible} packets of noise");
        assert!(source.level(-30).audible, "a voice above it is heard");
    }

    #[test]
    fn loud_noise_is_audible_but_scores_less_than_a_voice() {
        let mut noise = Source::new();
        let mut voice = Source::new();
        for at in 0..500 {
            noise.level(-32);
            voice.level(if at % 10 < 7 { -32 } else { -65 });
        }
        assert!(noise.level(-32).audible);
        voice.level(-32);
        let (noise, voice) = (noise.meter.score(noise.now), voice.meter.score(voice.now));
        assert!(voice > noise + 1_000, "{voice} against {noise}");
    }

    #[test]
    fn a_long_speech_does_not_become_noise() {
        let mut source = Source::new();
        for at in 0..3_000 {
            let dbov = if at % 12 < 9 { -28 } else { -58 };
            let heard = source.level(dbov);
            assert_eq!(heard.audible, dbov == -28, "packet {at}");
        }
    }

    #[test]
    fn silence_is_digital_or_discontinuous() {
        let mut source = Source::new();
        assert!(source.level(-127).silent);
        assert!(source.packet(None, 1).silent);
        assert!(source.packet(Some(AudioLevel { level: 20, voice: true }), 2).silent);
        assert!(!source.level(-100).silent);
    }

    #[test]
    fn sizes_stand_in_for_levels() {
        let mut source = Source::new();
        for at in 0..400 {
            let heard = source.packet(None, if at % 100 < 50 { 20 } else { 95 });
            if at >= 100 {
                assert_eq!(heard.audible, at % 100 >= 50, "packet {at}");
            }
        }
        let mut constant = Source::new();
        assert!((0..400).all(|_| constant.packet(None, 160).audible));
    }

    #[test]
    fn the_score_follows_up_fast_and_down_slowly() {
        let mut source = Source::new();
        for _ in 0..4 {
            source.level(-27);
        }
        let score = source.meter.score(source.now);
        assert!((9_300..=10_000).contains(&score), "{score}");
        let later = source.meter.score(source.now + Duration::from_millis(500));
        assert_eq!(score - later, 2_000);
        source.meter.interrupt();
        assert_eq!(source.meter.score(source.now), 0);
    }

    #[test]
    fn a_late_packet_may_be_the_first_of_its_spurt() {
        let mut meter = LevelMeter::new();
        let level = Some(AudioLevel { level: 30, voice: false });
        meter.push(Time::from_millis(20), ExtSeq(8), level, 80);
        meter.push(Time::from_millis(21), ExtSeq(7), level, 80);
        assert_eq!(meter.spurt(Time::from_millis(22)).unwrap().first, ExtSeq(7));
        assert_eq!(meter.newest(), Some(ExtSeq(8)));
    }

    #[test]
    fn windows_are_means_of_one_interval() {
        let mut window = LevelWindow::default();
        assert_eq!(window.mean(1), None);
        window.push(1, Loudness::from_dbov(-20));
        window.push(1, Loudness::from_dbov(-40));
        assert_eq!(window.mean(1), Some(Loudness::from_dbov(-30)));
        assert_eq!(window.mean(2), None);
        assert!(window.mark() && !window.mark());
        window.push(2, Loudness::from_dbov(-50));
        assert_eq!(window.mean(2), Some(Loudness::from_dbov(-50)));
        assert!(window.mark());
    }
}
