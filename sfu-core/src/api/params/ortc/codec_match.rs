//! When two descriptions mean the same codec.

use crate::api::params::{
    CodecParameters, H264Profile, H264ProfileLevel, ParameterValue, RtpCodecCapability,
    RtpCodecParameters,
};

/// Whether this is redundant audio (RFC 2198). Its parameters name the payload
/// types inside, so they are never those of another description.
pub(crate) fn is_red(mime_type: &str) -> bool {
    mime_type.eq_ignore_ascii_case("audio/red")
}

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

    /// Whether a decoder of one decodes streams of the other in practice: they
    /// match, or they are H.264 Baseline and Constrained Baseline. Encoders
    /// that state Baseline do without its extra tools, and decoders of the
    /// constrained profile are all that many receivers have.
    pub(crate) fn is_compatible_with(&self, other: &CodecDescription<'_>) -> bool {
        let both_baseline = || {
            let profile = |p| H264ProfileLevel::of(p).map(|id| id.profile);
            self.is_named("h264")
                && [self, other].iter().all(|codec| {
                    matches!(
                        profile(codec.parameters),
                        Some(H264Profile::Baseline | H264Profile::ConstrainedBaseline)
                    )
                })
        };
        self.matches(other) || (self.is_of_type(other) && both_baseline())
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

/// The one of `candidates` that describes the same codec, or else the first
/// that is compatible.
pub(crate) fn best_match<'a, T>(
    codec: CodecDescription<'_>,
    candidates: impl Iterator<Item = &'a T> + Clone,
) -> Option<&'a T>
where
    CodecDescription<'a>: From<&'a T>,
{
    let describe = |candidate: &'a T| CodecDescription::from(candidate);
    let exact = candidates.clone().find(|candidate| describe(candidate).matches(&codec));
    let mut all = candidates;
    exact.or_else(|| all.find(|candidate| describe(candidate).is_compatible_with(&codec)))
}
