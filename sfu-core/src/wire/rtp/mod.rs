//! RTP packets (RFC 3550 §5): reading, header extensions (RFC 8285), writing
//! at the egress, retransmission format (RFC 4588), redundant audio (RFC 2198),
//! layer allocations and padding.
//!
//! [`RtpView`] reads a packet in place; [`HeaderTemplate`] writes the header of
//! one outgoing stream. SRTP uses [`header_len`], [`ssrc`] and [`seq`] on
//! packets that are still encrypted. Nothing here allocates, keeps a clock or
//! decides where a packet goes.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod ext;
mod ext_map;
mod padding;
pub mod red;
pub mod rtx;
mod template;
mod values;
mod view;
pub mod vla;

pub use ext::{Element, Elements};
pub use ext_map::{
    ElementRange, ExtensionKind, ExtensionMap, ExtensionMapError, Extensions, read_extensions,
};
pub use padding::add_padding;
pub use template::{HeaderFields, HeaderTemplate, PassThrough, Replaced, Written};
pub use values::{
    AbsCaptureTime, AbsSendTime, AudioLevel, PlayoutDelay, TransmissionOffset, VideoOrientation,
};
pub use view::{ExtensionBlock, FIXED_HEADER_LEN, RtpError, RtpHeader, RtpView};
pub use view::{header_len, seq, ssrc};
