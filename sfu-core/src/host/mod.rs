//! The only room that touches the world: sockets, threads, the clock.

mod clock;
mod io;
mod notify;
mod runtime;

pub(crate) use notify::Notifier;
pub use runtime::ShardStats;
pub(crate) use runtime::{
    HostConfig, LinkEnd, Message, Outbox, PipeListen, PlainListen, Runtime, StartError,
};
