//! Who speaks in a router, and what follows from it.
//!
//! Each audio producer has a [`Voice`]; the [`Ranking`] gives the loudest few
//! the places whose followers hear them; [`slots`] points the consumers that
//! follow speakers; [`observer`] tells who asked. Ingest feeds it packet by
//! packet, and [`Router::update_speakers`](super::Router::update_speakers) runs
//! at the start of each turn. What it costs depends on who speaks, not on who
//! is silent.

mod config;
mod observer;
mod ranking;
mod slots;
mod voice;

pub use config::{
    ActiveSpeakerOptions, AudioLevelOptions, ObserverScope, SpeakerOptions, SpeakerSlot, Speakers,
};

pub(crate) use observer::{Observer, Observers};
pub(crate) use ranking::Ranking;
pub(crate) use voice::{Speech, Voice};
