//! What one consumer gets of a producer's streams.
//!
//! The egress path asks [`Selector::decide`] once per packet and consumer and
//! acts on the [`Decision`]; the allocator sets the preferred layers, the
//! ingest side says which streams are alive. A selector never holds packets
//! and never rewrites them: that is [`super::send::Rewriter`]'s.

mod dd;
mod filter;
mod packet;
mod plain;
mod selector;
mod simulcast;
mod svc;
mod temporal;

pub use packet::{CaptureTime, Dependencies, PacketMeta, References};
pub use plain::Plain;
pub use selector::{ActiveStreams, Decision, Layers, Reason, Selector};
pub use simulcast::Simulcast;
