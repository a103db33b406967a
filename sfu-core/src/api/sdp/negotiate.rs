//! What one offered section and a router have in common.

use super::description::{Direction, MediaSection, SessionDescription};
use crate::api::params::ortc::{
    CodecDescription, MAX_ENCODINGS, best_match, is_red, keep_one_congestion_control,
};
use crate::api::params::{
    CodecParameters, ExtensionDirection, H264ProfileLevel, RtcpParameters, RtpCapabilities,
    RtpCodecCapability, RtpCodecParameters, RtpEncodingParameters, RtpHeaderExtension,
    RtpHeaderExtensionParameters, RtpParameters, RtxParameters,
};
use crate::wire::rtp::ExtensionKind;
use crate::wire::{MediaKind, Ssrc};

/// Which sections one transport can carry.
pub(super) fn accepted_sections(description: &SessionDescription) -> Vec<bool> {
    let bundle = description.bundle();
    let mut first = true;
    let mut data = false;
    let accept = |section: &MediaSection| {
        let in_transport = match (bundle, &section.mid) {
            (Some(mids), Some(mid)) => mids.contains(mid),
            (Some(_), None) => false,
            (None, _) => first,
        };
        let accepted = in_transport
            && !section.is_rejected()
            && (is_media(section) || (section.is_data() && !data));
        first &= !accepted;
        data |= accepted && section.is_data();
        accepted
    };
    description.sections.iter().map(accept).collect()
}

fn is_media(section: &MediaSection) -> bool {
    section.kind().is_some()
        && is_secure_rtp(&section.protocol)
        && section.rtcp_mux
        && section.codecs.iter().any(|codec| !codec.is_rtx())
}

/// The profiles of RFC 8829 §5.1.2: `UDP/TLS/RTP/SAVPF` and its older spellings.
fn is_secure_rtp(protocol: &str) -> bool {
    protocol.ends_with("RTP/SAVPF") || protocol.ends_with("RTP/SAVP")
}

/// One section and what the router can do with it.
pub(super) struct SectionTerms<'a> {
    pub(super) kind: MediaKind,
    section: &'a MediaSection,
    router: &'a RtpCapabilities,
    /// Highest extension id that may be used.
    max_extension_id: u8,
    /// Each offered media codec that the router has, with the router's own.
    codecs: Vec<(&'a RtpCodecParameters, &'a RtpCodecCapability)>,
}

