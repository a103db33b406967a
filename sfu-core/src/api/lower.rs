//! From the JSON-compatible parameters to the engine's own terms.

use super::error::{Error, ErrorKind, Result};
use super::params::{H264ProfileLevel, RtpCodecParameters, RtpParameters};
use crate::route::{CodecConfig, ConsumerConfig, EncodingConfig, ProducerConfig};
use crate::stream::select::Layers;
use crate::wire::codec::Codec;
use crate::wire::rtp::{ExtensionKind, ExtensionMap};
use crate::wire::{MediaKind, Mid, Rid};

/// The producer that sends with these parameters, which were validated.
pub(super) fn producer_config(
    kind: MediaKind,
    parameters: &RtpParameters,
    paused: bool,
) -> Result<ProducerConfig> {
    let encodings = parameters.encodings.iter().map(|encoding| {
        let rid = encoding.rid.as_deref().map(|rid| {
            let expected = "encodings[].rid: expected 1 to 16 printable ASCII characters";
            Rid::new(rid).ok_or_else(|| Error::new(ErrorKind::InvalidParameters, expected))
        });
        Ok(EncodingConfig {
            ssrc: encoding.ssrc,
            rtx_ssrc: encoding.rtx.map(|rtx| rtx.ssrc),
            rid: rid.transpose()?,
        })
    });
    Ok(ProducerConfig {
        kind,
        mid: mid(parameters)?,
        codecs: codecs(parameters),
        encodings: encodings.collect::<Result<_>>()?,
        extensions: extensions(parameters)?,
        paused,
        speaker: None,
        consumable: String::new(),
        parameters: as_json(parameters)?,
    })
}

/// The consumer that sends with these parameters. Its producer is set by the
/// caller.
pub(super) fn consumer_config(
    kind: MediaKind,
    parameters: &RtpParameters,
    paused: bool,
    preferred_layers: Option<Layers>,
) -> Result<ConsumerConfig> {
    let missing = || Error::new(ErrorKind::InvalidParameters, "encodings[].ssrc: expected one");
    let encoding = parameters.encodings.first().ok_or_else(missing)?;
    Ok(ConsumerConfig {
        kind,
        mid: mid(parameters)?,
        codecs: codecs(parameters),
        extensions: extensions(parameters)?,
        ssrc: encoding.ssrc.ok_or_else(missing)?,
        rtx_ssrc: encoding.rtx.map(|rtx| rtx.ssrc),
        cname: parameters.rtcp.cname.clone().unwrap_or_default(),
        producer: None,
        preferred_layers,
        paused,
        parameters: as_json(parameters)?,
    })
}

/// Parameters as text, which the engine keeps for who asks later.
pub(super) fn as_json(parameters: &RtpParameters) -> Result<String> {
    serde_json::to_string(parameters).map_err(|error| Error::caused(ErrorKind::Internal, error))
}

fn mid(parameters: &RtpParameters) -> Result<Option<Mid>> {
    let expected = "mid: expected 1 to 16 printable ASCII characters";
    let parse =
        |mid| Mid::new(mid).ok_or_else(|| Error::new(ErrorKind::InvalidParameters, expected));
    parameters.mid.as_deref().map(parse).transpose()
}

fn extensions(parameters: &RtpParameters) -> Result<ExtensionMap> {
    let mut map = ExtensionMap::default();
    for extension in &parameters.header_extensions {
        // What we do not know we neither read nor pass on.
        let Some(kind) = ExtensionKind::from_uri(&extension.uri) else { continue };
        map.insert(kind, extension.id)
            .map_err(|error| Error::caused(ErrorKind::InvalidParameters, error))?;
    }
    Ok(map)
}

fn codecs(parameters: &RtpParameters) -> Vec<CodecConfig> {
    let config = |codec: &RtpCodecParameters| CodecConfig {
        payload_type: codec.payload_type,
        rtx_payload_type: parameters.rtx_codec(codec.payload_type).map(|rtx| rtx.payload_type),
        codec: Codec::from_mime_type(&codec.mime_type),
        clock_rate: codec.clock_rate,
        variant: variant(codec),
        nack: codec.has_feedback("nack", ""),
        pli: codec.has_feedback("nack", "pli"),
        fir: codec.has_feedback("ccm", "fir"),
    };
    parameters.media_codecs().map(config).collect()
}

/// Tells apart the variants of a codec that a decoder for one of them need not
/// take in another.
fn variant(codec: &RtpCodecParameters) -> u32 {
    let number = |name| codec.parameters.number(name).unwrap_or(0);
    match Codec::from_mime_type(&codec.mime_type) {
        Codec::H264 => {
            let profile = H264ProfileLevel::of(&codec.parameters);
            let profile = profile.map_or(0, |level| level.profile as u32 + 1);
            (profile << 8) | (number("packetization-mode") & 0xff)
        }
        Codec::Vp9 => number("profile-id"),
        Codec::Av1 => number("profile"),
        // Main profile and main tier are the defaults (RFC 7798 §7.1).
        Codec::H265 => {
            let profile = codec.parameters.number("profile-id").unwrap_or(1);
            (profile & 0xff) << 1 | (number("tier-flag") & 1)
        }
        _ => 0,
    }
}
