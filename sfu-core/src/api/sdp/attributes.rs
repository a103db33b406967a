//! The `a=` lines: what each of those that we know puts into a section.

use super::SdpError;
use super::description::{
    Direction, Extension, Group, MediaSection, SessionDescription, Setup, Source, SsrcGroup,
    TransportAttributes,
};
use crate::api::params::{
    CodecParameters, ExtensionDirection, FingerprintAlgorithm, RtcpFeedback, RtpCodecParameters,
};
use crate::wire::{Mid, PayloadType, Rid, Ssrc};

const MAX_EXTENSIONS: usize = 64;
const MAX_SOURCES: usize = 64;
const MAX_SSRC_GROUPS: usize = 32;
const MAX_RIDS: usize = 16;
const MAX_FEEDBACK: usize = 32;
const MAX_FINGERPRINTS: usize = 8;
const MAX_CANDIDATES: usize = 64;
const MAX_GROUPS: usize = 8;

/// An m-section while its lines are read.
pub(super) struct SectionBuilder {
    section: MediaSection,
    /// Feedback for all payload types (`a=rtcp-fb:*`).
    any_feedback: Vec<RtcpFeedback>,
    simulcast_send: Vec<String>,
    simulcast_recv: Vec<String>,
}

impl SectionBuilder {
    /// A section of which only the m-line has been read.
    pub(super) fn new(mut section: MediaSection, direction: Direction) -> Self {
        section.direction = direction;
        let payload_types = section.formats.iter().filter_map(|format| format.parse::<u8>().ok());
        if section.protocol.contains("RTP/") {
            let media = &section.media;
            let mut codecs: Vec<RtpCodecParameters> = Vec::with_capacity(section.formats.len());
            for pt in payload_types.filter(|pt| *pt <= 127).map(PayloadType) {
                if !codecs.iter().any(|codec| codec.payload_type == pt) {
                    codecs.push(static_codec(media, pt));
                }
            }
            section.codecs = codecs;
        }
        Self {
            section,
            any_feedback: Vec::new(),
            simulcast_send: Vec::new(),
            simulcast_recv: Vec::new(),
        }
    }

    /// Takes in the text of an `a=` line.
    pub(super) fn apply(&mut self, line: &str, number: usize) -> Result<(), SdpError> {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.trim();
        let section = &mut self.section;
        match name {
            "rtpmap" => self.rtpmap(value, number)?,
            "fmtp" => self.fmtp(value),
            "rtcp-fb" => self.rtcp_fb(value),
            "extmap" => extmap(&mut section.extensions, value, number)?,
            "mid" => {
                let mid = Mid::new(value).filter(|mid| is_token(mid.as_str()));
                let expected = "1 to 16 token characters";
                let mid = mid.ok_or_else(|| SdpError::new(number, "a=mid", expected))?;
                section.mid = Some(mid.as_str().to_owned());
            }
            "msid" => {
                section.msid.get_or_insert_with(|| value.to_owned());
            }
            "ssrc" => self.ssrc(value, number)?,
            "ssrc-group" => self.ssrc_group(value),
            "rid" => self.rid(value, number)?,
            "simulcast" => self.simulcast(value),
            "rtcp-mux" | "rtcp-mux-only" => section.rtcp_mux = true,
            "rtcp-rsize" => section.rtcp_rsize = true,
            "extmap-allow-mixed" => section.extmap_allow_mixed = true,
            "bundle-only" => section.bundle_only = true,
            "sctp-port" => {
                let expected = "a port, 1 to 65535";
                let port = value.parse().ok().filter(|port| *port != 0);
                let port = port.ok_or_else(|| SdpError::new(number, "a=sctp-port", expected))?;
                section.sctp_port = Some(port);
            }
            "sctpmap" => {
                let port = value.split(' ').next().and_then(|port| port.parse().ok());
                let port = port.filter(|port| *port != 0);
                section.sctp_port = section.sctp_port.or(port);
            }
            "max-message-size" => {
                let expected = "a number of bytes";
                let size = value.parse();
                let size = size.map_err(|_| SdpError::new(number, "a=max-message-size", expected));
                section.max_message_size = Some(size?);
            }
            "candidate" => {
                let room = section.candidates.len() < MAX_CANDIDATES;
                // Those with a host name (mDNS) do not parse; we need none.
                section.candidates.extend(value.parse().ok().filter(|_| room));
            }
            _ => {
                if let Some(direction) = direction(name) {
                    section.direction = direction;
                } else {
                    apply_transport_attribute(&mut section.transport, name, value, number)?;
                }
            }
        }
        Ok(())
    }

