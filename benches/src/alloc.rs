//! A packet that is forwarded in steady state allocates nothing on the heap.

use clap::Args;
use sfu_core::SrtpProfile;
use sfu_core::engine::Run;
use sfu_ice::{PacketClass, classify};

use crate::counting;
use crate::receivers::{ANY, Receivers};
use crate::report::{Cell, Report, Table};
use crate::room::Room;
use crate::server::Server;

/// Frames before it counts: streams are known, buffers have their size.
const WARM_UP: usize = 2_000;

#[derive(Args)]
pub(crate) struct Options {
    /// Packets forwarded while it counts, at least.
    #[arg(long, default_value_t = 1_000_000)]
    packets: usize,
    /// Subscribers of the one publisher.
    #[arg(long, default_value_t = 50)]
    subscribers: usize,
    /// Packets per frame.
    #[arg(long, default_value_t = 8)]
    run: usize,
    /// Tell where the first allocations came from.
    #[arg(long, default_value_t = 0)]
    traces: usize,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::new("alloc");
    let columns = ["path", "SRTP", "packets", "allocations", "per packet"];
    let mut table = Table::new("Heap allocations while packets are forwarded", &columns);
    for profile in SrtpProfile::ALL {
        let (packets, calls, traces) = engine(profile, options)?;
        add(&mut report, &mut table, "engine", profile, packets, calls, traces);
    }
    let profile = SrtpProfile::AeadAes128Gcm;
    let (packets, calls, traces) = server(profile, options)?;
    add(&mut report, &mut table, "server, all threads", profile, packets, calls, traces);
    report.tables.push(table);
    report.notes.push(format!(
        "1 publisher, {} subscribers, frames of {} packets; {WARM_UP} frames before it counts. RTCP reports fall into the time, too.",
        options.subscribers, options.run
    ));
    Ok(report)
}

fn add(
    report: &mut Report,
    table: &mut Table,
    path: &str,
    profile: SrtpProfile,
    packets: usize,
    calls: u64,
    traces: Vec<String>,
) {
    report.failed |= calls > 0;
    report.notes.extend(traces.into_iter().map(|trace| format!("{path}:\n{trace}")));
    table.rows.push(vec![
        Cell::Text(path.to_owned()),
        Cell::Text(format!("{profile:?}")),
        Cell::Number(packets as f64, 0),
        Cell::Number(calls as f64, 0),
        Cell::Number(calls as f64 / packets as f64, 6),
    ]);
}

fn engine(profile: SrtpProfile, options: &Options) -> anyhow::Result<(usize, u64, Vec<String>)> {
    let addresses: Vec<_> =
        (0..options.subscribers).map(|n| ([10, 0, (n >> 8) as u8, n as u8], 4000).into()).collect();
    let mut room = Room::new(profile, ANY, &addresses)?;
    for _ in 0..WARM_UP {
        let mut frame = room.frame(options.run)?;
        room.take_in(&mut frame, &mut |_: Run<'_>| {});
    }
    let mut total = 0;
    let mut calls = 0;
    let mut traces = Vec::new();
    while total < options.packets {
        // The publisher's own work stays outside.
        let mut frame = room.frame(options.run)?;
        let mut forwarded = 0;
        let mut count = |run: Run<'_>| {
            if classify(run.bytes) == PacketClass::Rtp {
                forwarded += run.count;
            }
        };
        let left = options.traces.saturating_sub(traces.len());
        let (more, traced, ()) = counting::during(left, || room.take_in(&mut frame, &mut count));
        let expected = options.run * options.subscribers;
        anyhow::ensure!(
            forwarded == expected,
            "forwarded {forwarded} packets, expected {expected}"
        );
        total += forwarded;
        calls += more;
        traces.extend(traced);
    }
    Ok((total, calls, traces))
}

fn server(profile: SrtpProfile, options: &Options) -> anyhow::Result<(usize, u64, Vec<String>)> {
    let receivers = Receivers::new(options.subscribers)?;
    let mut server = Server::new(profile, &receivers)?;
    for _ in 0..WARM_UP {
        let frame = server.frame(options.run)?;
        server.forward(&frame, &receivers)?;
    }
    let frames = options.packets.div_ceil(options.run * options.subscribers.max(1));
    let frames =
        (0..frames).map(|_| server.frame(options.run)).collect::<anyhow::Result<Vec<_>>>()?;
    let (calls, traces, forwarded) = counting::during(options.traces, || {
        frames.iter().try_for_each(|frame| server.forward(frame, &receivers))
    });
    forwarded?;
    Ok((frames.len() * options.run * options.subscribers, calls, traces))
}
