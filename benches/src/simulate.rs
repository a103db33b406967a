//! How much faster than real time a call runs in virtual time: the engine and
//! the simulated peers around it, as the tests use them.

use std::time::Duration;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use sfu_core::engine::Command;
use sfu_core::{Layers, SpeakerSlot, SrtpProfile};

use crate::cpu;
use crate::report::{Cell, Report, Sample, Table};
use crate::sim::{Format, Link, SinkRef, SourceRef, Voice, World};

#[derive(Args)]
pub(crate) struct Options {
    /// People in the call.
    #[arg(long, default_value_t = 25)]
    people: usize,
    /// Seconds of the call.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Repetitions of each measurement.
    #[arg(long, default_value_t = 5)]
    repetitions: usize,
    /// Only this call.
    #[arg(long)]
    call: Option<Call>,
    /// Seed of all random choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What must hold for a conversation.
const RATIO: f64 = 100.0;

/// What each of the people receives, and what their publishers send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Call {
    /// The three loudest.
    Voices,
    /// The three loudest, and the picture of who speaks, as a tile.
    Conversation,
    /// The same with the picture at its full size.
    Spotlight,
    /// The three loudest, and a small picture of everybody.
    Gallery,
    /// As a conversation, but cameras send all that they have, whether or not
    /// anybody looks.
    Unheeding,
}

impl Call {
    fn text(self) -> &'static str {
        match self {
            Self::Voices => "three loudest voices",
            Self::Conversation => "three voices and the speaker's picture, small",
            Self::Spotlight => "three voices and the speaker's picture, full size",
            Self::Gallery => "three voices and all pictures, small",
            Self::Unheeding => "as the second, and cameras send all layers always",
        }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    ensure!(options.people > 3 && options.seconds > 0 && options.repetitions > 0, "no call");
    let mut report = Report::new("simulate");
    let title =
        format!("{} people, {} s, times faster than real time", options.people, options.seconds);
    let columns =
        ["each receives", "SRTP", "times faster", "packets in and out per s", "engine runs per s"];
    let mut table = Table::new(title, &columns);
    let calls = Call::value_variants().iter().copied();
    for call in calls.filter(|call| options.call.is_none_or(|only| only == *call)) {
        for srtp in [None, Some(SrtpProfile::AeadAes128Gcm)] {
            let mut ratios = Vec::new();
            let mut told = Simulated::default();
            for _ in 0..options.repetitions {
                told = simulate(options, call, srtp)?;
                ratios.push(options.seconds as f64 / told.took.as_secs_f64());
            }
            let ratio = Sample::of(&ratios)?;
            // Whatever else the machine does makes it slower only.
            report.failed |= call == Call::Conversation && ratio.max < RATIO;
            let srtp = if srtp.is_some() { "AES-GCM" } else { "none" };
            table.rows.push(vec![
                Cell::Text(call.text().to_owned()),
                Cell::Text(srtp.to_owned()),
                Cell::Sample(ratio),
                Cell::Number((told.packets / options.seconds) as f64, 0),
                Cell::Number((told.turns / options.seconds) as f64, 0),
            ]);
        }
    }
    report.tables.push(table);
    report.notes = vec![
        "CPU time of the one thread that does everything: publishers, links of 20 ms with a little jitter, the engine, and receivers that check every packet.".to_owned(),
        "All microphones are on and send all the time; two, later up to four people speak at a time. Cameras have three layers of simulcast and send those that anybody wants, as the engine tells them, but for the last rows.".to_owned(),
        "Fails if no repetition of the second call is a hundred times faster than real time, with SRTP and without.".to_owned(),
    ];
    Ok(report)
}

/// What one run came to.
#[derive(Clone, Copy, Debug, Default)]
struct Simulated {
    took: Duration,
    /// Packets in and out of the engine.
    packets: u64,
    /// How often the engine ran.
    turns: u64,
}

/// Runs one call.
fn simulate(options: &Options, call: Call, srtp: Option<SrtpProfile>) -> anyhow::Result<Simulated> {
    let mut world = World::new(options.seed);
    world.saving = call != Call::Unheeding;
    let people: Vec<usize> = (0..options.people).map(|_| world.plain_with(srtp, false)).collect();
    let mut publishers: Vec<(SourceRef, SourceRef)> = Vec::new();
    for (at, &person) in people.iter().enumerate() {
        let mut up = Link::new(20);
        up.jitter = Duration::from_millis(3);
        world.links(person, up, Link::new(20));
        let (mic, camera) =
            (world.publish(person, Format::Opus, 1), world.publish(person, Format::Vp8, 3));
        let mut voice = Voice::new(-70);
        for turn in (at as u64..options.seconds).step_by(options.people.div_ceil(2)) {
            let from = world.now + Duration::from_secs(turn);
            voice.words.push((from, from + Duration::from_millis(1_800), -25));
        }
        world.source(mic).voice = Some(voice);
        world.ok(Command::SetProducerSpeaker(camera.producer, Some(mic.producer)));
        publishers.push((mic, camera));
    }
    let mut sinks: Vec<SinkRef> = Vec::new();
    for (at, &person) in people.iter().enumerate() {
        let except = publishers.get(at).map(|(mic, _)| mic.producer);
        for rank in 0..3 {
            let ear = world.subscribe(person, &[Format::Opus], None);
            world.ok(Command::FollowSpeaker(ear.consumer, SpeakerSlot { rank, except }));
            sinks.push(ear);
        }
        let small = Layers { spatial: 0, temporal: u8::MAX };
        if matches!(call, Call::Conversation | Call::Spotlight | Call::Unheeding) {
            let eye = world.subscribe(person, &[Format::Vp8], None);
            if call != Call::Spotlight {
                world.ok(Command::SetPreferredLayers(eye.consumer, small));
            }
            world.ok(Command::FollowSpeaker(eye.consumer, SpeakerSlot { rank: 0, except }));
            sinks.push(eye);
        } else if call == Call::Gallery {
            for (other, (_, camera)) in publishers.iter().enumerate() {
                if other != at {
                    let eye = world.subscribe(person, &[Format::Vp8], Some(*camera));
                    world.ok(Command::SetPreferredLayers(eye.consumer, small));
                    sinks.push(eye);
                }
            }
        }
    }
    let before = world.turns;
    let (took, ()) = cpu::of(|| world.run_for(Duration::from_secs(options.seconds)));
    let turns = world.turns - before;
    let received: usize = sinks.iter().map(|sink| world.sink(*sink).packets.len()).sum();
    ensure!(received > 0, "nothing came");
    let mut packets = received as u64;
    for &person in &people {
        let Some(client) = world.clients.get(person) else { continue };
        let transport = client.transport;
        if let sfu_core::engine::Reply::TransportStats(stats) =
            world.ok(Command::TransportStats(transport))
        {
            packets += stats.packets_received;
        }
    }
    Ok(Simulated { took, packets, turns })
}
