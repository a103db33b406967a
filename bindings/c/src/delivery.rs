//! How completions and events reach the caller: taken one by one, or by a
//! callback in the thread that asks for it.

use std::ffi::c_void;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use sfu_core::client::{Answer, Incoming};
use sfu_core::engine::RequestId;

use crate::boundary::guard;
use crate::contents::Contents;
use crate::event::{Drafted, Place, id_at, plenum_event, plenum_event_free};
use crate::event_type::by_name;
use crate::event_type::plenum_event_type::*;
use crate::result::plenum_result::*;
use crate::result::{Failure, plenum_result, remember};
use crate::sfu::{Callback, Running, plenum_sfu, running};

/// Called by `plenum_dispatch`, in the thread that calls that, for each
/// completion and event. The event belongs to the library and is good until
/// the callback returns; do not free it. The callback may call any function
/// of the library but `plenum_dispatch`. It must return: no exception, no
/// longjmp().
pub type plenum_callback =
    Option<unsafe extern "C" fn(user: *mut c_void, event: *const plenum_event)>;

/// Events in one call of `plenum_dispatch`: a busy SFU must not keep the
/// caller's loop from everything else.
const DISPATCH_AT_ONCE: usize = 1024;

impl Running {
    fn poll(&self) -> Option<Drafted> {
        let incoming = self.client.poll()?;
        if matches!(incoming, Incoming::Closed) {
            self.ended.store(true, Ordering::Release);
        }
        Some(drafted(incoming))
    }
}

fn drafted(incoming: Incoming) -> Drafted {
    match incoming {
        Incoming::Completion { request, result } => completion(request, result),
        Incoming::Rtp { router, consumer, packets } => {
            let mut rtp = Drafted::new(PLENUM_EVENT_RTP, Contents::of_packets(packets));
            rtp.event.router = router.as_u64();
            rtp.event.subject = consumer.as_u64();
            rtp
        }
        Incoming::Event { event, payload } => {
            let known = event.get("type").and_then(Value::as_str).and_then(by_name);
            let (number, subject) =
                known.map_or((PLENUM_EVENT_OTHER, ""), |k| (k.number, k.subject));
            let router = id_at(&event, "/router").unwrap_or(0);
            let subject = id_at(&event, &format!("/{subject}")).unwrap_or(0);
            let mut happened = Drafted::new(number, Contents::of_value(event, payload));
            happened.event.router = router;
            happened.event.subject = subject;
            happened
        }
        Incoming::Closed => Drafted::new(PLENUM_EVENT_CLOSED, Contents::default()),
    }
}

fn completion(request: RequestId, result: Result<Answer, sfu_core::Error>) -> Drafted {
    let mut done = match result {
        Ok(Answer { value, payload }) => {
            let made = |object: &str, field: &str| id_at(&value, &format!("{object}/{field}"));
            let subject = made("", "id").or_else(|| made("/transport", "id")).unwrap_or(0);
            let router = made("", "router").or_else(|| made("/transport", "router")).unwrap_or(0);
            let mut done =
                Drafted::new(PLENUM_EVENT_COMPLETION, Contents::of_value(value, payload));
            done.event.subject = subject;
            done.event.router = router;
            done
        }
        Err(error) => {
            let contents = Contents::of_error(error.to_string());
            let mut failed = Drafted::new(PLENUM_EVENT_COMPLETION, contents);
            failed.event.result = error.kind().into();
            failed
        }
    };
    done.event.request = request.0;
    done
}

/// Gives the next completion or event into `*event`, without waiting:
/// PLENUM_EMPTY if there is none now, PLENUM_CLOSED after PLENUM_EVENT_CLOSED
/// was given. Whoever takes an event owns it, and frees it with
/// `plenum_event_free`. Several threads may take; each event goes to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_next_event(
    sfu: *mut plenum_sfu,
    event: *mut plenum_event,
) -> plenum_result {
    guard(|| {
        let running = running(sfu)?;
        // SAFETY: the rules of the header ask this of the caller.
        let place = unsafe { Place::of(event)? };
        match running.poll() {
            Some(next) => place.give(next).map(|()| PLENUM_OK),
            None if running.ended.load(Ordering::Acquire) => Err(drained()),
            None => Ok(PLENUM_EMPTY),
        }
    })
}

/// Waits for the completion of a call, at most `timeout_ms` milliseconds, or
/// for as long as it takes if that is negative. What else comes meanwhile
/// stays for `plenum_next_event`.
///
/// Returns the result of the call, and gives its completion into `*event`,
/// which the caller frees with `plenum_event_free` even if the call failed.
/// `event` may be NULL if only the result matters. PLENUM_TIMEOUT if it is not
/// done in time: it still goes on, and can be waited for again. PLENUM_CLOSED
/// if it cannot come any more. PLENUM_NOT_FOUND if there is no such call, or
/// its completion was taken before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_wait(
    sfu: *mut plenum_sfu,
    request: u64,
    timeout_ms: i64,
    event: *mut plenum_event,
) -> plenum_result {
    guard(|| {
        let running = running(sfu)?;
        // SAFETY: the rules of the header ask this of the caller.
        let place = (!event.is_null()).then(|| unsafe { Place::of(event) }).transpose()?;
        let request = RequestId(request);
        let Some(result) = running.client.wait_for(request, duration(timeout_ms)) else {
            return Ok(PLENUM_TIMEOUT);
        };
        let done = completion(request, result);
        let result = done.event.result;
        if let Some(message) = done.error() {
            remember(message.to_owned());
        }
        if let Some(place) = place {
            place.give(done)?;
        }
        Ok(result)
    })
}