    /// The section, now that all its lines have been read.
    pub(super) fn finish(self) -> MediaSection {
        let mut section = self.section;
        section.codecs.retain(|codec| !codec.mime_type.is_empty());
        for codec in section.codecs.iter_mut().filter(|codec| !codec.is_rtx()) {
            for feedback in &self.any_feedback {
                push_feedback(&mut codec.rtcp_feedback, feedback.clone());
            }
        }
        // The simulcast line gives the order and names the layers in use; rid
        // lines without one stand for themselves.
        if section.simulcast {
            let declared = |rids: &[String], used: Vec<String>| -> Vec<String> {
                used.into_iter().filter(|rid| rids.contains(rid)).collect()
            };
            section.send_rids = declared(&section.send_rids, self.simulcast_send);
            section.recv_rids = declared(&section.recv_rids, self.simulcast_recv);
        }
        section
    }

    /// `<payload type> <name>/<clock rate>[/<channels>]`
    fn rtpmap(&mut self, value: &str, number: usize) -> Result<(), SdpError> {
        let error = || SdpError::new(number, "a=rtpmap", "payload type, name and clock rate");
        let (pt, encoding) = value.split_once(' ').ok_or_else(error)?;
        let pt: u8 = pt.parse().map_err(|_| error())?;
        let mut parts = encoding.trim().splitn(3, '/');
        let name = parts.next().filter(|name| is_token(name)).ok_or_else(error)?;
        let clock_rate = parts.next().and_then(|rate| rate.parse().ok()).ok_or_else(error)?;
        let channels = parts.next().and_then(|channels| channels.parse().ok());
        let media = self.section.media.clone();
        if let Some(codec) = self.codec(PayloadType(pt)) {
            codec.mime_type = format!("{media}/{name}");
            codec.clock_rate = clock_rate;
            codec.channels = channels.filter(|n| media == "audio" && *n > 1);
        }
        Ok(())
    }

    fn fmtp(&mut self, value: &str) {
        let Some((pt, parameters)) = value.split_once(' ') else { return };
        if let Some(codec) = pt.parse().ok().and_then(|pt| self.codec(PayloadType(pt))) {
            codec.parameters = CodecParameters::parse(parameters);
        }
    }

    /// `<payload type or *> <type> [<parameter>]`
    fn rtcp_fb(&mut self, value: &str) {
        let Some((pt, feedback)) = value.split_once(' ') else { return };
        let feedback = feedback.trim();
        let (kind, parameter) = feedback.split_once(' ').unwrap_or((feedback, ""));
        let feedback = RtcpFeedback::new(kind, parameter.trim());
        if pt == "*" {
            push_feedback(&mut self.any_feedback, feedback);
        } else if let Some(codec) = pt.parse().ok().and_then(|pt| self.codec(PayloadType(pt))) {
            push_feedback(&mut codec.rtcp_feedback, feedback);
        }
    }

