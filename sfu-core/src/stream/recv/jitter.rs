//! Interarrival jitter (RFC 3550 §6.4.1, A.8).
//!
//! Only the first packet of each timestamp counts: the packets of one video
//! frame share a timestamp but leave one after the other, which is not jitter.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use super::clock::{ClockRate, signed_nanos};
use crate::wire::RtpTime;

/// Running estimate for one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jitter {
    rate: ClockRate,
    last: Option<(Time, RtpTime)>,
    /// In 1/16 tick, the RFC's integer form.
    scaled: u64,
}

impl Jitter {
    /// No jitter yet.
    pub const fn new(rate: ClockRate) -> Self {
        Self { rate, last: None, scaled: 0 }
    }

    /// Takes in a packet that came in order.
    pub fn push(&mut self, now: Time, timestamp: RtpTime) {
        if let Some((last_now, last_timestamp)) = self.last {
            let sent = i64::from(timestamp.distance(last_timestamp));
            if sent == 0 {
                return;
            }
            let arrived = self.rate.ticks(signed_nanos(now, last_now));
            let difference = arrived.saturating_sub(sent).unsigned_abs();
            // A pause or a restarted clock would drown the estimate for a minute.
            if difference <= u64::from(self.rate.hz()) * 5 {
                self.scaled = (self.scaled + difference).saturating_sub((self.scaled + 8) >> 4);
            }
        }
        self.last = Some((now, timestamp));
    }

    /// In clock ticks, as reception reports carry it.
    pub fn ticks(&self) -> u32 {
        u32::try_from(self.scaled >> 4).unwrap_or(u32::MAX)
    }

    /// As time.
    pub fn duration(&self) -> Duration {
        let nanos = self.rate.nanos(i64::from(self.ticks()));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_stream_has_none() {
        let mut jitter = Jitter::new(ClockRate::VIDEO);
        for frame in 0..100_u32 {
            for packet in 0..5 {
                let now = Time::from_millis(u64::from(frame) * 40 + packet * 3);
                jitter.push(now, RtpTime(u32::MAX - 9_000).offset(frame * 3_600));
            }
        }
        assert_eq!(jitter.ticks(), 0);
    }

    #[test]
    fn converges_to_the_mean_deviation() {
        let mut jitter = Jitter::new(ClockRate::OPUS);
        for packet in 0..1_000_u32 {
            // 5 ms early, 5 ms late, in turn: consecutive transit times differ by 10 ms.
            let late = u64::from(packet % 2) * 10;
            jitter.push(Time::from_millis(u64::from(packet) * 20 + late), RtpTime(packet * 960));
        }
        let millis = jitter.duration().as_millis();
        assert!((9..=10).contains(&millis), "{millis} ms");
    }

    #[test]
    fn pause_does_not_count() {
        let mut jitter = Jitter::new(ClockRate::OPUS);
        jitter.push(Time::from_secs(0), RtpTime(0));
        jitter.push(Time::from_secs(60), RtpTime(960));
        assert_eq!(jitter.ticks(), 0);
    }
}
