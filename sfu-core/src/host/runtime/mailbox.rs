//! How commands reach a shard's thread.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

/// The sending half: posts a message and wakes the shard.
pub(crate) struct Mailbox<T> {
    sender: Sender<T>,
    waker: Arc<mio::Waker>,
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), waker: Arc::clone(&self.waker) }
    }
}

impl<T> Mailbox<T> {
    pub(crate) fn new(waker: Arc<mio::Waker>) -> (Self, Receiver<T>) {
        let (sender, receiver) = mpsc::channel();
        (Self { sender, waker }, receiver)
    }

    /// Posts `message`; gives it back when the shard is gone.
    pub(crate) fn post(&self, message: T) -> Result<(), T> {
        self.sender.send(message).map_err(|refused| refused.0)?;
        // A failed wake-up only delays the message to the shard's next turn.
        let _: io::Result<()> = self.waker.wake();
        Ok(())
    }
}
