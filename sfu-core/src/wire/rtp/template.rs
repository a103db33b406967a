//! Writes the RTP headers of one outgoing stream.
//!
//! What is constant for the stream is prepared once; per packet that prefix is
//! copied and patched, and the extensions that travel from publisher to
//! subscriber are copied behind it. The egress path calls it for every packet.

use serde::{Deserialize, Serialize};

use super::ext::{Element, Elements};
use super::ext_map::{ExtensionKind, ExtensionMap};
use super::values::AbsSendTime;
use super::view::{FIXED_HEADER_LEN, RtpError};
use crate::wire::{Mid, PayloadType, Rid, RtpTime, SeqNo, Ssrc};

/// What differs from packet to packet of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct HeaderFields {
    /// The M bit.
    pub marker: bool,
    /// The sequence number.
    pub seq: SeqNo,
    /// The timestamp.
    pub timestamp: RtpTime,
    /// Transport-wide sequence number; written if the extension is negotiated.
    pub twcc: u16,
    /// Sending time; written if the extension is negotiated.
    pub abs_send_time: AbsSendTime,
    /// Write MID and RIDs, if there are any: wanted until the peer is known to
    /// have bound the SSRC.
    pub identity: bool,
}

/// The headers of one outgoing stream.
///
/// ```
/// use sfu_core::wire::rtp::*;
/// use sfu_core::wire::{PayloadType, RtpTime, SeqNo, Ssrc};
/// let mut ids = ExtensionMap::default();
/// ids.insert(ExtensionKind::TransportWideCc, 5)?;
/// let template = HeaderTemplate::new(Ssrc(1), PayloadType(96), &ids);
/// let fields = HeaderFields {
///     marker: true,
///     seq: SeqNo(7),
///     timestamp: RtpTime(9),
///     twcc: 0,
///     abs_send_time: AbsSendTime(0),
///     identity: false,
/// };
/// let mut out = [0; 64];
/// let written = template
///     .write(&mut out, &fields, Elements::default(), &PassThrough::default())
///     .unwrap();
/// written.set_twcc(&mut out, 1_000);
/// let view = RtpView::parse(&out[..written.len]).unwrap();
/// assert_eq!(read_extensions(&view, &ids).twcc, Some(1_000));
/// # Ok::<(), ExtensionMapError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderTemplate {
    one_byte: Option<Prefix>,
    two_byte: Option<Prefix>,
    mid: Option<(u8, Mid)>,
    rid: Option<(u8, Rid)>,
    repaired_rid: Option<(u8, Rid)>,
    ids: ExtensionMap,
}

impl HeaderTemplate {
    /// The longest header without pass-through extensions, in bytes.
    pub const MAX_OWN_LEN: usize = PREFIX_CAPACITY + 3 * 18 + 3;

    /// Headers with this SSRC and payload type, and the extension ids that the
    /// receiving transport negotiated.
    ///
    /// The one-byte form is used if all ids are at most 14, else the two-byte
    /// form.
    pub fn new(ssrc: Ssrc, payload_type: PayloadType, ids: &ExtensionMap) -> Self {
        let two = ids.needs_two_byte();
        Self {
            one_byte: (!two).then(|| Prefix::new(false, ssrc, payload_type, ids)),
            two_byte: two.then(|| Prefix::new(true, ssrc, payload_type, ids)),
            mid: None,
            rid: None,
            repaired_rid: None,
            ids: *ids,
        }
    }

    /// Allows the two-byte form for single packets, whose extensions do not fit
    /// in the one-byte form: for peers that signalled `extmap-allow-mixed`
    /// (RFC 8285 §4.1.2).
    #[must_use]
    pub fn allow_mixed(mut self) -> Self {
        if let (Some(one), None) = (&self.one_byte, &self.two_byte) {
            let two = Prefix::new(true, one.ssrc(), one.payload_type(), &self.ids);
            self.two_byte = Some(two);
        }
        self
    }

    /// Sets the MID; without effect if the extension is not negotiated.
    #[must_use]
    pub fn with_mid(mut self, mid: Mid) -> Self {
        self.mid = self.ids.id_of(ExtensionKind::Mid).map(|id| (id, mid));
        self
    }

    /// Sets the RID; without effect if the extension is not negotiated.
    #[must_use]
    pub fn with_rid(mut self, rid: Rid) -> Self {
        self.rid = self.ids.id_of(ExtensionKind::Rid).map(|id| (id, rid));
        self
    }

    /// Sets the repaired RID; without effect if the extension is not
    /// negotiated.
    #[must_use]
    pub fn with_repaired_rid(mut self, rid: Rid) -> Self {
        self.repaired_rid = self.ids.id_of(ExtensionKind::RepairedRid).map(|id| (id, rid));
        self
    }

