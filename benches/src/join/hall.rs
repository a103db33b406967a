//! A run from the first join to the last figure.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use clap::{Args, ValueEnum};
use sfu_ice::{Certificate, Random};

use super::child::{Server, ServerOptions};
use super::clock::{Clock, Stamp};
use super::crowd::{Crowd, CrowdReport, PersonReport, Phase, Progress};
use super::door::{self, Doorway};
use super::kernel::{self, CpuTime};
use super::participant::Scene;
use super::path::Sent;
use super::receiver::Residence;
use super::recording::Recording;
use super::script::Conversation;
use super::sdp::SlotCounts;

/// Between two looks at how far the crowd is.
const LOOK: Duration = Duration::from_millis(20);

/// What everybody looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum View {
    /// As many cameras as there are slots, on small tiles.
    Gallery,
    /// Whoever speaks, on a small tile.
    Speaker,
    /// Nothing is said: the server sends its best.
    All,
}

/// How a crowd is let in, wherever it goes.
#[derive(Args, Clone, Debug)]
pub(crate) struct HallOptions {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
    /// Measure so long, after everybody is in.
    #[arg(long, default_value_t = 20.0)]
    pub(crate) seconds: f64,
    /// Let the media settle so long before.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) settle: f64,
    /// Let at most so many people join a second; without it all come at once.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// People who join at the same time.
    #[arg(long, default_value_t = 16)]
    pub(crate) doors: usize,
    /// Whoever is not in after so many seconds is given up.
    #[arg(long, default_value_t = 120.0)]
    pub(crate) patience: f64,
    /// Threads that hold the participants.
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// Look at the sockets at most once in so many milliseconds. The kernel
    /// notes when packets arrive, so that waiting costs no precision.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) turn: f64,
    /// Only one participant in so many decrypts and checks what it gets; the
    /// others look at headers.
    #[arg(long, default_value_t = 1)]
    pub(crate) sample: usize,
    /// Lose this share of media packets (0 to 1) on the way to the server and
    /// back, as a poor network does.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) loss: f64,
    /// Take frame sizes and key frames from this IVF file of VP8.
    #[arg(long)]
    pub(crate) recording: Option<PathBuf>,
    /// The conversation is made from this number.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Who comes to a [`Hall`], and what for.
#[derive(Clone, Debug)]
pub(crate) struct Hall {
    pub(crate) people: usize,
    /// The first so many have microphone and camera on; the others listen.
    pub(crate) publishers: usize,
    pub(crate) slots: SlotCounts,
    pub(crate) view: View,
    pub(crate) options: HallOptions,
}

/// What came of it.
pub(crate) struct Outcome {
    /// In the order in which they came to the door.
    pub(crate) people: Vec<PersonReport>,
    /// Why some never got in.
    pub(crate) refused: Vec<String>,
    pub(crate) residence: Residence,
    pub(crate) sent: Sent,
    /// From the first join to the last connection.
    pub(crate) storm: Duration,
    /// How long was measured.
    pub(crate) measured: Duration,
    /// CPU time of the server while people joined, and while it was measured;
    /// `None` for a server that was not started here.
    pub(crate) server_cpu: Option<[CpuTime; 2]>,
    /// The same of this process.
    pub(crate) own_cpu: [CpuTime; 2],
    /// Resident memory of the server in bytes at the start and at the end.
    pub(crate) server_memory: Option<[u64; 2]>,
    /// Datagrams that a full socket buffer cost, while people joined and while
    /// it was measured, on the whole machine.
    pub(crate) dropped: [u64; 2],
    pub(crate) warnings: Vec<String>,
}

impl Outcome {
    pub(crate) fn connected(&self) -> impl Iterator<Item = &PersonReport> {
        let connected =
            |person: &&PersonReport| person.join.connected.is_some() && person.failure.is_none();
        self.people.iter().filter(connected)
    }
}

impl Hall {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        ensure!(self.people > 0, "expected at least one participant");
        ensure!((0.0..1.0).contains(&self.options.loss), "expected --loss from 0 to 1");
        let server = Server::start(&self.options.server, self.people)?;
        let meeting = server.create_meeting()?;
        let clock = Clock::start();
        let scene = Arc::new(self.scene(clock)?);
        let progress = Arc::<Progress>::default();
        let turn = Duration::from_secs_f64(self.options.turn / 1e3);

        let (mut crowds, mut entrances) = (Vec::new(), Vec::new());
        for number in 0..self.options.threads.max(1) {
            let (scene, progress) = (Arc::clone(&scene), Arc::clone(&progress));
            let (crowd, entrance) = Crowd::new(clock, scene, progress, turn)?;
            let thread = std::thread::Builder::new().name(format!("crowd-{number}"));
            crowds.push(thread.spawn(move || crowd.run())?);
            entrances.push(entrance);
        }

