//! The algebra of parameters: valid or not, equal or not, and what two sides
//! have in common. Pure functions, called when a router is configured, when
//! something is produced or consumed, and by [`sdp`](crate::api::sdp).
//!
//! The names and rules are those of mediasoup's ORTC, with one addition:
//! [`slot_parameters`] for consumers that outlive any one producer.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod codec_match;
mod consume;
mod error;
mod pipe;
mod router_capabilities;
mod validate;

#[cfg(feature = "sdp")]
pub(crate) use codec_match::is_red;
pub(crate) use codec_match::{CodecDescription, best_match};
#[cfg(feature = "sdp")]
pub(crate) use consume::keep_one_congestion_control;
pub use consume::{
    EgressCodec, EgressIds, can_consume, consumable_parameters, consumer_parameters, egress_codec,
    slot_parameters,
};
pub use error::OrtcError;
pub use pipe::{pipe_consumer_parameters, pipe_parameters};
pub use router_capabilities::{router_capabilities, updated_router_capabilities};
pub use validate::{MAX_CODECS, MAX_ENCODINGS, validate_rtp_capabilities, validate_rtp_parameters};
