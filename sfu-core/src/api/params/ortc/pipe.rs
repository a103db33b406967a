//! What goes through a pipe, or to a receiver that takes all encodings:
//! everything that the publisher sends.

use super::consume::{consumer_parameters, keep_one_congestion_control};
use super::{EgressIds, OrtcError};
use crate::api::params::{
    RtpCapabilities, RtpEncodingParameters, RtpHeaderExtensionParameters, RtpParameters,
    RtxParameters,
};
use crate::wire::rtp::ExtensionKind;
use crate::wire::{MediaKind, Ssrc};

/// The parameters under which a producer goes through a pipe: all its encodings
/// with SSRCs of their own, the router's payload types, and the header
/// extensions that describe the media, not the hop. They are valid for
/// `produce` at the other end.
///
/// `ssrc` gives a new SSRC with each call. With `repair` lost packets are asked
/// for and sent again; a pipe inside the process loses none.
pub fn pipe_parameters(
    consumable: &RtpParameters,
    repair: bool,
    ssrc: impl FnMut() -> Ssrc,
) -> RtpParameters {
    let header_extensions: Vec<RtpHeaderExtensionParameters> =
        consumable.header_extensions.iter().filter(|ext| !is_of_hop(&ext.uri)).cloned().collect();
    let mut codecs = consumable.codecs.clone();
    codecs.retain(|codec| repair || !codec.is_rtx());
    for codec in &mut codecs {
        codec.rtcp_feedback.retain(|fb| match (fb.kind.as_str(), fb.parameter.as_str()) {
            ("nack", "") => repair,
            ("nack", "pli") | ("ccm", "fir") => true,
            _ => false,
        });
    }
    keep_one_congestion_control(&mut codecs, &header_extensions);
    let has_rtx = codecs.iter().any(super::super::RtpCodecParameters::is_rtx);
    RtpParameters {
        mid: None,
        encodings: renumbered(&consumable.encodings, has_rtx, ssrc),
        codecs,
        header_extensions,
        rtcp: consumable.rtcp.clone(),
        msid: consumable.msid.clone(),
    }
}

/// The parameters of a consumer of all encodings of a producer, for a device as
/// [`consumer_parameters`] has it: with the codecs and header extensions that it
/// takes, and without a MID, which could not tell the encodings apart.
///
/// `ssrc` gives a new SSRC with each call.
///
/// # Errors
///
/// [`OrtcError::NoCommonCodec`] if the device has none of the codecs.
pub fn pipe_consumer_parameters(
    kind: MediaKind,
    consumable: &RtpParameters,
    device: &RtpCapabilities,
    cname: &str,
    ssrc: impl FnMut() -> Ssrc,
) -> Result<RtpParameters, OrtcError> {
    // The SSRCs are replaced by those of all encodings.
    let ids = EgressIds {
        mid: None,
        ssrc: Ssrc(0),
        rtx_ssrc: Some(Ssrc(0)),
        cname: cname.to_owned(),
        msid: None,
    };
    let one = consumer_parameters(kind, consumable, device, ids)?;
    let has_rtx = one.encodings.iter().any(|encoding| encoding.rtx.is_some());
    Ok(RtpParameters { encodings: renumbered(&consumable.encodings, has_rtx, ssrc), ..one })
}

/// The encodings of a producer, with SSRCs of ours.
fn renumbered(
    encodings: &[RtpEncodingParameters],
    has_rtx: bool,
    mut ssrc: impl FnMut() -> Ssrc,
) -> Vec<RtpEncodingParameters> {
    let renumber = |encoding: &RtpEncodingParameters| RtpEncodingParameters {
        ssrc: Some(ssrc()),
        rtx: has_rtx.then(|| RtxParameters { ssrc: ssrc() }),
        ..encoding.clone()
    };
    encodings.iter().map(renumber).collect()
}

/// Whether a header extension is about the path between two endpoints.
fn is_of_hop(uri: &str) -> bool {
    use ExtensionKind as Ext;
    [
        Ext::Mid,
        Ext::Rid,
        Ext::RepairedRid,
        Ext::AbsSendTime,
        Ext::TransportWideCc,
        Ext::TransmissionOffset,
    ]
    .iter()
    .any(|kind| kind.uri() == uri)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::params::ortc::{consumable_parameters, router_capabilities};
    use crate::api::params::{MediaKind, default_codecs};

    fn consumable() -> RtpParameters {
        let producer = serde_json::json!({
            "codecs": [{ "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90_000 }],
            "encodings": [
                { "rid": "q", "scalabilityMode": "L1T3" },
                { "rid": "h", "scalabilityMode": "L1T3" },
                { "rid": "f", "scalabilityMode": "L1T3" },
            ],
            "rtcp": { "cname": "ann" },
        });
        let router = router_capabilities(&default_codecs()).unwrap();
        let producer = serde_json::from_value(producer).unwrap();
        consumable_parameters(MediaKind::Video, &producer, &router).unwrap()
    }

    fn numbers() -> impl FnMut() -> Ssrc {
        let mut last = 0;
        move || {
            last += 1;
            Ssrc(last)
        }
    }

    #[test]
    fn all_encodings_go_through_under_ssrcs_of_their_own() {
        let piped = pipe_parameters(&consumable(), true, numbers());
        let ssrcs = piped.encodings.iter().map(|e| (e.ssrc.unwrap().0, e.rtx.unwrap().ssrc.0));
        assert_eq!(ssrcs.collect::<Vec<_>>(), [(1, 2), (3, 4), (5, 6)]);
        assert!(piped.encodings.iter().all(|e| e.scalability_mode.as_deref() == Some("L1T3")));
        assert!(piped.encodings.iter().all(|e| e.rid.is_none()));
        assert_eq!(piped.rtcp.cname.as_deref(), Some("ann"));
        let feedback: Vec<_> =
            piped.codecs[0].rtcp_feedback.iter().map(|fb| (&*fb.kind, &*fb.parameter)).collect();
        assert_eq!(feedback, [("nack", ""), ("nack", "pli"), ("ccm", "fir")]);
        assert!(piped.codecs[1].is_rtx());
        let has = |kind: ExtensionKind| piped.extension_id(kind).is_some();
        assert!(has(ExtensionKind::AbsCaptureTime) && has(ExtensionKind::VideoOrientation));
        assert!(!has(ExtensionKind::Mid) && !has(ExtensionKind::TransportWideCc));
    }

    #[test]
    fn inside_the_process_nothing_is_repaired() {
        let piped = pipe_parameters(&consumable(), false, numbers());
        assert!(piped.encodings.iter().all(|e| e.rtx.is_none()));
        assert!(
            piped.codecs.iter().all(|codec| !codec.is_rtx() && !codec.has_feedback("nack", ""))
        );
        assert!(piped.codecs[0].has_feedback("nack", "pli"));
    }
}
