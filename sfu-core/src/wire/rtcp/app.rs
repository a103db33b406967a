//! Application-defined packets (RFC 3550 §6.7), and ours: what the two ends of
//! a pipe tell each other.
//!
//! Ours have the name `PLNM`. Subtype 1 is the demand of the receiving end:
//! which layers of each stream somebody beyond wants. Subtype 2 is the state of
//! the sending end: which streams are alive, and which are paused. Each holds a
//! list of eight-byte entries that start with an SSRC. Subtypes 3 and 4 carry an
//! SCTP packet of data channels, behind its length in two bytes and two more
//! that are zero: 3 of the association that the sender began, 4 of that which
//! the receiver began. Whoever does not know
//! the name ignores them, as the RFC wants.

use super::RtcpError;
use crate::wire::Ssrc;

/// An application-defined packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct App<'a> {
    /// Who sends it.
    pub sender: Ssrc,
    /// Its subtype, 0 to 31.
    pub subtype: u8,
    /// Its name.
    pub name: [u8; 4],
    /// What it holds, in whole words.
    pub data: &'a [u8],
}

/// What one end of a pipe tells the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PipeMessage<'a> {
    /// What the receiving end wants.
    Demand(Entries<'a, PipeDemand>),
    /// How the sending end's streams are.
    State(Entries<'a, PipeState>),
    /// A packet of an SCTP association.
    Sctp {
        /// Whether whoever sends this packet began the association; otherwise
        /// it answers the other end.
        begun_by_sender: bool,
        /// The packet, not looked into.
        packet: &'a [u8],
    },
}

/// What the receiving end of a pipe wants of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct PipeDemand {
    /// The stream.
    pub ssrc: Ssrc,
    /// The highest spatial and temporal layer that somebody wants; `None` if
    /// nobody wants anything.
    pub layers: Option<(u8, u8)>,
}

/// How one stream of the sending end of a pipe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct PipeState {
    /// The stream.
    pub ssrc: Ssrc,
    /// The publisher sends it, whether or not the pipe carries it.
    pub alive: bool,
    /// Its producer is paused.
    pub paused: bool,
}

/// Entries of a [`PipeMessage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entries<'a, T> {
    chunks: &'a [[u8; ENTRY]],
    kind: std::marker::PhantomData<T>,
}

/// One entry of a [`PipeMessage`].
pub(super) trait Entry: Sized {
    const SUBTYPE: u8;
    fn read(bytes: &[u8; ENTRY]) -> Self;
    fn to_bytes(&self) -> [u8; ENTRY];
}

/// Bytes of an entry.
pub(super) const ENTRY: usize = 8;
/// Subtypes that carry SCTP.
pub(super) const SCTP_BEGUN: u8 = 3;
pub(super) const SCTP_ANSWERED: u8 = 4;
const WANTED: u8 = 1;
const ALIVE: u8 = 1;
const PAUSED: u8 = 2;

impl<'a> App<'a> {
    /// The name of our packets.
    pub const PIPE: [u8; 4] = *b"PLNM";

    pub(super) fn read(subtype: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let (sender, rest) = body.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
        let (name, data) = rest.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
        Ok(Self { sender: Ssrc(u32::from_be_bytes(*sender)), subtype, name: *name, data })
    }

    /// What it says about a pipe; `None` if it has another name, or is of a
    /// kind that a later version may know.
    pub fn pipe_message(&self) -> Option<PipeMessage<'a>> {
        match (self.name == Self::PIPE, self.subtype) {
            (true, PipeDemand::SUBTYPE) => Some(PipeMessage::Demand(Entries::new(self.data))),
            (true, PipeState::SUBTYPE) => Some(PipeMessage::State(Entries::new(self.data))),
            (true, subtype @ (SCTP_BEGUN | SCTP_ANSWERED)) => {
                let ([a, b, ..], rest) = self.data.split_first_chunk::<4>()?;
                let packet = rest.get(..usize::from(u16::from_be_bytes([*a, *b])))?;
                Some(PipeMessage::Sctp { begun_by_sender: subtype == SCTP_BEGUN, packet })
            }
            _ => None,
        }
    }
}

impl<'a, T> Entries<'a, T> {
    fn new(data: &'a [u8]) -> Self {
        Self { chunks: data.as_chunks::<ENTRY>().0, kind: std::marker::PhantomData }
    }
}

#[allow(private_bounds)]
impl<'a, T: Entry + 'a> Entries<'a, T> {
    /// The entries, in the order in which they were written.
    pub fn iter(self) -> impl Iterator<Item = T> + 'a {
        self.chunks.iter().map(T::read)
    }
}

impl Entry for PipeDemand {
    const SUBTYPE: u8 = 1;

    fn read(&[a, b, c, d, spatial, temporal, flags, _]: &[u8; ENTRY]) -> Self {
        let layers = (flags & WANTED != 0).then_some((spatial, temporal));
        Self { ssrc: Ssrc(u32::from_be_bytes([a, b, c, d])), layers }
    }

    fn to_bytes(&self) -> [u8; ENTRY] {
        let [a, b, c, d] = self.ssrc.0.to_be_bytes();
        let (spatial, temporal) = self.layers.unwrap_or_default();
        [a, b, c, d, spatial, temporal, if self.layers.is_some() { WANTED } else { 0 }, 0]
    }
}

impl Entry for PipeState {
    const SUBTYPE: u8 = 2;

