//! The thread that holds the participants: one poller, their sockets, their
//! timers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use sfu_ice::Time;

use super::camera;
use super::clock::{Clock, Stamp};
use super::door::Arrival;
use super::measure::Received;
use super::participant::{JoinRecord, Participant, Scene};
use super::path::{ReceiveArea, Sent};
use super::receiver::Residence;

const WAKER: Token = Token(usize::MAX);

/// What the thread is asked to do, and how far it is; shared with the hall.
#[derive(Default)]
pub(crate) struct Progress {
    phase: AtomicU8,
    pub(crate) connected: AtomicUsize,
    pub(crate) failed: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Gather = 0,
    Measure = 1,
    Done = 2,
}

impl Progress {
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Gather,
            1 => Phase::Measure,
            _ => Phase::Done,
        }
    }
}

/// What became of one participant.
pub(crate) struct PersonReport {
    pub(crate) index: usize,
    pub(crate) join: JoinRecord,
    pub(crate) received: Received,
    /// Why it was lost.
    pub(crate) failure: Option<String>,
    /// What the server refused.
    pub(crate) errors: Vec<String>,
    /// Retransmissions that it sent, and key frames that it was asked for.
    pub(crate) repaired: u64,
    pub(crate) key_frames_on_request: u64,
}

/// What a thread of participants has seen.
pub(crate) struct CrowdReport {
    pub(crate) people: Vec<PersonReport>,
    pub(crate) residence: Residence,
    /// What they sent while they were measured.
    pub(crate) sent: Sent,
}

pub(crate) struct Crowd {
    poll: Poll,
    arrivals: mpsc::Receiver<Arrival>,
    clock: Clock,
    scene: Arc<Scene>,
    progress: Arc<Progress>,
    /// The shortest time between two looks at the sockets.
    turn: Duration,
    people: Vec<Person>,
    timers: BinaryHeap<Reverse<(Time, usize)>>,
    area: ReceiveArea,
    scratch: Vec<u8>,
    residence: Residence,
    phase: Phase,
}

struct Person {
    participant: Participant,
    /// The earliest timer that is set.
    timer: Time,
    failure: Option<String>,
    sent_before: Sent,
}

/// Where somebody who arrived is put in.
pub(crate) struct Entrance {
    arrivals: mpsc::Sender<Arrival>,
    waker: Waker,
}

