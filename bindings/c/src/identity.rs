//! Ids as text and as number, the version, and what the SFU can forward.

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use sfu_core::RouterId;

use crate::boundary::{copy_text, guard, guard_or, present, text};
use crate::result::plenum_result::*;
use crate::result::{Failure, plenum_result};

/// Reads an id as it stands in JSON, 1 to 16 hexadecimal digits, into `*id`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_id_from_text(
    id_text: *const c_char,
    id: *mut u64,
) -> plenum_result {
    guard(|| {
        present("id", id)?;
        // SAFETY: the rules of the header ask this of the caller.
        let written = unsafe { text("id_text", id_text)? };
        // The ids of all nouns are written in one way.
        let read: RouterId = written.parse().map_err(|error: sfu_core::ParseIdError| {
            Failure::parameters(format!("`{}` is {error}", written.escape_debug()))
        })?;
        // SAFETY: not NULL, and C code gives a place for a number there.
        unsafe { id.write_unaligned(read.as_u64()) };
        Ok(PLENUM_OK)
    })
}

/// Writes an id as it stands in JSON, 16 hexadecimal digits and the final
/// NUL, into `buffer`, whose length `len` must be 17 or more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_id_to_text(
    id: u64,
    buffer: *mut c_char,
    len: usize,
) -> plenum_result {
    guard(|| {
        present("buffer", buffer)?;
        let written = id_text(id);
        if len <= written.len() {
            return Err(Failure::parameters(format!("`len` is {len}; an id takes 17 bytes")));
        }
        // SAFETY: not NULL, and the caller gives `len` bytes.
        unsafe { copy_text(&written, buffer, len) };
        Ok(PLENUM_OK)
    })
}

pub(crate) fn id_text(id: u64) -> String {
    format!("{id:016x}")
}

/// The version of the library, for example "0.1.0". The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn plenum_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The codecs, header extensions and feedback that a router can be made with,
/// as JSON in the form of mediasoup's RtpCapabilities. The text is static; NULL
/// on failure.
#[unsafe(no_mangle)]
pub extern "C" fn plenum_supported_rtp_capabilities() -> *const c_char {
    static TEXT: OnceLock<CString> = OnceLock::new();
    guard_or(std::ptr::null(), || {
        let text = TEXT.get_or_init(|| {
            let capabilities = sfu_core::client::supported_rtp_capabilities();
            CString::new(capabilities.to_string()).expect("JSON escapes NUL")
        });
        Ok(text.as_ptr())
    })
}
