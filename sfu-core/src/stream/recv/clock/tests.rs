use std::time::Duration;

use super::*;

fn ntp(nanos: u64) -> NtpTime {
    // A publisher whose clock reads about the year 2026.
    ntp_offset(NtpTime(3_990_000_000 << 32), nanos.cast_signed())
}

#[test]
fn rates_convert_both_ways() {
    assert_eq!(ClockRate::new(0), None);
    assert_eq!(ClockRate::VIDEO.ticks(1_000_000_000), 90_000);
    assert_eq!(ClockRate::VIDEO.ticks(-11_111), -1);
    assert_eq!(ClockRate::OPUS.nanos(960), 20_000_000);
    assert_eq!(ClockRate::OPUS.nanos(i64::MAX), i64::MAX);
}

#[test]
fn our_wall_clock_is_32_32_fixed_point() {
    assert_eq!(ntp_at(Time::from_millis(1_500)).0, 0x1_8000_0000);
    assert_eq!(ntp_at(Time::ZERO).0, 0);
}

#[test]
fn capture_clock_survives_the_wrap() {
    let clock = CaptureClock::new(Time::from_secs(5), RtpTime(u32::MAX), ClockRate::VIDEO);
    assert_eq!(clock.rtp_at(Time::from_secs(6)), RtpTime(89_999));
    assert_eq!(clock.time_at(RtpTime(89_999)), Time::from_secs(6));
    assert_eq!(clock.time_at(RtpTime(u32::MAX - 45_000)), Time::from_millis(4_500));
}

#[test]
fn minimum_of_jittered_reports_wins_slowly() {
    let mut clock = RemoteClock::new();
    assert_eq!(clock.to_local(ntp(0)), None);
    // True delay 20 ms; the first report was held for another 80 ms.
    clock.handle_sender_report(Time::from_millis(100), ntp(0));
    let mut previous = clock.to_local(ntp(0)).unwrap();
    for second in 1..30_u64 {
        let delay = 20 + second * 37 % 60 * u64::from(second % 3 != 0);
        let now = Time::from_millis(second * 1_000 + delay);
        clock.handle_sender_report(now, ntp(second * 1_000_000_000));
        let at = clock.to_local(ntp(0)).unwrap();
        assert!(signed_nanos(at, previous).abs() <= 11_000_000, "moved too fast: {at:?}");
        previous = at;
    }
    let error = signed_nanos(previous, Time::from_millis(20));
    assert!(error.abs() < 1_000_000, "off by {error} ns");
}

#[test]
fn drift_is_followed() {
    let mut clock = RemoteClock::new();
    // The publisher's clock is 200 ppm slow.
    for second in 0..600_u64 {
        let now = Time::from_secs(second) + Duration::from_millis(30);
        clock.handle_sender_report(now, ntp(second * 999_800_000));
    }
    let at = clock.to_local(ntp(599 * 999_800_000)).unwrap();
    let error = signed_nanos(at, Time::from_millis(599_030));
    // The minimum is up to half a minute old: 32 s · 200 ppm.
    assert!(error.abs() < 7_000_000, "off by {error} ns");
}

#[test]
fn stepped_clock_is_taken_at_once() {
    let mut clock = RemoteClock::new();
    clock.handle_sender_report(Time::from_secs(1), ntp(0));
    clock.handle_sender_report(Time::from_secs(2), ntp(3_601_000_000_000));
    assert_eq!(clock.to_local(ntp(3_601_000_000_000)), Some(Time::from_secs(2)));
    // A step back looks like an hour of delay: believed after three reports.
    for second in 3..6_u64 {
        clock.handle_sender_report(Time::from_secs(second), ntp(second * 1_000_000_000));
    }
    assert_eq!(clock.to_local(ntp(5_000_000_000)), Some(Time::from_secs(5)));
}

#[test]
fn era_of_2036_does_not_matter() {
    let mut clock = RemoteClock::new();
    clock.handle_sender_report(Time::from_secs(1), NtpTime(u64::MAX));
    let at = clock.to_local(NtpTime((1 << 32) - 1)).unwrap();
    assert_eq!(at, Time::from_secs(2));
}

#[test]
fn state_survives_a_snapshot() {
    let mut clock = RemoteClock::new();
    clock.handle_sender_report(Time::from_secs(1), ntp(0));
    clock.handle_sender_report(Time::from_secs(2), ntp(990_000_000));
    let bytes = postcard::to_stdvec(&clock).unwrap();
    assert_eq!(postcard::from_bytes::<RemoteClock>(&bytes).unwrap(), clock);
}
