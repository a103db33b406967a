//! What a consumer receives: of one producer, or of any through a slot.

use super::codec_match::is_red;
use super::{OrtcError, best_match};
use crate::api::params::{
    RtcpFeedback, RtcpParameters, RtpCapabilities, RtpCodecCapability, RtpCodecParameters,
    RtpEncodingParameters, RtpHeaderExtensionParameters, RtpParameters, RtxParameters,
    ScalabilityMode,
};
use crate::wire::rtp::ExtensionKind;
use crate::wire::{MediaKind, PayloadType, Ssrc};

/// What the SFU decides about a stream that it sends, whatever its codec.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct EgressIds {
    /// Media identification, for transports that carry more than one stream.
    pub mid: Option<String>,
    /// SSRC of the media.
    pub ssrc: Ssrc,
    /// SSRC of its retransmissions; used only if RTX is negotiated.
    pub rtx_ssrc: Option<Ssrc>,
    /// Canonical name.
    pub cname: String,
    /// Stream id and track id, with a space between them.
    pub msid: Option<String>,
}

/// How a producer's media is labelled in a consumer's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct EgressCodec {
    /// Payload type of the media.
    pub payload_type: PayloadType,
    /// Payload type of its retransmissions.
    pub rtx_payload_type: Option<PayloadType>,
}

/// A producer's parameters in the router's own numbers: codecs with the
/// router's payload types, extensions with the router's ids, encodings without
/// the producer's rids and SSRCs. This is what consumers are made from.
///
/// # Errors
///
/// [`OrtcError::NotInRouter`] for a media codec that the router does not have.
pub fn consumable_parameters(
    kind: MediaKind,
    producer: &RtpParameters,
    router: &RtpCapabilities,
) -> Result<RtpParameters, OrtcError> {
    let mut codecs = Vec::with_capacity(producer.codecs.len());
    for codec in producer.media_codecs() {
        let ours = best_match(codec.into(), router.codecs.iter());
        let Some((ours, payload_type)) = ours.and_then(|r| Some((r, r.preferred_payload_type?)))
        else {
            return Err(OrtcError::NotInRouter {
                mime_type: codec.mime_type.clone(),
                payload_type: codec.payload_type,
            });
        };
        if codecs.iter().any(|c: &RtpCodecParameters| c.payload_type == payload_type) {
            continue;
        }
        let own = if is_red(&codec.mime_type) { &ours.parameters } else { &codec.parameters };
        codecs.push(RtpCodecParameters {
            payload_type,
            rtcp_feedback: ours.rtcp_feedback.clone(),
            parameters: own.clone(),
            ..codec.clone()
        });
        // Retransmission is between us and each consumer, so it does not need
        // the producer to have it.
        codecs.extend(rtx_of(router, payload_type));
    }
    let header_extensions = router
        .header_extensions
        .iter()
        .filter(|ext| ext.kind == kind && ext.direction.sends())
        .map(|ext| RtpHeaderExtensionParameters {
            uri: ext.uri.clone(),
            id: ext.preferred_id,
            encrypt: false,
        })
        .collect();
    let encodings = producer
        .encodings
        .iter()
        .map(|encoding| RtpEncodingParameters {
            ssrc: None,
            rid: None,
            rtx: None,
            codec_payload_type: None,
            ..encoding.clone()
        })
        .collect();
    Ok(RtpParameters {
        mid: None,
        codecs,
        header_extensions,
        encodings,
        rtcp: RtcpParameters { reduced_size: true, ..producer.rtcp.clone() },
        msid: producer.msid.clone(),
    })
}

/// Whether an endpoint with these capabilities can consume what
/// [`consumable_parameters`] describes: it has at least one of the codecs.
pub fn can_consume(consumable: &RtpParameters, device: &RtpCapabilities) -> bool {
    consumable.media_codecs().any(|codec| capability_for(device, codec).is_some())
}

