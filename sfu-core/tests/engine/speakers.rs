//! Who speaks is heard and seen, from the first syllable on, and who is silent
//! costs nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use sfu_core::engine::{Command, Reply};
use sfu_core::{
    ActiveSpeakerOptions, AudioLevelOptions, CommandError, Event, ObserverScope, ProducerId,
    SpeakerOptions, SpeakerSlot, Speakers, Time,
};

use super::sim::{Format, Link, Rng, SinkRef, SourceRef, Voice, World};

/// People with microphones, of which each hears the three loudest others.
struct Meeting {
    world: World,
    mics: Vec<SourceRef>,
    ears: Vec<Vec<SinkRef>>,
}

const PLACES: u8 = 3;

impl Meeting {
    /// `people` with microphones, of whom the first `listeners` listen.
    fn new(seed: u64, people: usize, listeners: usize) -> Self {
        let mut world = World::new(seed);
        let clients: Vec<usize> = (0..people).map(|_| world.plain()).collect();
        let mut mics = Vec::new();
        for &client in &clients {
            let mic = world.publish(client, Format::Opus, 1);
            let noise = -80 + world.rng.below(18) as i8;
            world.source(mic).voice = Some(Voice::new(noise));
            mics.push(mic);
        }
        let ears = (0..listeners).map(|at| ears(&mut world, clients[at], Some(mics[at]))).collect();
        Self { world, mics, ears }
    }

    /// Lets somebody speak, `from` and `to` in milliseconds from now.
    fn word(&mut self, person: usize, from: u64, to: u64, level: i8) -> (Time, Time) {
        let at = |millis| self.world.now + Duration::from_millis(millis);
        let word = (at(from), at(to));
        let voice = self.world.source(self.mics[person]).voice.as_mut().unwrap();
        voice.words.push((word.0, word.1, level));
        word
    }

    fn run(&mut self, millis: u64) {
        self.world.run_millis(millis);
    }

    fn ssrc(&mut self, person: usize) -> u32 {
        let mic = self.mics[person];
        self.world.source(mic).layers[0].ssrc.0
    }

    /// Captures of a person's packets that a listener got, with their slots.
    fn heard(&mut self, listener: usize, person: usize) -> BTreeMap<Time, Vec<usize>> {
        let ssrc = self.ssrc(person);
        let mut heard: BTreeMap<Time, Vec<usize>> = BTreeMap::new();
        for (rank, ear) in self.ears[listener].iter().enumerate() {
            let packets = self.world.sink(*ear).packets.values();
            for packet in packets.filter(|packet| packet.stamp.source == ssrc) {
                let capture = Time::from_nanos(packet.stamp.capture);
                heard.entry(capture).or_default().push(rank);
            }
        }
        heard
    }

    /// A word came whole, but for the packet in which it began, in one slot.
    fn assert_word(&mut self, listener: usize, person: usize, (from, to): (Time, Time)) {
        let heard = self.heard(listener, person);
        let mut slots: BTreeSet<usize> = BTreeSet::new();
        let interval = Duration::from_millis(20);
        // Microphones have one grid of 20 ms since the world began.
        let mut capture = Time::from_secs(1_000);
        while capture + interval <= to {
            if capture >= from {
                let found = heard.get(&capture);
                let late = capture.since(from).as_millis();
                let told = format!("{person} to {listener}: {late} ms after the word began");
                let found = found.unwrap_or_else(|| panic!("{told}: missing"));
                assert_eq!(found.len(), 1, "{told}: came twice");
                slots.extend(found);
            }
            capture += interval;
        }
        assert_eq!(slots.len(), 1, "a word jumped from slot to slot");
    }

    fn assert_continuous(&self) {
        for ear in self.ears.iter().flatten() {
            let sink = self.world.sink(*ear);
            if !sink.packets.is_empty() {
                sink.assert_continuous(0);
            }
        }
    }

    /// A slot that took in a word from its beginning lags behind the clock by no
    /// more than the word waited, and makes up for it in the next pause.
    fn assert_lag(&self) {
        for ear in self.ears.iter().flatten() {
            let packets = self.world.sink(*ear).packets.values();
            let packets: Vec<(Time, i32)> = packets
                .map(|packet| {
                    let ticks = u128::from(packet.stamp.capture) * 48 / 1_000_000;
                    let ahead = packet.timestamp.0.wrapping_sub(ticks as u32);
                    (Time::from_nanos(packet.stamp.capture), ahead.cast_signed() / 48)
                })
                .collect();
            let least = packets.iter().map(|(_, ahead)| *ahead).min().unwrap_or(0);
            for (before, after) in packets.iter().zip(packets.iter().skip(1)) {
                let lag = after.1 - least;
                assert!(lag <= 550, "{lag} ms at {:?}", after.0);
                if after.0.since(before.0) > Duration::from_millis(600) {
                    assert!(lag <= 40, "{lag} ms after a pause, at {:?}", after.0);
                }
            }
        }
    }

