//! A session description as data: what its lines say, before anyone judges it.

use crate::api::params::{ExtensionDirection, Fingerprint, IceCandidate, RtpCodecParameters};
use crate::wire::{MediaKind, Ssrc};

/// A parsed session description (RFC 8866), offer or answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionDescription {
    /// `a=group` lines, such as BUNDLE.
    pub groups: Vec<Group>,
    /// Whether the writer is a lite ICE agent.
    pub ice_lite: bool,
    /// Whether one- and two-byte header extensions may be mixed (RFC 8285 §6).
    pub extmap_allow_mixed: bool,
    /// Transport attributes that hold for sections without their own.
    pub transport: TransportAttributes,
    /// The m-sections, in order.
    pub sections: Vec<MediaSection>,
}

impl SessionDescription {
    /// The mids of the first BUNDLE group; `None` if there is no such group.
    pub fn bundle(&self) -> Option<&[String]> {
        let group = self.groups.iter().find(|g| g.semantics.eq_ignore_ascii_case("BUNDLE"))?;
        Some(&group.mids)
    }
}

/// One `a=group` line (RFC 5888).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// What the group means: `BUNDLE`, `LS`…
    pub semantics: String,
    /// The sections in it.
    pub mids: Vec<String>,
}

/// The attributes that describe a transport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportAttributes {
    /// `a=ice-ufrag`.
    pub ice_ufrag: Option<String>,
    /// `a=ice-pwd`.
    pub ice_pwd: Option<String>,
    /// `a=fingerprint` lines.
    pub fingerprints: Vec<Fingerprint>,
    /// `a=setup`.
    pub setup: Option<Setup>,
}

/// Who opens the DTLS connection (RFC 4145 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setup {
    /// The writer.
    Active,
    /// The reader.
    Passive,
    /// The answerer decides.
    Actpass,
    /// Nobody for now.
    Holdconn,
}

/// One m-section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaSection {
    /// Number of its m-line in the text.
    pub line: usize,
    /// `audio`, `video`, `application`…
    pub media: String,
    /// The port; 0 in a section that is rejected or that is bundle-only.
    pub port: u16,
    /// `UDP/TLS/RTP/SAVPF`…
    pub protocol: String,
    /// The formats of the m-line: payload types, for RTP.
    pub formats: Vec<String>,
    /// `a=mid`.
    pub mid: Option<String>,
    /// In which directions media may flow, seen from the writer.
    pub direction: Direction,
    /// Codecs, RTX included, in the order of the m-line.
    pub codecs: Vec<RtpCodecParameters>,
    /// `a=extmap` lines.
    pub extensions: Vec<Extension>,
    /// Streams that are named by SSRC.
    pub sources: Vec<Source>,
    /// `a=ssrc-group` lines.
    pub ssrc_groups: Vec<SsrcGroup>,
    /// Simulcast layers that the writer sends (`a=rid`, `a=simulcast`).
    pub send_rids: Vec<String>,
    /// Simulcast layers that the writer receives.
    pub recv_rids: Vec<String>,
    /// Whether there is an `a=simulcast` line.
    pub simulcast: bool,
    /// `a=msid`: stream id and track id.
    pub msid: Option<String>,
    /// Whether RTP and RTCP share a port.
    pub rtcp_mux: bool,
    /// Whether reduced-size RTCP may be used.
    pub rtcp_rsize: bool,
    /// Whether one- and two-byte header extensions may be mixed, said here and
    /// not for the whole session.
    pub extmap_allow_mixed: bool,
    /// Whether the section exists only in a bundle (RFC 8843 §6).
    pub bundle_only: bool,
    /// Transport attributes of this section.
    pub transport: TransportAttributes,
    /// Addresses of the writer. Those with a host name are left out.
    pub candidates: Vec<IceCandidate>,
    /// `a=sctp-port` (RFC 8841 §5), or the port of the older `a=sctpmap`.
    pub sctp_port: Option<u16>,
    /// `a=max-message-size` (RFC 8841 §6), in bytes; 0 is no limit.
    pub max_message_size: Option<u64>,
}

impl MediaSection {
    /// Whether it is for data channels (RFC 8841).
    pub fn is_data(&self) -> bool {
        self.media == "application" && self.protocol.ends_with("DTLS/SCTP")
    }

    /// Audio or video; `None` for other media.
    pub fn kind(&self) -> Option<MediaKind> {
        [MediaKind::Audio, MediaKind::Video].into_iter().find(|kind| kind.as_str() == self.media)
    }

    /// Whether the writer has rejected the section: port 0, and not because it
    /// is bundle-only.
    pub const fn is_rejected(&self) -> bool {
        self.port == 0 && !self.bundle_only
    }
}

/// In which directions media may flow, seen from the writer (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum Direction {
    /// Both.
    #[default]
    Sendrecv,
    /// From the writer.
    Sendonly,
    /// To the writer.
    Recvonly,
    /// None.
    Inactive,
}

impl Direction {
    /// The direction with these two halves.
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::Sendrecv,
            (true, false) => Self::Sendonly,
            (false, true) => Self::Recvonly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the writer may send.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Sendonly)
    }

    /// Whether the writer may receive.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Sendrecv | Self::Recvonly)
    }

    /// The attribute: `sendrecv`…
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sendrecv => "sendrecv",
            Self::Sendonly => "sendonly",
            Self::Recvonly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// One `a=extmap` line (RFC 8285 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension {
    /// The id in the packets, 1 to 255.
    pub id: u8,
    /// Its name, a URI.
    pub uri: String,
    /// In which direction it is used, seen from the writer.
    pub direction: ExtensionDirection,
}

/// What `a=ssrc` lines say about one SSRC (RFC 5576).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Source {
    /// The SSRC.
    pub ssrc: Ssrc,
    /// Canonical name.
    pub cname: Option<String>,
    /// Stream id and track id.
    pub msid: Option<String>,
}

/// One `a=ssrc-group` line (RFC 5576 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SsrcGroup {
    /// `FID` (a stream and its retransmissions), `SIM` (simulcast layers)…
    pub semantics: String,
    /// The streams.
    pub ssrcs: Vec<Ssrc>,
}
