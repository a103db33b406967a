//! What a peer offers, in terms of producers and receive slots.
//!
//! One transport carries everything that is accepted: the sections of the
//! first BUNDLE group, or, without such a group, the first section.

use super::SdpError;
use super::description::{MediaSection, SessionDescription, Setup};
use super::negotiate::{SectionTerms, accepted_sections};
use crate::api::params::ortc::{EgressIds, OrtcError, slot_parameters};
use crate::api::params::{DtlsParameters, DtlsRole, IceParameters, RtpCapabilities, RtpParameters};
use crate::wire::MediaKind;

/// What a section without `a=max-message-size` means (RFC 8841 §6.1).
const DEFAULT_MAX_MESSAGE_SIZE: u64 = 65_536;
const DEFAULT_SCTP_PORT: u16 = 5_000;

/// An offer that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteOffer {
    description: SessionDescription,
    accepted: Vec<bool>,
    ice: IceParameters,
    dtls: DtlsParameters,
}

impl RemoteOffer {
    /// Reads an offer.
    ///
    /// # Errors
    ///
    /// [`SdpError`] if the text is not a session description, if ICE
    /// credentials or the certificate's fingerprint are missing, or if no
    /// section is audio or video over DTLS-SRTP with RTCP on the same port, or
    /// data channels.
    pub fn parse(sdp: &str) -> Result<Self, SdpError> {
        let description = SessionDescription::parse(sdp)?;
        let accepted = accepted_sections(&description);
        let sections = description.sections.iter();
        let transports: Vec<_> = sections
            .zip(&accepted)
            .filter_map(|(section, accepted)| accepted.then_some(&section.transport))
            .chain([&description.transport])
            .collect();
        let line = description.sections.first().map_or(0, |section| section.line);
        let missing = |what, expected| SdpError::new(line, what, expected);
        if !accepted.contains(&true) {
            let expected =
                "audio or video over DTLS-SRTP with rtcp-mux, or data channels, in one bundle";
            return Err(missing("m=", expected));
        }
        let ice = transports
            .iter()
            .find_map(|t| Some((t.ice_ufrag.clone()?, t.ice_pwd.clone()?)))
            .map(|(username_fragment, password)| IceParameters {
                username_fragment,
                password,
                ice_lite: description.ice_lite,
            })
            .ok_or_else(|| missing("a=ice-ufrag", "one, and a=ice-pwd"))?;
        let fingerprints = transports.iter().map(|t| &t.fingerprints).find(|f| !f.is_empty());
        let fingerprints =
            fingerprints.ok_or_else(|| missing("a=fingerprint", "at least one"))?.clone();
        let role = match transports.iter().find_map(|t| t.setup) {
            Some(Setup::Passive) => DtlsRole::Server,
            Some(Setup::Holdconn) => {
                return Err(missing("a=setup", "active, passive or actpass"));
            }
            // RFC 8842 §5.3: the answerer of an actpass offer chooses; a lite
            // agent waits for the peer to connect.
            Some(Setup::Active | Setup::Actpass) | None => DtlsRole::Client,
        };
        let dtls = DtlsParameters { role, fingerprints };
        Ok(Self { description, accepted, ice, dtls })
    }

    /// The text as data.
    pub const fn description(&self) -> &SessionDescription {
        &self.description
    }

    /// The peer's ICE credentials.
    pub const fn remote_ice(&self) -> &IceParameters {
        &self.ice
    }

    /// The peer's fingerprints, and the role that it has once we have answered:
    /// client unless it offered to be the server.
    pub const fn remote_dtls(&self) -> &DtlsParameters {
        &self.dtls
    }

    /// What can be produced and consumed by a router with these capabilities.
    /// A section that is offered in both directions yields one of each; one
    /// without a codec in common, or that is not audio or video, yields none.
    pub fn negotiate(&self, router: &RtpCapabilities) -> Negotiation {
        let mut negotiation = Negotiation::default();
        for (section, media) in self.description.sections.iter().enumerate() {
            let Some(terms) = self.terms(section, router) else { continue };
            let (mid, kind) = (self.mid(section), terms.kind);
            if media.direction.sends() {
                let mut parameters = terms.producer_parameters();
                parameters.mid = media.mid.clone();
                let mid = mid.clone();
                negotiation.producers.push(OfferedProducer { section, mid, kind, parameters });
            }
            if media.direction.receives() {
                let capabilities = terms.receiver_capabilities();
                negotiation.slots.push(OfferedSlot { section, mid, kind, capabilities });
            }
        }
        negotiation
    }