    fn speakers(&mut self) -> Speakers {
        speakers(&mut self.world)
    }
}

fn ears(world: &mut World, client: usize, own: Option<SourceRef>) -> Vec<SinkRef> {
    let slot = |rank| {
        let ear = world.subscribe(client, &[Format::Opus], None);
        let slot = SpeakerSlot { rank, except: own.map(|own| own.producer) };
        world.ok(Command::FollowSpeaker(ear.consumer, slot));
        ear
    };
    (0..PLACES).map(slot).collect()
}

fn speakers(world: &mut World) -> Speakers {
    match world.ok(Command::Speakers(world.router)) {
        Reply::Speakers(speakers) => *speakers,
        other => panic!("{other:?}"),
    }
}

fn dominant(world: &World) -> Vec<ProducerId> {
    let active = world.events.iter().filter_map(|event| match event {
        Event::ActiveSpeaker { observer: None, producer, .. } => Some(*producer),
        _ => None,
    });
    active.collect()
}

fn places(world: &World) -> Vec<Vec<Option<ProducerId>>> {
    let changes = world.events.iter().filter_map(|event| match event {
        Event::SpeakersChanged { speakers, .. } => Some(speakers.clone()),
        _ => None,
    });
    changes.collect()
}

/// Conversations in which up to three speak at a time, one often right after
/// another.
#[test]
fn no_word_loses_more_than_its_first_packet() {
    for seed in 81..91 {
        let mut meeting = Meeting::new(seed, 8, 3);
        if seed % 2 == 0 {
            for at in 0..8 {
                let mut up = Link::new(25);
                up.jitter = Duration::from_millis(12);
                meeting.world.links(at, up, Link::new(10));
            }
        }
        let mut rng = Rng(seed);
        let mut words = Vec::new();
        // Three conversations, each with one voice at a time; who speaks in one
        // does not in another.
        for conversation in 0..3 {
            let mut now = 400 + 137 * conversation;
            while now < 14_000 {
                let length = 300 + rng.below(2_000);
                let free: Vec<usize> = (0..8).filter(|p| p % 3 == conversation as usize).collect();
                let person = free[rng.below(free.len() as u64) as usize];
                let level = -24 - rng.below(14) as i8;
                words.push((person, meeting.word(person, now, now + length, level)));
                // Another's turn may come at once: for a moment four compete.
                now += length + rng.below(900);
            }
        }
        meeting.run(16_500);
        for (person, word) in &words {
            for listener in 0..3 {
                if listener != *person {
                    meeting.assert_word(listener, *person, *word);
                }
            }
        }
        assert!(words.len() > 15);
        meeting.assert_continuous();
        meeting.assert_lag();
    }
}

#[test]
fn of_twenty_five_the_loudest_three_are_heard() {
    let mut meeting = Meeting::new(86, 25, 25);
    let levels = [-45, -24, -38, -22, -41, -26, -44];
    for (person, level) in levels.into_iter().enumerate() {
        meeting.word(person, 1_000 + 40 * person as u64, 9_000, level);
    }
    meeting.run(4_000);
    let settled = meeting.world.now;
    meeting.run(4_500);
    let places: BTreeSet<_> = meeting.speakers().places.into_iter().flatten().collect();
    let loudest: BTreeSet<_> = [1, 3, 5].map(|at| meeting.mics[at].producer).into();
    assert_eq!(places, loudest);
    for listener in 0..25 {
        for person in 0..25 {
            let heard = meeting.heard(listener, person);
            let heard = heard.keys().filter(|at| **at > settled).count();
            let expected = if person != listener && [1, 3, 5].contains(&person) { 200 } else { 0 };
            assert!(heard >= expected && (expected > 0 || heard == 0), "{person} to {listener}");
        }
    }
    meeting.assert_continuous();
}

