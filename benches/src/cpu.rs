//! CPU time of threads, which unlike time on the clock does not grow while the
//! machine is busy with something else.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use rustix::time::{ClockId, clock_gettime};

/// What the calling thread has used so far, system calls included.
pub(crate) fn own() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The CPU time that `work` takes, and what it gives.
pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let before = own();
    let result = work();
    (own().saturating_sub(before), result)
}

/// Another thread of this process.
#[derive(Debug)]
pub(crate) struct OtherThread {
    schedstat: String,
}

impl OtherThread {
    /// The thread with this name; there must be one.
    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        for task in fs::read_dir("/proc/self/task")? {
            let path = task?.path();
            let comm = fs::read_to_string(path.join("comm")).unwrap_or_default();
            if comm.trim_end() == name {
                let schedstat = path.join("schedstat").to_string_lossy().into_owned();
                return Ok(Self { schedstat });
            }
        }
        anyhow::bail!("no thread is called {name}")
    }

    /// What it has used so far. The kernel brings the figure up to date when
    /// the thread sleeps and at each timer tick.
    pub(crate) fn used(&self) -> anyhow::Result<Duration> {
        let text = fs::read_to_string(&self.schedstat).context("the thread has ended")?;
        let nanos = text.split(' ').next().and_then(|first| first.parse().ok());
        nanos.map(Duration::from_nanos).context("unexpected format of schedstat")
    }
}
