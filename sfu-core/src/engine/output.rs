//! The narrow waist, outward.

use std::net::SocketAddr;

use sfu_ice::Tuple;

use super::command::Completion;
use crate::route::{Event, PipeLink};

/// What an engine puts out beside packets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Output {
    /// A command ended.
    Completion(Completion),
    /// Something happened.
    Event(Event),
    /// A plain transport was restored: the host must listen on this address.
    SocketNeeded(SocketAddr),
    /// The host may close the socket that it had opened for a plain transport.
    SocketReleased(SocketAddr),
    /// A pipe to a router in this process was closed: the host takes its link
    /// down, so that the other end is closed too.
    LinkReleased(PipeLink),
    /// The host may close the TCP connection of this path.
    ConnectionReleased(Tuple),
}
