//! `profile-level-id` of H.264 (RFC 6184 §8.1): which profiles are the same,
//! and which level an answer states.

use std::fmt;

use super::CodecParameters;

/// A profile of H.264, as far as `profile-level-id` tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum H264Profile {
    /// Constrained Baseline.
    ConstrainedBaseline,
    /// Baseline.
    Baseline,
    /// Main.
    Main,
    /// Constrained High.
    ConstrainedHigh,
    /// High.
    High,
    /// High 4:4:4 Predictive.
    High444,
}

/// Profile and level of a `profile-level-id`.
///
/// ```
/// use sfu_core::api::params::{H264Profile, H264ProfileLevel};
/// let id = H264ProfileLevel::parse("42C01F").unwrap();
/// assert_eq!(id.profile, H264Profile::ConstrainedBaseline);
/// assert_eq!(id.to_string(), "42e01f");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)]
pub struct H264ProfileLevel {
    /// The profile.
    pub profile: H264Profile,
    /// Ten times the level: 31 is level 3.1. Level 1b is 9.
    pub level: u8,
}

impl H264ProfileLevel {
    /// Reads the six hexadecimal digits; `None` for profiles and levels that
    /// H.264 does not define.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let [_, idc, iop, level_idc] = u32::from_str_radix(text, 16).ok()?.to_be_bytes();
        let profile = profile(idc, iop)?;
        let constraint_set3 = iop & 0x10 != 0;
        let level = match level_idc {
            11 if constraint_set3 => 9,
            9..=13 | 20..=22 | 30..=32 | 40..=42 | 50..=52 | 60..=62 => level_idc,
            _ => return None,
        };
        Some(Self { profile, level })
    }

    /// Profile and level of a codec; Constrained Baseline 3.1 where it names
    /// none, as browsers do, and `None` where what it names does not exist.
    pub fn of(parameters: &CodecParameters) -> Option<Self> {
        match parameters.text("profile-level-id") {
            Some(text) => Self::parse(&text),
            None => Some(Self { profile: H264Profile::ConstrainedBaseline, level: 31 }),
        }
    }

    /// The one that an answer states, `ours` being what we can do and `theirs`
    /// what was offered: the offered profile, and the lower level, or our own
    /// where both sides allow levels to differ. `None` if one side's is unknown.
    pub fn answer(ours: &CodecParameters, theirs: &CodecParameters) -> Option<Self> {
        let (our, their) = (Self::of(ours)?, Self::of(theirs)?);
        let asymmetric = |p: &CodecParameters| p.number("level-asymmetry-allowed") == Some(1);
        let level = if (asymmetric(ours) && asymmetric(theirs)) || our.rank() <= their.rank() {
            our.level
        } else {
            their.level
        };
        Some(Self { profile: their.profile, level })
    }

    /// Level 1b stands between 1 and 1.1.
    const fn rank(self) -> u16 {
        if self.level == 9 { 21 } else { self.level as u16 * 2 }
    }
}

impl fmt::Display for H264ProfileLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (idc, iop): (u8, u8) = match self.profile {
            H264Profile::ConstrainedBaseline => (0x42, 0xe0),
            H264Profile::Baseline => (0x42, 0x00),
            H264Profile::Main => (0x4d, 0x00),
            H264Profile::ConstrainedHigh => (0x64, 0x0c),
            H264Profile::High => (0x64, 0x00),
            H264Profile::High444 => (0xf4, 0x00),
        };
        // In the profiles with idc 66, 77 and 88 constraint_set3 marks level 1b.
        let (iop, level) = match (idc, self.level) {
            (0x42 | 0x4d, 9) => (iop | 0x10, 11),
            (_, level) => (iop, level),
        };
        write!(f, "{idc:02x}{iop:02x}{level:02x}")
    }
}

