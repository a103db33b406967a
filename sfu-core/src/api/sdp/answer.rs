//! From what was accepted of an offer to the text of the answer (RFC 8829
//! §5.3, with the attributes of a lite ICE agent with known addresses).

use super::SdpError;
use super::description::{Direction, MediaSection};
use super::negotiate::SectionTerms;
use super::offer::RemoteOffer;
use crate::api::params::{
    DtlsRole, ExtensionDirection, Fingerprint, IceCandidate, IceParameters, Protocol,
    RtpCapabilities, RtpCodecParameters, RtpHeaderExtensionParameters, RtpParameters,
    SctpParameters,
};

/// Our side of the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct LocalTransport {
    /// Our ICE credentials.
    pub ice: IceParameters,
    /// Where we can be reached, the preferred address first.
    pub candidates: Vec<IceCandidate>,
    /// Digests of our certificate.
    pub fingerprints: Vec<Fingerprint>,
}

/// Writes the answer to an offer. Sections for which neither
/// [`producer`](Self::producer), [`slot`](Self::slot) nor [`data`](Self::data)
/// is called are rejected, or stay inactive if they were offered so.
#[derive(Debug)]
pub struct AnswerBuilder<'a> {
    offer: &'a RemoteOffer,
    router: &'a RtpCapabilities,
    accepted: Vec<Accepted<'a>>,
    /// Our side of the data channels, if they are accepted.
    data: Option<SctpParameters>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Accepted<'a> {
    producer: Option<&'a RtpParameters>,
    slot: Option<&'a RtpParameters>,
}

impl<'a> AnswerBuilder<'a> {
    /// An answer to `offer` in which nothing has been accepted yet. `router`
    /// are the capabilities that the offer was negotiated with.
    pub fn new(offer: &'a RemoteOffer, router: &'a RtpCapabilities) -> Self {
        let accepted = vec![Accepted::default(); offer.description().sections.len()];
        Self { offer, router, accepted, data: None }
    }

    /// Accepts what the peer sends on a section. `parameters` are those that
    /// [`RemoteOffer::negotiate`] gave for it.
    ///
    /// # Errors
    ///
    /// [`SdpError`] if the offer has no such section to send on.
    pub fn producer(
        &mut self,
        section: usize,
        parameters: &'a RtpParameters,
    ) -> Result<&mut Self, SdpError> {
        self.accept(section, Direction::sends)?.producer = Some(parameters);
        Ok(self)
    }

    /// Fills a section that the peer receives on with a consumer.
    ///
    /// # Errors
    ///
    /// [`SdpError`] if the offer has no such section to receive on.
    pub fn slot(
        &mut self,
        section: usize,
        parameters: &'a RtpParameters,
    ) -> Result<&mut Self, SdpError> {
        self.accept(section, Direction::receives)?.slot = Some(parameters);
        Ok(self)
    }

    /// Accepts the data channels, if [`RemoteOffer::data`] gives any.
    pub fn data(&mut self, sctp: SctpParameters) -> &mut Self {
        self.data = Some(sctp);
        self
    }

    /// The text. `session_id` is a random number that is this session's own.
    pub fn build(&self, transport: &LocalTransport, session_id: u64) -> String {
        let mut sdp = Writer::default();
        let sections = &self.offer.description().sections;
        let mids: Vec<&str> = sections
            .iter()
            .enumerate()
            .filter(|(index, _)| self.direction(*index).is_some())
            .filter_map(|(_, section)| section.mid.as_deref())
            .collect();
        sdp.line(format_args!("v=0"));
        // RFC 8829 §5.2.1: the id fits 63 bits.
        sdp.line(format_args!("o=- {} 1 IN IP4 0.0.0.0", session_id >> 1));
        sdp.line(format_args!("s=-"));
        sdp.line(format_args!("t=0 0"));
        if transport.ice.ice_lite {
            sdp.line(format_args!("a=ice-lite"));
        }
        if self.offer.description().bundle().is_some() && !mids.is_empty() {
            sdp.line(format_args!("a=group:BUNDLE {}", mids.join(" ")));
        }
        if self.offer.description().extmap_allow_mixed {
            sdp.line(format_args!("a=extmap-allow-mixed"));
        }
        sdp.line(format_args!("a=msid-semantic: WMS *"));
        for (index, section) in sections.iter().enumerate() {
            match self.direction(index) {
                Some(direction) if section.is_data() => {
                    self.data_section(&mut sdp, index, section, direction, transport);
                }
                Some(direction) => {
                    self.accepted_section(&mut sdp, index, section, direction, transport);
                }
                None => sdp.rejected_section(section, transport, self.offer.remote_dtls().role),
            }
        }
        sdp.0
    }

