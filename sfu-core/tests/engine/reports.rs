//! Sender and receiver reports: counts, clocks, round trips.

use std::time::Duration;

use sfu_core::engine::{Command, Reply};
use sfu_core::wire::rtcp::{NtpTime, SenderInfo};
use sfu_core::{ConsumerStats, Time};

use super::sim::{Format, Link, Received, Sink, SinkRef, World};

fn stats(world: &mut World, sink: SinkRef) -> ConsumerStats {
    match world.ok(Command::ConsumerStats(sink.consumer)) {
        Reply::ConsumerStats(stats) => *stats,
        other => panic!("{other:?}"),
    }
}

/// When a packet was captured on the sender's clock, by its last report, in
/// nanoseconds; the origin is any.
fn capture(packet: &Received, info: &SenderInfo) -> i128 {
    let ticks = i128::from(packet.timestamp.distance(info.rtp));
    let rate = i128::from(packet.format.clock_rate());
    info.ntp.to_duration().as_nanos() as i128 + ticks * 1_000_000_000 / rate
}

/// How far the capture times that reports tell are from the true ones, for the
/// packets after `from`: least and most, in nanoseconds.
fn error(sink: &Sink, from: Time) -> (i128, i128) {
    let mut errors = Vec::new();
    for packet in sink.packets.values().filter(|packet| packet.at > from) {
        let report = sink.reports.iter().rfind(|(at, _)| *at <= packet.at);
        let (_, info) = report.expect("a report before the packet");
        errors.push(capture(packet, info) - i128::from(packet.stamp.capture));
    }
    (*errors.iter().min().unwrap(), *errors.iter().max().unwrap())
}

#[test]
fn lips_stay_in_step_for_skewed_clocks_and_jitter() {
    for ppm in [-80, 0, 80] {
        let mut world = World::new(31);
        let (ann, bob) = (world.plain(), world.plain());
        world.clients[ann].clock.1 = ppm;
        let rough = Link { jitter: Duration::from_millis(15), ..Link::new(20) };
        world.links(ann, rough, Link::new(20));
        let camera = world.publish(ann, Format::Vp8, 1);
        let microphone = world.publish(ann, Format::Opus, 1);
        let video = world.subscribe(bob, &[Format::Vp8], Some(camera));
        let audio = world.subscribe(bob, &[Format::Opus], Some(microphone));
        world.run_millis(20_000);
        let from = world.now - Duration::from_secs(14);
        let (video, audio) = (error(world.sink(video), from), error(world.sink(audio), from));
        let apart = (video.1 - audio.0).max(audio.1 - video.0);
        assert!(apart.abs() < 5_000_000, "{ppm} ppm: {video:?} against {audio:?}");
    }
}

#[test]
fn lips_stay_in_step_across_a_switch_of_publishers() {
    let mut world = World::new(32);
    let (ann, bob, cem) = (world.plain(), world.plain(), world.plain());
    let cameras = [ann, bob].map(|at| world.publish(at, Format::Vp8, 1));
    let microphones = [ann, bob].map(|at| world.publish(at, Format::Opus, 1));
    let video = world.subscribe(cem, &[Format::Vp8], Some(cameras[0]));
    let audio = world.subscribe(cem, &[Format::Opus], Some(microphones[0]));
    world.run_millis(4_000);
    world.switch(video, Some(cameras[1]));
    world.switch(audio, Some(microphones[1]));
    // Until the reports after the switch have come.
    world.run_millis(3_000);
    let from = world.now;
    world.run_millis(3_000);
    let (video, audio) = (error(world.sink(video), from), error(world.sink(audio), from));
    let apart = (video.1 - audio.0).max(audio.1 - video.0);
    assert!(apart.abs() < 5_000_000, "{video:?} against {audio:?}");
}

#[test]
fn sender_reports_count_what_was_sent() {
    let mut world = World::new(33);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(5_500);
    let sink = world.sink(sink);
    // One each second, and one when it began.
    assert!((6..=7).contains(&sink.reports.len()), "{} reports", sink.reports.len());
    for (at, info) in &sink.reports {
        let before = sink.packets.values().filter(|packet| packet.at <= *at).count();
        assert!(before.abs_diff(info.packets as usize) <= 1, "{before} against {info:?}");
        assert!(info.octets as usize >= before.saturating_sub(1) * 600);
        // Our clock is the origin of what we tell; the link takes 20 ms.
        let sent = NtpTime::from_duration(Duration::from_nanos(at.as_nanos()));
        let delay = sent.distance(info.ntp) as f64 / (1u64 << 32) as f64;
        assert!((delay - 0.020).abs() < 0.001, "{delay} s on the way");
    }
}

#[test]
fn receiver_reports_tell_loss_and_numbers() {
    let mut world = World::new(37);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.source(camera).burst = 4;
    world.links(ann, Link::lossy(20, 0.2), Link::new(20));
    world.run_millis(10_000);
    let client = &world.clients[ann];
    let reports: Vec<_> = client.reports.iter().map(|(_, block)| *block).collect();
    assert!((9..=11).contains(&reports.len()), "{} reports", reports.len());
    let layer = &client.sources[0].layers[0];
    let last = reports.last().unwrap();
    assert_eq!(last.ssrc, layer.ssrc);
    let lost = f64::from(last.cumulative_lost) / f64::from(layer.packets);
    assert!((0.15..0.25).contains(&lost), "{lost} lost");
    let fractions: f64 = reports.iter().map(|block| f64::from(block.fraction_lost) / 256.0).sum();
    let mean = fractions / reports.len() as f64;
    assert!((0.14..0.26).contains(&mean), "{mean} lost per interval");
    // Extended by the wrap, which every source passes soon after its start.
    assert!(last.highest_seq > 65_536 && last.highest_seq < 65_536 + 1_400);
    assert!(last.last_sr != 0 && last.delay_since_last_sr < 5 << 16);
}

#[test]
fn the_round_trip_is_measured_and_retransmissions_do_not_disturb() {
    let mut world = World::new(35);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    world.source(camera).burst = 3;
    world.links(bob, Link::new(35), Link::lossy(45, 0.1));
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(6_000);
    let stats = stats(&mut world, sink);
    let rtt = stats.round_trip_time.unwrap();
    assert!((0.079..0.090).contains(&rtt), "{rtt} s");
    assert!((0.02..0.3).contains(&stats.fraction_lost), "{}", stats.fraction_lost);
    assert!(stats.retransmitted_packets_sent > 5 && stats.nack_missed == 0);
    assert!(stats.packets_sent > 150);
}

#[test]
fn a_report_on_the_retransmissions_is_not_one_on_the_media() {
    use sfu_core::wire::rtcp::{ReportBlock, RtcpWriter};
    let mut world = World::new(36);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    let sink = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.run_millis(1_000);
    let block = ReportBlock {
        ssrc: world.sink(sink).config.rtx_ssrc.unwrap(),
        fraction_lost: 255,
        cumulative_lost: 9,
        highest_seq: 9,
        jitter: 0,
        last_sr: 0,
        delay_since_last_sr: 0,
    };
    let mut out = vec![0; 200];
    let mut writer = RtcpWriter::compound(&mut out, block.ssrc, "receiver");
    writer.receiver_report(block.ssrc, &[block]).unwrap();
    let len = writer.finish();
    out.truncate(len);
    world.clients[bob].send_rtcp(out);
    world.flush(bob);
    world.run_millis(30);
    assert_eq!(stats(&mut world, sink).fraction_lost, 0.0);
}
