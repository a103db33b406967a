//! Which header extension has which local id on one transport, and the typed
//! reading of those we know.
//!
//! The map is filled from the negotiated parameters and read for every packet.

use serde::{Deserialize, Serialize};

use super::values::{
    AbsCaptureTime, AbsSendTime, AudioLevel, PlayoutDelay, TransmissionOffset, VideoOrientation,
};
use super::view::RtpView;
use crate::wire::{Mid, Rid};

/// A header extension that the project knows, named by its URI in SDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExtensionKind {
    /// Media identification (RFC 9143).
    Mid,
    /// Id of a simulcast encoding (RFC 8852).
    Rid,
    /// Id of the encoding that a retransmission repairs (RFC 8852).
    RepairedRid,
    /// Sending time, 24 bits.
    AbsSendTime,
    /// Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportWideCc,
    /// Client-to-mixer audio level (RFC 6464).
    AudioLevel,
    /// Video orientation (3GPP TS 26.114).
    VideoOrientation,
    /// Transmission time offset (RFC 5450).
    TransmissionOffset,
    /// Absolute capture time.
    AbsCaptureTime,
    /// Playout delay limits.
    PlayoutDelay,
    /// AV1 dependency descriptor.
    DependencyDescriptor,
    /// Resolution and bitrate of every layer that is being sent.
    VideoLayersAllocation,
}

impl ExtensionKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Mid,
        Self::Rid,
        Self::RepairedRid,
        Self::AbsSendTime,
        Self::TransportWideCc,
        Self::AudioLevel,
        Self::VideoOrientation,
        Self::TransmissionOffset,
        Self::AbsCaptureTime,
        Self::PlayoutDelay,
        Self::DependencyDescriptor,
        Self::VideoLayersAllocation,
    ];

    /// The URI that names the extension in `a=extmap`.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Mid => "urn:ietf:params:rtp-hdrext:sdes:mid",
            Self::Rid => "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            Self::RepairedRid => "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
            Self::AbsSendTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            Self::TransportWideCc => {
                "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
            }
            Self::AudioLevel => "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            Self::VideoOrientation => "urn:3gpp:video-orientation",
            Self::TransmissionOffset => "urn:ietf:params:rtp-hdrext:toffset",
            Self::AbsCaptureTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
            Self::PlayoutDelay => "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
            Self::DependencyDescriptor => {
                "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
            }
            Self::VideoLayersAllocation => {
                "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00"
            }
        }
    }

    /// The kind with this URI, if it is known.
    ///
    /// ```
    /// use sfu_core::wire::rtp::ExtensionKind;
    /// let uri = "urn:ietf:params:rtp-hdrext:sdes:mid";
    /// assert_eq!(ExtensionKind::from_uri(uri), Some(ExtensionKind::Mid));
    /// assert_eq!(ExtensionKind::from_uri("urn:x"), None);
    /// ```
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.uri() == uri)
    }
}

/// Why an id cannot be given to an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtensionMapError {
    /// Id 0 is padding on the wire.
    #[error("header extension id 0 is reserved; expected 1 to 255")]
    Reserved,
    /// Another extension of the same transport has the id.
    #[error("header extension id {id} is already that of {kind:?}")]
    Taken {
        /// The id asked for.
        id: u8,
        /// The extension that has it.
        kind: ExtensionKind,
    },
}

/// The local ids of one transport, in both directions.
///
/// ```
/// use sfu_core::wire::rtp::{ExtensionKind, ExtensionMap};
/// let mut map = ExtensionMap::default();
/// map.insert(ExtensionKind::Mid, 4)?;
/// assert_eq!(map.id_of(ExtensionKind::Mid), Some(4));
/// assert_eq!(map.kind_of(4), Some(ExtensionKind::Mid));
/// assert!(map.insert(ExtensionKind::Rid, 4).is_err());
/// # Ok::<(), sfu_core::wire::rtp::ExtensionMapError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionMap {
    /// Indexed like `ExtensionKind::ALL`; zero is "not negotiated".
    ids: [u8; ExtensionKind::ALL.len()],
}

impl ExtensionMap {
    /// Gives `kind` the id `id`, 1 to 255, in place of the id it may have.
    ///
    /// Ids above 14 only exist in the two-byte form (RFC 8285 §4.3).
    ///
    /// # Errors
    /// [`ExtensionMapError`] if the id is 0 or belongs to another extension.
    pub fn insert(&mut self, kind: ExtensionKind, id: u8) -> Result<(), ExtensionMapError> {
        match self.kind_of(id) {
            _ if id == 0 => return Err(ExtensionMapError::Reserved),
            Some(other) if other != kind => {
                return Err(ExtensionMapError::Taken { id, kind: other });
            }
            _ => {}
        }
        if let Some(slot) = self.ids.get_mut(kind as usize) {
            *slot = id;
        }
        Ok(())
    }

