//! Why a request was turned down: one vocabulary for REST problems and for socket errors.

use serde::Serialize;

/// The stable, machine-readable reason of a [`Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The request is not what the protocol describes.
    InvalidRequest,
    /// No token, or one that no seat has.
    Unauthorized,
    /// The token is good and does not allow this.
    Forbidden,
    /// There is no such meeting, participant or route.
    NotFound,
    /// The route exists and does not take this method.
    MethodNotAllowed,
    /// It contradicts the meeting's present state.
    Conflict,
    /// The body or the message exceeds its limit.
    TooLarge,
    /// The body is not JSON.
    UnsupportedMediaType,
    /// Too many requests in too short a time.
    RateLimited,
    /// Every seat is taken.
    MeetingFull,
    /// The server is at its limit, or its store does not answer.
    Unavailable,
    /// A defect or an outage of the server.
    Internal,
}

impl Code {
    /// Every code, for metrics and tests.
    pub const ALL: [Self; 12] = [
        Self::InvalidRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::RateLimited,
        Self::MeetingFull,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The code as the protocol writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RateLimited => "rate_limited",
            Self::MeetingFull => "meeting_full",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// One field that was not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Path of the field, for example `tiles[3].width`.
    pub field: String,
    /// What was expected.
    pub detail: String,
}

/// A request that was turned down, with words for a developer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Refusal {
    /// The stable reason.
    pub code: Code,
    /// What was wrong and what was expected.
    pub detail: String,
    /// The fields at fault, if any.
    pub fields: Vec<FieldError>,
}

impl Refusal {
    /// A refusal without fields.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), fields: Vec::new() }
    }

    /// `invalid_request` because of one field.
    #[must_use]
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, "the request is not valid").with_field(field, detail)
    }

    /// The same refusal, naming one more field.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>, detail: impl Into<String>) -> Self {
        self.fields.push(FieldError { field: field.into(), detail: detail.into() });
        self
    }
}