    /// The section for data channels, if there is one.
    pub fn data(&self) -> Option<OfferedData> {
        let mut sections = self.description.sections.iter().enumerate();
        let (section, media) =
            sections.find(|(at, media)| media.is_data() && self.is_accepted(*at))?;
        let size = media.max_message_size.unwrap_or(DEFAULT_MAX_MESSAGE_SIZE);
        Some(OfferedData {
            section,
            mid: self.mid(section),
            port: media.sctp_port.unwrap_or(DEFAULT_SCTP_PORT),
            max_message_size: u32::try_from(size).unwrap_or(u32::MAX),
        })
    }

    /// Whether our transport can carry the section, whatever its codecs.
    pub(super) fn is_accepted(&self, section: usize) -> bool {
        self.accepted.get(section).copied().unwrap_or(false)
    }

    /// Whether the section is the one that stands for the transport: the first
    /// of those that can be carried.
    pub(super) fn is_tagged(&self, section: usize) -> bool {
        self.accepted.iter().position(|accepted| *accepted) == Some(section)
    }

    pub(super) fn terms<'a>(
        &'a self,
        section: usize,
        router: &'a RtpCapabilities,
    ) -> Option<SectionTerms<'a>> {
        let media = self.description.sections.get(section);
        let media = media.filter(|_| self.is_accepted(section))?;
        SectionTerms::new(media, self.description.extmap_allow_mixed, router)
    }

    /// The section's mid, or a name that no section has.
    fn mid(&self, section: usize) -> String {
        let media = self.description.sections.get(section);
        media.and_then(|media: &MediaSection| media.mid.clone()).unwrap_or_else(|| {
            let taken = |name: &String| {
                self.description.sections.iter().any(|s| s.mid.as_ref() == Some(name))
            };
            let mut name = section.to_string();
            while taken(&name) {
                name.insert(0, '_');
            }
            name
        })
    }
}

/// What a peer wants to send and receive, as far as the router can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiation {
    /// One for each section that the peer may send on.
    pub producers: Vec<OfferedProducer>,
    /// One for each section that the peer is ready to receive on.
    pub slots: Vec<OfferedSlot>,
}

/// The section for data channels.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfferedData {
    /// Index of the section in the offer.
    pub section: usize,
    /// Its mid. Made up if the offer gives none.
    pub mid: String,
    /// The peer's SCTP port.
    pub port: u16,
    /// Longest message that the peer receives, in bytes; 0 is no limit.
    pub max_message_size: u32,
}

/// A section that the peer may send on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfferedProducer {
    /// Index of the section in the offer.
    pub section: usize,
    /// Its mid. Made up, and not in the packets, if the offer gives none.
    pub mid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// What the peer sends, restricted to what the router routes.
    pub parameters: RtpParameters,
}

/// A section that the peer is ready to receive on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfferedSlot {
    /// Index of the section in the offer.
    pub section: usize,
    /// Its mid. Made up if the offer gives none.
    pub mid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// What the peer receives, restricted to what the router routes, with the
    /// peer's payload types and extension ids.
    pub capabilities: RtpCapabilities,
}

impl OfferedSlot {
    /// The parameters of a consumer in this slot. The mid is taken from the
    /// offer, whatever `ids` says.
    ///
    /// # Errors
    ///
    /// None for slots from [`RemoteOffer::negotiate`] with the same router;
    /// see [`slot_parameters`].
    pub fn parameters(
        &self,
        router: &RtpCapabilities,
        ids: EgressIds,
    ) -> Result<RtpParameters, OrtcError> {
        let ids = EgressIds { mid: Some(self.mid.clone()), ..ids };
        slot_parameters(self.kind, &self.capabilities, router, ids)
    }
}
