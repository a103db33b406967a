//! Newtypes for the numbers that travel in RTP, so that no two of them can be
//! swapped by accident.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Synchronisation source identifier (RFC 3550 §3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(clippy::exhaustive_structs)]
pub struct Ssrc(pub u32);

/// RTP payload type, 0 to 127 (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(clippy::exhaustive_structs)]
pub struct PayloadType(pub u8);

/// RTP sequence number as it is on the wire (RFC 3550 §5.1); wraps at 2^16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(clippy::exhaustive_structs)]
pub struct SeqNo(pub u16);

impl SeqNo {
    /// The number that follows, wrapping.
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Signed distance from `other` to `self` on the circle, −32768 to 32767.
    ///
    /// ```
    /// use sfu_core::wire::SeqNo;
    /// assert_eq!(SeqNo(1).distance(SeqNo(65_535)), 2);
    /// ```
    pub const fn distance(self, other: Self) -> i16 {
        self.0.wrapping_sub(other.0).cast_signed()
    }
}

/// Sequence number extended to 64 bits: does not wrap. The low 16 bits are the
/// number on the wire. The first number of a stream is extended to `65536 +
/// seq`, so that an earlier packet that arrives late still has a place.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
#[allow(clippy::exhaustive_structs)]
pub struct ExtSeq(pub u64);

impl ExtSeq {
    /// The number of the first packet of a stream.
    pub const fn first(seq: SeqNo) -> Self {
        Self(65_536 + seq.0 as u64)
    }

    /// The wire form.
    pub const fn seq(self) -> SeqNo {
        SeqNo((self.0 & 0xffff) as u16)
    }

    /// The extension of `seq` that is nearest to `self`.
    ///
    /// ```
    /// use sfu_core::wire::{ExtSeq, SeqNo};
    /// let highest = ExtSeq::first(SeqNo(65_535));
    /// assert_eq!(highest.nearest(SeqNo(0)).0, highest.0 + 1);
    /// assert_eq!(highest.nearest(SeqNo(65_534)).0, highest.0 - 1);
    /// ```
    pub const fn nearest(self, seq: SeqNo) -> Self {
        Self(self.0.saturating_add_signed(seq.distance(self.seq()) as i64))
    }
}

/// RTP timestamp as it is on the wire, in units of the codec's clock rate
/// (RFC 3550 §5.1); wraps at 2^32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(clippy::exhaustive_structs)]
pub struct RtpTime(pub u32);

impl RtpTime {
    /// Signed distance from `other` to `self` on the circle, in clock ticks.
    pub const fn distance(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// This time moved by `ticks`, wrapping.
    pub const fn offset(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }
}

/// A short identifier in a header extension: at most 16 bytes of the
/// `token` alphabet, stored inline.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ShortId {
    len: u8,
    bytes: [u8; 16],
}

impl ShortId {
    fn new(id: &[u8]) -> Option<Self> {
        let len = u8::try_from(id.len()).ok()?;
        let mut bytes = [0; 16];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        let token = |b: &u8| b.is_ascii_graphic();
        (!id.is_empty() && id.iter().all(token)).then_some(Self { len, bytes })
    }

    fn as_str(&self) -> &str {
        // The alphabet is ASCII and `len` at most 16: both hold for values made
        // by `new`; a forged snapshot reads as an empty id.
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

macro_rules! short_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// In JSON it is a text.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(ShortId);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let expected = "expected 1 to 16 printable ASCII characters";
                let text = String::deserialize(deserializer)?;
                Self::new(text).ok_or_else(|| D::Error::custom(expected))
            }
        }

        impl $name {
            /// The id made of these bytes; `None` if it is empty, longer than
            /// 16 bytes or holds anything but printable ASCII.
            pub fn new(id: impl AsRef<[u8]>) -> Option<Self> {
                ShortId::new(id.as_ref()).map(Self)
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

short_id! {
    /// Media identification of an m-section (RFC 8843, RFC 9143).
    ///
    /// ```
    /// use sfu_core::wire::Mid;
    /// assert_eq!(Mid::new("0").unwrap().as_str(), "0");
    /// assert!(Mid::new("").is_none());
    /// ```
    Mid
}

short_id! {
    /// Restriction identifier: names one simulcast encoding (RFC 8851, RFC 8852).
    ///
    /// ```
    /// use sfu_core::wire::Rid;
    /// let rid: Rid = serde_json::from_str(r#""hi""#).unwrap();
    /// assert_eq!(serde_json::to_string(&rid).unwrap(), r#""hi""#);
    /// assert!(serde_json::from_str::<Rid>(r#""""#).is_err());
    /// ```
    Rid
}

impl fmt::Debug for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ssrc({:#010x})", self.0)
    }
}

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
