//! The Plenum meeting system: meetings, signalling, chat and media around [`sfu_core`].
//!
//! `meeting` decides, `signaling` and `http` talk to clients, `media` and `store` carry out.
//! [`App`] puts them together; the binary adds a configuration, a listener and signals.
#![forbid(unsafe_code)]

mod app;
pub mod config;
pub mod http;
pub mod media;
pub mod meeting;
pub mod metrics;
mod serve;
pub mod signaling;
pub mod store;

pub use app::{App, Background, Settings};
pub use serve::{Listeners, serve};
