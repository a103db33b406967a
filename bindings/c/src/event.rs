//! The event struct, and what can be read from it.

use std::ffi::{c_char, c_void};
use std::ptr;

use serde_json::Value;

use crate::boundary::{guard, guard_or, present, text};
use crate::contents::Contents;
use crate::event_type::plenum_event_type;
use crate::event_type::plenum_event_type::*;
use crate::registry::{self, Token};
use crate::result::plenum_result::*;
use crate::result::{Failure, Outcome, plenum_result};

/// Bytes with their number: an RTP packet.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct plenum_bytes {
    /// The first of them; may be NULL if there are none.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}

/// A completion or something that happened. Begin with `PLENUM_EVENT_INIT`;
/// whatever the library puts into it is good until `plenum_event_free`, which
/// every event that was received needs. Pointers that do not matter to the
/// type are NULL, numbers 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct plenum_event {
    /// `sizeof(plenum_event)`: tells the library which version of it this is.
    pub size: usize,
    /// What it tells.
    pub r#type: plenum_event_type,
    /// Of a completion: PLENUM_OK, or why the call failed.
    pub result: plenum_result,
    /// Of a completion: the call, as it was told when it was made.
    pub request: u64,
    /// The router in which it happened; of a completion, that of the answer.
    pub router: u64,
    /// What it is about: for each type, see there; of a completion, the id of
    /// what was made (of `accept_offer`: the transport).
    pub subject: u64,
    /// The event or the answer as a JSON object; of an answer without fields,
    /// NULL. `plenum_event_text` and its likes read it.
    pub json: *const c_char,
    /// Of a failed completion: what was wrong and what was expected.
    pub error: *const c_char,
    /// Of a message: its bytes; of RTCP: the packet; of `plenum_router_snapshot`: the snapshot.
    pub payload: *const u8,
    /// How many.
    pub payload_len: usize,
    /// Of PLENUM_EVENT_RTP: the packets, in the order in which they came.
    pub packets: *const plenum_bytes,
    /// How many, up to 256.
    pub packet_count: usize,
    /// For the library: by this it knows what the event owns.
    pub contents: *mut c_void,
}

/// The size of the first version of the struct: the least that is accepted.
const FIRST_SIZE: usize = size_of::<plenum_event>();

const NOTHING: plenum_event = plenum_event {
    size: size_of::<plenum_event>(),
    r#type: PLENUM_EVENT_NONE,
    result: PLENUM_OK,
    request: 0,
    router: 0,
    subject: 0,
    json: ptr::null(),
    error: ptr::null(),
    payload: ptr::null(),
    payload_len: 0,
    packets: ptr::null(),
    packet_count: 0,
    contents: ptr::null_mut(),
};

/// The place of a caller for an event, found good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    event: *mut plenum_event,
    size: usize,
}

impl Place {
    /// # Safety
    /// `event` is NULL, or points to as many bytes as its `size` says, which
    /// stay there for as long as the place is used.
    pub(crate) unsafe fn of(event: *mut plenum_event) -> Outcome<Self> {
        present("event", event)?;
        // SAFETY: not NULL, and `size` is the first field of every version.
        let size = unsafe { (&raw const (*event).size).read_unaligned() };
        if size < FIRST_SIZE {
            return Err(Failure::new(
                PLENUM_INVALID_SIZE,
                format!("`event.size` is {size}; begin with PLENUM_EVENT_INIT"),
            ));
        }
        Ok(Self { event, size })
    }

    /// Writes an event, or as much of it as the caller's version has; `size`
    /// stays what it is.
    fn fill(self, event: &plenum_event) {
        let own = size_of::<plenum_event>();
        let event = plenum_event { size: self.size, ..*event };
        // SAFETY: `Place::of` was promised `size` bytes there.
        unsafe {
            ptr::copy_nonoverlapping(
                (&raw const event).cast::<u8>(),
                self.event.cast::<u8>(),
                self.size.min(own),
            );
        }
    }

    /// Gives an event to the caller, who owns it from now on.
    pub(crate) fn give(self, event: Drafted) -> Outcome<()> {
        self.fill(&event.hand_out()?);
        Ok(())
    }

