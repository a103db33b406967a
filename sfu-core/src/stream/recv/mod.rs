//! One incoming stream: what arrived, what is missing, and how its clock maps
//! onto ours.
//!
//! The ingest path calls [`RecvStream::push`] for each packet and feeds the
//! extended number to [`NackGenerator`]; the feedback timers poll reports,
//! NACKs and [`TwccRecorder`] windows. Nothing here holds packets or writes
//! RTCP.

mod clock;
mod jitter;
mod layers;
mod nack;
mod rate;
mod sequence;
mod stream;
mod twcc;

pub use clock::{CaptureClock, ClockRate, RemoteClock, ntp_at};
pub use jitter::Jitter;
pub use layers::LayerMeter;
pub use nack::{NackGenerator, NackOutcome};
pub use rate::{Activity, RateMeter};
pub use sequence::{Arrival, ArrivalKind, SeqTracker};
pub use stream::RecvStream;
pub use twcc::{TwccRecorder, TwccWindow};

pub(in crate::stream) use clock::{signed_nanos, wrap_u32};
