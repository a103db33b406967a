//! Bytes to meaning and back, with no policy.

pub mod buf;
pub mod codec;
mod ids;
mod media_kind;
pub mod rtcp;
pub mod rtp;
pub mod srtp;

pub use ids::{ExtSeq, Mid, PayloadType, Rid, RtpTime, SeqNo, Ssrc};
pub use media_kind::MediaKind;
