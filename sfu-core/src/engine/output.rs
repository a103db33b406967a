//! The narrow waist, outward.

use std::net::SocketAddr;

use sfu_ice::Tuple;

use super::command::Completion;
use crate::route::Event;

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
    /// The host may close the TCP connection of this path.
    ConnectionReleased(Tuple),
}
