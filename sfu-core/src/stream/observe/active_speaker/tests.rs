use std::collections::HashMap;

use super::*;

/// From, to, and level.
type Script = Vec<(u64, u64, u8)>;

/// People, each with a script of stretches in milliseconds: from, to, and the
/// level above the noise while they speak. Speech has gaps of 40 ms in every
/// 220 ms.
struct Room {
    people: Vec<(SpeechActivity, Script)>,
    dominance: Dominance,
    /// Who took over, and when.
    changes: Vec<(u64, u32)>,
    seed: u64,
}

impl Room {
    fn new(scripts: &[&[(u64, u64, u8)]]) -> Self {
        let people = scripts.iter().map(|script| (SpeechActivity::new(), script.to_vec()));
        Self { people: people.collect(), dominance: Dominance::new(), changes: Vec::new(), seed: 7 }
    }

    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.seed >> 40
    }

    /// Runs until `end`, with a decision every 100 ms.
    fn run(mut self, end: u64) -> Vec<(u64, u32)> {
        for millis in (0..end).step_by(20) {
            let now = Time::from_secs(5) + Duration::from_millis(millis);
            for at in 0..self.people.len() {
                let noise = (self.random() % 6) as u8;
                let script = &self.people[at].1;
                let speaking = script.iter().find(|(from, to, _)| (*from..*to).contains(&millis));
                let above = match speaking {
                    Some(&(from, _, level)) if (millis - from) % 220 < 180 => level,
                    _ => noise,
                };
                self.people[at].0.push(now, above);
            }
            if millis % 100 == 80 {
                let current = self.dominance.current();
                let dominant = current.map(|current| &self.people[current as usize].0);
                let others = self.people.iter().enumerate().map(|(at, (a, _))| (at as u32, a));
                if let Some(next) = self.dominance.decide(now, dominant, others) {
                    self.changes.push((millis, next));
                }
            }
        }
        self.changes
    }
}

fn who(changes: &[(u64, u32)]) -> Vec<u32> {
    changes.iter().map(|(_, who)| *who).collect()
}

#[test]
fn tables_are_the_formula() {
    let check = |table: &[f32], lambda: f64| {
        let n = table.len() - 1;
        let mut choose = 1.0_f64;
        for (v, score) in table.iter().enumerate() {
            let exact = choose.ln() + n as f64 * 0.5_f64.ln() - lambda.ln() + lambda * v as f64;
            assert!((exact.max(1e-10) - f64::from(*score)).abs() < 1e-3, "{v} of {n}");
            choose = choose * (n - v) as f64 / (v + 1) as f64;
        }
    };
    check(&IMMEDIATE_SCORES, 0.78);
    check(&MEDIUM_SCORES, 24.0);
    check(&LONG_SCORES, 47.0);
}

#[test]
fn a_dialogue_changes_with_each_turn() {
    let changes = Room::new(&[
        &[(1_000, 4_000, 35), (8_000, 12_000, 35)],
        &[(4_300, 7_700, 30), (12_500, 15_000, 30)],
    ])
    .run(20_000);
    assert_eq!(who(&changes), [0, 1, 0, 1]);
    for ((at, _), began) in changes.iter().zip([1_000, 4_300, 8_000, 12_500]) {
        assert!((300..=800).contains(&(at - began)), "{at} for {began}");
    }
}

#[test]
fn a_cough_or_a_word_of_assent_changes_nothing() {
    let coughs: Vec<(u64, u64, u8)> =
        (0..40).map(|at| (2_000 + at * 1_470, 2_300 + at * 1_470, 45)).collect();
    let talk = [(1_000, 20_000, 30), (24_000, 60_000, 30)];
    let changes = Room::new(&[&talk, &coughs]).run(61_000);
    assert_eq!(who(&changes), [0], "{changes:?}");
}

#[test]
fn who_falls_silent_stays_dominant() {
    assert_eq!(who(&Room::new(&[&[(0, 2_000, 30)], &[]]).run(60_000)), [0]);
}

#[test]
fn an_interruption_wins_when_the_other_gives_in() {
    let changes = Room::new(&[&[(0, 6_000, 30)], &[(4_000, 9_000, 45)]]).run(10_000);
    assert_eq!(who(&changes), [0, 1]);
    assert!((6_000..6_900).contains(&changes[1].0), "{changes:?}");
}

#[test]
fn noise_is_nobody() {
    let mut room = Room::new(&[&[], &[], &[]]);
    room.seed = 99;
    assert!(room.run(60_000).is_empty());
}

#[test]
fn five_hundred_silent_people_change_nothing() {
    let mut scripts: Vec<&[(u64, u64, u8)]> = vec![&[]; 500];
    scripts[137] = &[(1_000, 3_000, 30)];
    scripts[400] = &[(3_500, 6_000, 30)];
    assert_eq!(who(&Room::new(&scripts).run(8_000)), [137, 400]);
}

/// Ten minutes of turns between five people, with backchannels.
#[test]
fn few_false_switches_in_a_long_meeting() {
    for seed in 1..=5 {
        let mut random = Room::new(&[]);
        random.seed = seed;
        let mut scripts = vec![Vec::new(); 5];
        let mut turns = Vec::new();
        let (mut now, mut speaker) = (500, 0);
        while now < 600_000 {
            let length = 2_000 + random.random() % 12_000;
            scripts[speaker].push((now, now + length, 25 + (random.random() % 20) as u8));
            turns.push((now, speaker as u32));
            for _ in 0..random.random() % 3 {
                let other = (speaker + 1 + (random.random() % 4) as usize) % 5;
                let from = now + random.random() % length;
                scripts[other].push((from, from + 100 + random.random() % 200, 40));
            }
            now += length + random.random() % 600;
            speaker = (speaker + 1 + (random.random() % 4) as usize) % 5;
        }
        let scripts: Vec<&[(u64, u64, u8)]> = scripts.iter().map(Vec::as_slice).collect();
        let changes = Room::new(&scripts).run(now);
        let mut found = HashMap::new();
        let mut wrong = 0;
        for (at, who) in &changes {
            match turns.iter().rposition(|(from, _)| from <= at) {
                Some(turn) if turns[turn].1 == *who => {
                    found.entry(turn).or_insert(at - turns[turn].0);
                }
                _ => wrong += 1,
            }
        }
        assert!(wrong <= 2, "{wrong} false switches with seed {seed}");
        assert!(found.len() + 1 >= turns.len(), "seed {seed}: {} of {}", found.len(), turns.len());
        let mut delays: Vec<u64> = found.into_values().collect();
        delays.sort_unstable();
        let p95 = delays[delays.len() * 95 / 100];
        assert!(p95 <= 700, "p95 {p95} ms with seed {seed}");
    }
}

#[test]
fn packets_of_sixty_milliseconds_count_as_much() {
    let mut activity = SpeechActivity::new();
    (0..20).for_each(|at| activity.push(Time::from_millis(6_000 + 60 * at), 30));
    let scores = activity.scores(Time::from_millis(6_000 + 60 * 19));
    assert_eq!(scores, Scores { immediate: 8, medium: 5, long: 10 });
    let later = activity.scores(Time::from_millis(8_500));
    assert_eq!(later, Scores::default());
}
