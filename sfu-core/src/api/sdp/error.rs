//! What can be wrong with a session description.

/// Why a session description was refused.
///
/// ```
/// use sfu_core::api::sdp::SessionDescription;
/// let error = SessionDescription::parse("v=0\r\nm=audio\r\n").unwrap_err();
/// assert_eq!(error.to_string(), "line 2, m=: expected media, port, protocol and formats");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {what}: expected {expected}")]
#[allow(clippy::exhaustive_structs)]
pub struct SdpError {
    /// Number of the line, from 1; 0 if it is about the whole description.
    pub line: usize,
    /// The line's type or the attribute, as it is written: `m=`, `a=mid`.
    pub what: &'static str,
    /// What would have been right.
    pub expected: &'static str,
}

impl SdpError {
    pub(super) const fn new(line: usize, what: &'static str, expected: &'static str) -> Self {
        Self { line, what, expected }
    }
}
