//! A call costs what is heard and seen: cameras that nobody looks at rest, and
//! the engine runs for what comes and for its own reports, not for time.

use std::time::Duration;

use sfu_core::engine::Command;
use sfu_core::{Event, SpeakerSlot};

use super::sim::{Format, SinkRef, SourceRef, Voice, World};

const PEOPLE: usize = 12;
const SECONDS: u64 = 24;
/// How long one speaks, two at a time.
const TURN: u64 = 4;

/// Everybody has a microphone and a camera on and gets the loudest of the
/// others, by ear and by eye.
struct Call {
    world: World,
    cameras: Vec<SourceRef>,
    eyes: Vec<SinkRef>,
}

fn call(seed: u64, saving: bool) -> Call {
    let mut world = World::new(seed);
    world.saving = saving;
    let people: Vec<usize> = (0..PEOPLE).map(|_| world.plain()).collect();
    let (mut cameras, mut eyes, mut mics) = (Vec::new(), Vec::new(), Vec::new());
    for (at, &person) in people.iter().enumerate() {
        let mic = world.publish(person, Format::Opus, 1);
        let camera = world.publish(person, Format::Vp8, 3);
        let mut voice = Voice::new(-70);
        // Two new ones in each turn.
        let from = world.now + Duration::from_secs(TURN * (at as u64 / 2));
        voice.words.push((from, from + Duration::from_secs(TURN), -25 - at as i8 % 2 * 5));
        world.source(mic).voice = Some(voice);
        world.ok(Command::SetProducerSpeaker(camera.producer, Some(mic.producer)));
        mics.push(mic);
        cameras.push(camera);
    }
    for (&person, mic) in people.iter().zip(&mics) {
        let except = Some(mic.producer);
        for rank in 0..2 {
            let ear = world.subscribe(person, &[Format::Opus], None);
            world.ok(Command::FollowSpeaker(ear.consumer, SpeakerSlot { rank, except }));
        }
        let eye = world.subscribe(person, &[Format::Vp8], None);
        world.ok(Command::FollowSpeaker(eye.consumer, SpeakerSlot { rank: 0, except }));
        eyes.push(eye);
    }
    Call { world, cameras, eyes }
}

impl Call {
    /// Packets of all cameras so far.
    fn filmed(&mut self) -> u32 {
        let Self { world, cameras, .. } = self;
        let packets = |camera: &SourceRef| -> u32 {
            world.source(*camera).layers.iter().map(|layer| layer.packets).sum()
        };
        cameras.iter().map(packets).sum()
    }
}

#[test]
fn cameras_of_the_silent_rest_and_the_speakers_are_seen() {
    let mut call = call(120, true);
    for turn in 0..SECONDS / TURN {
        // A second after the change, and to the end of the turn.
        call.world.run_millis(1_500);
        let resting = |world: &mut World, camera: SourceRef| {
            world.source(camera).layers.iter().all(|layer| !layer.enabled)
        };
        let cameras = call.cameras.clone();
        let awake: Vec<usize> =
            (0..PEOPLE).filter(|at| !resting(&mut call.world, cameras[*at])).collect();
        // The speaker for everybody else, and for the speaker who is next.
        assert!(awake.len() <= 2, "in turn {turn}: {awake:?}");
        assert!(awake.contains(&(2 * turn as usize)), "in turn {turn}: {awake:?}");
        call.world.run_millis(TURN * 1_000 - 1_500);
    }
    for (at, eye) in call.eyes.iter().enumerate() {
        // A picture may be cut where the speaker changes.
        let turns = (SECONDS / TURN) as usize;
        let frames = call.world.sink(*eye).assert_decodable(0, turns);
        assert!(frames as u64 > SECONDS * 28, "{frames} frames for number {at}");
    }
    let told = |event: &&Event| matches!(event, Event::ProducerDemandChanged { .. });
    let told = call.world.events.iter().filter(told).count();
    // Once that nobody looks, and for each speaker on and off, each in two steps
    // at most.
    assert!(told <= 5 * PEOPLE, "{told} times told");
}

#[test]
fn a_call_costs_what_is_heard_and_seen() {
    let figures = [true, false].map(|saving| {
        let mut call = call(121, saving);
        call.world.run_millis(2_000);
        let (turns, filmed) = (call.world.turns, call.filmed());
        call.world.run_for(Duration::from_secs(SECONDS - 2));
        let per_second = |count: u64| count / (SECONDS - 2);
        let filmed = per_second(u64::from(call.filmed() - filmed));
        (per_second(call.world.turns - turns), filmed)
    });
    let [(turns, filmed), (unheeding_turns, unheeding_filmed)] = figures;
    // 30 frames of seven packets for each of two, and at changes of four.
    assert!((400..600).contains(&filmed), "{filmed} packets of cameras per second");
    assert!(unheeding_filmed > 2_400, "{unheeding_filmed} packets of cameras per second");
    // Fifty packets of each microphone, up to thirty frames of some cameras, and
    // ten looks at each transport.
    assert!(turns <= 75 * PEOPLE as u64, "the engine ran {turns} times per second");
    assert!(turns < unheeding_turns, "{turns} and {unheeding_turns} times per second");
}