    /// `<ssrc> <attribute>[:<value>]`
    fn ssrc(&mut self, value: &str, number: usize) -> Result<(), SdpError> {
        let (ssrc, attribute) = value.split_once(' ').unwrap_or((value, ""));
        let ssrc = ssrc.parse().map_err(|_| SdpError::new(number, "a=ssrc", "a 32-bit number"))?;
        let source = source(&mut self.section.sources, Ssrc(ssrc), number)?;
        match attribute.split_once(':') {
            Some(("cname", value)) => source.cname = Some(value.to_owned()),
            Some(("msid", value)) => source.msid = Some(value.to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn ssrc_group(&mut self, value: &str) {
        let mut words = value.split_ascii_whitespace();
        let Some(semantics) = words.next() else { return };
        let ssrcs = words.take(MAX_SOURCES).filter_map(|word| word.parse().ok().map(Ssrc));
        let group = SsrcGroup { semantics: semantics.to_owned(), ssrcs: ssrcs.collect() };
        if self.section.ssrc_groups.len() < MAX_SSRC_GROUPS {
            self.section.ssrc_groups.push(group);
        }
    }

    /// `<id> send|recv [<restrictions>]` (RFC 8851).
    fn rid(&mut self, value: &str, number: usize) -> Result<(), SdpError> {
        let error = || SdpError::new(number, "a=rid", "an id of 1 to 16 characters, send or recv");
        let mut words = value.split_ascii_whitespace();
        let rid = words.next().and_then(Rid::new).filter(|rid| is_rid(rid.as_str()));
        let rid = rid.ok_or_else(error)?;
        let rids = match words.next() {
            Some("send") => &mut self.section.send_rids,
            Some("recv") => &mut self.section.recv_rids,
            _ => return Err(error()),
        };
        if rids.len() >= MAX_RIDS || rids.iter().any(|r| r == rid.as_str()) {
            return Err(SdpError::new(number, "a=rid", "at most 16, each once"));
        }
        rids.push(rid.as_str().to_owned());
        Ok(())
    }

    /// `send <layers> [recv <layers>]`, layers between `;`, alternatives of one
    /// layer between `,`, of which the first is taken, `~` for paused ones
    /// (RFC 8853 §5.1).
    fn simulcast(&mut self, value: &str) {
        self.section.simulcast = true;
        let mut words = value.split_ascii_whitespace();
        while let (Some(direction), Some(layers)) = (words.next(), words.next()) {
            // An older draft wrote "send rid=a;b".
            let layers = layers.strip_prefix("rid=").unwrap_or(layers);
            let first = |layer: &str| layer.split(',').next().map(|rid| rid.replace('~', ""));
            let rids = match direction {
                "send" => &mut self.simulcast_send,
                "recv" => &mut self.simulcast_recv,
                _ => continue,
            };
            for rid in layers.split(';').take(MAX_RIDS).filter_map(first) {
                if !rids.contains(&rid) {
                    rids.push(rid);
                }
            }
        }
    }

    fn codec(&mut self, payload_type: PayloadType) -> Option<&mut RtpCodecParameters> {
        self.section.codecs.iter_mut().find(|codec| codec.payload_type == payload_type)
    }
}

/// Takes in an `a=` line that stands before the first m-section.
pub(super) fn apply_session_attribute(
    session: &mut SessionDescription,
    default_direction: &mut Direction,
    line: &str,
    number: usize,
) -> Result<(), SdpError> {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    match name {
        "group" => {
            let mut words = value.split_ascii_whitespace().map(ToOwned::to_owned);
            if session.groups.len() < MAX_GROUPS
                && let Some(semantics) = words.next()
            {
                session.groups.push(Group { semantics, mids: words.collect() });
            }
        }
        "ice-lite" => session.ice_lite = true,
        "extmap-allow-mixed" => session.extmap_allow_mixed = true,
        _ => {
            if let Some(direction) = direction(name) {
                *default_direction = direction;
            } else {
                apply_transport_attribute(&mut session.transport, name, value.trim(), number)?;
            }
        }
    }
    Ok(())
}

fn apply_transport_attribute(
    transport: &mut TransportAttributes,
    name: &str,
    value: &str,
    number: usize,
) -> Result<(), SdpError> {
    let ice = |what, shortest| {
        let fits = (shortest..=256).contains(&value.len()) && value.bytes().all(is_ice_char);
        let error = SdpError::new(number, what, "ICE characters, 4 or 22 to 256 of them");
        if fits { Ok(Some(value.to_owned())) } else { Err(error) }
    };
    match name {
        "ice-ufrag" => transport.ice_ufrag = ice("a=ice-ufrag", 4)?,
        "ice-pwd" => transport.ice_pwd = ice("a=ice-pwd", 22)?,
        "setup" => {
            transport.setup = Some(match value {
                "active" => Setup::Active,
                "passive" => Setup::Passive,
                "actpass" => Setup::Actpass,
                "holdconn" => Setup::Holdconn,
                _ => return Err(SdpError::new(number, "a=setup", "active, passive or actpass")),
            });
        }
        "fingerprint" => {
            let name = value.split_ascii_whitespace().next().unwrap_or_default();
            // A peer may list others beside the one that we check.
            let mut known = FingerprintAlgorithm::ALL.into_iter();
            if !known.any(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name)) {
                return Ok(());
            }
            let expected = "as many hexadecimal bytes as the hash function has";
            let error = |_| SdpError::new(number, "a=fingerprint", expected);
            let fingerprint = value.parse().map_err(error)?;
            if transport.fingerprints.len() < MAX_FINGERPRINTS {
                transport.fingerprints.push(fingerprint);
            }
        }
        _ => {}
    }
    Ok(())
}

/// `<id>[/<direction>] <uri> [<attributes>]`
fn extmap(extensions: &mut Vec<Extension>, value: &str, number: usize) -> Result<(), SdpError> {
    let error = || SdpError::new(number, "a=extmap", "an id, 1 to 255, and a URI");
    let mut words = value.split_ascii_whitespace();
    let id = words.next().ok_or_else(error)?;
    let uri = words.next().ok_or_else(error)?.to_owned();
    let (id, direction) = id.split_once('/').map_or((id, None), |(id, dir)| (id, Some(dir)));
    let direction = match direction {
        None | Some("sendrecv") => ExtensionDirection::Sendrecv,
        Some("sendonly") => ExtensionDirection::Sendonly,
        Some("recvonly") => ExtensionDirection::Recvonly,
        Some("inactive") => ExtensionDirection::Inactive,
        Some(_) => return Err(error()),
    };
    // Ids from 4096 to 4351 stand for "to be chosen by the answerer"; nobody
    // that we know of uses them, and they fit no packet.
    let id: u16 = id.parse().map_err(|_| error())?;
    let Some(id) = u8::try_from(id).ok().filter(|id| *id >= 1) else {
        return if (4096..=4351).contains(&id) { Ok(()) } else { Err(error()) };
    };
    if extensions.len() >= MAX_EXTENSIONS {
        return Err(SdpError::new(number, "a=extmap", "at most 64"));
    }
    extensions.push(Extension { id, uri, direction });
    Ok(())
}

fn source(sources: &mut Vec<Source>, ssrc: Ssrc, number: usize) -> Result<&mut Source, SdpError> {
    let error = SdpError::new(number, "a=ssrc", "at most 64 different ones");
    let index = match sources.iter().position(|source| source.ssrc == ssrc) {
        Some(index) => index,
        None if sources.len() < MAX_SOURCES => {
            sources.push(Source { ssrc, cname: None, msid: None });
            sources.len() - 1
        }
        None => return Err(error),
    };
    sources.get_mut(index).ok_or(error)
}

fn push_feedback(list: &mut Vec<RtcpFeedback>, feedback: RtcpFeedback) {
    if list.len() < MAX_FEEDBACK && !list.contains(&feedback) {
        list.push(feedback);
    }
}

/// The codec that a payload type stands for without an `a=rtpmap` (RFC 3551
/// §6); with an empty name where it stands for none.
fn static_codec(media: &str, payload_type: PayloadType) -> RtpCodecParameters {
    let (name, clock_rate) = match (media, payload_type.0) {
        ("audio", 0) => ("audio/PCMU", 8_000),
        ("audio", 8) => ("audio/PCMA", 8_000),
        ("audio", 9) => ("audio/G722", 8_000),
        _ => ("", 0),
    };
    RtpCodecParameters {
        mime_type: name.to_owned(),
        payload_type,
        clock_rate,
        channels: None,
        parameters: CodecParameters::new(),
        rtcp_feedback: Vec::new(),
    }
}

fn direction(name: &str) -> Option<Direction> {
    Some(match name {
        "sendrecv" => Direction::Sendrecv,
        "sendonly" => Direction::Sendonly,
        "recvonly" => Direction::Recvonly,
        "inactive" => Direction::Inactive,
        _ => return None,
    })
}

/// RFC 8866 §9: `token`.
fn is_token(text: &str) -> bool {
    let token = |b: u8| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&b);
    !text.is_empty() && text.bytes().all(token)
}

/// RFC 8852 §3.1 has letters and digits; `-` and `_` are from the older
/// RFC 8851 grammar and still in use.
fn is_rid(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

const fn is_ice_char(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'+' || b == b'/'
}
