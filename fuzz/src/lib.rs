//! Fuzz targets: plain functions over bytes that assert what must hold for
//! every input, not only that nothing panics.
//!
//! Each returns whether the input was accepted, so that a run can show that it
//! reached more than the first check. `tests/stable.rs` runs them on the stable
//! toolchain, `fuzz_targets/` under libFuzzer. See the README beside this
//! crate.

mod demux;
mod engine;
mod rtcp;
mod rtp;
mod rtp_extensions;
mod sdp;
mod srtp;
mod stun;

pub use demux::demux;
pub use engine::engine;
pub use rtcp::rtcp;
pub use rtp::rtp;
pub use rtp_extensions::rtp_extensions;
pub use sdp::sdp;
pub use srtp::srtp_unprotect;
pub use stun::stun;

/// A fuzz target: judges an input and asserts the target's invariants.
pub type Target = fn(&[u8]) -> bool;

/// Every target under the name of its corpus folder.
pub const TARGETS: &[(&str, Target)] = &[
    ("stun", stun),
    ("demux", demux),
    ("rtp", rtp),
    ("rtp_extensions", rtp_extensions),
    ("rtcp", rtcp),
    ("srtp_unprotect", srtp_unprotect),
    ("sdp", sdp),
    ("engine", engine),
];

/// Whether `part` lies inside `whole`, by address.
pub(crate) fn lies_in(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    part.start >= whole.start && part.end <= whole.end
}