impl Entrance {
    pub(crate) fn enter(&self, arrival: Arrival) {
        // Fails once the run is over; whoever comes then is too late.
        if self.arrivals.send(arrival).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl Crowd {
    pub(crate) fn new(
        clock: Clock,
        scene: Arc<Scene>,
        progress: Arc<Progress>,
        turn: Duration,
    ) -> io::Result<(Self, Entrance)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let (sender, arrivals) = mpsc::channel();
        let crowd = Self {
            poll,
            arrivals,
            clock,
            scene,
            progress,
            turn,
            people: Vec::new(),
            timers: BinaryHeap::new(),
            area: ReceiveArea::new(),
            scratch: vec![0; camera::SCRATCH],
            residence: Residence::default(),
            phase: Phase::Gather,
        };
        Ok((crowd, Entrance { arrivals: sender, waker }))
    }

    /// Runs until the hall says that it is done.
    pub(crate) fn run(mut self) -> anyhow::Result<CrowdReport> {
        let mut events = Events::with_capacity(4_096);
        loop {
            let began = Instant::now();
            let now = self.clock.now();
            self.change_phase();
            if self.phase == Phase::Done {
                return Ok(self.report());
            }
            while let Ok(arrival) = self.arrivals.try_recv() {
                self.seat(now, arrival)?;
            }
            self.handle_events(&events);
            self.handle_timers();

            // The longer it waits, the more packets there are to read at once.
            // When they arrived the kernel remembers.
            std::thread::sleep(self.turn.saturating_sub(began.elapsed()));
            let due = self.timers.peek().map_or(Time::MAX, |Reverse((due, _))| *due);
            let wait = (due - self.clock.now()).min(Duration::from_millis(50));
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
    }

    fn change_phase(&mut self) {
        let phase = self.progress.phase();
        if phase == self.phase {
            return;
        }
        let stamp = Stamp::now();
        for person in &mut self.people {
            let Some(media) = &mut person.participant.media else { continue };
            match phase {
                Phase::Gather => {}
                Phase::Measure => {
                    media.receiver.begin_counting(stamp);
                    person.sent_before = media.path.sent;
                }
                Phase::Done => {
                    media.receiver.finish_counting(stamp);
                    person.participant.leave();
                }
            }
        }
        if phase == Phase::Measure {
            self.residence = Residence::default();
        }
        self.phase = phase;
    }

    fn seat(&mut self, now: Time, arrival: Arrival) -> io::Result<()> {
        let place = self.people.len();
        let participant = Participant::new(arrival, &self.scene, now);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut SourceFd(&participant.signaling.fd()), token(place, 1), interest)?;
        let sent_before = Sent::default();
        self.people.push(Person { participant, timer: Time::MAX, failure: None, sent_before });
        self.arm(place);
        Ok(())
    }

    fn handle_events(&mut self, events: &Events) {
        for event in events {
            let Token(number) = event.token();
            if event.token() == WAKER {
                continue;
            }
            let (place, signaling) = (number / 2, number % 2 == 1);
            let now = self.clock.now();
            self.with(place, |this, participant| {
                if signaling {
                    if participant.handle_signaling(now, this.scene)? {
                        let fd = participant.media.as_ref().map(|media| media.path.fd());
                        let registry = this.poll.registry();
                        if let Some(fd) = fd {
                            let interest = Interest::READABLE;
                            registry.register(&mut SourceFd(&fd), token(place, 0), interest)?;
                        }
                    }
                    return Ok(());
                }
                let Parts { area, scratch, residence, .. } = this;
                participant.handle_datagrams(now, area, scratch, residence)
            });
        }
    }

    fn handle_timers(&mut self) {
        let now = self.clock.now();
        while let Some(Reverse((due, place))) = self.timers.peek().copied() {
            if due > now {
                return;
            }
            self.timers.pop();
            match self.people.get_mut(place) {
                // Another one was set since.
                Some(person) if person.timer != due => continue,
                Some(person) => person.timer = Time::MAX,
                None => continue,
            }
            self.with(place, |this, participant| {
                if participant.deadline() > now {
                    return Ok(());
                }
                participant.handle_timeout(now, this.scene, this.scratch)
            });
        }
    }

    /// Does something with a participant, notes what became of it, and sets its timer.
    fn with(
        &mut self,
        place: usize,
        work: impl FnOnce(&mut Parts<'_>, &mut Participant) -> anyhow::Result<()>,
    ) {
        let Self { people, poll, scene, area, scratch, residence, progress, .. } = self;
        let Some(person) = people.get_mut(place).filter(|person| person.failure.is_none()) else {
            return;
        };
        let was_connected = person.participant.is_connected();
        let mut parts = Parts { poll, scene, area, scratch, residence };
        let result = work(&mut parts, &mut person.participant);
        if !was_connected && person.participant.is_connected() {
            progress.connected.fetch_add(1, Ordering::Relaxed);
            person.participant.begin_publishing(self.clock.now(), scene);
        }
        match result {
            Ok(()) => self.arm(place),
            Err(error) => {
                person.failure = Some(format!("{error:#}"));
                progress.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn arm(&mut self, place: usize) {
        let Some(person) = self.people.get_mut(place) else { return };
        let due = person.participant.deadline();
        if due < person.timer {
            person.timer = due;
            self.timers.push(Reverse((due, place)));
        }
    }

    fn report(self) -> CrowdReport {
        let mut sent = Sent::default();
        let mut people = Vec::with_capacity(self.people.len());
        for person in self.people {
            let Person { participant, failure, sent_before, .. } = person;
            let media = participant.media.as_ref();
            if let Some(media) = media {
                sent.datagrams += media.path.sent.datagrams - sent_before.datagrams;
                sent.bytes += media.path.sent.bytes - sent_before.bytes;
                sent.refused += media.path.sent.refused - sent_before.refused;
            }
            let camera = media.and_then(|media| media.publisher.as_ref()).map(|p| &p.camera);
            people.push(PersonReport {
                index: participant.index,
                join: participant.join,
                received: media.map_or_else(Received::default, |media| media.receiver.count),
                failure,
                repaired: camera.map_or(0, |camera| camera.repaired),
                key_frames_on_request: camera.map_or(0, |camera| camera.key_frames_on_request),
                errors: participant.errors,
            });
        }
        CrowdReport { people, residence: self.residence, sent }
    }
}

/// What work on a participant may use.
struct Parts<'a> {
    poll: &'a Poll,
    scene: &'a Scene,
    area: &'a mut ReceiveArea,
    scratch: &'a mut [u8],
    residence: &'a mut Residence,
}

/// Two sockets each: 0 is media, 1 is signalling.
fn token(place: usize, socket: usize) -> Token {
    Token(place * 2 + socket)
}
