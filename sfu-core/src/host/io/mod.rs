//! Sockets.

pub(crate) mod tcp;
pub(crate) mod udp;
