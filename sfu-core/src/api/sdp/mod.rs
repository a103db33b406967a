//! SDP offer/answer (the part of RFC 8829 that an answering SFU needs) on top
//! of the [parameters](super::params): text in, parameters out, and back.
//!
//! [`SessionDescription`] reads text, [`RemoteOffer`] checks that it can be
//! answered and says what the peer wants to send and receive, and
//! [`AnswerBuilder`] writes the answer. Nothing here holds a handle, does I/O
//! or draws random numbers.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod answer;
mod attributes;
mod description;
mod error;
mod negotiate;
mod offer;
mod parse;

pub use answer::{AnswerBuilder, LocalTransport};
pub use description::{
    Direction, Extension, Group, MediaSection, SessionDescription, Setup, Source, SsrcGroup,
    TransportAttributes,
};
pub use error::SdpError;
pub use offer::{Negotiation, OfferedData, OfferedProducer, OfferedSlot, RemoteOffer};
pub use parse::{MAX_FORMATS, MAX_LINE, MAX_SECTIONS, MAX_TEXT};