    /// Forgets the id of `kind`.
    pub fn remove(&mut self, kind: ExtensionKind) {
        if let Some(slot) = self.ids.get_mut(kind as usize) {
            *slot = 0;
        }
    }

    /// The id of `kind`, if it was negotiated.
    pub fn id_of(&self, kind: ExtensionKind) -> Option<u8> {
        self.ids.get(kind as usize).copied().filter(|&id| id != 0)
    }

    /// The extension with the id `id`, if it was negotiated.
    pub fn kind_of(&self, id: u8) -> Option<ExtensionKind> {
        let at = self.ids.iter().position(|&other| other == id && id != 0)?;
        ExtensionKind::ALL.get(at).copied()
    }

    /// Every negotiated extension and its id.
    pub fn iter(&self) -> impl Iterator<Item = (ExtensionKind, u8)> + '_ {
        ExtensionKind::ALL.into_iter().filter_map(|kind| Some((kind, self.id_of(kind)?)))
    }

    /// Whether an id exists that the one-byte form cannot carry.
    pub fn needs_two_byte(&self) -> bool {
        self.ids.iter().any(|&id| id > 14)
    }
}

/// What a packet's header extensions say. Absent values were not sent, not
/// negotiated or malformed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Extensions {
    /// The m-section that the packet belongs to.
    pub mid: Option<Mid>,
    /// The simulcast encoding that the packet belongs to.
    pub rid: Option<Rid>,
    /// The simulcast encoding that the packet repairs.
    pub repaired_rid: Option<Rid>,
    /// When the packet was sent.
    pub abs_send_time: Option<AbsSendTime>,
    /// Transport-wide sequence number; wraps at 2^16.
    pub twcc: Option<u16>,
    /// Loudness of the audio.
    pub audio_level: Option<AudioLevel>,
    /// Rotation of the picture.
    pub video_orientation: Option<VideoOrientation>,
    /// Distance of sending time and timestamp.
    pub transmission_offset: Option<TransmissionOffset>,
    /// When the frame was captured.
    pub abs_capture_time: Option<AbsCaptureTime>,
    /// Where that is in the packet.
    pub abs_capture_time_place: Option<ElementRange>,
    /// Playout delay that the sender asks for.
    pub playout_delay: Option<PlayoutDelay>,
    /// Where the dependency descriptor is: reading it needs the state of its
    /// stream ([`DdReader`](crate::wire::codec::dd::DdReader)).
    pub dependency_descriptor: Option<ElementRange>,
    /// Where the layer allocation is
    /// ([`VideoLayersAllocation::read`](super::vla::VideoLayersAllocation::read)).
    pub video_layers_allocation: Option<ElementRange>,
}

/// Where the value of an extension element lies in its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct ElementRange {
    /// Offset of the first byte, from the start of the packet.
    pub start: u16,
    /// Number of bytes.
    pub len: u8,
}

impl ElementRange {
    /// The value in `packet`, the one that it was found in or a copy; empty if
    /// it is shorter.
    pub fn of(self, packet: &[u8]) -> &[u8] {
        let start = usize::from(self.start);
        packet.get(start..start + usize::from(self.len)).unwrap_or_default()
    }
}