#[test]
fn the_silent_cost_nothing() {
    let examined = [0, 40, 160].map(|silent| {
        let mut meeting = Meeting::new(87, 4 + silent, 1);
        for turn in 0..4 {
            meeting.word(turn, 500 + 900 * turn as u64, 1_300 + 900 * turn as u64, -28);
        }
        meeting.run(5_000);
        assert_eq!(dominant(&meeting.world).len(), 4);
        meeting.world.engine.counters().speakers_examined
    });
    assert!(examined[0] > 0 && examined[0] < 300, "{examined:?}");
    assert_eq!((examined[1], examined[2]), (examined[0], examined[0]));
}

#[test]
fn a_voice_keeps_its_slot_while_others_come_and_go() {
    let mut meeting = Meeting::new(88, 6, 2);
    meeting.world.events.clear();
    let long = meeting.word(4, 300, 12_000, -30);
    for turn in 0..9 {
        let person = [2, 3, 5][turn % 3];
        let from = 800 + 1_200 * turn as u64;
        meeting.word(person, from, from + 1_100, -26);
    }
    meeting.run(12_500);
    for listener in 0..2 {
        meeting.assert_word(listener, 4, long);
    }
    meeting.assert_continuous();
    let told = |event: &&Event| matches!(event, Event::ConsumerLayersChanged { .. });
    assert_eq!(meeting.world.events.iter().filter(told).count(), 0, "a thousand slots would flood");
}

#[test]
fn many_voices_of_one_loudness_do_not_flap() {
    let mut meeting = Meeting::new(89, 7, 1);
    for person in 1..7 {
        meeting.word(person, 500, 31_000, -30 + (person as i8 % 3));
    }
    meeting.run(30_000);
    let changes = places(&meeting.world).len();
    assert!(changes <= 6, "{changes} changes in half a minute");
    meeting.assert_continuous();
}

#[test]
fn who_becomes_clearly_louder_takes_a_place_without_a_gap_in_numbers() {
    let mut meeting = Meeting::new(90, 5, 1);
    for person in 1..4 {
        meeting.word(person, 500, 8_000, -40);
    }
    let loud = meeting.word(4, 3_000, 6_000, -20);
    meeting.run(9_000);
    meeting.assert_word(0, 4, loud);
    meeting.assert_continuous();
}

#[test]
fn nobody_hears_himself() {
    let mut meeting = Meeting::new(91, 4, 4);
    let mut words = Vec::new();
    for person in 0..3 {
        words.push((person, meeting.word(person, 500, 4_000, -30)));
    }
    meeting.run(4_500);
    for listener in 0..4 {
        assert!(meeting.heard(listener, listener).is_empty());
        for (person, word) in words.clone() {
            if person != listener {
                meeting.assert_word(listener, person, word);
            }
        }
    }
}

#[test]
fn silence_stops_after_a_few_packets() {
    for discontinuous in [false, true] {
        let mut meeting = Meeting::new(92, 2, 1);
        let voice = Voice { discontinuous, ..Voice::new(-127) };
        meeting.world.source(meeting.mics[1]).voice = Some(voice);
        let words: Vec<_> =
            (0..6).map(|at| meeting.word(1, 500 + 2_100 * at, 1_500 + 2_100 * at, -30)).collect();
        meeting.run(13_500);
        for word in &words {
            meeting.assert_word(0, 1, *word);
        }
        let between = meeting.heard(0, 1).into_keys();
        let silent = between.filter(|at| words.iter().all(|(from, to)| at < from || at > to));
        let silent = silent.count();
        assert!(silent <= 6 * 6, "{silent} packets of silence, discontinuous: {discontinuous}");
        meeting.assert_continuous();
    }
}

#[test]
fn a_room_that_is_silent_is_held_for_a_while_and_then_let_go() {
    let mut meeting = Meeting::new(93, 2, 1);
    meeting.word(1, 500, 1_500, -30);
    meeting.run(2_000);
    assert_eq!(meeting.speakers().places[0], Some(meeting.mics[1].producer));
    meeting.run(1_000);
    assert_eq!(meeting.speakers().places, [None; 3]);
    let quiet = meeting.world.now;
    meeting.run(3_000);
    let ear = meeting.ears[0][0];
    assert_eq!(meeting.world.sink(ear).since(quiet), 0);
    let after = meeting.word(1, 100, 900, -30);
    meeting.run(1_500);
    meeting.assert_word(0, 1, after);
    assert_eq!(meeting.speakers().recent, [meeting.mics[1].producer]);
    meeting.assert_continuous();
}

