//! Who is the dominant speaker.
//!
//! After Volfin and Cohen, "Dominant speaker identification for multipoint
//! videoconferencing" (Computer Speech and Language 27, 2013): the speech of
//! each source is scored over three times (now, 100 ms, one second), each score
//! the log-likelihood of speech against silence, and another takes over only if
//! it beats the dominant one in all three. Scores here are made of levels, not
//! of spectra, and a sound must have lasted for 0.4 s to count, which no cough
//! does.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

/// Time covered by one count.
const SLOT: Duration = Duration::from_millis(20);
/// Slots of the medium time.
const MEDIUM: usize = 5;
/// Blocks of the medium time in the long time.
const LONG: usize = 10;
const SLOTS: usize = MEDIUM * LONG;
/// Largest count of a slot.
const IMMEDIATE: u8 = 13;
/// Counts from here on are speech.
const SPEECH: u8 = 4;
/// A block with as many slots of speech is one of speech.
const BLOCK: u8 = 3;
/// A takeover needs this many blocks of speech in the last second.
const LASTING: u8 = 4;
/// dB above the noise that count nothing, and dB per count beyond.
const SILENT_DB: u8 = 6;
const COUNT_DB: u8 = 3;
/// A packet may stand for as many slots since the one before: 60 ms.
const FILL: u64 = 3;

/// The last second of one source's speech.
///
/// ```
/// use sfu_core::stream::observe::{Dominance, SpeechActivity};
/// use sfu_ice::Time;
/// let mut ann = SpeechActivity::new();
/// (0..50).for_each(|at| ann.push(Time::from_millis(20 * at), 35));
/// let now = Time::from_secs(1);
/// let mut dominance = Dominance::new();
/// assert_eq!(dominance.decide(now, None, [(7, &ann)].into_iter()), Some(7));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeechActivity {
    /// Count of slot n at n modulo their number.
    counts: [[u8; MEDIUM]; LONG],
    /// Number of the newest slot since the origin of time.
    newest: u64,
}

impl SpeechActivity {
    /// A source of which nothing was heard.
    pub const fn new() -> Self {
        Self { counts: [[0; MEDIUM]; LONG], newest: 0 }
    }

    /// Takes in a packet that was this much above the source's noise, in dB.
    pub fn push(&mut self, now: Time, above_noise: u8) {
        let count = (above_noise.saturating_sub(SILENT_DB) / COUNT_DB).min(IMMEDIATE);
        let slot = slot(now);
        if slot < self.newest {
            return;
        }
        let passed = slot - self.newest;
        for number in (self.newest.saturating_add(1)..=slot).rev().take(SLOTS) {
            self.set(number, if passed <= FILL { count } else { 0 });
        }
        self.newest = slot;
        self.set(slot, count.max(self.count(slot)));
    }

    /// Forgets everything: the source was muted.
    pub fn clear(&mut self) {
        self.counts = [[0; MEDIUM]; LONG];
    }

    /// How much of the last moments was speech.
    pub fn scores(&self, now: Time) -> Scores {
        let newest = slot(now);
        let at = |back: usize| {
            let number = newest.saturating_sub(back as u64);
            if number > self.newest || self.newest - number >= SLOTS as u64 {
                0
            } else {
                self.count(number)
            }
        };
        let block = |block: usize| {
            let slots = block * MEDIUM..(block + 1) * MEDIUM;
            slots.map(|back| u8::from(at(back) >= SPEECH)).sum::<u8>()
        };
        // Arrivals jitter: a packet may be due, but not here yet.
        let immediate = at(0).max(at(1)).max(at(2));
        let long = (0..LONG).map(|index| u8::from(block(index) >= BLOCK)).sum();
        Scores { immediate, medium: block(0).max(block_shifted(&at)), long }
    }

    fn count(&self, number: u64) -> u8 {
        let (block, at) = place(number);
        self.counts.get(block).and_then(|block| block.get(at)).copied().unwrap_or(0)
    }

    fn set(&mut self, number: u64, count: u8) {
        let (block, at) = place(number);
        if let Some(place) = self.counts.get_mut(block).and_then(|block| block.get_mut(at)) {
            *place = count;
        }
    }
}