/// Table 5 of RFC 6184: profile_idc and the constraint flags to a profile.
fn profile(idc: u8, iop: u8) -> Option<H264Profile> {
    let flags = |mask: u8, value: u8| iop & mask == value;
    Some(match idc {
        0x42 if flags(0x4f, 0x40) => H264Profile::ConstrainedBaseline,
        0x4d if flags(0x8f, 0x80) => H264Profile::ConstrainedBaseline,
        0x58 if flags(0xcf, 0xc0) => H264Profile::ConstrainedBaseline,
        0x42 if flags(0x4f, 0x00) => H264Profile::Baseline,
        0x58 if flags(0xcf, 0x80) => H264Profile::Baseline,
        0x4d if flags(0xaf, 0x00) => H264Profile::Main,
        0x64 if iop == 0x00 => H264Profile::High,
        0x64 if iop == 0x0c => H264Profile::ConstrainedHigh,
        0xf4 if iop == 0x00 => H264Profile::High444,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile_of(text: &str) -> Option<H264Profile> {
        H264ProfileLevel::parse(text).map(|id| id.profile)
    }

    #[test]
    fn different_flags_can_name_the_same_profile() {
        for text in ["42e01f", "42E01F", "42c01e", "42401f", "4d800b", "58c00b", "42f00b"] {
            assert_eq!(profile_of(text), Some(H264Profile::ConstrainedBaseline), "{text}");
        }
        assert_eq!(profile_of("42001f"), Some(H264Profile::Baseline));
        assert_eq!(profile_of("58a01f"), Some(H264Profile::Baseline));
        assert_eq!(profile_of("4d001f"), Some(H264Profile::Main));
        assert_eq!(profile_of("640c1f"), Some(H264Profile::ConstrainedHigh));
        assert_eq!(profile_of("64001f"), Some(H264Profile::High));
        assert_eq!(profile_of("f4001f"), Some(H264Profile::High444));
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        for text in ["", "42e01", "42e01f0", "42e0zz", "+2e01f", "42e00e", "42e01g", "ffe01f"] {
            assert_eq!(H264ProfileLevel::parse(text), None, "{text}");
        }
    }

    #[test]
    fn level_1b_has_two_forms() {
        let id = H264ProfileLevel::parse("42f00b").unwrap();
        assert_eq!(id.level, 9);
        assert_eq!(id.to_string(), "42f00b");
        assert_eq!(H264ProfileLevel::parse("42e00b").unwrap().level, 11);
        assert_eq!(H264ProfileLevel::parse("640009").unwrap().to_string(), "640009");
    }

    #[test]
    fn an_answer_takes_the_lower_level_unless_asymmetry_is_allowed() {
        let with = |id: &str, asymmetry: u32| {
            CodecParameters::new()
                .with("profile-level-id", id)
                .with("level-asymmetry-allowed", asymmetry)
        };
        let answer = |a: &CodecParameters, b: &CodecParameters| {
            H264ProfileLevel::answer(a, b).map(|id| id.to_string())
        };
        let (low, high) = (with("42e015", 0), with("42e01f", 0));
        assert_eq!(answer(&low, &high).unwrap(), "42e015");
        assert_eq!(answer(&high, &low).unwrap(), "42e015");
        assert_eq!(answer(&with("42e01f", 1), &with("42e015", 1)).unwrap(), "42e01f");
        assert_eq!(answer(&with("42e01f", 1), &with("42e015", 0)).unwrap(), "42e015");
        // 1b is lower than 1.1 and higher than 1.
        assert_eq!(answer(&with("42f00b", 0), &with("42e00b", 0)).unwrap(), "42f00b");
        assert_eq!(answer(&with("42f00b", 0), &with("42e00a", 0)).unwrap(), "42e00a");
        // An answer never changes the profile of a payload type.
        assert_eq!(answer(&with("42e01f", 1), &with("42000c", 1)).unwrap(), "42001f");
        assert_eq!(answer(&with("42e01f", 1), &with("ffffff", 1)), None);
    }
}
