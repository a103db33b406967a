//! Identities of the nouns: unique for the life of an `Sfu`, never reused.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not an id: ids are 1 to 16 hexadecimal digits, not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 1 to 16 hexadecimal digits that are not all zero")]
#[non_exhaustive]
pub struct ParseIdError;

fn parse(text: &str) -> Result<NonZeroU64, ParseIdError> {
    if text.is_empty() || text.len() > 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(ParseIdError);
    }
    u64::from_str_radix(text, 16).ok().and_then(NonZeroU64::new).ok_or(ParseIdError)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// `Copy`, comparable, and printable as 16 hexadecimal digits, which is
        /// also its form in JSON.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// The id with this number; `None` for zero.
            pub const fn from_u64(id: u64) -> Option<Self> {
                match NonZeroU64::new(id) {
                    Some(id) => Some(Self(id)),
                    None => None,
                }
            }

            /// The id as a number, for foreign interfaces.
            pub const fn as_u64(self) -> u64 {
                self.0.get()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:016x})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_u64(self.0.get())
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    let id = u64::deserialize(deserializer)?;
                    Self::from_u64(id).ok_or_else(|| D::Error::custom(ParseIdError))
                }
            }
        }
    };
}

id! {
    /// Identity of a router.
    RouterId
}
id! {
    /// Identity of a transport.
    ///
    /// ```
    /// use sfu_core::TransportId;
    /// let id: TransportId = "00000000000000ff".parse().unwrap();
    /// assert_eq!(id.as_u64(), 255);
    /// assert_eq!(id.to_string(), "00000000000000ff");
    /// assert!("zero".parse::<TransportId>().is_err());
    /// ```
    TransportId
}
id! {
    /// Identity of a producer.
    ProducerId
}
id! {
    /// Identity of a consumer.
    ConsumerId
}
id! {
    /// Identity of an observer.
    RtpObserverId
}
id! {
    /// Identity of a data producer.
    DataProducerId
}
id! {
    /// Identity of a data consumer.
    DataConsumerId
}