    fn accept(
        &mut self,
        section: usize,
        offered: impl Fn(Direction) -> bool,
    ) -> Result<&mut Accepted<'a>, SdpError> {
        let line = self.offer.description().sections.get(section).map_or(0, |s| s.line);
        let error = SdpError::new(line, "m=", "a section that can be accepted in this direction");
        let terms = self.offer.terms(section, self.router).ok_or(error)?;
        let right = offered(terms.offered_direction());
        self.accepted.get_mut(section).filter(|_| right).ok_or(error)
    }

    /// Our direction in a section; `None` if it is rejected.
    fn direction(&self, index: usize) -> Option<Direction> {
        let accepted = self.accepted.get(index).filter(|_| self.offer.is_accepted(index))?;
        if self.offer.description().sections.get(index)?.is_data() {
            return match self.data {
                Some(_) => Some(Direction::Sendrecv),
                None => self.offer.is_tagged(index).then_some(Direction::Inactive),
            };
        }
        let direction = Direction::new(accepted.slot.is_some(), accepted.producer.is_some());
        let offered = self.offer.description().sections.get(index)?.direction;
        // Some peers lose the transport together with the section that stands
        // for it, so that one goes idle instead of being rejected.
        let stays_idle = self.offer.is_tagged(index)
            || (offered == Direction::Inactive && self.offer.terms(index, self.router).is_some());
        (direction != Direction::Inactive || stays_idle).then_some(direction)
    }

    fn data_section(
        &self,
        sdp: &mut Writer,
        index: usize,
        section: &MediaSection,
        direction: Direction,
        transport: &LocalTransport,
    ) {
        let tagged = self.offer.is_tagged(index);
        sdp.media_line(section, &section.formats, tagged, transport);
        if let Some(mid) = &section.mid {
            sdp.line(format_args!("a=mid:{mid}"));
        }
        if direction == Direction::Inactive {
            sdp.line(format_args!("a=inactive"));
        }
        sdp.transport(transport, self.offer.remote_dtls().role);
        if tagged {
            sdp.candidates(&transport.candidates);
        }
        if let Some(SctpParameters { port, max_message_size, .. }) = self.data {
            sdp.line(format_args!("a=sctp-port:{port}"));
            sdp.line(format_args!("a=max-message-size:{max_message_size}"));
        }
    }

    fn accepted_section(
        &self,
        sdp: &mut Writer,
        index: usize,
        section: &MediaSection,
        direction: Direction,
        transport: &LocalTransport,
    ) {
        let terms = self.offer.terms(index, self.router);
        let Accepted { producer, slot } = self.accepted.get(index).copied().unwrap_or_default();
        let idle;
        let (codecs, mut extensions) = match (producer, slot) {
            (Some(params), _) | (None, Some(params)) => {
                (&params.codecs, params.header_extensions.clone())
            }
            (None, None) => {
                idle = idle_codecs(section, terms.as_ref());
                (&idle, Vec::new())
            }
        };
        let tagged = self.offer.is_tagged(index);
        for ext in slot.into_iter().flat_map(|slot| &slot.header_extensions) {
            if !extensions.contains(ext) {
                extensions.push(ext.clone());
            }
        }
        let formats: Vec<_> = codecs.iter().map(|c| c.payload_type.0.to_string()).collect();
        sdp.media_line(section, &formats, tagged, transport);
        if let Some(mid) = &section.mid {
            sdp.line(format_args!("a=mid:{mid}"));
        }
        sdp.line(format_args!("a={}", direction.as_str()));
        sdp.transport(transport, self.offer.remote_dtls().role);
        if tagged {
            sdp.candidates(&transport.candidates);
        }
        sdp.line(format_args!("a=rtcp-mux"));
        if section.rtcp_rsize {
            sdp.line(format_args!("a=rtcp-rsize"));
        }
        for codec in codecs {
            let mut codec = codec.clone();
            if let Some(terms) = terms.as_ref().filter(|_| !codec.is_rtx()) {
                codec.parameters = terms.answer_parameters(&codec);
            }
            sdp.codec(&codec);
        }
        if section.extmap_allow_mixed {
            sdp.line(format_args!("a=extmap-allow-mixed"));
        }
        for RtpHeaderExtensionParameters { id, uri, .. } in &extensions {
            let offered = section.extensions.iter().find(|ext| ext.id == *id && ext.uri == *uri);
            let direction = match offered.map(|ext| ext.direction) {
                Some(ExtensionDirection::Sendonly) => "/recvonly",
                Some(ExtensionDirection::Recvonly) => "/sendonly",
                _ => "",
            };
            sdp.line(format_args!("a=extmap:{id}{direction} {uri}"));
        }
        if let Some(producer) = producer {
            sdp.simulcast(section, producer);
        }
        if let Some(slot) = slot {
            sdp.sources(slot);
        }
    }
}

/// The codecs of a section in which nothing flows: those in common, or all of
/// them, because an accepted section must have some.
fn idle_codecs(
    section: &MediaSection,
    terms: Option<&SectionTerms<'_>>,
) -> Vec<RtpCodecParameters> {
    let mut codecs =
        terms.map_or_else(|| section.codecs.clone(), |terms| terms.producer_parameters().codecs);
    codecs.retain(|codec| !codec.is_rtx());
    for codec in &mut codecs {
        codec.rtcp_feedback.clear();
    }
    codecs
}

