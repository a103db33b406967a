//! The native half of the Node.js package `plenum-sfu`.
//!
//! As thin as can be: calls go in as JSON, batches of completions and events
//! come out as JSON with their payloads beside them, and all that is typed is
//! written in TypeScript on top of it (`lib/`). Shard threads never touch
//! JavaScript: one thread for each SFU waits for what they tell, and hands it
//! over in batches.

mod client;
mod convert;
mod environment;
mod error;
mod pump;

use napi_derive::napi;
use sfu_core::ErrorKind;
use sfu_core::client::{EVENTS, METHODS};

/// What routers can route at most, as JSON.
#[napi(catch_unwind)]
pub fn supported_rtp_capabilities() -> String {
    sfu_core::client::supported_rtp_capabilities().to_string()
}

/// `Noun.method` of each method.
#[napi(catch_unwind)]
pub fn methods() -> Vec<String> {
    METHODS.iter().map(|method| format!("{}.{}", method.noun, method.name)).collect()
}

/// Each value of an event's `type`.
#[napi(catch_unwind)]
pub fn event_types() -> Vec<String> {
    EVENTS.iter().map(|&event| event.to_owned()).collect()
}

/// A kind of error.
#[derive(Debug)]
#[napi(object)]
pub struct Kind {
    /// Its name.
    pub kind: String,
    /// Its number.
    pub code: u32,
}

/// Each kind of error, with its number.
#[napi(catch_unwind)]
pub fn error_kinds() -> Vec<Kind> {
    let kind = |kind: &ErrorKind| Kind { kind: kind.as_str().to_owned(), code: kind.code() };
    ErrorKind::ALL.iter().map(kind).collect()
}

/// The version that the binary was built from.
#[napi(catch_unwind)]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