impl<'a> SectionTerms<'a> {
    /// `None` if there is no codec in common.
    pub(super) fn new(
        section: &'a MediaSection,
        extmap_allow_mixed: bool,
        router: &'a RtpCapabilities,
    ) -> Option<Self> {
        let kind = section.kind()?;
        let offered = || section.codecs.iter().filter(|codec| !codec.is_rtx());
        let routed = || router.codecs.iter().filter(|codec| codec.kind == kind && !codec.is_rtx());
        let exact = |codec: &&RtpCodecParameters, ours: &&RtpCodecCapability| {
            CodecDescription::from(*ours).matches(&(*codec).into())
        };
        // A merely compatible codec is taken only where the offer has nothing
        // better for that codec of ours.
        let common = |codec: &'a RtpCodecParameters| {
            let ours = best_match(codec.into(), routed())?;
            let better = || offered().any(|other| exact(&other, &ours));
            (exact(&codec, &ours) || !better()).then_some((codec, ours))
        };
        let mut codecs: Vec<_> = offered().filter_map(common).collect();
        keep_red_with_its_codec(&mut codecs);
        let mixed = extmap_allow_mixed || section.extmap_allow_mixed;
        let max_extension_id = if mixed { u8::MAX } else { 14 };
        (!codecs.is_empty()).then_some(Self { kind, section, router, max_extension_id, codecs })
    }

    /// In which directions the peer is ready for media.
    pub(super) const fn offered_direction(&self) -> Direction {
        self.section.direction
    }

    /// What the peer sends.
    pub(super) fn producer_parameters(&self) -> RtpParameters {
        let usable = |ext: &&RtpHeaderExtension| {
            let ours = self.router_direction(&ext.uri);
            ext.direction.sends() && ours.is_some_and(ExtensionDirection::receives)
        };
        let header_extensions: Vec<_> =
            self.extensions().iter().filter(usable).map(in_use).collect();
        let mut codecs = Vec::with_capacity(self.codecs.len() * 2);
        for (codec, ours) in &self.codecs {
            let mut feedback = ours.rtcp_feedback.clone();
            feedback.retain(|fb| codec.rtcp_feedback.contains(fb));
            codecs.push(RtpCodecParameters { rtcp_feedback: feedback, ..(*codec).clone() });
            codecs.extend(self.rtx(codec).cloned());
        }
        keep_one_congestion_control(&mut codecs, &header_extensions);
        let cname = self.section.sources.iter().find_map(|source| source.cname.clone());
        let msid = self.section.msid.clone();
        RtpParameters {
            mid: self.section.mid.clone(),
            encodings: self.encodings(codecs.iter().any(RtpCodecParameters::is_rtx)),
            codecs,
            header_extensions,
            rtcp: RtcpParameters { cname, reduced_size: self.section.rtcp_rsize },
            msid: msid.or_else(|| self.section.sources.iter().find_map(|s| s.msid.clone())),
        }
    }

    /// What the peer receives.
    pub(super) fn receiver_capabilities(&self) -> RtpCapabilities {
        let mut codecs = Vec::with_capacity(self.codecs.len() * 2);
        for (codec, _) in &self.codecs {
            codecs.push(self.capability(codec));
            codecs.extend(self.rtx(codec).map(|rtx| self.capability(rtx)));
        }
        let mut header_extensions = self.extensions();
        header_extensions.retain(|ext| {
            let ours = self.router_direction(&ext.uri);
            ext.direction.receives()
                && ours.is_some_and(ExtensionDirection::sends)
                && (self.is_mixed() || !is_long(&ext.uri))
        });
        RtpCapabilities { codecs, header_extensions }
    }

    /// The `a=fmtp` parameters of the answer for an offered codec: what we ask
    /// of the peer as a sender (RFC 3264 §6.1).
    pub(super) fn answer_parameters(&self, offered: &RtpCodecParameters) -> CodecParameters {
        let ours = self.codecs.iter().find(|(codec, _)| codec.payload_type == offered.payload_type);
        let Some((_, ours)) = ours else { return offered.parameters.clone() };
        let (theirs, ours) = (&offered.parameters, &ours.parameters);
        let name = offered.mime_type.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        if name == "red" {
            // Payload types of the offer, which are those of the answer too.
            return theirs.clone();
        }
        // What tells one bitstream from another is repeated. The rest are wishes
        // of the peer as a receiver, and we have none but those configured.
        let repeated: &[&str] = match name.as_str() {
            "h264" => &["packetization-mode", "level-asymmetry-allowed"],
            "vp9" => &["profile-id"],
            "av1" => &["profile", "level-idx", "tier"],
            "h265" => &["profile-id", "tier-flag", "level-id", "tx-mode"],
            "opus" => &["minptime", "useinbandfec"],
            _ => &[],
        };
        let mut answer = CodecParameters::new();
        for name in repeated {
            if let Some(value) = theirs.value(name) {
                answer.insert(name, value.clone());
            }
        }
        if name == "h264" {
            if let Some(id) = H264ProfileLevel::answer(ours, theirs) {
                answer.insert("profile-level-id", id.to_string().as_str());
            }
            return answer;
        }
        for (name, value) in ours.iter() {
            answer.insert(name, value.clone());
        }
        answer
    }

    /// By rid where there are rids, else by SSRC, else one that is known by
    /// its mid alone.
    fn encodings(&self, rtx: bool) -> Vec<RtpEncodingParameters> {
        let one = RtpEncodingParameters::default;
        if !self.section.send_rids.is_empty() {
            let mut rids: Vec<_> = self.section.send_rids.iter().take(MAX_ENCODINGS).collect();
            smallest_first(&mut rids);
            return rids.into_iter().map(|rid| one_with_rid(rid)).collect();
        }
        let streams = self.streams();
        if streams.is_empty() {
            return vec![one()];
        }
        let encoding = |ssrc: &Ssrc| RtpEncodingParameters {
            ssrc: Some(*ssrc),
            rtx: self.repair_of(*ssrc).filter(|_| rtx).map(|ssrc| RtxParameters { ssrc }),
            ..one()
        };
        streams.iter().take(MAX_ENCODINGS).map(encoding).collect()
    }

    /// The SSRCs of media, smallest layer first: those of the SIM group, or
    /// the first that repairs no other.
    fn streams(&self) -> Vec<Ssrc> {
        let groups = &self.section.ssrc_groups;
        if let Some(group) = groups.iter().find(|group| group.semantics == "SIM") {
            let mut ssrcs: Vec<Ssrc> = Vec::with_capacity(group.ssrcs.len());
            for ssrc in &group.ssrcs {
                if !ssrcs.contains(ssrc) {
                    ssrcs.push(*ssrc);
                }
            }
            return ssrcs;
        }
        let repairs =
            |ssrc: Ssrc| groups.iter().any(|g| g.ssrcs.iter().skip(1).any(|s| *s == ssrc));
        let first = self.section.sources.iter().map(|s| s.ssrc).find(|ssrc| !repairs(*ssrc));
        first.into_iter().collect()
    }

    fn repair_of(&self, ssrc: Ssrc) -> Option<Ssrc> {
        let groups = self.section.ssrc_groups.iter();
        let mut repaired = groups.filter(|group| group.semantics == "FID");
        repaired.find_map(|group| match group.ssrcs.as_slice() {
            [media, repair, ..] if *media == ssrc && *repair != ssrc => Some(*repair),
            _ => None,
        })
    }

    /// The offered extensions that the router knows, each once.
    fn extensions(&self) -> Vec<RtpHeaderExtension> {
        let mut extensions: Vec<RtpHeaderExtension> = Vec::new();
        for ext in &self.section.extensions {
            let taken = extensions.iter().any(|e| e.uri == ext.uri || e.preferred_id == ext.id);
            if !taken
                && ext.id <= self.max_extension_id
                && self.router_direction(&ext.uri).is_some()
            {
                extensions.push(RtpHeaderExtension {
                    kind: self.kind,
                    uri: ext.uri.clone(),
                    preferred_id: ext.id,
                    preferred_encrypt: false,
                    direction: ext.direction,
                });
            }
        }
        extensions
    }

    /// Whether the peer reads packets with two-byte elements among others.
    const fn is_mixed(&self) -> bool {
        self.max_extension_id > 14
    }

    fn router_direction(&self, uri: &str) -> Option<ExtensionDirection> {
        let mut ours = self.router.header_extensions.iter();
        ours.find(|ext| ext.kind == self.kind && ext.uri == uri).map(|ext| ext.direction)
    }

    /// The offered RTX codec of an offered codec, if the router has RTX.
    fn rtx(&self, codec: &RtpCodecParameters) -> Option<&'a RtpCodecParameters> {
        let wanted = self.router.codecs.iter().any(|c| c.kind == self.kind && c.is_rtx());
        let mut codecs = self.section.codecs.iter();
        codecs.find(|rtx| wanted && rtx.apt() == Some(codec.payload_type))
    }

    fn capability(&self, codec: &RtpCodecParameters) -> RtpCodecCapability {
        RtpCodecCapability {
            kind: self.kind,
            mime_type: codec.mime_type.clone(),
            preferred_payload_type: Some(codec.payload_type),
            clock_rate: codec.clock_rate,
            channels: codec.channels,
            parameters: codec.parameters.clone(),
            rtcp_feedback: codec.rtcp_feedback.clone(),
        }
    }
}

