//! ICE (RFC 8445) as a server with public addresses needs it.
//!
//! [`LiteAgent`] answers a full agent's checks, follows its nominations and
//! judges by them whether the peer is alive. [`Checker`] is the smallest
//! controlling side, for tests and load generators. [`Candidate`],
//! [`IceCredentials`] and the TCP framing are the formats around them.
//! Nothing here gathers, resolves names, or owns a socket.

mod candidate;
mod client;
mod consent;
mod credentials;
mod lite;
mod state;
mod tcp;

pub use candidate::{Candidate, CandidateKind, TcpType};
pub use client::Checker;
pub use consent::ConsentConfig;
pub use credentials::IceCredentials;
pub use lite::{IceEvent, IceSnapshot, LiteAgent, MAX_TUPLES};
pub use state::IceState;
pub use tcp::{FrameDecoder, FrameError, frame_header};
