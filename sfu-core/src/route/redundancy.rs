//! Redundant audio (RFC 2198) on its way to one receiver.
//!
//! A receiver that negotiated it gets the payloads as they are, with its own
//! number for the codec inside. One that did not gets the newest block of each,
//! which is what it would have got without redundancy.

use serde::{Deserialize, Serialize};

use super::config::CodecConfig;
use crate::wire::PayloadType;
use crate::wire::codec::Codec;
use crate::wire::rtp::red::{Red, replace_payload_type};

/// What becomes of the payloads of one codec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Redundancy {
    /// Nothing.
    #[default]
    Kept,
    /// Blocks of the publisher's number get the receiver's.
    Renumbered { from: PayloadType, to: PayloadType },
    /// The primary block goes alone, if it is of this number.
    Removed { inside: PayloadType },
}

impl Redundancy {
    /// For what a publisher with `theirs` sends in `source` and a receiver with
    /// `ours` gets as `target`.
    pub(crate) fn new(
        source: &CodecConfig,
        theirs: &[CodecConfig],
        target: &CodecConfig,
        ours: &[CodecConfig],
    ) -> Self {
        if source.codec != Codec::Red {
            return Self::Kept;
        }
        let opus = |codecs: &[CodecConfig]| {
            codecs.iter().find(|codec| codec.codec == Codec::Opus).map(|codec| codec.payload_type)
        };
        match (opus(theirs), opus(ours)) {
            (Some(inside), _) if target.codec != Codec::Red => Self::Removed { inside },
            (Some(from), Some(to)) if from != to => Self::Renumbered { from, to },
            _ => Self::Kept,
        }
    }

    /// What of `payload` goes to the receiver; `None` if it cannot be read, or
    /// holds what the receiver does not know.
    pub(crate) fn pick(self, payload: &[u8]) -> Option<&[u8]> {
        let Self::Removed { inside } = self else { return Some(payload) };
        let primary = Red::parse(payload).ok()?.primary();
        (primary.payload_type == inside).then_some(primary.data)
    }

    /// Adapts the copy that goes out. One that cannot be read stays as it is:
    /// the receiver knows no more of it than we do.
    pub(crate) fn write(self, payload: &mut [u8]) {
        if let Self::Renumbered { from, to } = self {
            let _ = replace_payload_type(payload, from, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(codec: Codec, payload_type: u8) -> CodecConfig {
        CodecConfig {
            payload_type: PayloadType(payload_type),
            rtx_payload_type: None,
            codec,
            clock_rate: 48_000,
            variant: 0,
            nack: false,
            pli: false,
            fir: false,
        }
    }

    /// Two bytes of 960 ticks ago, then three, both of type 111.
    const PAYLOAD: [u8; 10] = [0xef, 0x0f, 0x00, 0x02, 0x6f, 1, 2, 7, 8, 9];

    #[test]
    fn a_receiver_with_redundancy_gets_its_own_numbers() {
        let theirs = [codec(Codec::Opus, 111), codec(Codec::Red, 63)];
        let ours = [codec(Codec::Opus, 96), codec(Codec::Red, 97)];
        let to_red = Redundancy::new(&theirs[1], &theirs, &ours[1], &ours);
        let mut out = PAYLOAD;
        assert_eq!(to_red.pick(&PAYLOAD), Some(&PAYLOAD[..]));
        to_red.write(&mut out);
        assert_eq!(out, [0x80 | 96, 0x0f, 0x00, 0x02, 96, 1, 2, 7, 8, 9]);
        assert_eq!(Redundancy::new(&theirs[1], &theirs, &theirs[1], &theirs), Redundancy::Kept);
        assert_eq!(Redundancy::new(&theirs[0], &theirs, &ours[0], &ours), Redundancy::Kept);
    }

    #[test]
    fn a_receiver_without_gets_the_newest_block() {
        let theirs = [codec(Codec::Opus, 111), codec(Codec::Red, 63)];
        let ours = [codec(Codec::Opus, 96)];
        let to_opus = Redundancy::new(&theirs[1], &theirs, &ours[0], &ours);
        assert_eq!(to_opus.pick(&PAYLOAD), Some(&[7, 8, 9][..]));
        assert_eq!(to_opus.pick(&PAYLOAD[..6]), None);
        // Comfort noise, say.
        assert_eq!(to_opus.pick(&[13, 1, 2]), None);
        let mut out = [7, 8, 9];
        to_opus.write(&mut out);
        assert_eq!(out, [7, 8, 9]);
    }
}
