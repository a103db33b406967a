//! From the codecs that a router is configured with to its capabilities.

use super::codec_match::is_red;
use super::{CodecDescription, OrtcError, validate_rtp_capabilities};
use crate::api::params::{
    CodecParameters, RtpCapabilities, RtpCodecCapability, supported_capabilities,
};
use crate::wire::{MediaKind, PayloadType};

/// The capabilities of a router with these codecs: each gets the feedback that
/// we support for it and a payload type (the preferred one, or the next free
/// one from 96 on), and each video codec is followed by its RTX. The same
/// configuration always gives the same numbers.
///
/// ```
/// use sfu_core::api::params::{default_codecs, ortc::router_capabilities};
/// let caps = router_capabilities(&default_codecs()).unwrap();
/// let names: Vec<_> = caps.codecs.iter().map(|c| c.mime_type.as_str()).collect();
/// assert_eq!(names[..4], ["audio/opus", "video/VP8", "video/rtx", "video/H264"]);
/// ```
///
/// # Errors
///
/// [`OrtcError::UnsupportedCodec`] for a codec that cannot be routed,
/// [`OrtcError::Invalid`] for fields that are wrong or payload types used
/// twice, [`OrtcError::NoPayloadType`] if there are too many codecs.
pub fn router_capabilities(codecs: &[RtpCodecCapability]) -> Result<RtpCapabilities, OrtcError> {
    updated_router_capabilities(codecs, &[])
}

/// The capabilities of a router that is to have these codecs, and had others
/// before: `earlier` are all that it ever had, the latest first. A codec that it
/// had keeps its payload type, and that of its RTX, and no other codec is given
/// one of those, as long as there are free ones and the codecs do not prefer
/// others: endpoints that were told of them go on using them.
///
/// ```
/// use sfu_core::api::params::default_codecs;
/// use sfu_core::api::params::ortc::{router_capabilities, updated_router_capabilities};
/// let codecs = default_codecs();
/// let before = router_capabilities(&codecs).unwrap();
/// let after = updated_router_capabilities(&codecs[2..], &before.codecs).unwrap();
/// assert!(after.codecs.iter().all(|codec| before.codecs.contains(codec)));
/// ```
///
/// # Errors
///
/// As [`router_capabilities`].
pub fn updated_router_capabilities(
    codecs: &[RtpCodecCapability],
    earlier: &[RtpCodecCapability],
) -> Result<RtpCapabilities, OrtcError> {
    let supported = supported_capabilities();
    let configured = RtpCapabilities { codecs: codecs.to_vec(), header_extensions: Vec::new() };
    validate_rtp_capabilities(&configured)?;
    let mut numbers = Numbers::new(codecs, earlier);
    let mut caps = RtpCapabilities {
        codecs: Vec::with_capacity(codecs.len() * 2),
        header_extensions: supported.header_extensions,
    };
    for (i, codec) in codecs.iter().enumerate() {
        let pattern = supported
            .codecs
            .iter()
            .find(|s| CodecDescription::from(*s).is_of_type(&codec.into()))
            .filter(|_| !codec.is_rtx())
            .ok_or_else(|| OrtcError::UnsupportedCodec { mime_type: codec.mime_type.clone() })?;
        let earlier = codecs.iter().take(i);
        if earlier.into_iter().any(|e| CodecDescription::from(e).matches(&codec.into())) {
            return Err(OrtcError::invalid("codecs", i, "each codec once"));
        }
        let payload_type = numbers.of(i, codec)?;
        let mut parameters = codec.parameters.clone();
        if is_red(&codec.mime_type) {
            let opus = caps.codecs.iter().find(|c| c.mime_type.eq_ignore_ascii_case("audio/opus"));
            let opus = opus.and_then(|opus| opus.preferred_payload_type);
            let expected = "audio/opus before audio/red";
            parameters = red_of(opus.ok_or_else(|| OrtcError::invalid("codecs", i, expected))?);
        }
        caps.codecs.push(RtpCodecCapability {
            mime_type: pattern.mime_type.clone(),
            preferred_payload_type: Some(payload_type),
            rtcp_feedback: pattern.rtcp_feedback.clone(),
            parameters,
            ..codec.clone()
        });
        if codec.kind == MediaKind::Video {
            let rtx = numbers.of_rtx(i, codec)?;
            caps.codecs.push(RtpCodecCapability {
                kind: codec.kind,
                mime_type: "video/rtx".to_owned(),
                preferred_payload_type: Some(rtx),
                clock_rate: codec.clock_rate,
                channels: None,
                parameters: CodecParameters::new().with("apt", u32::from(payload_type.0)),
                rtcp_feedback: Vec::new(),
            });
        }
    }
    Ok(caps)
}

