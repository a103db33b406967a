//! What a forwarding unit needs to know of a codec payload: where frames and
//! key frames start, and which layer a packet belongs to.
//!
//! [`inspect`] is called once per ingress packet; [`vp8::rewrite`] and
//! [`vp9::rewrite`] patch the egress copy of a payload. [`dd`] says the same
//! from a header extension. Nothing here decodes or looks at the RTP header, and
//! only [`dd::DdReader`] keeps state.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod av1;
mod bits;
pub mod dd;
mod frame;
mod h264;
mod h265;
mod kind;
pub mod opus;
mod rbsp;
pub mod vp8;
pub mod vp9;

pub use frame::{CodecError, FrameInfo, PictureId, inspect};
pub use kind::Codec;
