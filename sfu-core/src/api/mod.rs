//! What users hold: nouns, options, errors, parameters.

pub mod params;
#[cfg(feature = "sdp")]
pub mod sdp;
