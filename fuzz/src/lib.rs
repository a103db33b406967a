//! Fuzz targets: plain functions over bytes that assert what must hold for
//! every input, not only that nothing panics.
//!
//! Each returns whether the input was accepted, so that a run can show that it
//! reached more than the first check. `tests/stable.rs` runs them on the stable
//! toolchain, `fuzz_targets/` under libFuzzer. See the README beside this
//! crate.

mod av1;
mod av1_dd;
mod dcep;
mod demux;
mod engine;
mod nal;
mod red;
mod rtcp;
mod rtp;
mod rtp_extensions;
mod sctp;
mod sdp;
mod srtp;
mod stun;
mod vla;
mod vp9;

pub use av1::av1;
pub use av1_dd::av1_dd;
pub use dcep::dcep;
pub use demux::demux;
pub use engine::engine;
pub use nal::{h264, h265};
pub use red::red;
pub use rtcp::rtcp;
pub use rtp::rtp;
pub use rtp_extensions::rtp_extensions;
pub use sctp::sctp;
pub use sdp::sdp;
pub use srtp::srtp_unprotect;
pub use stun::stun;
pub use vla::vla;
pub use vp9::vp9;

/// A fuzz target: judges an input and asserts the target's invariants.
pub type Target = fn(&[u8]) -> bool;

/// Every target under the name of its corpus folder.
pub const TARGETS: &[(&str, Target)] = &[
    ("stun", stun),
    ("demux", demux),
    ("rtp", rtp),
    ("rtp_extensions", rtp_extensions),
    ("vp9", vp9),
    ("av1", av1),
    ("av1_dd", av1_dd),
    ("h264", h264),
    ("h265", h265),
    ("red", red),
    ("vla", vla),
    ("rtcp", rtcp),
    ("srtp_unprotect", srtp_unprotect),
    ("sdp", sdp),
    ("dcep", dcep),
    ("sctp", sctp),
    ("engine", engine),
];

/// Whether `part` lies inside `whole`, by address.
pub(crate) fn lies_in(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    part.start >= whole.start && part.end <= whole.end
}
