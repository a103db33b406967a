//! The one error of the public API.

use std::fmt;

use crate::api::params::ortc::OrtcError;
use crate::route::CommandError;

/// The family that an [`Error`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is wrong; the message says which and what was expected.
    InvalidParameters,
    /// No such router, transport, producer or consumer.
    NotFound,
    /// The `Sfu` is shut down.
    Closed,
    /// The two sides have no codec or profile in common.
    Incompatible,
    /// A bound is reached.
    Limit,
    /// The operating system refused.
    Io,
    /// A key or a certificate is unusable.
    Crypto,
    /// A bug in the library; please report it.
    Internal,
}

impl ErrorKind {
    /// All kinds, by their codes.
    pub const ALL: [Self; 8] = [
        Self::InvalidParameters,
        Self::NotFound,
        Self::Closed,
        Self::Incompatible,
        Self::Limit,
        Self::Io,
        Self::Crypto,
        Self::Internal,
    ];

    /// Its name, the same in every language.
    ///
    /// ```
    /// assert_eq!(sfu_core::ErrorKind::NotFound.as_str(), "NotFound");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParameters => "InvalidParameters",
            Self::NotFound => "NotFound",
            Self::Closed => "Closed",
            Self::Incompatible => "Incompatible",
            Self::Limit => "Limit",
            Self::Io => "Io",
            Self::Crypto => "Crypto",
            Self::Internal => "Internal",
        }
    }

    /// A stable number, the same in every language.
    pub const fn code(self) -> u32 {
        match self {
            Self::InvalidParameters => 1,
            Self::NotFound => 2,
            Self::Closed => 3,
            Self::Incompatible => 4,
            Self::Limit => 5,
            Self::Io => 6,
            Self::Crypto => 7,
            Self::Internal => 8,
        }
    }
}

/// What the API returns when it refuses.
///
/// ```
/// use sfu_core::{ErrorKind, Sfu};
/// let error = Sfu::builder().build().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidParameters);
/// assert_eq!(error.code(), 1);
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of an API call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn caused(
        kind: ErrorKind,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { kind, message: source.to_string(), source: Some(Box::new(source)) }
    }

    pub(crate) fn shut_down() -> Self {
        Self::new(ErrorKind::Closed, "the Sfu is shut down")
    }

    /// The answer did not fit the question: a bug.
    pub(crate) fn unexpected_reply() -> Self {
        Self::new(ErrorKind::Internal, "the engine gave an answer to another question")
    }

    /// The family of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable number of the family.
    pub fn code(&self) -> u32 {
        self.kind.code()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        let kind = match &error {
            CommandError::RouterNotFound(_)
            | CommandError::TransportNotFound(_)
            | CommandError::ProducerNotFound(_)
            | CommandError::ConsumerNotFound(_)
            | CommandError::RtpObserverNotFound(_)
            | CommandError::DataProducerNotFound(_)
            | CommandError::DataConsumerNotFound(_) => ErrorKind::NotFound,
            CommandError::Incompatible(_) | CommandError::KindMismatch { .. } => {
                ErrorKind::Incompatible
            }
            CommandError::Limit { .. } => ErrorKind::Limit,
            CommandError::SrtpKey(_) => ErrorKind::Crypto,
            CommandError::AddressInUse(_) => ErrorKind::Io,
            _ => ErrorKind::InvalidParameters,
        };
        Self::caused(kind, error)
    }
}

impl From<OrtcError> for Error {
    fn from(error: OrtcError) -> Self {
        let kind = match error {
            OrtcError::NoCommonCodec { .. } => ErrorKind::Incompatible,
            _ => ErrorKind::InvalidParameters,
        };
        Self::caused(kind, error)
    }
}