/// The parameters of a consumer of one producer, for a device that was loaded
/// with the router's capabilities (mediasoup-client) and so uses its numbers.
///
/// # Errors
///
/// [`OrtcError::NoCommonCodec`] if the device has none of the codecs.
pub fn consumer_parameters(
    kind: MediaKind,
    consumable: &RtpParameters,
    device: &RtpCapabilities,
    ids: EgressIds,
) -> Result<RtpParameters, OrtcError> {
    let mut codecs = Vec::new();
    for codec in consumable.media_codecs() {
        let Some(capability) = capability_for(device, codec) else { continue };
        codecs.push(RtpCodecParameters {
            rtcp_feedback: common_feedback(&codec.rtcp_feedback, &capability.rtcp_feedback),
            ..codec.clone()
        });
        let device_has_rtx = device.codecs.iter().any(RtpCodecCapability::is_rtx);
        codecs.extend(consumable.rtx_codec(codec.payload_type).filter(|_| device_has_rtx).cloned());
    }
    let header_extensions = consumable
        .header_extensions
        .iter()
        .filter(|ext| {
            device.header_extensions.iter().any(|d| {
                d.kind == kind
                    && d.uri == ext.uri
                    && d.preferred_id == ext.id
                    && d.direction.receives()
            })
        })
        .cloned()
        .collect();
    let mut params = egress_parameters(kind, codecs, header_extensions, ids)?;
    if let Some(encoding) = params.encodings.first_mut() {
        encoding.scalability_mode = consumed_scalability_mode(&consumable.encodings);
        encoding.max_bitrate = consumable.encodings.iter().filter_map(|e| e.max_bitrate).max();
    }
    Ok(params)
}

/// The parameters of a receive slot: a consumer that can be pointed at any
/// producer of its kind. It keeps the receiver's payload types and extension
/// ids, and has every codec that the receiver and the router share, so that
/// one SSRC can carry VP8 now and H.264 later.
///
/// ```
/// use sfu_core::api::params::{MediaKind, default_codecs};
/// use sfu_core::api::params::ortc::{EgressIds, router_capabilities, slot_parameters};
/// use sfu_core::wire::Ssrc;
///
/// let router = router_capabilities(&default_codecs()).unwrap();
/// let ids = EgressIds {
///     mid: Some("7".into()),
///     ssrc: Ssrc(1),
///     rtx_ssrc: Some(Ssrc(2)),
///     cname: "room".into(),
///     msid: None,
/// };
/// let slot = slot_parameters(MediaKind::Video, &router, &router, ids).unwrap();
/// assert_eq!(slot.media_codecs().count(), 4);
/// ```
///
/// # Errors
///
/// [`OrtcError::NoCommonCodec`] if they share none.
pub fn slot_parameters(
    kind: MediaKind,
    receiver: &RtpCapabilities,
    router: &RtpCapabilities,
    ids: EgressIds,
) -> Result<RtpParameters, OrtcError> {
    let mut codecs = Vec::new();
    for capability in receiver.codecs.iter().filter(|c| c.kind == kind && !c.is_rtx()) {
        let ours = best_match(capability.into(), router.codecs.iter());
        let (Some(ours), Some(payload_type)) = (ours, capability.preferred_payload_type) else {
            continue;
        };
        codecs.push(RtpCodecParameters {
            mime_type: capability.mime_type.clone(),
            payload_type,
            clock_rate: capability.clock_rate,
            channels: capability.channels,
            parameters: capability.parameters.clone(),
            rtcp_feedback: common_feedback(&ours.rtcp_feedback, &capability.rtcp_feedback),
        });
        codecs.extend(rtx_of(receiver, payload_type));
    }
    let header_extensions = receiver
        .header_extensions
        .iter()
        .filter(|ext| ext.kind == kind && ext.direction.receives())
        .filter(|ext| {
            let ours = router.header_extensions.iter().find(|r| r.kind == kind && r.uri == ext.uri);
            ours.is_some_and(|r| r.direction.sends())
        })
        .map(|ext| RtpHeaderExtensionParameters {
            uri: ext.uri.clone(),
            id: ext.preferred_id,
            encrypt: false,
        })
        .collect();
    egress_parameters(kind, codecs, header_extensions, ids)
}

