//! ORTC-style parameters: what is sent or received, in plain serde types.
//!
//! The JSON form is that of mediasoup v3 and mediasoup-client, so a browser
//! that speaks to a mediasoup server can speak to this one. [`ortc`] validates
//! the types and matches them with each other; [`sdp`](super::sdp) reads and
//! writes them as session descriptions. Nothing here touches the network.

pub mod as_json;
mod capabilities;
mod codec_parameters;
mod h264_profile;
pub mod ortc;
mod rtp_parameters;
mod sctp;
mod supported;
mod transport;

pub use capabilities::{
    ExtensionDirection, RtcpFeedback, RtpCapabilities, RtpCodecCapability, RtpHeaderExtension,
};
pub use codec_parameters::{CodecParameters, ParameterValue};
pub use h264_profile::{H264Profile, H264ProfileLevel};
pub use rtp_parameters::{
    RtcpParameters, RtpCodecParameters, RtpEncodingParameters, RtpHeaderExtensionParameters,
    RtpParameters, RtxParameters, ScalabilityMode,
};
pub use sctp::{SctpParameters, SctpStreamParameters};
pub use sfu_ice::{
    Candidate as IceCandidate, CandidateKind, DtlsRole, Fingerprint, FingerprintAlgorithm,
    Protocol, TcpType,
};
pub use supported::{default_codecs, supported_capabilities};
pub use transport::{DtlsParameters, IceParameters, WebRtcTransportParameters};

#[cfg(feature = "runtime")]
pub(crate) use sctp::reliability;

pub use crate::stream::select::Layers;
pub use crate::wire::MediaKind;
