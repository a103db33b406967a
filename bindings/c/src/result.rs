//! Result codes, and the text of the last error of a thread.

use std::cell::RefCell;
use std::ffi::{CStr, c_char};

use sfu_core::ErrorKind;

use crate::boundary::{copy_text, guard_or};

/// What a function says. 0 is success; 1 to 63 are Plenum's own errors, the
/// same numbers in every language; from 64 on, a function was used wrongly;
/// from 96 on, nothing is wrong but there is nothing to give.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum plenum_result {
    /// Done; for a call: it is on its way, and its completion will come.
    PLENUM_OK = 0,
    /// An argument is wrong; the message says which and what was expected.
    PLENUM_INVALID_PARAMETERS = 1,
    /// No such router, transport, producer or consumer, or it is closed.
    PLENUM_NOT_FOUND = 2,
    /// The SFU is closed, or the handle was freed before.
    PLENUM_CLOSED = 3,
    /// The two sides have no codec or profile in common.
    PLENUM_INCOMPATIBLE = 4,
    /// A bound is reached.
    PLENUM_LIMIT = 5,
    /// The operating system refused.
    PLENUM_IO = 6,
    /// A key or a certificate is unusable.
    PLENUM_CRYPTO = 7,
    /// A bug in the library; please report it.
    PLENUM_INTERNAL = 8,
    /// A pointer is NULL that must not be.
    PLENUM_NULL_POINTER = 64,
    /// A text is not UTF-8.
    PLENUM_INVALID_UTF8 = 65,
    /// A handle that this library never gave out, or of something else.
    PLENUM_INVALID_HANDLE = 66,
    /// The `size` of a struct is not that of any version: it was not initialised.
    PLENUM_INVALID_SIZE = 67,
    /// The handle is of the parent process; see "Processes" above.
    PLENUM_FORKED = 68,
    /// The library failed inside. The call had no effect that can be relied on;
    /// please report it.
    PLENUM_PANIC = 69,
    /// `plenum_dispatch` is running already, in this or in another thread.
    PLENUM_BUSY = 70,
    /// Nothing is there now.
    PLENUM_EMPTY = 96,
    /// The time is over, and nothing came.
    PLENUM_TIMEOUT = 97,
}

use plenum_result::*;

impl plenum_result {
    pub(crate) const ALL: [(Self, &'static CStr); 18] = [
        (PLENUM_OK, c"PLENUM_OK"),
        (PLENUM_INVALID_PARAMETERS, c"PLENUM_INVALID_PARAMETERS"),
        (PLENUM_NOT_FOUND, c"PLENUM_NOT_FOUND"),
        (PLENUM_CLOSED, c"PLENUM_CLOSED"),
        (PLENUM_INCOMPATIBLE, c"PLENUM_INCOMPATIBLE"),
        (PLENUM_LIMIT, c"PLENUM_LIMIT"),
        (PLENUM_IO, c"PLENUM_IO"),
        (PLENUM_CRYPTO, c"PLENUM_CRYPTO"),
        (PLENUM_INTERNAL, c"PLENUM_INTERNAL"),
        (PLENUM_NULL_POINTER, c"PLENUM_NULL_POINTER"),
        (PLENUM_INVALID_UTF8, c"PLENUM_INVALID_UTF8"),
        (PLENUM_INVALID_HANDLE, c"PLENUM_INVALID_HANDLE"),
        (PLENUM_INVALID_SIZE, c"PLENUM_INVALID_SIZE"),
        (PLENUM_FORKED, c"PLENUM_FORKED"),
        (PLENUM_PANIC, c"PLENUM_PANIC"),
        (PLENUM_BUSY, c"PLENUM_BUSY"),
        (PLENUM_EMPTY, c"PLENUM_EMPTY"),
        (PLENUM_TIMEOUT, c"PLENUM_TIMEOUT"),
    ];

    pub(crate) const fn number(self) -> u32 {
        self as u32
    }
}

impl From<ErrorKind> for plenum_result {
    fn from(kind: ErrorKind) -> Self {
        let known = Self::ALL.iter().find(|(result, _)| result.number() == kind.code());
        known.map_or(PLENUM_INTERNAL, |(result, _)| *result)
    }
}

/// Why a function refused, on its way to the caller.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) result: plenum_result,
    pub(crate) message: String,
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(result: plenum_result, message: impl Into<String>) -> Self {
        Self { result, message: message.into() }
    }

    pub(crate) fn parameters(message: impl Into<String>) -> Self {
        Self::new(PLENUM_INVALID_PARAMETERS, message)
    }
}

impl From<sfu_core::Error> for Failure {
    fn from(error: sfu_core::Error) -> Self {
        Self::new(error.kind().into(), error.to_string())
    }
}

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the message for `plenum_last_error`. While the thread ends there is
/// no place for it any more, and nobody to read it.
pub(crate) fn remember(message: String) {
    let _ = LAST.try_with(|last| last.replace(message));
}

/// The name of a result code, for example "PLENUM_NOT_FOUND"; for a number
/// that is none, "unknown". The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn plenum_result_name(result: u32) -> *const c_char {
    let known = plenum_result::ALL.iter().find(|(code, _)| code.number() == result);
    known.map_or(c"unknown", |(_, name)| name).as_ptr()
}

/// Copies into `buffer` what the last function that failed in this thread had
/// to say: what was wrong and what was expected. At most `len` bytes with the
/// final NUL; what does not fit is left out. Functions that succeed leave it
/// as it is; it is empty before the first failure.
///
/// Returns the length of the whole text without the NUL, so that
/// `plenum_last_error(NULL, 0)` tells how much room it takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_last_error(buffer: *mut c_char, len: usize) -> usize {
    let message = LAST.try_with(|last| last.borrow().clone()).unwrap_or_default();
    guard_or(0, || {
        // SAFETY: the caller gives `len` bytes at `buffer`.
        unsafe { copy_text(&message, buffer, len) };
        Ok(message.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_is_a_result_of_the_same_number_and_name() {
        for kind in ErrorKind::ALL {
            let result = plenum_result::from(kind);
            assert_eq!(result.number(), kind.code());
            let (_, name) = plenum_result::ALL.iter().find(|(r, _)| *r == result).unwrap();
            let words = name.to_str().unwrap().trim_start_matches("PLENUM_").replace('_', "");
            assert_eq!(words, kind.as_str().to_uppercase());
        }
    }

    #[test]
    fn results_are_listed_once_and_in_order() {
        let numbers = plenum_result::ALL.map(|(result, _)| result.number());
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
}
