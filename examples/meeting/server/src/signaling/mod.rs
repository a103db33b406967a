//! The WebSocket side of a meeting.
//!
//! [`protocol`] holds the typed messages, `session` what one socket may say and when, `socket`
//! the bytes and the timers, and [`Outbox`] the bounded queue between a room and a socket.

mod outbox;
pub mod protocol;
mod session;
mod socket;

pub use outbox::{Closing, Outbox, Outgoing};
pub use session::{Session, Verdict};
pub use socket::router;