/// Gives the next completion or event into `*event`, and waits for it at most
/// `timeout_ms` milliseconds, or for as long as it takes if that is negative;
/// for programs with no event loop to watch `plenum_fd` in. Otherwise as
/// `plenum_next_event`, with PLENUM_TIMEOUT if nothing came.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_wait_event(
    sfu: *mut plenum_sfu,
    timeout_ms: i64,
    event: *mut plenum_event,
) -> plenum_result {
    guard(|| {
        let running = running(sfu)?;
        // SAFETY: the rules of the header ask this of the caller.
        let place = unsafe { Place::of(event)? };
        let deadline = duration(timeout_ms).and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if let Some(next) = running.poll() {
                return place.give(next).map(|()| PLENUM_OK);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if running.client.wait(left) {
                // Another thread may have been faster.
                continue;
            }
            if running.ended.load(Ordering::Acquire) {
                return Err(drained());
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(PLENUM_TIMEOUT);
            }
        }
    })
}

/// Sets what `plenum_dispatch` calls, with `user` as its first argument; NULL
/// takes it away. The library does nothing else with `user`.
#[unsafe(no_mangle)]
pub extern "C" fn plenum_set_callback(
    sfu: *mut plenum_sfu,
    callback: plenum_callback,
    user: *mut c_void,
) -> plenum_result {
    guard(|| {
        let running = running(sfu)?;
        let mut place = running.callback.lock().unwrap_or_else(PoisonError::into_inner);
        *place = callback.map(|function| Callback { function, user });
        Ok(PLENUM_OK)
    })
}

/// Calls the callback, in this thread, for each completion and event that is
/// there, at most for 1,024: then `plenum_fd` is still readable. PLENUM_OK if
/// there were any, PLENUM_EMPTY if not; PLENUM_NULL_POINTER if there is no
/// callback; PLENUM_BUSY if it runs already, here or in another thread;
/// PLENUM_CLOSED after PLENUM_EVENT_CLOSED was given.
///
/// The callback may close and even free the SFU: then nothing is called any
/// more.
#[unsafe(no_mangle)]
pub extern "C" fn plenum_dispatch(sfu: *mut plenum_sfu) -> plenum_result {
    guard(|| {
        let running_sfu = running(sfu)?;
        let Some(_turn) = Turn::take(&running_sfu.dispatching) else {
            return Err(Failure::new(PLENUM_BUSY, "plenum_dispatch is running already"));
        };
        for called in 0..DISPATCH_AT_ONCE {
            // Looked up again each time: the callback may have changed or freed it.
            let callback = match running(sfu) {
                Ok(running) => *running.callback.lock().unwrap_or_else(PoisonError::into_inner),
                Err(_) if called > 0 => return Ok(PLENUM_OK),
                Err(failure) => return Err(failure),
            };
            let Some(callback) = callback else {
                if called > 0 {
                    return Ok(PLENUM_OK);
                }
                return Err(Failure::new(
                    PLENUM_NULL_POINTER,
                    "there is no callback; set one with plenum_set_callback",
                ));
            };
            let Some(next) = running_sfu.poll() else {
                return match called {
                    0 if running_sfu.ended.load(Ordering::Acquire) => Err(drained()),
                    0 => Ok(PLENUM_EMPTY),
                    _ => Ok(PLENUM_OK),
                };
            };
            let mut event = next.hand_out()?;
            // SAFETY: C code gave this function to be called with this `user`
            // and an event, in the thread that calls plenum_dispatch: this one.
            unsafe { (callback.function)(callback.user, &raw const event) };
            // SAFETY: an event of ours.
            let freed = unsafe { plenum_event_free(&raw mut event) };
            if freed != PLENUM_OK {
                return Ok(freed);
            }
        }
        Ok(PLENUM_OK)
    })
}

/// The one run of `plenum_dispatch` at a time; over when it goes, even by a
/// panic.
struct Turn<'a>(&'a AtomicBool);

impl<'a> Turn<'a> {
    fn take(dispatching: &'a AtomicBool) -> Option<Self> {
        if dispatching.swap(true, Ordering::Acquire) {
            return None;
        }
        Some(Self(dispatching))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

fn duration(timeout_ms: i64) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}

fn drained() -> Failure {
    Failure::new(PLENUM_CLOSED, "the SFU is closed, and all its events were taken")
}
