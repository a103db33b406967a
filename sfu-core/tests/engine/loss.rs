//! Lost packets come again: asked of the publisher once for all receivers, and
//! of us by each receiver for itself.

use super::sim::{Format, Link, SinkRef, World};

#[test]
fn ten_percent_loss_both_ways_is_recovered() {
    let mut world = World::new(11);
    let (ann, bob, cem) = (world.plain(), world.plain(), world.plain());
    let vp8 = world.publish(ann, Format::Vp8, 1);
    let h264 = world.publish(bob, Format::H264, 1);
    for at in [ann, bob, cem] {
        world.links(at, Link::lossy(25, 0.1), Link::lossy(25, 0.1));
    }
    world.source(vp8).burst = 3;
    world.source(h264).burst = 2;
    let sinks = [
        world.subscribe(bob, &[Format::Vp8], Some(vp8)),
        world.subscribe(cem, &[Format::Vp8], Some(vp8)),
        world.subscribe(cem, &[Format::H264], Some(h264)),
    ];
    world.run_millis(20_000);
    for sink in sinks {
        // What was sent within the last second may still be on its way.
        assert!(world.sink(sink).assert_decodable(90, 2) > 400);
        assert!(world.sink(sink).repaired > 50);
    }
}

/// Packets asked of a publisher with 10 % loss upward, with `receivers`
/// receivers that each lose 5 %.
fn upstream_nacks(receivers: usize) -> (usize, u32) {
    let mut world = World::new(12);
    let ann = world.plain();
    let camera = world.publish(ann, Format::Vp8, 1);
    world.source(camera).burst = 3;
    let mut sinks: Vec<SinkRef> = Vec::new();
    for _ in 0..receivers {
        let client = world.plain();
        sinks.push(world.subscribe(client, &[Format::Vp8], Some(camera)));
    }
    world.run_millis(300);
    world.links(ann, Link::lossy(20, 0.1), Link::new(20));
    for at in 1..=receivers {
        world.links(at, Link::new(20), Link::lossy(20, 0.05));
    }
    world.run_millis(10_000);
    for sink in sinks {
        assert!(world.sink(sink).assert_continuous(90) > 200);
    }
    let layer = &world.source(camera).layers[0];
    (layer.nacked.len(), layer.packets)
}

#[test]
fn the_publisher_is_asked_once_for_all_receivers() {
    let (alone, packets) = upstream_nacks(1);
    let (many, _) = upstream_nacks(12);
    let lost = packets as usize / 10;
    // Retransmissions are lost as well, and asked for again.
    for nacks in [alone, many] {
        assert!((lost * 8 / 10..lost * 16 / 10).contains(&nacks), "{nacks} for {lost} lost");
    }
}

#[test]
fn a_receiver_without_rtx_gets_the_original_again() {
    let mut world = World::new(13);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    let mut config = world.slot(bob, &[Format::Vp8], Some(camera));
    config.rtx_ssrc = None;
    config.codecs[0].rtx_payload_type = None;
    let sink = world.subscribe_with(bob, &[Format::Vp8], config);
    world.links(bob, Link::new(20), Link::lossy(20, 0.1));
    world.run_millis(8_000);
    assert!(world.sink(sink).assert_continuous(40) > 150);
    assert_eq!(world.clients[bob].refused, 0, "each packet is sealed once, or identically");
}

#[test]
fn transport_wide_numbers_have_no_gaps_beyond_loss() {
    let mut world = World::new(14);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    let microphone = world.publish(ann, Format::Opus, 1);
    let video = world.subscribe(bob, &[Format::Vp8], Some(camera));
    world.subscribe(bob, &[Format::Opus], Some(microphone));
    // A second microphone slot of a receiver that did not negotiate the numbers.
    let mut config = world.slot(bob, &[Format::Opus], Some(microphone));
    config.extensions.remove(sfu_core::wire::rtp::ExtensionKind::TransportWideCc);
    world.subscribe_with(bob, &[Format::Opus], config);
    world.links(ann, Link::lossy(20, 0.05), Link::new(20));
    world.run_millis(5_000);
    assert!(world.sink(video).packets.len() > 100);
    let numbers = &world.clients[bob].twcc_received;
    assert!(numbers.len() > 300);
    for pair in numbers.windows(2) {
        assert_eq!(pair[1], pair[0].wrapping_add(1));
    }
}

#[test]
fn feedback_tells_publishers_when_their_packets_came() {
    let mut world = World::new(15);
    let (ann, bob) = (world.plain(), world.plain());
    let camera = world.publish(ann, Format::Vp8, 1);
    world.publish(ann, Format::Opus, 1);
    world.subscribe(bob, &[Format::Vp8], Some(camera));
    let rough = Link {
        jitter: std::time::Duration::from_millis(8),
        reorder: 0.03,
        ..Link::lossy(20, 0.05)
    };
    world.links(ann, rough, Link::new(20));
    world.run_millis(6_000);
    let client = &world.clients[ann];
    let mut told = 0;
    for sent in &client.twcc_sent {
        let number = sent.number;
        // Those of the last moments are not reported on yet.
        let Some(report) = sent.told else { continue };
        told += 1;
        match (sent.arrived, report) {
            (Some(arrived), Some(reported)) => {
                let error = arrived.since(reported).max(reported.since(arrived));
                assert!(error.as_micros() <= 500, "number {number}: {error:?} off");
            }
            (None, None) => {}
            other => panic!("number {number}: {other:?}"),
        }
    }
    assert!(told * 100 >= client.twcc_sent.len() * 95, "{told} of {}", client.twcc_sent.len());
}