    /// Writes a header to the start of `out`. The elements of `source`, those
    /// of the packet that is being forwarded, go along as `pass` says; one that
    /// fits in no allowed form is left out.
    ///
    /// # Errors
    /// `NoSpace` if `out` is too short; it may have been written to.
    pub fn write(
        &self,
        out: &mut [u8],
        fields: &HeaderFields,
        source: Elements<'_>,
        pass: &PassThrough,
    ) -> Result<Written, RtpError> {
        self.write_with(out, fields, source, pass, None)
    }

    /// As [`write`](Self::write), but one element of `source` gets another
    /// value.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_with(
        &self,
        out: &mut [u8],
        fields: &HeaderFields,
        source: Elements<'_>,
        pass: &PassThrough,
        replaced: Option<Replaced<'_>>,
    ) -> Result<Written, RtpError> {
        let source = source.filter_map(|element| match replaced {
            Some(Replaced { id, value }) if id == element.id => {
                value.map(|data| Element { id, data })
            }
            _ => Some(element),
        });
        let (prefix, two_byte) = match (&self.one_byte, &self.two_byte) {
            (Some(one), None) => (one, false),
            (None, Some(two)) => (two, true),
            (Some(one), Some(two)) => {
                let fits = |e: Element<'_>| pass.target(e.id).is_none_or(|id| fits_one(id, e.data));
                if source.clone().all(fits) { (one, false) } else { (two, true) }
            }
            // Not made by any constructor; a forged snapshot may hold it.
            (None, None) => return Err(RtpError::NoSpace),
        };
        let mut block = Block { out, at: 0, two_byte };
        block.put(prefix.bytes())?;
        if fields.identity {
            if let Some((id, mid)) = &self.mid {
                block.element(*id, mid.as_str().as_bytes())?;
            }
            if let Some((id, rid)) = &self.rid {
                block.element(*id, rid.as_str().as_bytes())?;
            }
            if let Some((id, rid)) = &self.repaired_rid {
                block.element(*id, rid.as_str().as_bytes())?;
            }
        }
        if !pass.is_empty() {
            for element in source {
                if let Some(id) = pass.target(element.id) {
                    block.element(id, element.data)?;
                }
            }
        }
        let len = block.finish()?;
        let written =
            Written { len, twcc_at: prefix.twcc_at, abs_send_time_at: prefix.abs_send_time_at };
        patch(out, 1, &[(u8::from(fields.marker) << 7) | prefix.payload_type().0]);
        patch(out, 2, &fields.seq.0.to_be_bytes());
        patch(out, 4, &fields.timestamp.0.to_be_bytes());
        written.set_twcc(out, fields.twcc);
        written.set_abs_send_time(out, fields.abs_send_time);
        Ok(written)
    }
}

/// Another value for an element of the packet that is being forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Replaced<'a> {
    /// Its id in that packet.
    pub id: u8,
    /// The value; `None` leaves the element out.
    pub value: Option<&'a [u8]>,
}

/// Where the parts of a written header are that are known last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Length in bytes of the header; the payload starts here.
    pub len: usize,
    twcc_at: u8,
    abs_send_time_at: u8,
}

impl Written {
    /// Whether the header carries a transport-wide sequence number.
    pub fn has_twcc(&self) -> bool {
        self.twcc_at != 0
    }

    /// Sets the transport-wide sequence number of `packet`, whose header this
    /// is; nothing happens if the header has none.
    pub fn set_twcc(&self, packet: &mut [u8], seq: u16) {
        if self.twcc_at != 0 {
            patch(packet, self.twcc_at.into(), &seq.to_be_bytes());
        }
    }

    /// Sets the sending time of `packet`, whose header this is; nothing happens
    /// if the header has none.
    pub fn set_abs_send_time(&self, packet: &mut [u8], time: AbsSendTime) {
        if self.abs_send_time_at != 0 {
            patch(packet, self.abs_send_time_at.into(), &time.to_bytes());
        }
    }
}

/// Which extensions travel from a publisher's transport to a subscriber's, and
/// under which ids.
///
/// What describes the media travels: audio level, video orientation, playout
/// delay, absolute capture time and the dependency descriptor. What describes
/// the hop does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassThrough {
    /// Pairs of ingress id and egress id; zero is "unused".
    pairs: [(u8, u8); 5],
}

impl PassThrough {
    const KINDS: [ExtensionKind; 5] = [
        ExtensionKind::AudioLevel,
        ExtensionKind::VideoOrientation,
        ExtensionKind::PlayoutDelay,
        ExtensionKind::AbsCaptureTime,
        ExtensionKind::DependencyDescriptor,
    ];

    /// The translation from the ids of `from` to those of `to`; an extension
    /// that one of them lacks does not travel.
    pub fn new(from: &ExtensionMap, to: &ExtensionMap) -> Self {
        let pair = |kind| Some((from.id_of(kind)?, to.id_of(kind)?));
        Self { pairs: Self::KINDS.map(|kind| pair(kind).unwrap_or((0, 0))) }
    }

