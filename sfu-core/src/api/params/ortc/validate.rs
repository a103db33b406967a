//! Checks on parameters that came from outside.

use std::collections::BTreeSet;

use super::OrtcError;
use crate::api::params::{RtpCapabilities, RtpCodecParameters, RtpParameters};
use crate::wire::{MediaKind, Mid, Rid};

/// Most codecs, RTX included, that capabilities or parameters may list.
pub const MAX_CODECS: usize = 64;

/// Most encodings (simulcast layers) of a producer.
pub const MAX_ENCODINGS: usize = 8;

const MAX_EXTENSIONS: usize = 64;
const MAX_FEEDBACK: usize = 32;

/// Checks what the types alone do not say about capabilities.
///
/// # Errors
///
/// [`OrtcError::Invalid`] with the first field that is wrong.
pub fn validate_rtp_capabilities(caps: &RtpCapabilities) -> Result<(), OrtcError> {
    limit("codecs", caps.codecs.len(), MAX_CODECS, "at most 64 codecs")?;
    let mut payload_types = BTreeSet::new();
    for (i, codec) in caps.codecs.iter().enumerate() {
        mime_type(&codec.mime_type, codec.kind, i)?;
        clock_rate(codec.clock_rate, i)?;
        limit("codecs[].rtcpFeedback", codec.rtcp_feedback.len(), MAX_FEEDBACK, "at most 32")?;
        if let Some(pt) = codec.preferred_payload_type {
            ensure(pt.0 <= 127, "codecs[].preferredPayloadType", i, "0 to 127")?;
            let new = payload_types.insert((codec.kind, pt.0));
            ensure(new, "codecs[].preferredPayloadType", i, "a number of its own")?;
        }
    }
    limit("headerExtensions", caps.header_extensions.len(), MAX_EXTENSIONS, "at most 64")?;
    let mut ids = BTreeSet::new();
    for (i, ext) in caps.header_extensions.iter().enumerate() {
        ensure(!ext.uri.is_empty(), "headerExtensions[].uri", i, "a URI")?;
        ensure(ext.preferred_id >= 1, "headerExtensions[].preferredId", i, "1 to 255")?;
        let new = ids.insert((ext.kind, ext.preferred_id));
        ensure(new, "headerExtensions[].preferredId", i, "a number of its own")?;
    }
    Ok(())
}

/// Checks what the types alone do not say about a producer's parameters.
///
/// # Errors
///
/// [`OrtcError::Invalid`] with the first field that is wrong.
pub fn validate_rtp_parameters(kind: MediaKind, params: &RtpParameters) -> Result<(), OrtcError> {
    if let Some(mid) = &params.mid {
        ensure(Mid::new(mid).is_some(), "mid", 0, "1 to 16 printable ASCII characters")?;
    }
    codecs(kind, params)?;
    limit("headerExtensions", params.header_extensions.len(), MAX_EXTENSIONS, "at most 64")?;
    let mut ids = BTreeSet::new();
    for (i, ext) in params.header_extensions.iter().enumerate() {
        ensure(!ext.uri.is_empty(), "headerExtensions[].uri", i, "a URI")?;
        ensure(ext.id >= 1, "headerExtensions[].id", i, "1 to 255")?;
        ensure(ids.insert(ext.id), "headerExtensions[].id", i, "a number of its own")?;
    }
    encodings(params)?;
    if let Some(cname) = &params.rtcp.cname {
        let fits = (1..=255).contains(&cname.len()) && !cname.contains(char::is_control);
        ensure(fits, "rtcp.cname", 0, "1 to 255 bytes without control characters")?;
    }
    Ok(())
}

fn codecs(kind: MediaKind, params: &RtpParameters) -> Result<(), OrtcError> {
    let has_media = params.media_codecs().next().is_some();
    ensure(has_media, "codecs", 0, "at least one media codec")?;
    limit("codecs", params.codecs.len(), MAX_CODECS, "at most 64 codecs")?;
    let mut payload_types = BTreeSet::new();
    for (i, codec) in params.codecs.iter().enumerate() {
        mime_type(&codec.mime_type, kind, i)?;
        clock_rate(codec.clock_rate, i)?;
        limit("codecs[].rtcpFeedback", codec.rtcp_feedback.len(), MAX_FEEDBACK, "at most 32")?;
        let pt = codec.payload_type.0;
        ensure(pt <= 127, "codecs[].payloadType", i, "0 to 127")?;
        ensure(payload_types.insert(pt), "codecs[].payloadType", i, "a number of its own")?;
        if codec.is_rtx() {
            let media = codec.apt().and_then(|apt| params.codec(apt));
            let found = media.is_some_and(|media: &RtpCodecParameters| !media.is_rtx());
            ensure(found, "codecs[].parameters.apt", i, "the payload type of a media codec")?;
        }
    }
    Ok(())
}

fn encodings(params: &RtpParameters) -> Result<(), OrtcError> {
    let encodings = &params.encodings;
    ensure(!encodings.is_empty(), "encodings", 0, "at least one")?;
    limit("encodings", encodings.len(), MAX_ENCODINGS, "at most 8")?;
    let (mut ssrcs, mut rids) = (BTreeSet::new(), BTreeSet::new());
    for (i, encoding) in encodings.iter().enumerate() {
        let several = encodings.len() > 1;
        let named = encoding.ssrc.is_some() || encoding.rid.is_some();
        ensure(!several || named, "encodings[].rid", i, "a rid or an ssrc for each of several")?;
        if let Some(ssrc) = encoding.ssrc {
            ensure(ssrcs.insert(ssrc), "encodings[].ssrc", i, "a number of its own")?;
        }
        if let Some(rtx) = encoding.rtx {
            ensure(ssrcs.insert(rtx.ssrc), "encodings[].rtx.ssrc", i, "a number of its own")?;
        }
        if let Some(rid) = &encoding.rid {
            ensure(Rid::new(rid).is_some(), "encodings[].rid", i, "1 to 16 printable characters")?;
            ensure(rids.insert(rid), "encodings[].rid", i, "a name of its own")?;
        }
        if let Some(pt) = encoding.codec_payload_type {
            let media = params.codec(pt).is_some_and(|codec| !codec.is_rtx());
            ensure(media, "encodings[].codecPayloadType", i, "the payload type of a media codec")?;
        }
    }
    Ok(())
}

fn mime_type(mime_type: &str, kind: MediaKind, index: usize) -> Result<(), OrtcError> {
    let token = |name: &str| {
        !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._+".contains(&b))
    };
    let right = mime_type
        .split_once('/')
        .is_some_and(|(k, name)| k.eq_ignore_ascii_case(kind.as_str()) && token(name));
    ensure(right, "codecs[].mimeType", index, "the kind, a slash, and a codec's name")
}

fn clock_rate(clock_rate: u32, index: usize) -> Result<(), OrtcError> {
    ensure((1..=1_000_000).contains(&clock_rate), "codecs[].clockRate", index, "1 to 1000000 Hz")
}

fn limit(
    field: &'static str,
    len: usize,
    most: usize,
    expected: &'static str,
) -> Result<(), OrtcError> {
    ensure(len <= most, field, most, expected)
}

fn ensure(
    condition: bool,
    field: &'static str,
    index: usize,
    expected: &'static str,
) -> Result<(), OrtcError> {
    if condition { Ok(()) } else { Err(OrtcError::invalid(field, index, expected)) }
}
