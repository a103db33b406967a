//! What is traced, as it is asked for.

use super::error::{Error, ErrorKind, Result};
use crate::route::{TraceType, TraceTypes};

/// What can be traced of a producer.
pub(super) const OF_PRODUCERS: &[TraceType] = &[
    TraceType::Rtp,
    TraceType::Keyframe,
    TraceType::Nack,
    TraceType::Pli,
    TraceType::Fir,
    TraceType::Sr,
];
/// What can be traced of a consumer.
pub(super) const OF_CONSUMERS: &[TraceType] =
    &[TraceType::Rtp, TraceType::Keyframe, TraceType::Nack, TraceType::Pli, TraceType::Fir];

/// The set of `types`, which must be among `known`.
pub(super) fn traced(types: &[TraceType], known: &[TraceType]) -> Result<TraceTypes> {
    if let Some(other) = types.iter().find(|one| !known.contains(one)) {
        let message = format!("types: expected some of {known:?}, found {other:?}");
        return Err(Error::new(ErrorKind::InvalidParameters, message));
    }
    Ok(types.iter().copied().collect())
}
