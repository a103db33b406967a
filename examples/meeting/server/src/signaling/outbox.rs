//! The bounded queue between a room and one socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::{Notify, mpsc};

use super::protocol::ServerMessage;
use crate::meeting::EndReason;

/// How many messages may wait for a socket. More means that its client does not read.
const CAPACITY: usize = 256;

/// Why the server closes a socket, as its close code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The seat was given up, or the meeting is over.
    Done,
    /// The server stops.
    Shutdown,
    /// The client sent a frame beyond the limit.
    TooLarge,
    /// Another socket took the seat.
    Replaced,
    /// The client does not read what it is sent.
    TooSlow,
    /// No valid `join` came in time.
    NotJoined,
    /// Nothing was heard for too long.
    Silent,
    /// Far too many messages.
    Flood,
}

impl Closing {
    /// RFC 6455 section 7.4; 4000 to 4999 are ours.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Done => 1000,
            Self::Shutdown => 1001,
            Self::TooLarge => 1009,
            Self::Replaced => 4001,
            Self::TooSlow => 4002,
            Self::NotJoined => 4003,
            Self::Silent => 4004,
            Self::Flood => 4005,
        }
    }

    /// The words beside the code.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Shutdown => "the server stops",
            Self::TooLarge => "the message is too large",
            Self::Replaced => "another socket took the seat",
            Self::TooSlow => "the client does not read",
            Self::NotJoined => "no valid join came in time",
            Self::Silent => "nothing was heard for too long",
            Self::Flood => "too many messages",
        }
    }

    const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            1000 => Self::Done,
            1001 => Self::Shutdown,
            1009 => Self::TooLarge,
            4001 => Self::Replaced,
            4002 => Self::TooSlow,
            4003 => Self::NotJoined,
            4004 => Self::Silent,
            4005 => Self::Flood,
            _ => return None,
        })
    }
}

/// Something to be written to a socket.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// A message, written as JSON once for all its receivers.
    Text(Utf8Bytes),
    /// The last thing on a socket.
    Close(Closing),
}

impl Outgoing {
    /// A message's text frame.
    #[must_use]
    pub fn text(message: &ServerMessage) -> Self {
        Self::Text(message.to_json().into())
    }
}

/// The sending end of a socket's queue. It never waits.
#[derive(Debug, Clone)]
pub struct Outbox {
    queue: mpsc::Sender<Outgoing>,
    giving_up: Arc<GivingUp>,
}

/// The receiving end, owned by the socket.
#[derive(Debug)]
pub(super) struct Inbox {
    queue: mpsc::Receiver<Outgoing>,
    giving_up: Arc<GivingUp>,
}

#[derive(Debug, Default)]
struct GivingUp {
    code: AtomicU16,
    notify: Notify,
}

impl Outbox {
    pub(super) fn open() -> (Self, Inbox) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let giving_up = Arc::<GivingUp>::default();
        let inbox = Inbox { queue: receiver, giving_up: Arc::clone(&giving_up) };
        (Self { queue: sender, giving_up }, inbox)
    }

    /// Queues something, or says that the queue is full. A socket that is gone takes everything.
    #[must_use]
    pub fn push(&self, outgoing: Outgoing) -> bool {
        !matches!(self.queue.try_send(outgoing), Err(mpsc::error::TrySendError::Full(_)))
    }

    /// Says `ended` and closes the socket after what is queued.
    pub fn end(&self, reason: EndReason) {
        let closing = match reason {
            EndReason::Left | EndReason::Removed | EndReason::MeetingEnded => Closing::Done,
            EndReason::Replaced => Closing::Replaced,
            EndReason::Shutdown => Closing::Shutdown,
        };
        let said = self.push(Outgoing::text(&ServerMessage::Ended { reason }));
        if !said || !self.push(Outgoing::Close(closing)) {
            self.give_up(closing);
        }
    }

    /// Closes the socket at once, whatever is queued.
    pub fn give_up(&self, closing: Closing) {
        self.giving_up.code.store(closing.code(), Ordering::Release);
        self.giving_up.notify.notify_one();
    }
}

impl Inbox {
    /// The next thing to write; may be dropped and called again without loss.
    pub(super) async fn next(&mut self) -> Outgoing {
        tokio::select! {
            biased;
            closing = self.giving_up.wait() => Outgoing::Close(closing),
            outgoing = self.queue.recv() => outgoing.unwrap_or(Outgoing::Close(Closing::Done)),
        }
    }

    /// Ends when the socket is given up, even in the middle of a write.
    pub(super) async fn given_up(&self) -> Closing {
        self.giving_up.wait().await
    }
}

impl GivingUp {
    async fn wait(&self) -> Closing {
        loop {
            if let Some(closing) = Closing::from_code(self.code.load(Ordering::Acquire)) {
                return closing;
            }
            self.notify.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_is_reported_and_giving_up_overtakes_it() {
        let (outbox, mut inbox) = Outbox::open();
        let frame = Outgoing::text(&ServerMessage::Pong);
        let accepted = (0..1000).take_while(|_| outbox.push(frame.clone())).count();
        assert_eq!(accepted, CAPACITY);
        outbox.give_up(Closing::TooSlow);
        assert!(matches!(inbox.next().await, Outgoing::Close(Closing::TooSlow)));
    }

    #[tokio::test]
    async fn goodbye_comes_after_what_was_said_before() {
        let (outbox, mut inbox) = Outbox::open();
        assert!(outbox.push(Outgoing::text(&ServerMessage::Pong)));
        outbox.end(EndReason::Replaced);
        let Outgoing::Text(first) = inbox.next().await else { panic!("no text") };
        assert!(first.contains("pong"));
        let Outgoing::Text(second) = inbox.next().await else { panic!("no text") };
        assert!(second.contains("replaced"));
        assert!(matches!(inbox.next().await, Outgoing::Close(Closing::Replaced)));
    }

    #[test]
    fn close_codes_are_unambiguous() {
        for code in 0..5000 {
            if let Some(closing) = Closing::from_code(code) {
                assert_eq!(closing.code(), code);
            }
        }
    }
}
