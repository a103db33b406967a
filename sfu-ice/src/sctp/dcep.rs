//! The messages that open a data channel (RFC 8832 §5).

use serde::{Deserialize, Serialize};
use thiserror::Error;

const ACK: u8 = 0x02;
const OPEN: u8 = 0x03;
/// Bytes of DATA_CHANNEL_OPEN before label and protocol.
const OPEN_LEN: usize = 12;
/// The bit of the channel type that says "unordered".
const UNORDERED: u8 = 0x80;

/// Longest label, and longest protocol, that is read and written, in bytes.
pub const MAX_LABEL: usize = 1024;

/// How long the sender tries to deliver a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[allow(clippy::exhaustive_enums)]
pub enum Reliability {
    /// Until it is delivered.
    #[default]
    Reliable,
    /// With this many retransmissions at most.
    MaxRetransmits(u32),
    /// For this many milliseconds at most.
    MaxPacketLifeTime(u32),
}

/// What a data channel is opened with.
///
/// ```
/// use sfu_ice::{ChannelParameters, Reliability};
/// let mut cursor = ChannelParameters::new("cursor");
/// cursor.ordered = false;
/// cursor.reliability = Reliability::MaxRetransmits(0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChannelParameters {
    /// Name, at most [`MAX_LABEL`] bytes. Need not be unique.
    pub label: String,
    /// Subprotocol, at most [`MAX_LABEL`] bytes. Often empty.
    pub protocol: String,
    /// Whether messages are delivered in the order in which they were sent.
    pub ordered: bool,
    /// How long delivery is tried.
    pub reliability: Reliability,
    /// Priority (RFC 8831 §6.4); 256 is normal. Told, but not acted upon.
    pub priority: u16,
}

impl ChannelParameters {
    /// A reliable, ordered channel.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            protocol: String::new(),
            ordered: true,
            reliability: Reliability::Reliable,
            priority: 256,
        }
    }
}

/// One message of the Data Channel Establishment Protocol.
///
/// ```
/// use sfu_ice::sctp::{ChannelParameters, Dcep};
/// let open = Dcep::Open(ChannelParameters::new("chat"));
/// assert_eq!(Dcep::parse(&open.write()), Ok(open));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum Dcep {
    /// DATA_CHANNEL_OPEN.
    Open(ChannelParameters),
    /// DATA_CHANNEL_ACK.
    Ack,
}

/// Why a message is not one of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DcepError {
    /// Shorter than its fields.
    #[error("the message is shorter than its fields")]
    Truncated,
    /// The message type is unknown.
    #[error("the message type is unknown")]
    UnknownType,
    /// The channel type is unknown.
    #[error("the channel type is unknown")]
    UnknownChannelType,
    /// Label or protocol is not UTF-8, or longer than [`MAX_LABEL`].
    #[error("the label or the protocol is too long or no UTF-8")]
    BadText,
}

impl Dcep {
    /// Reads a message. Bytes after its end are ignored.
    ///
    /// # Errors
    /// [`DcepError`]
    pub fn parse(bytes: &[u8]) -> Result<Self, DcepError> {
        match bytes.first() {
            Some(&ACK) => Ok(Self::Ack),
            Some(&OPEN) => parse_open(bytes).map(Self::Open),
            Some(_) => Err(DcepError::UnknownType),
            None => Err(DcepError::Truncated),
        }
    }

    /// The message on the wire. Text beyond [`MAX_LABEL`] is cut off.
    pub fn write(&self) -> Vec<u8> {
        let Self::Open(parameters) = self else { return vec![ACK] };
        let (kind, reliability) = match parameters.reliability {
            Reliability::Reliable => (0x00, 0),
            Reliability::MaxRetransmits(count) => (0x01, count),
            Reliability::MaxPacketLifeTime(millis) => (0x02, millis),
        };
        let kind = if parameters.ordered { kind } else { kind | UNORDERED };
        let (label, protocol) = (cut(&parameters.label), cut(&parameters.protocol));
        let mut out = Vec::with_capacity(OPEN_LEN + label.len() + protocol.len());
        out.extend_from_slice(&[OPEN, kind]);
        out.extend_from_slice(&parameters.priority.to_be_bytes());
        out.extend_from_slice(&reliability.to_be_bytes());
        out.extend_from_slice(&(label.len() as u16).to_be_bytes());
        out.extend_from_slice(&(protocol.len() as u16).to_be_bytes());
        out.extend_from_slice(label.as_bytes());
        out.extend_from_slice(protocol.as_bytes());
        out
    }
}