/// Reads every known extension of `view` whose id `map` knows. If an extension
/// appears more than once, the last one counts.
///
/// The dependency descriptor and the layer allocation need state or are long:
/// only their places are noted.
pub fn read_extensions(view: &RtpView<'_>, map: &ExtensionMap) -> Extensions {
    let mut out = Extensions::default();
    let mut elements = view.elements();
    let block_end = view.extension().map_or(0, |block| block.range().end);
    while let Some(element) = elements.next() {
        let (data, rest) = (element.data, elements.remaining());
        let range = || {
            let start = block_end.checked_sub(rest + data.len())?;
            let (start, len) = (u16::try_from(start).ok()?, u8::try_from(data.len()).ok()?);
            Some(ElementRange { start, len })
        };
        let Some(kind) = map.kind_of(element.id) else { continue };
        match kind {
            ExtensionKind::Mid => out.mid = Mid::new(data),
            ExtensionKind::Rid => out.rid = Rid::new(data),
            ExtensionKind::RepairedRid => out.repaired_rid = Rid::new(data),
            ExtensionKind::AbsSendTime => out.abs_send_time = AbsSendTime::read(data),
            ExtensionKind::TransportWideCc => {
                out.twcc = data.first_chunk().map(|b| u16::from_be_bytes(*b));
            }
            ExtensionKind::AudioLevel => out.audio_level = AudioLevel::read(data),
            ExtensionKind::VideoOrientation => {
                out.video_orientation = VideoOrientation::read(data);
            }
            ExtensionKind::TransmissionOffset => {
                out.transmission_offset = TransmissionOffset::read(data);
            }
            ExtensionKind::AbsCaptureTime => {
                out.abs_capture_time = AbsCaptureTime::read(data);
                out.abs_capture_time_place = range();
            }
            ExtensionKind::PlayoutDelay => out.playout_delay = PlayoutDelay::read(data),
            ExtensionKind::DependencyDescriptor => out.dependency_descriptor = range(),
            ExtensionKind::VideoLayersAllocation => out.video_layers_allocation = range(),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_in_the_order_of_the_discriminants() {
        for (at, kind) in ExtensionKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
            assert_eq!(ExtensionKind::from_uri(kind.uri()), Some(kind));
        }
    }

    #[test]
    fn ids_are_unique_and_not_zero() {
        let mut map = ExtensionMap::default();
        assert_eq!(map.insert(ExtensionKind::Mid, 0), Err(ExtensionMapError::Reserved));
        assert_eq!(map.kind_of(0), None);
        map.insert(ExtensionKind::Mid, 3).unwrap();
        map.insert(ExtensionKind::Mid, 3).unwrap();
        let taken = ExtensionMapError::Taken { id: 3, kind: ExtensionKind::Mid };
        assert_eq!(map.insert(ExtensionKind::Rid, 3), Err(taken));
        map.insert(ExtensionKind::Mid, 15).unwrap();
        assert!(map.needs_two_byte());
        assert_eq!(map.kind_of(3), None);
        assert_eq!(map.iter().collect::<Vec<_>>(), [(ExtensionKind::Mid, 15)]);
        map.remove(ExtensionKind::Mid);
        assert_eq!(map, ExtensionMap::default());
    }

    #[test]
    fn reads_every_kind() {
        let mut map = ExtensionMap::default();
        for (kind, id) in ExtensionKind::ALL.into_iter().zip(1..) {
            map.insert(kind, id).unwrap();
        }
        let mut block = Vec::new();
        let mut element = |id: u8, data: &[u8]| {
            block.push(id << 4 | (data.len() as u8 - 1));
            block.extend_from_slice(data);
        };
        element(1, b"0");
        element(2, b"hi");
        element(3, b"lo");
        element(4, &[1, 2, 3]);
        element(5, &[0xab, 0xcd]);
        element(6, &[0x85]);
        element(7, &[0x01]);
        element(8, &[0, 0, 9]);
        element(9, &[0, 0, 0, 1, 0, 0, 0, 0]);
        element(10, &[0, 0x10, 0x02]);
        element(11, &[1, 2, 3]);
        element(12, &[9]);
        while block.len() % 4 != 0 {
            block.push(0);
        }
        let mut packet = vec![0x90, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde];
        packet.extend_from_slice(&(block.len() as u16 / 4).to_be_bytes());
        packet.extend_from_slice(&block);
        let view = RtpView::parse(&packet).unwrap();
        let read = read_extensions(&view, &map);
        assert_eq!(read.mid, Mid::new("0"));
        assert_eq!(read.rid, Rid::new("hi"));
        assert_eq!(read.repaired_rid, Rid::new("lo"));
        assert_eq!(read.abs_send_time, Some(AbsSendTime(0x01_0203)));
        assert_eq!(read.twcc, Some(0xabcd));
        assert_eq!(read.audio_level, Some(AudioLevel { level: 5, voice: true }));
        assert_eq!(read.video_orientation.unwrap().quarter_turns, 1);
        assert_eq!(read.transmission_offset, Some(TransmissionOffset(9)));
        assert_eq!(read.abs_capture_time.unwrap().capture.0, 1 << 32);
        assert_eq!(read.playout_delay, Some(PlayoutDelay { min_ms: 10, max_ms: 20 }));
        assert_eq!(read.dependency_descriptor.unwrap().of(&packet), [1, 2, 3]);
        assert_eq!(read.video_layers_allocation.unwrap().of(&packet), [9]);
        assert_eq!(read.video_layers_allocation.unwrap().of(&packet[..16]), b"");
        assert_eq!(read_extensions(&view, &ExtensionMap::default()), Extensions::default());
    }
}