    fn read(&[a, b, c, d, flags, ..]: &[u8; ENTRY]) -> Self {
        let ssrc = Ssrc(u32::from_be_bytes([a, b, c, d]));
        Self { ssrc, alive: flags & ALIVE != 0, paused: flags & PAUSED != 0 }
    }

    fn to_bytes(&self) -> [u8; ENTRY] {
        let [a, b, c, d] = self.ssrc.0.to_be_bytes();
        let alive = if self.alive { ALIVE } else { 0 };
        let paused = if self.paused { PAUSED } else { 0 };
        [a, b, c, d, alive | paused, 0, 0, 0]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::rtcp::{Compound, RtcpPacket, RtcpWriter};

    fn apps(bytes: &[u8]) -> Vec<App<'_>> {
        let packets = Compound::parse(bytes).unwrap().packets();
        packets
            .filter_map(|packet| match packet.unwrap() {
                RtcpPacket::App(app) => Some(app),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn the_layout_is_that_of_the_rfc() {
        let mut out = [0xff; 200];
        let mut writer = RtcpWriter::reduced_size(&mut out);
        let wanted = PipeDemand { ssrc: Ssrc(0x0102_0304), layers: Some((2, 1)) };
        let unwanted = PipeDemand { ssrc: Ssrc(5), layers: None };
        writer.pipe_demand(Ssrc(9), &[wanted, unwanted]).unwrap();
        let len = writer.finish();
        let expected = [
            0x81, 204, 0, 6, 0, 0, 0, 9, b'P', b'L', b'N', b'M', // header, sender, name
            1, 2, 3, 4, 2, 1, 1, 0, // wanted up to spatial layer 2, temporal layer 1
            0, 0, 0, 5, 0, 0, 0, 0, // not wanted
        ];
        assert_eq!(out[..len], expected);
        let [app] = apps(&out[..len])[..] else { panic!() };
        let Some(PipeMessage::Demand(entries)) = app.pipe_message() else { panic!() };
        assert_eq!(entries.iter().collect::<Vec<_>>(), [wanted, unwanted]);
    }

    #[test]
    fn sctp_packets_keep_their_length() {
        for (begun_by_sender, subtype) in [(true, 3), (false, 4)] {
            let mut out = [0xff; 60];
            let mut writer = RtcpWriter::reduced_size(&mut out);
            writer.pipe_sctp(Ssrc(9), begun_by_sender, &[7; 13]).unwrap();
            let len = writer.finish();
            let head = [0x80 | subtype, 204, 0, 7, 0, 0, 0, 9, b'P', b'L', b'N', b'M', 0, 13, 0, 0];
            assert_eq!(out[..16], head);
            assert_eq!(out[16..len], [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0]);
            let [app] = apps(&out[..len])[..] else { panic!() };
            let packet = &[7; 13][..];
            assert_eq!(app.pipe_message(), Some(PipeMessage::Sctp { begun_by_sender, packet }));
        }
        let mut out = [0; 27];
        let mut writer = RtcpWriter::reduced_size(&mut out);
        writer.pipe_sctp(Ssrc(9), true, &[7; 13]).unwrap_err();
    }

    #[test]
    fn other_names_and_kinds_say_nothing_about_a_pipe() {
        let app = App { sender: Ssrc(1), subtype: 1, name: *b"PLNM", data: &[0; 8] };
        assert!(app.pipe_message().is_some());
        assert_eq!(App { name: *b"plnm", ..app }.pipe_message(), None);
        assert_eq!(App { subtype: 0, ..app }.pipe_message(), None);
        assert_eq!(App { subtype: 5, ..app }.pipe_message(), None);
        let short = [0, 5, 0, 0, 1, 2, 3, 4];
        assert_eq!(App { subtype: 3, data: &short, ..app }.pipe_message(), None);
        assert_eq!(App { subtype: 4, data: &[], ..app }.pipe_message(), None);
        assert_eq!(App::read(1, &[0; 7]), Err(RtcpError::Truncated));
        // Half an entry is none.
        let Some(PipeMessage::State(entries)) =
            (App { subtype: 2, data: &[0; 12], ..app }).pipe_message()
        else {
            panic!()
        };
        assert_eq!(entries.iter().count(), 1);
    }

    #[test]
    fn nothing_to_tell_is_not_told() {
        let mut out = [0; 200];
        let mut writer = RtcpWriter::compound(&mut out, Ssrc(1), "pipe");
        writer.pipe_state(Ssrc(1), &[]).unwrap();
        assert_eq!(writer.finish(), 0);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            ssrcs in prop::collection::vec(any::<(u32, bool, bool)>(), 1..100),
        ) {
            let states: Vec<PipeState> = ssrcs
                .iter()
                .map(|&(ssrc, alive, paused)| PipeState { ssrc: Ssrc(ssrc), alive, paused })
                .collect();
            let mut out = [0; 1_200];
            let mut writer = RtcpWriter::compound(&mut out, Ssrc(1), "pipe");
            writer.pipe_state(Ssrc(7), &states).unwrap();
            let len = writer.finish();
            let read = apps(&out[..len]);
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(read[0].sender, Ssrc(7));
            let Some(PipeMessage::State(entries)) = read[0].pipe_message() else { panic!() };
            prop_assert_eq!(entries.iter().collect::<Vec<_>>(), states);
        }
    }
}
