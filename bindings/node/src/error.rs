//! Errors of the native calls themselves. Outcomes of the SFU's calls come as
//! completions instead.

use napi::Status;
use sfu_core::ErrorKind;

/// The `code` of the JavaScript error.
#[derive(Debug)]
pub struct Code(&'static str);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl From<Status> for Code {
    fn from(status: Status) -> Self {
        Self(match status {
            Status::InvalidArg
            | Status::ObjectExpected
            | Status::StringExpected
            | Status::FunctionExpected
            | Status::NumberExpected
            | Status::ArrayExpected => ErrorKind::InvalidParameters.as_str(),
            _ => ErrorKind::Internal.as_str(),
        })
    }
}

pub(crate) type Result<T> = napi::Result<T, Code>;

/// An argument is wrong.
pub(crate) fn invalid(message: impl Into<String>) -> napi::Error<Code> {
    napi::Error::new(Code(ErrorKind::InvalidParameters.as_str()), message.into())
}

/// The SFU refused.
pub(crate) fn failed(error: &sfu_core::Error) -> napi::Error<Code> {
    napi::Error::new(Code(error.kind().as_str()), error.to_string())
}

/// The operating system refused.
pub(crate) fn io(message: impl Into<String>) -> napi::Error<Code> {
    napi::Error::new(Code(ErrorKind::Io.as_str()), message.into())
}

/// The SFU has ended.
pub(crate) fn closed() -> napi::Error<Code> {
    napi::Error::new(Code(ErrorKind::Closed.as_str()), "the Sfu is closed".to_owned())
}

/// Node.js refused something that it never refuses.
pub(crate) fn refused(error: napi::Error) -> napi::Error<Code> {
    napi::Error::new(Code(ErrorKind::Internal.as_str()), error.reason)
}
