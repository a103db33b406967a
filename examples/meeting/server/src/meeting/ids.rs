//! Identifiers of meetings, participants and chat messages.
//!
//! All three are small `Copy` values that print as opaque strings. A meeting's id is its invitation
//! (54 random bits, written to be read aloud); it grants no seat that a rate limit does not guard.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Letters that are hard to mistake for one another or for digits.
const LETTERS: &[u8; 23] = b"abcdefghjkmnpqrstuvwxyz";
const MEETING_LETTERS: usize = 12;

/// A string that is not an id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct InvalidId;

/// Names a meeting in links, for example `kqzt-mwfa-prhe`.
///
/// ```
/// use meeting_server::meeting::MeetingId;
/// let id: MeetingId = "KQZT mwfa-prhe".parse().unwrap();
/// assert_eq!(id.to_string(), "kqzt-mwfa-prhe");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeetingId([u8; MEETING_LETTERS]);

impl MeetingId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        Self(std::array::from_fn(|_| LETTERS[rand::random_range(0..LETTERS.len())]))
    }
}

impl fmt::Display for MeetingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, letter) in self.0.iter().enumerate() {
            if index > 0 && index % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*letter))?;
        }
        Ok(())
    }
}

impl FromStr for MeetingId {
    type Err = InvalidId;

    /// Accepts capital letters and any grouping, because people type these.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut letters = [0; MEETING_LETTERS];
        let mut used = 0;
        for byte in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
            let letter = byte.to_ascii_lowercase();
            if !LETTERS.contains(&letter) {
                return Err(InvalidId);
            }
            *letters.get_mut(used).ok_or(InvalidId)? = letter;
            used += 1;
        }
        if used == MEETING_LETTERS { Ok(Self(letters)) } else { Err(InvalidId) }
    }
}

/// Names one seat in one meeting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParticipantId(u64);

impl ParticipantId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The id with this number; for tests that want readable failures.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{:016x}", self.0)
    }
}

impl FromStr for ParticipantId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        parse_hex(text.strip_prefix('p').ok_or(InvalidId)?).map(Self)
    }
}

/// Names one chat message. Ids of a meeting grow in the order in which messages were accepted, as
/// numbers and as strings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(u64);

impl MessageId {
    /// The id of a message accepted at `unix_ms` milliseconds after the Unix epoch, greater than
    /// `last` even when the wall clock stood still or ran backwards.
    #[must_use]
    pub fn after(last: Option<Self>, unix_ms: u64) -> Self {
        let by_clock = unix_ms << 16;
        Self(last.map_or(by_clock, |last| by_clock.max(last.0.saturating_add(1))))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for MessageId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        parse_hex(text).map(Self)
    }
}

fn parse_hex(text: &str) -> Result<u64, InvalidId> {
    let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !plain {
        return Err(InvalidId);
    }
    u64::from_str_radix(text, 16).map_err(|_| InvalidId)
}

macro_rules! as_string {
    ($($id:ident),+) => {$(
        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

as_string!(MeetingId, ParticipantId, MessageId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_text() {
        for _ in 0..100 {
            let meeting = MeetingId::random();
            assert_eq!(meeting.to_string().parse(), Ok(meeting));
            let participant = ParticipantId::random();
            assert_eq!(participant.to_string().parse(), Ok(participant));
        }
    }

    #[test]
    fn other_strings_are_refused() {
        for text in ["", "kqzt-mwfa-prh", "kqzt-mwfa-prhee", "kqzt-mwfa-prh1", "kqzt/mwfa/prhe"] {
            assert_eq!(text.parse::<MeetingId>(), Err(InvalidId), "{text}");
        }
        for text in ["", "p", "p12", "q0000000000000001", "p+000000000000001"] {
            assert_eq!(text.parse::<ParticipantId>(), Err(InvalidId), "{text}");
        }
    }

    #[test]
    fn message_ids_grow_even_when_the_clock_does_not() {
        let first = MessageId::after(None, 1_000);
        let same_millisecond = MessageId::after(Some(first), 1_000);
        let clock_went_back = MessageId::after(Some(same_millisecond), 10);
        let later = MessageId::after(Some(clock_went_back), 1_001);
        let ids = [first, same_millisecond, clock_went_back, later];
        assert!(ids.is_sorted_by(|a, b| a < b));
        let texts = ids.map(|id| id.to_string());
        assert!(texts.is_sorted_by(|a, b| a < b));
    }
}
