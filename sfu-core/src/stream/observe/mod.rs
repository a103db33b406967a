//! What the loudness of audio tells about who speaks.
//!
//! [`LevelMeter`] follows one source packet by packet: noise floor, talk
//! spurts and where they began. [`SpeechActivity`] keeps its last second for
//! [`Dominance`], which names the dominant speaker of several. Levels come
//! from the header extension (RFC 6464), so payloads may be encrypted. Nothing
//! here knows producers, slots or events.

mod active_speaker;
mod audio_level;

pub use active_speaker::{Dominance, Scores, SpeechActivity};
pub use audio_level::{Heard, LevelMeter, LevelWindow, Loudness, Spurt};
