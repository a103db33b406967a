//! libplenum: the C interface of Plenum.
//!
//! Written for C and read by it: the comments of public items become those of
//! `include/plenum.h`. Behind them, every function passes `boundary::guard`
//! (no panic leaves it), handles are tokens that `registry` looks up (no
//! pointer that C hands back is ever followed), and calls become those of
//! [`sfu_core::client`].

// C's names are plenum_*, types included, and public by their symbols; the
// header says what a caller must keep to, once for all functions, as C has no
// `unsafe`.
#![allow(non_camel_case_types, clippy::missing_safety_doc, unreachable_pub)]

mod boundary;
mod call;
mod calls;
mod config;
mod contents;
mod delivery;
mod event;
mod event_type;
mod identity;
mod registry;
mod result;
mod sfu;
