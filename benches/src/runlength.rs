//! The run lengths that real publishers give: Chromium's camera at 720p
//! through the whole server, with and without equal sizes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde::Deserialize;
use sfu_core::engine::EngineConfig;
use sfu_core::{
    ConsumeOptions, MediaKind, PlainRemote, PlainTransportOptions, Router, RouterOptions,
    SdpOptions, Sfu, ShardStats,
};

use crate::executor::block_on;
use crate::receivers::{ANY, Receivers};
use crate::report::{Cell, Report, Table};

#[derive(Args)]
pub(crate) struct Options {
    /// Chromium pages, each with one camera.
    #[arg(long, default_value_t = 1)]
    publishers: usize,
    /// Receivers of every camera and microphone.
    #[arg(long, default_value_t = 8)]
    subscribers: usize,
    /// Seconds until the bit rate has grown to its full height.
    #[arg(long, default_value_t = 15)]
    warm_up: u64,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// The browser.
    #[arg(long, default_value = "/usr/bin/chromium")]
    chromium: PathBuf,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::new("runlength");
    let columns = [
        "media",
        "sizes",
        "kbit/s a camera",
        "packets in per turn",
        "packets per run",
        "packets out per second",
    ];
    let title = format!(
        "Chromium, 1280x720 at 30 fps, {} publishers, {} subscribers",
        options.publishers, options.subscribers
    );
    let mut table = Table::new(title, &columns);
    for audio in [false, true] {
        for equalize in [false, true] {
            let stats = measure(audio, equalize, options)?;
            let seconds = options.seconds as f64;
            let rate = stats.received_bytes as f64 * 8.0 / 1e3 / seconds;
            let turns = stats.turns_with_input.max(1) as f64;
            table.rows.push(vec![
                Cell::Text(if audio { "camera and microphone" } else { "camera" }.to_owned()),
                Cell::Text(if equalize { "equalised" } else { "as sent" }.to_owned()),
                Cell::Number(rate / options.publishers.max(1) as f64, 0),
                Cell::Number(stats.received_datagrams as f64 / turns, 2),
                Cell::Number(stats.mean_run_length().unwrap_or(0.0), 2),
                Cell::Number(stats.media_packets as f64 / seconds, 0),
            ]);
        }
    }
    report.tables.push(table);
    report.notes = vec![
        format!("{} s of each, after {} s of warm-up.", options.seconds, options.warm_up),
        "A turn is one pass of the shard's loop that took in a datagram, media or RTCP; runs are of RTP packets only.".to_owned(),
        "The browser shares the machine: a busy one sends its frames less evenly.".to_owned(),
    ];
    Ok(report)
}

fn measure(audio: bool, equalize: bool, options: &Options) -> anyhow::Result<ShardStats> {
    let mut engine = EngineConfig::default();
    engine.equalize = equalize;
    let sfu = Sfu::builder().listen(ANY).tcp(false).engine(engine).build()?;
    let room = block_on(sfu.create_router(RouterOptions::default()))?;
    let receivers = Receivers::new(options.subscribers)?;
    let mut browser = Browser::start(audio, options)?;
    for _ in 0..options.publishers {
        let offer = browser.offer()?;
        let answer = block_on(publish(&room, &offer, &receivers))?;
        browser.answer(&answer)?;
    }
    std::thread::sleep(Duration::from_secs(options.warm_up));
    let before = block_on(sfu.shard_stats(0))?;
    std::thread::sleep(Duration::from_secs(options.seconds));
    let stats = block_on(sfu.shard_stats(0))?.since(&before);
    ensure!(stats.media_packets > 0, "nothing was forwarded");
    Ok(stats)
}

/// Accepts a publisher, and has every subscriber receive it. Their sockets are
/// not read: what the kernel cannot queue it drops, behind the measurement.
async fn publish(room: &Router, offer: &str, receivers: &Receivers) -> anyhow::Result<String> {
    let session = room.accept_offer(offer, SdpOptions::default()).await?;
    let cameras = session.producers().iter().filter(|own| own.kind == MediaKind::Video).count();
    ensure!(cameras == 1, "the offer has {cameras} cameras");
    for &address in &receivers.addresses {
        let transport = room.create_plain_transport(PlainTransportOptions::new(ANY)).await?;
        let remote = PlainRemote { address: Some(address), ..PlainRemote::default() };
        transport.connect(remote).await?;
        for own in session.producers() {
            let capabilities = room.rtp_capabilities();
            transport.consume(ConsumeOptions::new(own.producer.id(), capabilities)).await?;
        }
    }
    Ok(session.answer().to_owned())
}

/// The script that drives Chromium: offers come out of it, answers go in.
struct Browser {
    process: Child,
    offers: BufReader<ChildStdout>,
    answers: ChildStdin,
}

#[derive(Deserialize)]
struct Offer {
    offer: String,
}

impl Browser {
    fn start(audio: bool, options: &Options) -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runlength");
        ensure!(folder.join("node_modules").is_dir(), "run `npm ci` in benches/runlength first");
        let mut process = Command::new("node")
            .arg("publish.mjs")
            .arg(&options.chromium)
            .arg(options.publishers.to_string())
            .arg(if audio { "audio" } else { "no-audio" })
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start node")?;
        let (Some(answers), Some(offers)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("the script has no pipes")
        };
        Ok(Self { process, offers: BufReader::new(offers), answers })
    }

    fn offer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.offers.read_line(&mut line)?;
        let offer: Offer = serde_json::from_str(&line).context("the browser made no offer")?;
        Ok(offer.offer)
    }

    fn answer(&mut self, answer: &str) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.answers, &serde_json::json!({ "answer": answer }))?;
        self.answers.write_all(b"\n")?;
        Ok(self.answers.flush()?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The script closes the browser when told to end; a browser that is
        // gone already needs no telling.
        let _ = self.answers.write_all(b"\"end\"\n");
        let _ = self.process.wait();
    }
}
