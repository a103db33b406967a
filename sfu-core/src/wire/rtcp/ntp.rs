//! NTP timestamps as RTCP carries them (RFC 3550 §4).

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Seconds since 1900 as 32.32 bit fixed point; wraps in 2036.
///
/// ```
/// use sfu_core::wire::rtcp::NtpTime;
/// use std::time::Duration;
/// let t = NtpTime::from_duration(Duration::from_millis(1_500));
/// assert_eq!(t.0, 0x1_8000_0000);
/// assert_eq!(t.middle(), 0x0001_8000);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(clippy::exhaustive_structs)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// Seconds from the NTP epoch (1900) to the Unix epoch (1970).
    pub const UNIX_EPOCH_SECS: u64 = 2_208_988_800;

    /// The time `since` after the NTP epoch, modulo 2^32 seconds, rounded down
    /// to 2^−32 s.
    pub const fn from_duration(since: Duration) -> Self {
        let fraction = ((since.subsec_nanos() as u64) << 32) / 1_000_000_000;
        Self((since.as_secs() << 32) | fraction)
    }

    /// The time `since` after the Unix epoch.
    pub const fn from_unix(since: Duration) -> Self {
        let secs = since.as_secs().wrapping_add(Self::UNIX_EPOCH_SECS);
        Self((secs << 32) | (Self::from_duration(since).0 & 0xffff_ffff))
    }

    /// Time since the NTP epoch, rounded to the nearest nanosecond.
    pub const fn to_duration(self) -> Duration {
        let nanos = ((self.0 & 0xffff_ffff) * 1_000_000_000 + (1 << 31)) >> 32;
        // A fraction just below one rounds to a whole second, which `new` carries.
        Duration::new(self.0 >> 32, nanos as u32)
    }

    /// The middle 32 bits, as 16.16 fixed point seconds: the form of LSR and
    /// LRR (RFC 3550 §6.4.1, RFC 3611 §4.5).
    pub const fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }

    /// Signed distance from `earlier` to `self` on the circle, as 32.32 fixed
    /// point seconds.
    pub const fn distance(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// This time moved by `distance` 2^−32 s, wrapping.
    #[must_use]
    pub const fn offset(self, distance: i64) -> Self {
        Self(self.0.wrapping_add_signed(distance))
    }

    /// A duration in the 16.16 fixed point seconds of DLSR and DLRR, capped at
    /// the longest that they can say (about 18 hours).
    pub fn to_short(duration: Duration) -> u32 {
        let units = (duration.as_nanos() << 16) / 1_000_000_000;
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    /// The duration of 16.16 fixed point seconds, rounded down.
    pub const fn from_short(short: u32) -> Duration {
        Duration::from_nanos((short as u64 * 1_000_000_000) >> 16)
    }
}

impl fmt::Debug for NtpTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NtpTime({:.6}s)", self.to_duration().as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unix_epoch_is_in_1970() {
        assert_eq!(NtpTime::from_unix(Duration::ZERO).0 >> 32, 0x83aa_7e80);
        let t = NtpTime::from_unix(Duration::from_millis(250));
        assert_eq!(t.0 & 0xffff_ffff, 0x4000_0000);
    }

    #[test]
    fn seconds_wrap_in_2036() {
        let last = NtpTime::from_duration(Duration::from_secs(u64::from(u32::MAX)));
        let next = NtpTime::from_duration(Duration::from_secs(1 << 32));
        assert_eq!(next, NtpTime(0));
        assert_eq!(next.distance(last), 1 << 32);
        assert_eq!(last.offset(1 << 32), next);
    }

    #[test]
    fn short_form_is_capped() {
        assert_eq!(NtpTime::to_short(Duration::from_millis(500)), 0x8000);
        assert_eq!(NtpTime::to_short(Duration::from_secs(1 << 20)), u32::MAX);
        assert_eq!(NtpTime::from_short(0x0001_8000), Duration::from_millis(1_500));
    }

    proptest! {
        #[test]
        fn durations_survive_to_the_nanosecond(secs in 0..1_u64 << 32, nanos in 0..1_000_000_000_u32) {
            let duration = Duration::new(secs, nanos);
            prop_assert_eq!(NtpTime::from_duration(duration).to_duration(), duration);
        }

        #[test]
        fn every_value_has_a_duration(bits: u64) {
            let back = NtpTime::from_duration(NtpTime(bits).to_duration());
            prop_assert!(back.distance(NtpTime(bits)).abs() <= 4);
        }
    }
}
