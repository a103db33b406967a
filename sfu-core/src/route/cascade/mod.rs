//! Pipes: two routers joined into one room.
//!
//! A pipe carries every encoding of a producer under its own SSRC, but only
//! those layers that somebody beyond wants. The receiving end states its demand,
//! the sending end the state of its streams, both in RTCP
//! ([`PipeMessage`](crate::wire::rtcp::PipeMessage)); all else (key frame
//! requests, retransmission, reports, goodbyes) is ordinary RTCP. A pipe inside
//! the process speaks the same as one over UDP, over a link instead of a
//! socket and without protection.

mod demand;
mod exchange;
mod leg;

pub(crate) use demand::Upstream;
pub(crate) use leg::Leg;
