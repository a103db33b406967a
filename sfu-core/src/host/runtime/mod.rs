//! Threads: one a shard, and how they start, are reached and end.

mod link;
mod load;
mod mailbox;
mod shard;
mod start;
mod stats;

pub(crate) use link::LinkEnd;
pub(crate) use shard::{Message, PipeListen, PlainListen};
pub(crate) use start::{HostConfig, Runtime, StartError};
pub use stats::ShardStats;

use std::io;
use std::net::SocketAddr;

use crate::engine::{Output, RequestId};

/// Where a shard's outputs go. Called on the shard's thread; must not block.
pub(crate) trait Outbox: Send + Sync {
    /// Takes what the engine put out.
    fn deliver(&self, outputs: Vec<Output>);

    /// A command failed in the host, before it reached the engine.
    fn refuse(&self, request: RequestId, address: SocketAddr, error: &io::Error);

    /// The shard has ended; nothing more will come of it.
    fn stopped(&self);
}