fn parse_open(bytes: &[u8]) -> Result<ChannelParameters, DcepError> {
    let (head, text) = bytes.split_first_chunk::<OPEN_LEN>().ok_or(DcepError::Truncated)?;
    let &[_, kind, p0, p1, r0, r1, r2, r3, l0, l1, q0, q1] = head;
    let value = u32::from_be_bytes([r0, r1, r2, r3]);
    let reliability = match kind & !UNORDERED {
        0x00 => Reliability::Reliable,
        0x01 => Reliability::MaxRetransmits(value),
        0x02 => Reliability::MaxPacketLifeTime(value),
        _ => return Err(DcepError::UnknownChannelType),
    };
    let label_len = usize::from(u16::from_be_bytes([l0, l1]));
    let protocol_len = usize::from(u16::from_be_bytes([q0, q1]));
    let (label, rest) = text.split_at_checked(label_len).ok_or(DcepError::Truncated)?;
    let protocol = rest.get(..protocol_len).ok_or(DcepError::Truncated)?;
    Ok(ChannelParameters {
        label: read_text(label)?,
        protocol: read_text(protocol)?,
        ordered: kind & UNORDERED == 0,
        reliability,
        priority: u16::from_be_bytes([p0, p1]),
    })
}

fn read_text(bytes: &[u8]) -> Result<String, DcepError> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= MAX_LABEL => Ok(text.to_owned()),
        _ => Err(DcepError::BadText),
    }
}

/// The longest beginning of `text` that fits.
fn cut(text: &str) -> &str {
    let end = (0..=MAX_LABEL.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Laid out by hand after RFC 8832 §5.1.
    #[test]
    fn open_is_laid_out_as_the_rfc_says() {
        let mut parameters = ChannelParameters::new("chat");
        assert_eq!(
            Dcep::Open(parameters.clone()).write(),
            b"\x03\x00\x01\x00\x00\x00\x00\x00\x00\x04\x00\x00chat"
        );
        parameters.ordered = false;
        parameters.reliability = Reliability::MaxRetransmits(3);
        parameters.protocol = "json".to_owned();
        parameters.priority = 512;
        assert_eq!(
            Dcep::Open(parameters.clone()).write(),
            b"\x03\x81\x02\x00\x00\x00\x00\x03\x00\x04\x00\x04chatjson"
        );
        parameters.ordered = true;
        parameters.reliability = Reliability::MaxPacketLifeTime(0x0102_0304);
        parameters.label.clear();
        assert_eq!(
            Dcep::Open(parameters).write(),
            b"\x03\x02\x02\x00\x01\x02\x03\x04\x00\x00\x00\x04json"
        );
        assert_eq!(Dcep::Ack.write(), [2]);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        use DcepError::{BadText, Truncated, UnknownChannelType, UnknownType};
        for (bytes, error) in [
            (&b""[..], Truncated),
            (b"\x01", UnknownType),
            (b"\x03\x00\x01\x00\x00\x00\x00\x00\x00\x04\x00", Truncated),
            (b"\x03\x00\x01\x00\x00\x00\x00\x00\x00\x04\x00\x00cha", Truncated),
            (b"\x03\x00\x01\x00\x00\x00\x00\x00\x00\x04\x00\x02chatx", Truncated),
            (b"\x03\x03\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00", UnknownChannelType),
            (b"\x03\x00\x01\x00\x00\x00\x00\x00\x00\x01\x00\x00\xff", BadText),
        ] {
            assert_eq!(Dcep::parse(bytes), Err(error), "{bytes:?}");
        }
        let mut long = b"\x03\x00\x01\x00\x00\x00\x00\x00\x04\x01\x00\x00".to_vec();
        long.resize(OPEN_LEN + MAX_LABEL + 1, b'x');
        assert_eq!(Dcep::parse(&long), Err(BadText));
        assert_eq!(Dcep::parse(b"\x02"), Ok(Dcep::Ack));
    }

    #[test]
    fn text_that_is_too_long_is_cut_at_a_character() {
        let open = Dcep::Open(ChannelParameters::new("ä".repeat(MAX_LABEL)));
        let Ok(Dcep::Open(read)) = Dcep::parse(&open.write()) else { panic!("{open:?}") };
        assert_eq!(read.label, "ä".repeat(MAX_LABEL / 2));
    }

    fn parameters() -> impl Strategy<Value = ChannelParameters> {
        let reliability = prop_oneof![
            Just(Reliability::Reliable),
            any::<u32>().prop_map(Reliability::MaxRetransmits),
            any::<u32>().prop_map(Reliability::MaxPacketLifeTime),
        ];
        let fields = (".{0,40}", ".{0,40}", any::<bool>(), reliability, any::<u16>());
        fields.prop_map(|(label, protocol, ordered, reliability, priority)| ChannelParameters {
            label,
            protocol,
            ordered,
            reliability,
            priority,
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(parameters in parameters()) {
            let open = Dcep::Open(parameters);
            prop_assert_eq!(Dcep::parse(&open.write()), Ok(open));
        }

        #[test]
        fn what_is_read_writes_back(bytes in prop::collection::vec(any::<u8>(), 0..80), kind in 0u8..4) {
            let mut bytes = bytes;
            bytes.insert(0, kind);
            if let Ok(message) = Dcep::parse(&bytes) {
                let written = message.write();
                prop_assert_eq!(Dcep::parse(&written), Ok(message));
                prop_assert!(written.len() <= bytes.len());
            }
        }
    }
}