/// The parameters of redundant audio whose blocks have this payload type
/// (RFC 2198 §5).
fn red_of(payload_type: PayloadType) -> CodecParameters {
    let number = payload_type.0;
    CodecParameters::new().with("", format!("{number}/{number}").as_str())
}

/// Payload types that RFC 3551 gives to a codec.
fn static_payload_type(codec: &RtpCodecCapability) -> Option<PayloadType> {
    let all = [("audio/PCMU", 0), ("audio/PCMA", 8), ("audio/G722", 9)];
    let (_, pt) = all.into_iter().find(|(name, _)| codec.mime_type.eq_ignore_ascii_case(name))?;
    Some(PayloadType(pt))
}

/// Gives out payload types, to each codec those that it had before where that
/// is possible.
struct Numbers<'a> {
    earlier: &'a [RtpCodecCapability],
    taken: Vec<PayloadType>,
    /// What each codec can have again.
    kept: Vec<Kept>,
}

#[derive(Clone, Copy, Default)]
struct Kept {
    own: Option<PayloadType>,
    rtx: Option<PayloadType>,
}

impl<'a> Numbers<'a> {
    fn new(codecs: &[RtpCodecCapability], earlier: &'a [RtpCodecCapability]) -> Self {
        // What codecs prefer goes first, and what is kept before what is new.
        let mut taken: Vec<PayloadType> =
            codecs.iter().filter_map(|codec| codec.preferred_payload_type).collect();
        let mut keep = |number: Option<PayloadType>| {
            let number = number.filter(|number| !taken.contains(number))?;
            taken.push(number);
            Some(number)
        };
        let kept = codecs.iter().map(|codec| {
            let mut before = earlier.iter().filter(|it| !it.is_rtx());
            let same =
                |it: &&RtpCodecCapability| CodecDescription::from(*it).matches(&codec.into());
            let before = before.find(same).and_then(|it| it.preferred_payload_type);
            let own = codec.preferred_payload_type.or_else(|| keep(before));
            let rtx = own.filter(|_| own == before).and_then(|own| rtx_of(earlier, own));
            Kept { own, rtx: keep(rtx) }
        });
        Self { earlier, kept: kept.collect(), taken }
    }

    /// The payload type of the codec at `index`.
    fn of(&mut self, index: usize, codec: &RtpCodecCapability) -> Result<PayloadType, OrtcError> {
        let fixed = static_payload_type(codec).filter(|fixed| !self.taken.contains(fixed));
        self.take(self.kept(index).own.or(fixed), codec)
    }

    /// The payload type of its retransmissions.
    fn of_rtx(
        &mut self,
        index: usize,
        codec: &RtpCodecCapability,
    ) -> Result<PayloadType, OrtcError> {
        self.take(self.kept(index).rtx, codec)
    }

    fn kept(&self, index: usize) -> Kept {
        self.kept.get(index).copied().unwrap_or_default()
    }

    fn take(
        &mut self,
        known: Option<PayloadType>,
        codec: &RtpCodecCapability,
    ) -> Result<PayloadType, OrtcError> {
        let was_used = |pt| self.earlier.iter().any(|it| it.preferred_payload_type == Some(pt));
        let free = |reuse: bool| {
            // 64 to 95 would look like RTCP (RFC 5761 §4).
            let mut all = (96..=127).chain(35..=63).map(PayloadType);
            all.find(|pt| !self.taken.contains(pt) && (reuse || !was_used(*pt)))
        };
        let number = known
            .or_else(|| free(false))
            .or_else(|| free(true))
            .ok_or_else(|| OrtcError::NoPayloadType { mime_type: codec.mime_type.clone() })?;
        self.taken.push(number);
        Ok(number)
    }
}

/// The RTX of the codec with this payload type.
fn rtx_of(codecs: &[RtpCodecCapability], payload_type: PayloadType) -> Option<PayloadType> {
    let apt = Some(u32::from(payload_type.0));
    let rtx = codecs.iter().find(|it| it.is_rtx() && it.parameters.number("apt") == apt)?;
    rtx.preferred_payload_type
}
