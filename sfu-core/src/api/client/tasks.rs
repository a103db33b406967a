//! Calls in progress: an executor that runs on whichever thread polls.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use slab::Slab;

use super::incoming::Answer;
use super::lock;
use crate::api::error::{Error, ErrorKind, Result};
use crate::engine::RequestId;
use crate::host::Notifier;

/// Calls that may be outstanding.
const MOST: usize = 65_536;

/// The work of one call.
pub(super) type Work = Pin<Box<dyn Future<Output = Result<Answer>> + Send>>;

/// Raises the notifier when it is woken.
pub(super) struct Alarm(Arc<Notifier>);

impl Alarm {
    pub(super) fn new(notifier: &Arc<Notifier>) -> Arc<Self> {
        Arc::new(Self(Arc::clone(notifier)))
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.raise();
    }
}

/// Tasks that were woken.
struct Ready {
    queue: Mutex<VecDeque<usize>>,
    notifier: Arc<Notifier>,
    news: News,
}

/// Counts whatever may end the wait for a call.
#[derive(Default)]
struct News {
    count: Mutex<u64>,
    changed: Condvar,
}

impl News {
    fn tell(&self) {
        *lock(&self.count) += 1;
        self.changed.notify_all();
    }

    /// Blocks while the count is `seen`; whether it changed before `deadline`.
    fn wait(&self, seen: u64, deadline: Option<Instant>) -> bool {
        let mut count = lock(&self.count);
        while *count == seen {
            let Some(deadline) = deadline else {
                count = self.changed.wait(count).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(count, left);
            count = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// The waker of one task.
struct Bell {
    key: usize,
    rung: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            lock(&self.ready.queue).push_back(self.key);
            self.ready.notifier.raise();
            self.ready.news.tell();
        }
    }
}

struct Task {
    request: RequestId,
    work: Work,
    bell: Arc<Bell>,
}

pub(super) struct Tasks {
    next_request: AtomicU64,
    /// Whoever holds this runs tasks; wakers never take it.
    running: Mutex<Slab<Task>>,
    /// No call is started any more.
    over: AtomicBool,
    ready: Arc<Ready>,
    finished: Mutex<VecDeque<(RequestId, Result<Answer>)>>,
}

impl Tasks {
    pub(super) fn new(notifier: Arc<Notifier>) -> Self {
        let ready = Arc::new(Ready { queue: Mutex::default(), notifier, news: News::default() });
        Self {
            next_request: AtomicU64::new(1),
            running: Mutex::new(Slab::new()),
            over: AtomicBool::new(false),
            ready,
            finished: Mutex::default(),
        }
    }

    pub(super) fn next_request(&self) -> RequestId {
        RequestId(self.next_request.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn finish(&self, request: RequestId, result: Result<Answer>) {
        lock(&self.finished).push_back((request, result));
        self.ready.notifier.raise();
        self.ready.news.tell();
    }

    pub(super) fn take_finished(&self) -> Option<(RequestId, Result<Answer>)> {
        lock(&self.finished).pop_front()
    }

    /// Blocks until this call has ended, and takes its end; `None` if that is
    /// not before `timeout` has passed.
    pub(super) fn wait_for(
        &self,
        request: RequestId,
        timeout: Option<Duration>,
    ) -> Option<Result<Answer>> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let seen = *lock(&self.ready.news.count);
            self.run();
            // In this order: a call that ends between the two looks is found.
            let outstanding = lock(&self.running).iter().any(|(_, task)| task.request == request);
            let mut finished = lock(&self.finished);
            if let Some(at) = finished.iter().position(|(of, _)| *of == request) {
                return finished.remove(at).map(|(_, result)| result);
            }
            drop(finished);
            if !outstanding {
                let message = format!("request {}: expected a call that is outstanding", request.0);
                return Some(Err(Error::new(ErrorKind::NotFound, message)));
            }
            if !self.ready.news.wait(seen, deadline) {
                return None;
            }
        }
    }

    /// Starts a call: what it asks of a shard is on its way when this returns.
    pub(super) fn spawn(&self, request: RequestId, work: Work) {
        let mut tasks = lock(&self.running);
        if self.over.load(Ordering::Acquire) {
            drop(tasks);
            return self.finish(request, Err(Error::shut_down()));
        }
        if tasks.len() >= MOST {
            let message = format!("outstanding calls: expected at most {MOST}");
            drop(tasks);
            return self.finish(request, Err(Error::new(ErrorKind::Limit, message)));
        }
        let entry = tasks.vacant_entry();
        let key = entry.key();
        let bell =
            Arc::new(Bell { key, rung: AtomicBool::new(false), ready: Arc::clone(&self.ready) });
        entry.insert(Task { request, work, bell });
        self.step(&mut tasks, key);
    }

    /// Goes on with the calls that can go on.
    pub(super) fn run(&self) {
        let mut tasks = lock(&self.running);
        loop {
            let Some(key) = lock(&self.ready.queue).pop_front() else { return };
            self.step(&mut tasks, key);
        }
    }

    fn step(&self, tasks: &mut Slab<Task>, key: usize) {
        // A late waker of a call that has ended may name another call by now,
        // which is then looked at once too often.
        let Some(task) = tasks.get_mut(key) else { return };
        task.bell.rung.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&task.bell));
        if let Poll::Ready(result) = task.work.as_mut().poll(&mut Context::from_waker(&waker)) {
            let task = tasks.remove(key);
            self.finish(task.request, result);
        }
    }

    /// Ends all calls, and starts no more.
    pub(super) fn abort(&self) {
        let mut running = lock(&self.running);
        self.over.store(true, Ordering::Release);
        let tasks: Vec<Task> = running.drain().collect();
        drop(running);
        lock(&self.ready.queue).clear();
        for task in tasks {
            self.finish(task.request, Err(Error::shut_down()));
        }
    }
}