/// Whether values of this extension can be too long for the one-byte form, so
/// that they can be sent only to peers that take both forms (RFC 8285 §4.1.2).
fn is_long(uri: &str) -> bool {
    uri == ExtensionKind::DependencyDescriptor.uri()
}

/// Drops redundant audio unless all that it may hold is in common too.
fn keep_red_with_its_codec(codecs: &mut Vec<(&RtpCodecParameters, &RtpCodecCapability)>) {
    let numbers: Vec<u8> = codecs
        .iter()
        .filter(|(codec, _)| !is_red(&codec.mime_type))
        .map(|(codec, _)| codec.payload_type.0)
        .collect();
    codecs.retain(|(codec, _)| {
        let inside = codec.parameters.text("").unwrap_or_default();
        let known = |pt: &str| pt.parse().is_ok_and(|pt| numbers.contains(&pt));
        !is_red(&codec.mime_type) || inside.split('/').all(known)
    });
}

fn in_use(ext: &RtpHeaderExtension) -> RtpHeaderExtensionParameters {
    RtpHeaderExtensionParameters { uri: ext.uri.clone(), id: ext.preferred_id, encrypt: false }
}

fn one_with_rid(rid: &str) -> RtpEncodingParameters {
    RtpEncodingParameters { rid: Some(rid.to_owned()), ..RtpEncodingParameters::default() }
}

/// An offer lists layers in any order and does not say which is the smallest,
/// so known names decide. Rids that are not all of one set keep their order,
/// which by custom is smallest first.
fn smallest_first(rids: &mut [&String]) {
    const SETS: [&[&str]; 4] =
        [&["q", "h", "f"], &["l", "m", "h"], &["lo", "mid", "hi"], &["low", "mid", "high"]];
    let place = |set: &[&str], rid: &String| set.iter().position(|name| name == rid);
    let known = SETS.iter().find(|set| rids.iter().all(|rid| place(set, rid).is_some()));
    if let Some(set) = known {
        rids.sort_by_key(|rid| place(set, rid));
    }
}