    fn contents(self) -> Token<Contents> {
        // SAFETY: the first version has the field, and `Place::of` saw that
        // this one is no smaller.
        Token::from_pointer(unsafe { (&raw const (*self.event).contents).read_unaligned() })
    }
}

/// An event that nobody has yet.
#[derive(Debug)]
pub(crate) struct Drafted {
    pub(crate) event: plenum_event,
    contents: Contents,
}

impl Drafted {
    pub(crate) fn new(r#type: plenum_event_type, contents: Contents) -> Self {
        Self { event: plenum_event { r#type, ..NOTHING }, contents }
    }

    /// Of a failed completion: why.
    pub(crate) fn error(&self) -> Option<&str> {
        self.contents.error()
    }

    /// Puts what the event owns into the registry: from now on it takes
    /// `plenum_event_free` to get rid of it.
    pub(crate) fn hand_out(self) -> Outcome<plenum_event> {
        let Self { mut event, contents } = self;
        contents.show(&mut event);
        let token = registry::insert::<Contents>(Box::new(contents))?;
        event.contents = token.to_pointer();
        Ok(event)
    }
}

/// Frees what an event owns, and makes it one that tells nothing: freeing it
/// again does no harm, and it can be used for the next. A copy of an event
/// that was freed is refused with PLENUM_CLOSED. NULL and an event that was
/// only initialised are well and do nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_event_free(event: *mut plenum_event) -> plenum_result {
    guard(|| {
        if event.is_null() {
            return Ok(PLENUM_OK);
        }
        // SAFETY: the rules of the header ask this of the caller.
        let place = unsafe { Place::of(event)? };
        let token = place.contents();
        place.fill(&NOTHING);
        if !token.is_null() {
            registry::remove(token)?;
        }
        Ok(PLENUM_OK)
    })
}

/// Lets `read` look at what an event owns.
///
/// # Safety
/// As for [`Place::of`]; `pointer` is NULL or a NUL-terminated text.
unsafe fn look<T>(
    event: *const plenum_event,
    pointer: *const c_char,
    failed: T,
    read: impl FnOnce(&mut Contents, &str) -> Option<T>,
) -> T {
    guard_or(failed, || {
        // SAFETY: as promised by the caller.
        let (place, pointer) = unsafe { (Place::of(event.cast_mut())?, text("pointer", pointer)?) };
        registry::with(place.contents(), |contents| {
            read(contents, pointer).ok_or_else(|| {
                Failure::new(
                    PLENUM_NOT_FOUND,
                    format!("the event has no such thing at {pointer:?}"),
                )
            })
        })
    })
}

/// Reads from the JSON of an event by a JSON pointer (RFC 6901), for example
/// "/slots/0/consumer/id". A string is given as it is, anything else as JSON:
/// so "/rtpParameters" gives an object to hand to another call. NULL if there
/// is nothing, or null, or on failure. The text belongs to the event and is
/// freed with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_event_text(
    event: *const plenum_event,
    pointer: *const c_char,
) -> *const c_char {
    // SAFETY: the rules of the header ask this of the caller.
    unsafe { look(event, pointer, ptr::null(), Contents::text) }
}

/// Reads an id from the JSON of an event by a JSON pointer. 0 if there is
/// none: ids are never 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_event_id(
    event: *const plenum_event,
    pointer: *const c_char,
) -> u64 {
    // SAFETY: the rules of the header ask this of the caller.
    unsafe { look(event, pointer, 0, |contents, pointer| id_at(&contents.value, pointer)) }
}

/// Reads a number or a truth value (1 or 0) from the JSON of an event by a
/// JSON pointer. `otherwise` if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_event_number(
    event: *const plenum_event,
    pointer: *const c_char,
    otherwise: f64,
) -> f64 {
    // SAFETY: the rules of the header ask this of the caller.
    unsafe {
        look(event, pointer, otherwise, |contents, pointer| {
            match contents.value.pointer(pointer)? {
                Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
                number => number.as_f64(),
            }
        })
    }
}

pub(crate) fn id_at(value: &Value, pointer: &str) -> Option<u64> {
    let id: sfu_core::RouterId = value.pointer(pointer)?.as_str()?.parse().ok()?;
    Some(id.as_u64())
}
