//! What an event owns: its JSON, its payload, its packets, and the texts that
//! the caller has asked for.

use std::collections::HashMap;
use std::ffi::{CString, c_char};
use std::ptr;

use bytes::Bytes;
use serde_json::Value;

use crate::event::{plenum_bytes, plenum_event};

/// The memory behind the pointers of a `plenum_event`. Every pointer is to
/// the heap, so it stays where it is when this moves.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) value: Value,
    json: Option<CString>,
    error: Option<CString>,
    payload: Option<Bytes>,
    packets: Vec<Bytes>,
    table: Vec<plenum_bytes>,
    texts: HashMap<String, CString>,
}

// SAFETY: the pointers of `table` are into `packets`, which go with it and are
// never changed.
unsafe impl Send for Contents {}

impl Contents {
    pub(crate) fn of_value(value: Value, payload: Option<Bytes>) -> Self {
        let json = (!value.is_null()).then(|| c_text(value.to_string()));
        Self { value, json, payload, ..Self::default() }
    }

    pub(crate) fn of_error(message: String) -> Self {
        Self { error: Some(c_text(message)), ..Self::default() }
    }

    pub(crate) fn of_packets(packets: Vec<Bytes>) -> Self {
        let entry = |packet: &Bytes| plenum_bytes { data: packet.as_ptr(), len: packet.len() };
        Self { table: packets.iter().map(entry).collect(), packets, ..Self::default() }
    }

    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_ref().and_then(|error| error.to_str().ok())
    }

    /// Sets the pointers of an event to what is here.
    pub(crate) fn show(&self, event: &mut plenum_event) {
        event.json = pointer_of(self.json.as_ref());
        event.error = pointer_of(self.error.as_ref());
        if let Some(payload) = &self.payload {
            event.payload = payload.as_ptr();
            event.payload_len = payload.len();
        }
        if !self.table.is_empty() {
            event.packets = self.table.as_ptr();
            event.packet_count = self.packets.len();
        }
    }

    /// The text of what a JSON pointer points to, kept until this goes.
    pub(crate) fn text(&mut self, pointer: &str) -> Option<*const c_char> {
        if let Some(text) = self.texts.get(pointer) {
            return Some(text.as_ptr());
        }
        let text = match self.value.pointer(pointer)? {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(self.texts.entry(pointer.to_owned()).or_insert_with(|| c_text(text)).as_ptr())
    }
}

/// For C, where NUL would end the text.
fn c_text(text: String) -> CString {
    CString::new(text).unwrap_or_else(|error| {
        let text = String::from_utf8_lossy(&error.into_vec()).replace('\0', "\u{fffd}");
        CString::new(text).expect("no NUL is left")
    })
}

fn pointer_of(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}