    fn is_empty(&self) -> bool {
        self.pairs.iter().all(|&(from, _)| from == 0)
    }

    /// The id that the element with this ingress id travels under, if it does.
    pub fn target(&self, id: u8) -> Option<u8> {
        self.pairs.iter().find(|&&(from, _)| from == id && id != 0).map(|&(_, to)| to)
    }
}

/// Fixed header, extension header, abs-send-time and TWCC in the longer form.
const PREFIX_CAPACITY: usize = FIXED_HEADER_LEN + 4 + 5 + 4;

/// The constant start of a header, with zeros where packets differ. Offsets
/// are of the values; zero means that the header has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Prefix {
    bytes: [u8; PREFIX_CAPACITY],
    len: u8,
    abs_send_time_at: u8,
    twcc_at: u8,
}

impl Prefix {
    fn new(two_byte: bool, ssrc: Ssrc, payload_type: PayloadType, ids: &ExtensionMap) -> Self {
        let mut prefix =
            Self { bytes: [0; PREFIX_CAPACITY], len: 0, abs_send_time_at: 0, twcc_at: 0 };
        prefix.push(&[0x90, payload_type.0 & 0x7f, 0, 0, 0, 0, 0, 0]);
        prefix.push(&ssrc.0.to_be_bytes());
        let profile = if two_byte { Elements::TWO_BYTE } else { Elements::ONE_BYTE };
        prefix.push(&profile.to_be_bytes());
        prefix.push(&[0, 0]);
        if let Some(id) = ids.id_of(ExtensionKind::AbsSendTime) {
            prefix.abs_send_time_at = prefix.element(two_byte, id, &[0; 3]);
        }
        if let Some(id) = ids.id_of(ExtensionKind::TransportWideCc) {
            prefix.twcc_at = prefix.element(two_byte, id, &[0; 2]);
        }
        prefix
    }

    /// Appends an element and gives the offset of its value.
    fn element(&mut self, two_byte: bool, id: u8, value: &[u8]) -> u8 {
        let len = value.len() as u8;
        if two_byte {
            self.push(&[id, len]);
        } else {
            self.push(&[(id << 4) | len.saturating_sub(1)]);
        }
        let at = self.len;
        self.push(value);
        at
    }

    /// `PREFIX_CAPACITY` is the sum of all that `new` appends.
    fn push(&mut self, bytes: &[u8]) {
        patch(&mut self.bytes, self.len.into(), bytes);
        self.len = self.len.saturating_add(bytes.len() as u8);
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    fn ssrc(&self) -> Ssrc {
        super::view::ssrc(&self.bytes).unwrap_or(Ssrc(0))
    }

    fn payload_type(&self) -> PayloadType {
        let [_, payload_type, ..] = self.bytes;
        PayloadType(payload_type & 0x7f)
    }
}

/// The extension block while it is being written behind the prefix.
struct Block<'a> {
    out: &'a mut [u8],
    at: usize,
    two_byte: bool,
}

impl Block<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), RtpError> {
        let end = self.at.checked_add(bytes.len()).ok_or(RtpError::NoSpace)?;
        self.out.get_mut(self.at..end).ok_or(RtpError::NoSpace)?.copy_from_slice(bytes);
        self.at = end;
        Ok(())
    }

    /// Leaves the element out if this form cannot carry it.
    fn element(&mut self, id: u8, data: &[u8]) -> Result<(), RtpError> {
        let Ok(len) = u8::try_from(data.len()) else { return Ok(()) };
        if self.two_byte {
            self.put(&[id, len])?;
        } else if fits_one(id, data) {
            self.put(&[(id << 4) | len.saturating_sub(1)])?;
        } else {
            return Ok(());
        }
        self.put(data)
    }

    /// Pads the block to words and writes its length, or drops the X bit if
    /// there are no elements; gives the length of the header.
    fn finish(mut self) -> Result<usize, RtpError> {
        const START: usize = FIXED_HEADER_LEN + 4;
        if self.at <= START {
            patch(self.out, 0, &[0x80]);
            return Ok(FIXED_HEADER_LEN);
        }
        while !self.at.is_multiple_of(4) {
            self.put(&[0])?;
        }
        let words = u16::try_from((self.at - START) / 4).map_err(|_| RtpError::NoSpace)?;
        patch(self.out, START - 2, &words.to_be_bytes());
        Ok(self.at)
    }
}

fn fits_one(id: u8, data: &[u8]) -> bool {
    (1..=14).contains(&id) && (1..=16).contains(&data.len())
}

fn patch(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(hole) = out.get_mut(at..).and_then(|tail| tail.get_mut(..bytes.len())) {
        hole.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests;