/// How media of a producer's codec is labelled in a consumer's stream; `None`
/// if the consumer did not negotiate that codec and so cannot carry it.
pub fn egress_codec(
    consumer: &RtpParameters,
    producer_codec: &RtpCodecParameters,
) -> Option<EgressCodec> {
    let media = consumer.codecs.iter().filter(|codec| !codec.is_rtx());
    let codec = best_match(producer_codec.into(), media)?;
    Some(EgressCodec {
        payload_type: codec.payload_type,
        rtx_payload_type: consumer.rtx_codec(codec.payload_type).map(|rtx| rtx.payload_type),
    })
}

fn egress_parameters(
    kind: MediaKind,
    mut codecs: Vec<RtpCodecParameters>,
    header_extensions: Vec<RtpHeaderExtensionParameters>,
    ids: EgressIds,
) -> Result<RtpParameters, OrtcError> {
    // Redundant audio alone has nothing inside that both know.
    if codecs.iter().all(|codec| is_red(&codec.mime_type)) {
        return Err(OrtcError::NoCommonCodec { kind });
    }
    keep_one_congestion_control(&mut codecs, &header_extensions);
    let has_rtx = codecs.iter().any(RtpCodecParameters::is_rtx);
    let encoding = RtpEncodingParameters {
        ssrc: Some(ids.ssrc),
        rtx: ids.rtx_ssrc.filter(|_| has_rtx).map(|ssrc| RtxParameters { ssrc }),
        ..RtpEncodingParameters::default()
    };
    Ok(RtpParameters {
        mid: ids.mid,
        codecs,
        header_extensions,
        encodings: vec![encoding],
        rtcp: RtcpParameters { cname: Some(ids.cname), reduced_size: true },
        msid: ids.msid,
    })
}

/// A receiver reports by transport-cc, or else by REMB, never by both; each
/// needs its header extension in what we send.
pub(crate) fn keep_one_congestion_control(
    codecs: &mut [RtpCodecParameters],
    header_extensions: &[RtpHeaderExtensionParameters],
) {
    let has = |kind: ExtensionKind| header_extensions.iter().any(|ext| ext.uri == kind.uri());
    let (twcc, abs) = (has(ExtensionKind::TransportWideCc), has(ExtensionKind::AbsSendTime));
    for codec in codecs {
        let twcc = twcc && codec.has_feedback("transport-cc", "");
        codec.rtcp_feedback.retain(|fb| match fb.kind.as_str() {
            "transport-cc" => twcc,
            "goog-remb" => abs && !twcc,
            _ => true,
        });
    }
}

fn capability_for<'a>(
    device: &'a RtpCapabilities,
    codec: &RtpCodecParameters,
) -> Option<&'a RtpCodecCapability> {
    best_match(codec.into(), device.codecs.iter())
}

fn common_feedback(ours: &[RtcpFeedback], theirs: &[RtcpFeedback]) -> Vec<RtcpFeedback> {
    ours.iter().filter(|fb| theirs.contains(fb)).cloned().collect()
}

/// The RTX codec of the codec with this payload type in a set of capabilities.
fn rtx_of(caps: &RtpCapabilities, payload_type: PayloadType) -> Option<RtpCodecParameters> {
    let apt = Some(u32::from(payload_type.0));
    let rtx = caps.codecs.iter().find(|c| c.is_rtx() && c.parameters.number("apt") == apt)?;
    Some(RtpCodecParameters {
        mime_type: rtx.mime_type.clone(),
        payload_type: rtx.preferred_payload_type?,
        clock_rate: rtx.clock_rate,
        channels: None,
        parameters: rtx.parameters.clone(),
        rtcp_feedback: Vec::new(),
    })
}

/// Simulcast looks to its consumer like one stream with as many spatial layers.
fn consumed_scalability_mode(encodings: &[RtpEncodingParameters]) -> Option<String> {
    let mode = encodings.iter().find_map(|e| e.scalability_mode.as_deref());
    match (encodings.len(), mode) {
        (0 | 1, mode) => mode.map(ToOwned::to_owned),
        (streams, mode) => {
            let temporal = mode.and_then(ScalabilityMode::parse).map_or(1, |m| m.temporal_layers);
            Some(format!("S{streams}T{temporal}"))
        }
    }
}
