//! A flag that another thread can wait for, by blocking or by a file
//! descriptor in its own event loop.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[cfg(unix)]
use std::{
    io::{PipeReader, PipeWriter, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    sync::OnceLock,
};

/// Raised by whoever has something to tell, lowered by whoever has looked at
/// everything. Raising it twice costs a lock and no system call.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    raised: Mutex<bool>,
    changed: Condvar,
    /// Made when somebody asks for a descriptor. Holds one byte while the flag
    /// is up and none while it is down, so that neither end ever blocks.
    #[cfg(unix)]
    pipe: OnceLock<(PipeReader, PipeWriter)>,
}

impl Notifier {
    /// Puts the flag up.
    pub(crate) fn raise(&self) {
        let mut raised = self.lock();
        if *raised {
            return;
        }
        *raised = true;
        #[cfg(unix)]
        self.fill();
        drop(raised);
        self.changed.notify_all();
    }

    /// Takes the flag down. To be followed by a look at everything that may
    /// have come meanwhile.
    pub(crate) fn lower(&self) {
        let mut raised = self.lock();
        if !*raised {
            return;
        }
        *raised = false;
        #[cfg(unix)]
        if let Some((reader, _)) = self.pipe.get() {
            // There is exactly one byte in it. If reading fails, the reader is
            // woken once too often.
            let _ = (&mut &*reader).read(&mut [0]);
        }
    }

    /// Blocks until the flag is up; whether it is.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> bool {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut raised = self.lock();
        while !*raised {
            let Some(deadline) = deadline else {
                raised = self.changed.wait(raised).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(raised, left);
            raised = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// A descriptor that is readable while the flag is up. Only to be polled,
    /// never to be read. `None` if the system has no descriptor left.
    #[cfg(unix)]
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        let raised = self.lock();
        if self.pipe.get().is_none() {
            let _ = self.pipe.set(std::io::pipe().ok()?);
            if *raised {
                self.fill();
            }
        }
        drop(raised);
        self.pipe.get().map(|(reader, _)| reader.as_fd())
    }

    #[cfg(unix)]
    fn fill(&self) {
        if let Some((_, writer)) = self.pipe.get() {
            // The pipe is empty, so this neither blocks nor, while the reading
            // end is ours, fails.
            let _ = (&mut &*writer).write(&[1]);
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        // Nothing panics while it is held.
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn waiting_ends_when_the_flag_goes_up() {
        let notifier = Arc::new(Notifier::default());
        assert!(!notifier.wait(Some(Duration::ZERO)));
        let other = Arc::clone(&notifier);
        let thread = std::thread::spawn(move || other.raise());
        assert!(notifier.wait(None), "it went up");
        thread.join().unwrap();
        notifier.lower();
        assert!(!notifier.wait(Some(Duration::ZERO)));
    }

    #[cfg(unix)]
    #[test]
    fn the_descriptor_is_readable_while_the_flag_is_up() {
        use mio::{Events, Interest, Poll, Token, unix::SourceFd};
        use std::os::fd::AsRawFd;

        let notifier = Notifier::default();
        notifier.raise();
        let fd = notifier.fd().unwrap().as_raw_fd();
        let readable = || {
            // A poller of its own each time: mio tells changes, not states.
            let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(4));
            poll.registry().register(&mut SourceFd(&fd), Token(0), Interest::READABLE).unwrap();
            poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
            !events.is_empty()
        };
        assert!(readable(), "raised before the descriptor was asked for");
        for _ in 0..3 {
            notifier.lower();
            notifier.lower();
            assert!(!readable());
            notifier.raise();
            notifier.raise();
            assert!(readable());
        }
    }
}
