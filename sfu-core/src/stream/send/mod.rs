//! One outgoing stream: continuous numbers and clocks whatever it is made of.
//!
//! The egress path asks [`Rewriter`] for the header values of each packet that
//! the selector lets through and counts it in [`SendStream`]; a NACK goes
//! through [`Rewriter::lookup`] and [`NackResponder`] back to the producer's
//! packets. Nothing here holds packets or writes RTCP.

mod rewrite;
mod rtx;
mod seqmap;
mod stream;

pub use rewrite::{History, Refused, Rewriter, Rewritten, Sent};
pub use rtx::{NackResponder, RtxRefused};
pub use seqmap::{Offsets, StreamKey};
pub use stream::{RemoteReport, SendStream};
