//! The handle of an SFU: start, close, free.

use std::ffi::{c_int, c_void};
use std::os::fd::AsRawFd;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::{fmt, ptr};

use sfu_core::client::{Client, ClientOptions};

use crate::boundary::{guard, guard_or, present};
use crate::config::{self, plenum_config};
use crate::event::plenum_event;
use crate::registry::{self, Token};
use crate::result::plenum_result::*;
use crate::result::{Failure, Outcome, plenum_result};

/// A running SFU. Opaque: a `plenum_sfu *` is a token, and nothing is at its
/// address.
#[derive(Debug)]
pub struct plenum_sfu {
    _opaque: [u8; 0],
}

/// What the handle stands for.
pub(crate) struct Running {
    pub(crate) client: Client,
    pub(crate) callback: Mutex<Option<Callback>>,
    pub(crate) dispatching: AtomicBool,
    /// Whether PLENUM_EVENT_CLOSED was taken.
    pub(crate) ended: AtomicBool,
}

/// A function of the caller, and what it wants to be given.
#[derive(Clone, Copy)]
pub(crate) struct Callback {
    pub(crate) function: unsafe extern "C" fn(*mut c_void, *const plenum_event),
    pub(crate) user: *mut c_void,
}

// SAFETY: the library does nothing with `user` but to hand it back, in the
// thread that calls plenum_dispatch; whether that is the right one is for the
// caller to know, who gave it.
unsafe impl Send for Callback {}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

pub(crate) fn running(sfu: *const plenum_sfu) -> Outcome<Arc<Running>> {
    registry::share(Token::from_pointer(sfu))
}

/// Starts an SFU: its threads run from now on, its sockets listen.
///
/// On success `*sfu` is its handle, which the caller owns and gives back with
/// `plenum_sfu_free`; on failure it is NULL. Fails with
/// PLENUM_INVALID_PARAMETERS for a wrong option and PLENUM_IO for an address
/// that cannot be had.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_sfu_start(
    config: *const plenum_config,
    sfu: *mut *mut plenum_sfu,
) -> plenum_result {
    guard(|| {
        present("sfu", sfu)?;
        // SAFETY: not NULL, and C code gives a place for a pointer there.
        unsafe { sfu.write_unaligned(ptr::null_mut()) };
        // SAFETY: the rules of the header ask this of the caller.
        let options = unsafe { config::read(config)? };
        let options: ClientOptions = serde_json::from_value(options)
            .map_err(|error| Failure::parameters(format!("`config`: {error}")))?;
        let running = Running {
            client: Client::start(options)?,
            callback: Mutex::new(None),
            dispatching: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        };
        let token = registry::insert::<Running>(Arc::new(running))?;
        // SAFETY: as above.
        unsafe { sfu.write_unaligned(token.to_pointer()) };
        Ok(PLENUM_OK)
    })
}

/// Ends an SFU: calls that are on their way complete with PLENUM_CLOSED, and
/// after all else that there is to tell comes PLENUM_EVENT_CLOSED, once. The
/// handle stays good until `plenum_sfu_free`. Closing again does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn plenum_sfu_close(sfu: *mut plenum_sfu) -> plenum_result {
    guard(|| {
        running(sfu)?.client.close();
        Ok(PLENUM_OK)
    })
}

/// Gives a handle back; an SFU that is not closed is closed first. What was
/// not taken with `plenum_next_event` is dropped; events that were taken stay
/// good until `plenum_event_free`. Afterwards the handle is stale: any use of
/// it, this function included, returns PLENUM_CLOSED. A `plenum_wait` that
/// runs in another thread returns soon, with PLENUM_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn plenum_sfu_free(sfu: *mut plenum_sfu) -> plenum_result {
    guard(|| {
        let running = registry::remove::<Running>(Token::from_pointer(sfu))?;
        running.client.close();
        // Its end joins the threads, unless another thread is in a call: then
        // that one's end does.
        drop(running);
        Ok(PLENUM_OK)
    })
}

/// A file descriptor for poll(), select(), epoll or an event loop: readable
/// while `plenum_next_event` may have something. It belongs to the SFU: do not
/// read, write or close it, and stop watching it before `plenum_sfu_free`.
/// -1 on failure.
#[unsafe(no_mangle)]
pub extern "C" fn plenum_fd(sfu: *const plenum_sfu) -> c_int {
    guard_or(-1, || {
        let running = running(sfu)?;
        let descriptor = running.client.fd().ok_or_else(|| {
            Failure::new(PLENUM_IO, "this system has no descriptor to wait on; use plenum_wait")
        })?;
        Ok(descriptor.as_raw_fd())
    })
}
