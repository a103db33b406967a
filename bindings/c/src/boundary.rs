//! Where C ends and Rust begins: no panic goes out, no bad pointer comes in.

use std::any::Any;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use serde_json::{Map, Value};

use crate::result::plenum_result::*;
use crate::result::{Failure, Outcome, plenum_result, remember};

/// Runs the body of a function; a failure becomes its result, a panic
/// `PLENUM_PANIC`, and the message of either the thread's last error.
pub(crate) fn guard(body: impl FnOnce() -> Outcome<plenum_result>) -> plenum_result {
    caught(body).unwrap_or_else(|failure| {
        remember(failure.message);
        failure.result
    })
}

/// The same for a function that returns something else than a result.
pub(crate) fn guard_or<T>(failed: T, body: impl FnOnce() -> Outcome<T>) -> T {
    caught(body).unwrap_or_else(|failure| {
        remember(failure.message);
        failed
    })
}

fn caught<T>(body: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    // What a panic leaves half done is behind locks of the library, which
    // recover from that; C holds no reference into it.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let message = format!("the library panicked: {}", text_of(&*panic));
        // Dropping a payload may panic in its turn.
        std::mem::forget(panic);
        Err(Failure::new(PLENUM_PANIC, message))
    })
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Refuses NULL, by the name of the argument.
pub(crate) fn present<T>(name: &str, pointer: *const T) -> Outcome<*const T> {
    if pointer.is_null() {
        return Err(Failure::new(PLENUM_NULL_POINTER, format!("`{name}` must not be NULL")));
    }
    Ok(pointer)
}

/// A text argument.
///
/// # Safety
/// `pointer` is NULL, or a NUL-terminated text that lives as long as `'a`.
pub(crate) unsafe fn text<'a>(name: &str, pointer: *const c_char) -> Outcome<&'a str> {
    let pointer = present(name, pointer)?;
    // SAFETY: not NULL, and as promised by the caller.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    bytes.to_str().map_err(|error| {
        Failure::new(PLENUM_INVALID_UTF8, format!("`{name}` is not UTF-8: {error}"))
    })
}

/// A text argument that may be NULL.
///
/// # Safety
/// As for [`text`].
pub(crate) unsafe fn optional_text<'a>(
    name: &str,
    pointer: *const c_char,
) -> Outcome<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as promised by the caller.
    unsafe { text(name, pointer) }.map(Some)
}

/// A JSON argument.
///
/// # Safety
/// As for [`text`].
pub(crate) unsafe fn json(name: &str, pointer: *const c_char) -> Outcome<Value> {
    // SAFETY: as promised by the caller.
    let text = unsafe { text(name, pointer)? };
    serde_json::from_str(text)
        .map_err(|error| Failure::parameters(format!("`{name}` is not JSON: {error}")))
}

/// A JSON object, or NULL for an empty one.
///
/// # Safety
/// As for [`text`].
pub(crate) unsafe fn options(name: &str, pointer: *const c_char) -> Outcome<Map<String, Value>> {
    if pointer.is_null() {
        return Ok(Map::new());
    }
    // SAFETY: as promised by the caller.
    match unsafe { json(name, pointer)? } {
        Value::Object(options) => Ok(options),
        other => Err(Failure::parameters(format!(
            "`{name}` is {other}; a JSON object or NULL was expected"
        ))),
    }
}

/// A buffer argument; NULL goes with a length of 0.
///
/// # Safety
/// `pointer` is NULL, or points to `len` elements that live as long as `'a`.
pub(crate) unsafe fn elements<'a, T>(
    name: &str,
    pointer: *const T,
    len: usize,
) -> Outcome<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    let pointer = present(name, pointer)?;
    if len > isize::MAX as usize / size_of::<T>() || !pointer.is_aligned() {
        return Err(Failure::parameters(format!("no memory holds {len} elements at `{name}`")));
    }
    // SAFETY: not NULL, aligned, not larger than memory, and as promised by the caller.
    Ok(unsafe { slice::from_raw_parts(pointer, len) })
}

/// Copies a text into a buffer of `len` bytes, as much as fits of whole
/// characters, with a final NUL.
///
/// # Safety
/// `buffer` is NULL, or has room for `len` bytes.
pub(crate) unsafe fn copy_text(text: &str, buffer: *mut c_char, len: usize) {
    if buffer.is_null() || len == 0 {
        return;
    }
    let fits = text.floor_char_boundary(len - 1);
    // SAFETY: `fits < len`, and the caller gives `len` bytes, which C code has
    // no reason to overlap with a text of ours.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, fits);
        *buffer.add(fits) = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::plenum_last_error;

    fn last_error() -> String {
        let mut buffer = [1_u8; 100];
        // SAFETY: that many bytes are there.
        unsafe { plenum_last_error(buffer.as_mut_ptr().cast(), buffer.len()) };
        CStr::from_bytes_until_nul(&buffer).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_becomes_a_result_and_a_message() {
        assert_eq!(guard(|| panic!("out of {}", "tea")), PLENUM_PANIC);
        assert_eq!(last_error(), "the library panicked: out of tea");
        assert_eq!(guard_or(-1, || panic!("no milk")), -1);
        assert_eq!(last_error(), "the library panicked: no milk");
        assert_eq!(guard(|| Ok(PLENUM_OK)), PLENUM_OK);
    }

    #[test]
    fn a_message_that_does_not_fit_ends_with_a_whole_character() {
        remember("größe".to_owned());
        let mut buffer = [1_u8; 4];
        // SAFETY: that many bytes are there.
        let whole = unsafe { plenum_last_error(buffer.as_mut_ptr().cast(), buffer.len()) };
        assert_eq!((&buffer[..3], whole), (&b"gr\0"[..], 7));
    }

    #[test]
    fn a_length_beyond_memory_is_refused_unread() {
        // SAFETY: refused before anything is read.
        let refused = unsafe { elements("packets", ptr::dangling::<u64>(), usize::MAX) };
        assert_eq!(refused.unwrap_err().result, PLENUM_INVALID_PARAMETERS);
    }
}
