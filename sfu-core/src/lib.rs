//! An embeddable SFU (selective forwarding unit).
#![forbid(unsafe_code)]

pub mod api;
pub mod stream;
pub mod wire;