#[test]
fn without_levels_sizes_decide() {
    let mut meeting = Meeting::new(94, 2, 1);
    // The codec's rate is constant: everything may be speech, and is heard.
    meeting.world.source(meeting.mics[1]).voice = None;
    meeting.run(3_000);
    assert_eq!(meeting.speakers().places[0], Some(meeting.mics[1].producer));
    assert!(meeting.heard(0, 1).len() > 140);
}

#[test]
fn a_muted_microphone_gives_up_its_place_and_comes_back() {
    let mut meeting = Meeting::new(95, 3, 1);
    let mic = meeting.mics[1];
    meeting.word(1, 300, 9_000, -30);
    meeting.run(1_000);
    meeting.world.ok(Command::PauseProducer(mic.producer));
    assert_eq!(meeting.speakers().places, [None; 3]);
    meeting.run(100);
    let paused = meeting.world.now;
    meeting.run(1_000);
    assert_eq!(meeting.world.sink(meeting.ears[0][0]).since(paused), 0);
    meeting.world.ok(Command::ResumeProducer(mic.producer));
    let resumed = meeting.world.now;
    meeting.run(1_000);
    let heard = meeting.heard(0, 1);
    let first = heard.keys().find(|at| **at >= resumed).unwrap();
    assert!(first.since(resumed) < Duration::from_millis(40), "{first:?} after {resumed:?}");
    meeting.assert_continuous();

    meeting.world.ok(Command::CloseProducer(mic.producer));
    assert_eq!(meeting.speakers().places, [None; 3]);
    assert!(meeting.speakers().recent.is_empty());
    let told = |event: &Event| matches!(event, Event::ConsumerProducerClosed { .. });
    assert!(!meeting.world.events.iter().any(told), "slots of speakers are not told of it");
    let word = meeting.word(2, 100, 900, -30);
    meeting.run(1_200);
    meeting.assert_word(0, 2, word);
    meeting.assert_continuous();
}

#[test]
fn switching_by_hand_ends_following() {
    let mut meeting = Meeting::new(96, 4, 1);
    let ear = meeting.ears[0][0];
    meeting.world.switch(ear, Some(meeting.mics[3]));
    meeting.word(1, 300, 2_000, -30);
    meeting.word(2, 2_100, 3_000, -30);
    meeting.run(3_500);
    let silent = meeting.ssrc(3);
    assert_eq!(meeting.world.sink(ear).sources(), [silent]);
    assert!(meeting.world.sink(ear).packets.len() > 160, "all of it, silence too");
    let slot = SpeakerSlot::new(0);
    meeting.world.ok(Command::FollowSpeaker(ear.consumer, slot));
    let word = meeting.word(2, 200, 1_000, -30);
    meeting.run(1_300);
    meeting.assert_word(0, 2, word);
    meeting.assert_continuous();
    let beyond = Command::FollowSpeaker(ear.consumer, SpeakerSlot::new(PLACES));
    let refused = meeting.world.command(beyond).unwrap_err();
    assert!(matches!(refused, CommandError::InvalidParameters { .. }), "{refused}");
}

#[test]
fn places_can_be_changed_in_the_middle() {
    let mut meeting = Meeting::new(97, 4, 1);
    for person in 1..4 {
        meeting.word(person, 300, 6_000, -30);
    }
    meeting.run(2_000);
    assert_eq!(meeting.speakers().places.iter().flatten().count(), 3);
    let router = meeting.world.router;
    let options = SpeakerOptions::default().places(1);
    meeting.world.ok(Command::SetSpeakerOptions(router, options));
    meeting.run(100);
    let before = meeting.world.now;
    meeting.run(1_000);
    let count = |at: usize| meeting.world.sink(meeting.ears[0][at]).since(before);
    assert!(count(0) > 40);
    assert_eq!((count(1), count(2)), (0, 0));
    assert_eq!(meeting.speakers().places.len(), 1);
    let options = SpeakerOptions::default().places(17);
    assert!(meeting.world.command(Command::SetSpeakerOptions(router, options)).is_err());
    meeting.assert_continuous();
}

