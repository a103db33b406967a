//! What one forwarded packet costs, and how much of that is the kernel's.
//!
//! One publisher, many subscribers, frames of as many equal packets as the run
//! is to be long. The same frames go through the engine alone, through the
//! engine and one `sendto` a packet, through the engine and segmented sends,
//! and through the whole server.

use std::time::Duration;

use clap::Args;
use sfu_core::SrtpProfile;
use sfu_core::engine::{Run, Sink};

use crate::cpu;
use crate::publisher::PACKET_LEN;
use crate::receivers::{ANY, Receivers};
use crate::report::{Cell, Report, Sample, Table};
use crate::room::Room;
use crate::senders::{Segmented, SendTo};
use crate::server::Server;

#[derive(Args)]
pub(crate) struct Options {
    /// Subscribers of the one publisher.
    #[arg(long, default_value_t = 64)]
    subscribers: usize,
    /// Packets forwarded in each measurement, about.
    #[arg(long, default_value_t = 100_000)]
    packets: usize,
    /// Measurements of each figure; the median is told.
    #[arg(long, default_value_t = 5)]
    repetitions: usize,
    /// Packets per frame, and so per run.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16])]
    runs: Vec<usize>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::new("fanout");
    for profile in [SrtpProfile::AeadAes128Gcm, SrtpProfile::AesCm128HmacSha1_80] {
        report.tables.push(table(profile, options)?);
    }
    report.notes = vec![
        format!("{PACKET_LEN} bytes a packet with SRTP; median (range) of {} measurements of about {} packets each.", options.repetitions, options.packets),
        "Thread CPU time in user and kernel, of the thread that sends: on loopback that includes the delivery to the receiver's socket, and there is no network card.".to_owned(),
        "The engine decrypts, routes, writes headers and encrypts. Server: the whole of it with receiving and its event loop, which the other columns lack.".to_owned(),
        "Ratios are of medians, sendto a packet over the other.".to_owned(),
    ];
    Ok(report)
}

fn table(profile: SrtpProfile, options: &Options) -> anyhow::Result<Table> {
    let title = format!("CPU ns per forwarded packet, {profile:?}, 1 to {}", options.subscribers);
    let columns = [
        "run length",
        "engine alone",
        "engine + sendto each",
        "engine + GSO",
        "server",
        "sendto : GSO",
        "sendto : server",
        "run length seen",
        "turns per frame",
    ];
    let mut table = Table::new(title, &columns);
    for &run in &options.runs {
        table.rows.push(row(profile, run, options)?);
    }
    Ok(table)
}

fn row(profile: SrtpProfile, run: usize, options: &Options) -> anyhow::Result<Vec<Cell>> {
    let mut costs: [Vec<f64>; 4] = Default::default();
    let (mut seen, mut turns) = (Vec::new(), Vec::new());
    // Turn by turn, so that a noisy moment hits all columns.
    for _ in 0..options.repetitions {
        let receivers = Receivers::new(options.subscribers)?;
        let mut measure = Measurement { profile, run, options, receivers: &receivers };
        costs[0].push(measure.engine(&mut |_: Run<'_>| {}, false)?);
        costs[1].push(measure.engine(&mut SendTo::new()?, true)?);
        costs[2].push(measure.engine(&mut Segmented::new()?, true)?);
        let served = measure.server()?;
        costs[3].push(served.cost);
        seen.push(served.run_length);
        turns.push(served.turns);
    }
    let [engine, sendto, gso, server] = &costs;
    let [engine, sendto, gso, server] =
        [Sample::of(engine)?, Sample::of(sendto)?, Sample::of(gso)?, Sample::of(server)?];
    Ok(vec![
        Cell::Text(run.to_string()),
        Cell::Sample(engine),
        Cell::Sample(sendto),
        Cell::Sample(gso),
        Cell::Sample(server),
        Cell::Number(sendto.median / gso.median, 1),
        Cell::Number(sendto.median / server.median, 1),
        Cell::Number(Sample::of(&seen)?.median, 1),
        Cell::Number(Sample::of(&turns)?.median, 1),
    ])
}

/// What a server did with the frames.
struct Served {
    /// CPU ns per forwarded packet.
    cost: f64,
    /// Mean run length that it saw.
    run_length: f64,
    /// Turns of its loop per frame.
    turns: f64,
}

struct Measurement<'a> {
    profile: SrtpProfile,
    run: usize,
    options: &'a Options,
    receivers: &'a Receivers,
}

impl Measurement<'_> {
    fn rounds(&self) -> usize {
        self.options.packets.div_ceil(self.run * self.options.subscribers.max(1))
    }

    fn per_packet(&self, used: Duration) -> f64 {
        let packets = self.rounds() * self.run * self.options.subscribers;
        used.as_nanos() as f64 / packets as f64
    }

    /// The engine on this thread, its packets into `sink`.
    fn engine(&mut self, sink: &mut dyn Sink, received: bool) -> anyhow::Result<f64> {
        let mut room = Room::new(self.profile, ANY, &self.receivers.addresses)?;
        let mut used = Duration::ZERO;
        for _ in 0..self.rounds() {
            let mut frame = room.frame(self.run)?;
            used += cpu::of(|| room.take_in(&mut frame, sink)).0;
            if received {
                self.receivers.drain(self.run)?;
            }
        }
        Ok(self.per_packet(used))
    }

    /// The server on its own thread.
    fn server(&mut self) -> anyhow::Result<Served> {
        let mut server = Server::new(self.profile, self.receivers)?;
        let frames = (0..self.rounds())
            .map(|_| server.frame(self.run))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let (before, used) = (server.stats()?, server.shard.used()?);
        for frame in &frames {
            server.forward(frame, self.receivers)?;
        }
        let used = server.shard.used()?.saturating_sub(used);
        let stats = server.stats()?.since(&before);
        Ok(Served {
            cost: self.per_packet(used),
            run_length: stats.mean_run_length().unwrap_or(0.0),
            turns: stats.turns as f64 / frames.len() as f64,
        })
    }
}
