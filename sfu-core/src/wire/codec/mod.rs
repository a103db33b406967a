//! What a forwarding unit needs to know of a codec payload: where frames and
//! key frames start, and which layer a packet belongs to.
//!
//! [`inspect`] is called once per ingress packet; [`vp8::rewrite`] patches the
//! egress copy of a VP8 payload. Nothing here decodes, keeps state or looks at
//! the RTP header.
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
pub mod vp8;
mod vp9;

pub use frame::{CodecError, FrameInfo, PictureId, inspect};
pub use kind::Codec;