/// Cameras beside the microphones, and a slot for the active speaker each.
fn with_cameras(meeting: &mut Meeting, people: usize) -> (Vec<SourceRef>, Vec<SinkRef>) {
    let world = &mut meeting.world;
    let mut cameras = Vec::new();
    for person in 0..people {
        let mic = meeting.mics[person];
        let camera = world.publish(mic.client, Format::Vp8, 1);
        let speaker = Some(mic.producer);
        world.ok(Command::SetProducerSpeaker(camera.producer, speaker));
        cameras.push(camera);
    }
    let mut screens = Vec::new();
    for person in 0..people {
        let mic = meeting.mics[person];
        let screen = world.subscribe(mic.client, &[Format::Vp8], None);
        let slot = SpeakerSlot::new(0).except(mic.producer);
        world.ok(Command::FollowSpeaker(screen.consumer, slot));
        screens.push(screen);
    }
    (cameras, screens)
}

fn seen(world: &mut World, screen: SinkRef) -> Option<ProducerId> {
    match world.ok(Command::ConsumerStats(screen.consumer)) {
        Reply::ConsumerStats(stats) => stats.producer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pictures_follow_the_dominant_speaker_who_sees_the_one_before() {
    let mut meeting = Meeting::new(98, 5, 0);
    let (cameras, screens) = with_cameras(&mut meeting, 5);
    meeting.run(300);
    // Before anybody spoke there is somebody to see.
    assert_eq!(seen(&mut meeting.world, screens[0]), Some(cameras[1].producer));
    assert_eq!(seen(&mut meeting.world, screens[3]), Some(cameras[0].producer));
    let turns = [2, 4, 1, 2];
    for (turn, person) in turns.into_iter().enumerate() {
        let start = 200;
        meeting.word(person, start, 2_500, -30);
        // A cough is no turn.
        meeting.word((person + 1) % 5, 1_500, 1_780, -22);
        meeting.run(1_200);
        for (viewer, screen) in screens.iter().enumerate() {
            let expected = match turn.checked_sub(1) {
                _ if viewer != person => Some(cameras[person].producer),
                Some(before) => Some(cameras[turns[before]].producer),
                // Nobody spoke before: the first of the others.
                None => Some(cameras[0].producer),
            };
            let found = seen(&mut meeting.world, *screen);
            assert_eq!(found, expected, "viewer {viewer} in turn {turn}");
        }
        meeting.run(1_600);
    }
    let expected = turns.map(|person| meeting.mics[person].producer);
    assert_eq!(dominant(&meeting.world), expected);
    for screen in &screens {
        assert!(meeting.world.sink(*screen).assert_continuous(0) > 200);
    }
    for camera in cameras {
        assert!(meeting.world.asked(camera) <= 6, "key frames asked: a few a turn at most");
    }
}

#[test]
fn a_camera_that_is_off_or_gone_is_passed_over() {
    let mut meeting = Meeting::new(99, 3, 0);
    let (cameras, screens) = with_cameras(&mut meeting, 3);
    meeting.word(1, 200, 1_500, -30);
    meeting.word(2, 1_900, 4_000, -30);
    meeting.run(3_000);
    let sees = |meeting: &mut Meeting| seen(&mut meeting.world, screens[0]);
    assert_eq!(sees(&mut meeting), Some(cameras[2].producer));
    meeting.world.ok(Command::PauseProducer(cameras[2].producer));
    assert_eq!(sees(&mut meeting), Some(cameras[1].producer));
    meeting.world.ok(Command::ResumeProducer(cameras[2].producer));
    assert_eq!(sees(&mut meeting), Some(cameras[2].producer));
    meeting.world.ok(Command::CloseProducer(cameras[2].producer));
    assert_eq!(sees(&mut meeting), Some(cameras[1].producer));
    meeting.world.ok(Command::SetProducerSpeaker(cameras[1].producer, None));
    assert_eq!(sees(&mut meeting), None);
    let mic = meeting.mics[0].producer;
    for wrong in [
        Command::SetProducerSpeaker(cameras[1].producer, Some(cameras[0].producer)),
        Command::SetProducerSpeaker(mic, Some(mic)),
    ] {
        let refused = meeting.world.command(wrong).unwrap_err();
        assert!(matches!(refused, CommandError::InvalidParameters { .. }), "{refused}");
    }
}

#[test]
fn observers_tell_of_their_producers_only() {
    let mut meeting = Meeting::new(100, 4, 0);
    let router = meeting.world.router;
    let mut observe = |command| match meeting.world.ok(command) {
        Reply::RtpObserver(id) => id,
        other => panic!("{other:?}"),
    };
    let some = observe(Command::CreateActiveSpeakerObserver(router, Default::default()));
    let options = AudioLevelOptions::default()
        .interval(Duration::from_millis(500))
        .max_entries(2)
        .threshold(-50)
        .scope(ObserverScope::Router);
    let levels = observe(Command::CreateAudioLevelObserver(router, options));
    let all = ActiveSpeakerOptions::default().scope(ObserverScope::Router);
    let all = observe(Command::CreateActiveSpeakerObserver(router, all));
    for person in [1, 2] {
        let mic = meeting.mics[person].producer;
        meeting.world.ok(Command::ObserveProducer(some, mic));
    }
    let mic = meeting.mics[2].producer;
    meeting.world.ok(Command::UnobserveProducer(some, mic));
    for person in 0..4 {
        let from = 500 + 2_000 * person as u64;
        meeting.word(person, from, from + 1_800, -26 - person as i8);
    }
    meeting.run(12_000);
    let mics: Vec<ProducerId> = meeting.mics.iter().map(|mic| mic.producer).collect();
    let told = |observer| {
        let events = meeting.world.events.iter().filter_map(|event| match event {
            Event::ActiveSpeaker { observer: Some(id), producer, .. } if *id == observer => {
                Some(*producer)
            }
            _ => None,
        });
        events.collect::<Vec<_>>()
    };
    assert_eq!(told(some), [mics[1]]);
    assert_eq!(told(all), mics);
    let mut loudest: HashMap<ProducerId, i8> = HashMap::new();
    let mut silent = true;
    for event in &meeting.world.events {
        match event {
            Event::AudioLevels { observer, volumes, .. } if *observer == levels => {
                assert!((1..=2).contains(&volumes.len()));
                assert!(volumes.windows(2).all(|pair| pair[0].volume >= pair[1].volume));
                let entry = loudest.entry(volumes[0].producer).or_insert(-127);
                *entry = volumes[0].volume.max(*entry);
            }
            Event::Silence { observer, .. } if *observer == levels => {
                assert!(!silent, "told twice");
                silent = true;
                continue;
            }
            _ => continue,
        }
        silent = false;
    }
    for (person, mic) in mics.iter().enumerate() {
        let level = -26 - person as i8;
        // The mean goes over the gaps in speech.
        assert!((level - 15..=level).contains(&loudest[mic]), "{person}: {}", loudest[mic]);
    }
    assert!(silent, "at the end nobody speaks");

    meeting.world.ok(Command::PauseRtpObserver(all));
    meeting.word(0, 100, 1_500, -30);
    meeting.run(2_000);
    let count = |meeting: &Meeting| {
        let of = |event: &&Event| matches!(event, Event::ActiveSpeaker { observer: Some(id), .. } if *id == all);
        meeting.world.events.iter().filter(of).count()
    };
    assert_eq!(count(&meeting), 4, "paused");
    meeting.world.ok(Command::ResumeRtpObserver(all));
    meeting.word(1, 100, 1_500, -30);
    meeting.run(2_000);
    assert_eq!(count(&meeting), 5);
    meeting.world.ok(Command::CloseRtpObserver(all));
    let gone = meeting.world.command(Command::PauseRtpObserver(all)).unwrap_err();
    assert_eq!(gone, CommandError::RtpObserverNotFound(all));
}

#[test]
fn speakers_survive_a_migration_in_the_middle_of_a_word() {
    let mut meeting = Meeting::new(101, 5, 2);
    let (cameras, screens) = with_cameras(&mut meeting, 5);
    let router = meeting.world.router;
    let all = ActiveSpeakerOptions::default().scope(ObserverScope::Router);
    meeting.world.ok(Command::CreateActiveSpeakerObserver(router, all));
    let mut words = Vec::new();
    for turn in 0..8 {
        let person = 2 + turn % 3;
        let from = 400 + 1_350 * turn as u64;
        words.push((person, meeting.word(person, from, from + 1_300, -30)));
    }
    for step in 0..60 {
        if step % 3 == 0 {
            meeting.world.migrate();
        }
        meeting.run(197);
    }
    for (person, word) in words {
        meeting.assert_word(0, person, word);
        meeting.assert_word(1, person, word);
    }
    meeting.assert_continuous();
    assert_eq!(dominant(&meeting.world).len(), 8);
    let observed = meeting.world.events.iter();
    let observed = observed.filter(|e| matches!(e, Event::ActiveSpeaker { observer: Some(_), .. }));
    assert_eq!(observed.count(), 8);
    assert_eq!(seen(&mut meeting.world, screens[0]), Some(cameras[2 + 7 % 3].producer));
    for screen in screens {
        assert!(meeting.world.sink(screen).assert_continuous(0) > 200);
    }
}
