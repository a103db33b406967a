//! The dependency descriptor: a header extension that says of every frame which
//! layers it belongs to and which frames it needs, whatever the codec and even
//! if the payload is encrypted end to end (appendix A of AOMedia's "RTP Payload
//! Format For AV1").
//!
//! A publisher describes its layering once, in a [`Structure`] that comes with
//! a key frame; each packet names a template of it. [`DdReader`] keeps that
//! state, one for each ingress stream. [`rewrite`](DdReader::rewrite) makes the
//! descriptor of a forwarded packet, [`compose`] one from nothing.

mod compose;
mod dependency;
mod frame_diffs;
mod reader;
mod structure;

pub use compose::{FrameDescription, ScalableStructure, TemplateDescription, compose};
pub use dependency::{Dependency, Dti};
pub use reader::{Change, DdReader, Mandatory, set_frame_number};
pub use structure::Structure;

/// The longest descriptor, in bytes: a header extension element has one byte
/// for its length.
pub const MAX_LEN: usize = 255;
/// The most decode targets of a structure.
pub const MAX_DECODE_TARGETS: usize = 32;
/// The most chains of a structure.
pub const MAX_CHAINS: usize = 32;
/// The most frames that one frame may refer to. The syntax sets no limit; no
/// codec has more than 16 reference frames.
pub const MAX_FRAME_DIFFS: usize = 16;

#[cfg(test)]
mod tests;