        let start = Moment::now(&server);
        let refused = Arc::<Mutex<Vec<String>>>::default();
        let doorway = Doorway {
            server: server.address,
            meeting,
            people: self.people,
            publishers: self.publishers,
            per_second: self.options.rate,
            doors: self.options.doors,
        };
        let doors = {
            let (refused, progress) = (Arc::clone(&refused), Arc::clone(&progress));
            door::open(doorway, clock, move |index, arrival| match arrival {
                Ok(arrival) => entrances[index % entrances.len()].enter(arrival),
                Err(error) => {
                    progress.failed.fetch_add(1, Ordering::Relaxed);
                    let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
                    refused.push(format!("{error:#}"));
                }
            })
        };
        self.gather(&progress);
        let gathered = Moment::now(&server);
        std::thread::sleep(Duration::from_secs_f64(self.options.settle));

        progress.enter(Phase::Measure);
        let begun = Moment::now(&server);
        std::thread::sleep(Duration::from_secs_f64(self.options.seconds));
        progress.enter(Phase::Done);
        let end = Moment::now(&server);

        let mut reports = Vec::new();
        for crowd in crowds {
            let report = crowd.join().map_err(|_| anyhow!("a thread of participants panicked"))?;
            reports.push(report.context("a thread of participants failed")?);
        }
        for door in doors.into_iter().filter(std::thread::JoinHandle::is_finished) {
            door.join().map_err(|_| anyhow!("a door panicked"))?;
        }
        let mut outcome = merge(reports);
        outcome.refused =
            std::mem::take(&mut *refused.lock().unwrap_or_else(PoisonError::into_inner));
        outcome.measured = end.at - begun.at;
        outcome.own_cpu = [gathered.own.since(&start.own), end.own.since(&begun.own)];
        outcome.server_cpu = match (start.server, gathered.server, begun.server, end.server) {
            (Some(a), Some(b), Some(c), Some(d)) => Some([b.since(&a), d.since(&c)]),
            _ => None,
        };
        outcome.server_memory = start.memory.zip(end.memory).map(|(a, b)| [a, b]);
        outcome.dropped = [gathered.dropped - start.dropped, end.dropped - begun.dropped];
        outcome.warnings = server.warnings();
        Ok(outcome)
    }

    fn scene(&self, clock: Clock) -> anyhow::Result<Scene> {
        // What is random here is no secret worth keeping.
        let seed = Stamp::now().0;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let mut random = Random::from_seed(bytes);
        let recording = self.options.recording.as_deref().map(Recording::open).transpose()?;
        let publishers = self.publishers.min(self.people);
        Ok(Scene {
            certificate: Certificate::generate(&mut random)?,
            slots: self.slots,
            specs: self.slots.specs(),
            view: self.view,
            publishers,
            sample: self.options.sample,
            loss: self.options.loss,
            conversation: Conversation::new(publishers as u32, self.options.seed),
            recording: recording.map(Arc::new),
            began: clock.now(),
            seed,
        })
    }

    /// Waits until everybody is in or given up.
    fn gather(&self, progress: &Progress) {
        let deadline = Instant::now() + Duration::from_secs_f64(self.options.patience);
        while Instant::now() < deadline {
            let connected = progress.connected.load(Ordering::Relaxed);
            if connected + progress.failed.load(Ordering::Relaxed) >= self.people {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// What the kernel says at one moment.
struct Moment {
    at: Instant,
    server: Option<CpuTime>,
    own: CpuTime,
    memory: Option<u64>,
    dropped: u64,
}

impl Moment {
    fn now(server: &Server) -> Self {
        Self {
            at: Instant::now(),
            server: server.pid().and_then(|pid| CpuTime::of(pid).ok()),
            own: CpuTime::of(std::process::id()).unwrap_or_default(),
            memory: server.pid().and_then(|pid| kernel::resident(pid).ok()),
            dropped: kernel::dropped_datagrams(),
        }
    }
}

fn merge(reports: Vec<CrowdReport>) -> Outcome {
    let (mut people, mut residence, mut sent) = (Vec::new(), Residence::default(), Sent::default());
    for report in reports {
        people.extend(report.people);
        residence.merge(&report.residence);
        sent.datagrams += report.sent.datagrams;
        sent.bytes += report.sent.bytes;
        sent.refused += report.sent.refused;
    }
    people.sort_by_key(|person| person.index);
    let began = people.iter().map(|person| person.join.began).min();
    let connected = people.iter().filter_map(|person| person.join.connected).max();
    let storm = began.zip(connected).map_or(Duration::ZERO, |(began, last)| last - began);
    Outcome {
        people,
        refused: Vec::new(),
        residence,
        sent,
        storm,
        measured: Duration::ZERO,
        server_cpu: None,
        own_cpu: [CpuTime::default(); 2],
        server_memory: None,
        dropped: [0; 2],
        warnings: Vec::new(),
    }
}
