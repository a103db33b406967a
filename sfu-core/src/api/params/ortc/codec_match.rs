//! When two descriptions mean the same codec.

use crate::api::params::{
    CodecParameters, H264ProfileLevel, ParameterValue, RtpCodecCapability, RtpCodecParameters,
};

/// What identifies a codec, borrowed from a capability or from parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodecDescription<'a> {
    mime_type: &'a str,
    clock_rate: u32,
    channels: u8,
    parameters: &'a CodecParameters,
}

impl CodecDescription<'_> {
    /// Whether both describe the same codec: name, clock rate, channels, and
    /// the parameters that make a stream of one undecodable for the other.
    pub(crate) fn matches(&self, other: &CodecDescription<'_>) -> bool {
        self.is_of_type(other) && self.same_bitstream(other)
    }

    /// As [`matches`](Self::matches), but any profile will do.
    pub(crate) fn is_of_type(&self, other: &CodecDescription<'_>) -> bool {
        self.mime_type.eq_ignore_ascii_case(other.mime_type)
            && self.clock_rate == other.clock_rate
            && self.channels == other.channels
            && (!self.is_named("h264") || self.same_number(other, "packetization-mode", 0))
    }

    fn same_bitstream(&self, other: &CodecDescription<'_>) -> bool {
        if self.is_named("h264") {
            let profile = |p| H264ProfileLevel::of(p).map(|id| id.profile);
            profile(self.parameters).is_some()
                && profile(self.parameters) == profile(other.parameters)
        } else if self.is_named("vp9") {
            self.same_number(other, "profile-id", 0)
        } else if self.is_named("av1") {
            self.same_number(other, "profile", 0)
        } else if self.is_named("h265") {
            // RFC 7798 §7.1: Main profile, main tier where nothing is said.
            self.same_number(other, "profile-id", 1) && self.same_number(other, "tier-flag", 0)
        } else {
            true
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.mime_type.rsplit_once('/').is_some_and(|(_, n)| n.eq_ignore_ascii_case(name))
    }

    fn same_number(&self, other: &CodecDescription<'_>, name: &str, default: u32) -> bool {
        let value =
            |p: &CodecParameters| p.value(name).cloned().unwrap_or(ParameterValue::Number(default));
        value(self.parameters) == value(other.parameters)
    }
}

impl<'a> From<&'a RtpCodecCapability> for CodecDescription<'a> {
    fn from(codec: &'a RtpCodecCapability) -> Self {
        Self {
            mime_type: &codec.mime_type,
            clock_rate: codec.clock_rate,
            channels: codec.channels.unwrap_or(1),
            parameters: &codec.parameters,
        }
    }
}

impl<'a> From<&'a RtpCodecParameters> for CodecDescription<'a> {
    fn from(codec: &'a RtpCodecParameters) -> Self {
        Self {
            mime_type: &codec.mime_type,
            clock_rate: codec.clock_rate,
            channels: codec.channels.unwrap_or(1),
            parameters: &codec.parameters,
        }
    }
}
