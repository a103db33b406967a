//! Benchmarks of Plenum.
//!
//! `cargo run --release -p plenum-bench -- NAME` prints a table, with `--json`
//! the same as JSON. What the figures mean, and what they were last time, is in
//! `docs/benchmarks.md`. Everything stays on the loopback interface.

mod alloc;
mod allocator;
mod client;
mod counting;
mod cpu;
mod executor;
mod fanout;
mod handshakes;
mod join;
mod meeting;
// The same meetings as in the tests.
#[allow(unreachable_pub, dead_code)]
#[path = "../../sfu-core/tests/meetings/mod.rs"]
mod meetings;
mod publisher;
mod receivers;
mod report;
mod room;
mod runlength;
mod senders;
mod server;
// The same world of simulated peers as in the tests.
#[allow(unreachable_pub, dead_code, unused_imports)]
#[path = "../../sfu-core/tests/engine/sim/mod.rs"]
mod sim;
mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "plenum-bench", about = "Benchmarks of Plenum, all on loopback")]
struct Arguments {
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// CPU time per forwarded packet, by run length and SRTP profile.
    Fanout(fanout::Options),
    /// Heap allocations per forwarded packet; fails unless there are none.
    Alloc(alloc::Options),
    /// Run lengths with Chromium publishers (needs Chromium and Node.js).
    Runlength(runlength::Options),
    /// Choice of layers: against the optimum, in time, under noise.
    Allocator(allocator::Options),
    /// Joins (ICE, DTLS, keys) per second on one core.
    Handshakes(handshakes::Options),
    /// How much faster than real time a call runs in virtual time.
    Simulate(simulate::Options),
    /// Participants that join a meeting of plenum-server, and what reaches them.
    Join(join::Options),
    /// One meeting of a thousand: the loudest and the speaker's picture to each.
    Meeting(meeting::Options),
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut report = match &arguments.benchmark {
        Benchmark::Fanout(options) => fanout::run(options)?,
        Benchmark::Alloc(options) => alloc::run(options)?,
        Benchmark::Runlength(options) => runlength::run(options)?,
        Benchmark::Allocator(options) => allocator::run(options)?,
        Benchmark::Handshakes(options) => handshakes::run(options)?,
        Benchmark::Simulate(options) => simulate::run(options)?,
        Benchmark::Join(options) => join::run(options)?,
        Benchmark::Meeting(options) => meeting::run(options)?,
    };
    report.print(arguments.json)?;
    Ok(if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