impl Default for SpeechActivity {
    fn default() -> Self {
        Self::new()
    }
}

/// How much of three times was speech.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scores {
    /// How far the newest moment is above the noise, 0 to 13.
    pub immediate: u8,
    /// Moments of speech in the last 100 ms, 0 to 5.
    pub medium: u8,
    /// Tenths of the last second that were mostly speech, 0 to 10.
    pub long: u8,
}

impl Scores {
    /// Whether a source with these scores takes over from one with `dominant`.
    pub fn beat(&self, dominant: &Self) -> bool {
        // The logarithm of a ratio above C is a ratio above e^C; C is 3, 2, 0.
        self.long >= LASTING
            && score(&IMMEDIATE_SCORES, self.immediate)
                > 20.085_537 * score(&IMMEDIATE_SCORES, dominant.immediate)
            && score(&MEDIUM_SCORES, self.medium)
                > 7.389_056 * score(&MEDIUM_SCORES, dominant.medium)
            && score(&LONG_SCORES, self.long) > score(&LONG_SCORES, dominant.long)
    }
}

/// The dominant speaker of a set of sources, and nobody until somebody spoke.
/// Who fell silent stays dominant until another speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dominance {
    current: Option<u32>,
}

impl Dominance {
    /// Nobody is dominant.
    pub const fn new() -> Self {
        Self { current: None }
    }

    /// Who is dominant.
    pub const fn current(&self) -> Option<u32> {
        self.current
    }

    /// Forgets a source: it is gone.
    pub fn forget(&mut self, source: u32) {
        self.current = self.current.filter(|current| *current != source);
    }

    /// Looks at the dominant source's activity (if it still has one) and at all
    /// others that may have spoken in the last second; gives who takes over.
    pub fn decide<'a>(
        &mut self,
        now: Time,
        dominant: Option<&SpeechActivity>,
        others: impl Iterator<Item = (u32, &'a SpeechActivity)>,
    ) -> Option<u32> {
        let dominant = dominant.map(|activity| activity.scores(now)).unwrap_or_default();
        let best = others
            .filter(|(source, _)| Some(*source) != self.current)
            .map(|(source, activity)| (source, activity.scores(now)))
            .filter(|(_, scores)| scores.beat(&dominant))
            .max_by_key(|(source, scores)| {
                (scores.medium, scores.long, scores.immediate, std::cmp::Reverse(*source))
            })?;
        self.current = Some(best.0);
        self.current
    }
}

/// A block that ends one moment ago, for when the newest packet is still due.
fn block_shifted(at: &impl Fn(usize) -> u8) -> u8 {
    (1..=MEDIUM).map(|back| u8::from(at(back) >= SPEECH)).sum()
}

fn slot(now: Time) -> u64 {
    now.as_nanos() / SLOT.as_nanos() as u64
}

fn place(number: u64) -> (usize, usize) {
    let at = (number % SLOTS as u64) as usize;
    (at / MEDIUM, at % MEDIUM)
}

fn score(table: &[f32], count: u8) -> f32 {
    table.get(usize::from(count)).copied().unwrap_or(NO_SPEECH)
}

/// The score of silence.
const NO_SPEECH: f32 = 1e-10;

/// ln C(n, v) + n ln ½ − ln λ + λ v for v = 0 to n, and no less than
/// [`NO_SPEECH`]: speech makes the count binomial with p = ½, silence makes it
/// exponential with λ. Tables, as logarithms differ between platforms. Here n
/// is 13 and λ is 0.78.
const IMMEDIATE_SCORES: [f32; 14] = [
    NO_SPEECH, NO_SPEECH, NO_SPEECH, NO_SPEECH, 0.93, 2.298, 3.365, 4.145, 4.638, 4.83, 4.694,
    4.174, 3.162, 1.378,
];
/// n is 5 and λ is 24.
const MEDIUM_SCORES: [f32; 6] = [NO_SPEECH, 18.966, 43.659, 67.659, 90.966, 113.356];
/// n is 10 and λ is 47.
const LONG_SCORES: [f32; 11] = [
    NO_SPEECH, 38.521, 87.025, 135.006, 182.565, 229.748, 276.565, 323.006, 369.025, 414.521,
    459.218,
];

#[cfg(test)]
mod tests;