/// Text with a line ending after every line.
#[derive(Default)]
struct Writer(String);

impl Writer {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Names come from the caller; none may begin a line of its own.
        self.0.extend(line.to_string().chars().filter(|c| !c.is_control()));
        self.0.push_str("\r\n");
    }

    /// The m-line and the c-line; those of the section that stands for the
    /// transport name its first address.
    fn media_line(
        &mut self,
        section: &MediaSection,
        formats: &[String],
        tagged: bool,
        transport: &LocalTransport,
    ) {
        let (media, protocol) = (&section.media, &section.protocol);
        let udp = transport.candidates.iter().find(|c| c.protocol == Protocol::Udp);
        let default = udp.filter(|_| tagged);
        let port = default.map_or(9, |candidate| candidate.port);
        self.line(format_args!("m={media} {port} {protocol} {}", formats.join(" ")));
        match default.map(|candidate| candidate.address) {
            Some(address) if address.is_ipv6() => self.line(format_args!("c=IN IP6 {address}")),
            Some(address) => self.line(format_args!("c=IN IP4 {address}")),
            None => self.line(format_args!("c=IN IP4 0.0.0.0")),
        }
    }

    fn rejected_section(
        &mut self,
        section: &MediaSection,
        transport: &LocalTransport,
        remote_role: DtlsRole,
    ) {
        let MediaSection { media, protocol, formats, .. } = section;
        self.line(format_args!("m={media} 0 {protocol} {}", formats.join(" ")));
        self.line(format_args!("c=IN IP4 0.0.0.0"));
        if let Some(mid) = &section.mid {
            self.line(format_args!("a=mid:{mid}"));
        }
        self.line(format_args!("a=inactive"));
        // Of no use here, but some peers look for it in every section.
        self.transport(transport, remote_role);
    }

    fn transport(&mut self, transport: &LocalTransport, remote_role: DtlsRole) {
        self.line(format_args!("a=ice-ufrag:{}", transport.ice.username_fragment));
        self.line(format_args!("a=ice-pwd:{}", transport.ice.password));
        for fingerprint in &transport.fingerprints {
            self.line(format_args!("a=fingerprint:{fingerprint}"));
        }
        let setup = if remote_role == DtlsRole::Server { "active" } else { "passive" };
        self.line(format_args!("a=setup:{setup}"));
    }

    fn candidates(&mut self, candidates: &[IceCandidate]) {
        for candidate in candidates {
            self.line(format_args!("a=candidate:{candidate}"));
        }
        self.line(format_args!("a=end-of-candidates"));
    }

    fn codec(&mut self, codec: &RtpCodecParameters) {
        let pt = codec.payload_type.0;
        let name = codec.mime_type.rsplit('/').next().unwrap_or_default();
        let clock_rate = codec.clock_rate;
        match codec.channels {
            Some(channels) => {
                self.line(format_args!("a=rtpmap:{pt} {name}/{clock_rate}/{channels}"));
            }
            None => self.line(format_args!("a=rtpmap:{pt} {name}/{clock_rate}")),
        }
        if !codec.parameters.is_empty() {
            self.line(format_args!("a=fmtp:{pt} {}", codec.parameters));
        }
        for feedback in &codec.rtcp_feedback {
            if feedback.parameter.is_empty() {
                self.line(format_args!("a=rtcp-fb:{pt} {}", feedback.kind));
            } else {
                self.line(format_args!("a=rtcp-fb:{pt} {} {}", feedback.kind, feedback.parameter));
            }
        }
    }

    /// Accepts the offered layers, in the order of the offer.
    fn simulcast(&mut self, section: &MediaSection, producer: &RtpParameters) {
        let accepted = |rid: &&String| {
            producer.encodings.iter().any(|encoding| encoding.rid.as_ref() == Some(*rid))
        };
        let rids: Vec<&str> =
            section.send_rids.iter().filter(accepted).map(String::as_str).collect();
        for rid in &rids {
            self.line(format_args!("a=rid:{rid} recv"));
        }
        if section.simulcast && !rids.is_empty() {
            self.line(format_args!("a=simulcast:recv {}", rids.join(";")));
        }
    }

    /// Announces what we send.
    fn sources(&mut self, slot: &RtpParameters) {
        let track = slot.mid.as_deref().unwrap_or("0");
        match &slot.msid {
            Some(msid) => self.line(format_args!("a=msid:{msid}")),
            None => self.line(format_args!("a=msid:- {track}")),
        }
        let cname = slot.rtcp.cname.as_deref().unwrap_or("-");
        for encoding in &slot.encodings {
            let Some(ssrc) = encoding.ssrc else { continue };
            if let Some(rtx) = encoding.rtx {
                self.line(format_args!("a=ssrc-group:FID {ssrc} {}", rtx.ssrc));
            }
            self.line(format_args!("a=ssrc:{ssrc} cname:{cname}"));
            if let Some(rtx) = encoding.rtx {
                self.line(format_args!("a=ssrc:{} cname:{cname}", rtx.ssrc));
            }
        }
    }
}
