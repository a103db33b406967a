//! Who speaks when: a conversation with turns, overlaps and short remarks.
//!
//! It is made from a seed, so that every run hears the same one, and it is the
//! truth about who speaks, whatever the server makes of the levels.

use std::time::Duration;

use sfu_ice::Random;

/// Level of somebody who listens, in −dBov: the noise of a room.
const NOISE: u8 = 75;
/// The conversation begins anew after this long.
const LENGTH_MS: u64 = 600_000;

#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    utterances: Vec<Utterance>,
}

#[derive(Clone, Copy, Debug)]
struct Utterance {
    speaker: u32,
    start_ms: u64,
    end_ms: u64,
}

impl Conversation {
    /// A conversation of `speakers` people.
    pub(crate) fn new(speakers: u32, seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let mut random = Random::from_seed(bytes);
        let mut between = |low: u64, high: u64| low + random.u64() % (high - low + 1);
        let mut utterances = Vec::new();
        let mut now = 200;
        let mut last = 0;
        while now < LENGTH_MS && speakers > 0 {
            // A turn, of somebody else than the last one if there is anybody.
            let step = if speakers > 1 { between(1, u64::from(speakers) - 1) } else { 0 };
            let speaker = (last + step as u32) % speakers;
            let length = between(2_000, 9_000);
            utterances.push(Utterance { speaker, start_ms: now, end_ms: now + length });
            if between(0, 2) == 0 {
                let remark = between(0, u64::from(speakers) - 1) as u32;
                let start_ms = now + between(500, length - 500);
                let end_ms = start_ms + between(250, 900);
                utterances.push(Utterance { speaker: remark, start_ms, end_ms });
            }
            last = speaker;
            // The next one breaks in, or after a pause.
            now = if between(0, 3) == 0 {
                now + length - between(100, 400)
            } else {
                now + length + between(50, 900)
            };
        }
        Self { utterances }
    }

    /// Whether `speaker` speaks at a time since the start.
    pub(crate) fn speaks(&self, speaker: u32, at: Duration) -> bool {
        let at = u64::try_from(at.as_millis()).unwrap_or(0) % LENGTH_MS;
        // Utterances begin in order, but for remarks, which begin within 9 s of their turn.
        let from = self.utterances.partition_point(|said| said.start_ms + 20_000 < at);
        let near = self.utterances[from..].iter().take_while(|said| said.start_ms < at + 10_000);
        near.into_iter()
            .any(|said| said.speaker == speaker && (said.start_ms..said.end_ms).contains(&at))
    }

    /// The level of a frame of `speaker` at a time since the start, in −dBov,
    /// and whether it is speech. Syllables go up and down.
    pub(crate) fn level(&self, speaker: u32, at: Duration) -> (u8, bool) {
        let frame = u64::try_from(at.as_millis()).unwrap_or(0) / 20;
        let wobble = (mix(u64::from(speaker) << 32 | frame) % 7) as u8;
        if !self.speaks(speaker, at) {
            return (NOISE + wobble, false);
        }
        // Some five syllables a second, the gaps between them 15 dB lower.
        let gap = frame % 10 >= 8;
        (22 + wobble + if gap { 15 } else { 0 }, true)
    }
}

/// Spreads the bits of a number.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mostly_one_person_speaks_and_everybody_gets_a_turn() {
        let conversation = Conversation::new(5, 1);
        let mut spoke = [false; 5];
        let mut with = [0_usize; 6];
        for at in (0..LENGTH_MS).step_by(20).map(Duration::from_millis) {
            let now: Vec<_> = (0..5).filter(|who| conversation.speaks(*who, at)).collect();
            now.iter().for_each(|who| spoke[*who as usize] = true);
            with[now.len()] += 1;
        }
        assert_eq!(spoke, [true; 5]);
        assert!(with[1] > with[0] && with[1] > 5 * with[2], "{with:?}");
        assert!(with[2] > 0, "nobody ever breaks in: {with:?}");
    }

    #[test]
    fn speech_is_louder_than_noise_and_the_same_seed_says_the_same() {
        let (a, b) = (Conversation::new(3, 7), Conversation::new(3, 7));
        for at in (0..60_000).step_by(20).map(Duration::from_millis) {
            for who in 0..3 {
                let (level, speech) = a.level(who, at);
                assert_eq!((level, speech), b.level(who, at));
                assert_eq!(speech, level < 50);
            }
        }
    }

    #[test]
    fn one_person_speaks_alone_and_nobody_not_at_all() {
        let at = Duration::from_secs(1);
        assert!(Conversation::new(1, 1).speaks(0, at));
        assert!(!Conversation::new(0, 1).speaks(0, at));
    }
}
