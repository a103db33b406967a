//! A socket whose kernel queue is full sends the rest when there is room again.
//!
//! The loopback interface never fills a send queue, so the test runs itself
//! once more in a network of its own, where a slow link does.
#![cfg(all(feature = "runtime", target_os = "linux"))]

mod executor;

use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use executor::block_on;
use sfu_core::api::params::RtpParameters;
use sfu_core::{
    ConsumeOptions, PlainRemote, PlainTransportOptions, ProduceOptions, RouterOptions, Sfu,
    ShardStats,
};

const INSIDE: &str = "PLENUM_TEST_SLOW_LINK";
const PAYLOAD: usize = 1_100;
/// More than a send buffer of 4 MiB and the backlog behind it can hold, in
/// bursts that the link needs seconds for.
const BURSTS: u16 = 300;
const PACKETS_PER_BURST: u16 = 200;

/// Root needs no user namespace, and not every container grants one.
const OWN_NETWORK: &str = "
    user='--user --map-root-user'
    [ $(id -u) -ne 0 ] || user=
    exec unshare $user --net --fork --kill-child bash -euc \"$1\" \"$0\"
";

/// A link of 40 Mbit/s to a neighbour that takes everything and answers nothing.
const SLOW_LINK: &str = "
    ip link add slow0 type veth peer name slow1
    ip addr add 10.92.0.1/24 dev slow0
    ip link set lo up
    ip link set slow0 up
    ip link set slow1 up
    ip neigh add 10.92.0.2 lladdr 02:00:00:00:00:02 dev slow0 nud permanent
    tc qdisc add dev slow0 root tbf rate 40mbit burst 64kb limit 64mb
    exec \"$0\" --exact a_full_socket_goes_on_when_the_kernel_has_room --nocapture
";

#[test]
fn a_full_socket_goes_on_when_the_kernel_has_room() {
    if std::env::var_os(INSIDE).is_some() {
        return block_on(fill_the_link());
    }
    let myself = std::env::current_exe().unwrap();
    let status = Command::new("bash")
        .args(["-euc", OWN_NETWORK])
        .arg(myself)
        .arg(SLOW_LINK)
        .env(INSIDE, "1")
        .status()
        .expect("bash, unshare of util-linux, ip and tc of iproute2 are needed");
    assert!(status.success(), "inside of the slow network: {status}");
}

async fn fill_the_link() {
    let sfu = Sfu::builder().listen("10.92.0.1:0".parse().unwrap()).tcp(false).build().unwrap();
    let room = sfu.create_router(RouterOptions::default()).await.unwrap();
    let source = room.create_direct_transport().await.unwrap();
    let producer = source.produce(ProduceOptions::audio(audio())).await.unwrap();
    let sink = room
        .create_plain_transport(PlainTransportOptions::new("10.92.0.1:0".parse().unwrap()))
        .await
        .unwrap();
    let address = Some("10.92.0.2:4000".parse().unwrap());
    sink.connect(PlainRemote { address, ..PlainRemote::default() }).await.unwrap();
    sink.consume(ConsumeOptions::new(producer.id(), room.rtp_capabilities())).await.unwrap();

    // The kernel takes up what waited in one go whenever half of its queue is
    // free, so at a given moment nothing may wait.
    let mut sent = 0;
    let full = loop {
        assert!(sent < BURSTS * PACKETS_PER_BURST, "the link was never full");
        for _ in 0..PACKETS_PER_BURST {
            source.send_rtp(producer.id(), packet(sent)).await.unwrap();
            sent += 1;
        }
        let stats = sfu.shard_stats(0).await.unwrap();
        if waiting(&stats) > u64::from(PACKETS_PER_BURST) {
            break stats;
        }
    };

    let began = Instant::now();
    let mut stats = full;
    while waiting(&stats) > 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "still waiting: {stats:?}");
        std::thread::sleep(Duration::from_millis(50));
        stats = sfu.shard_stats(0).await.unwrap();
    }
    assert_eq!(stats.send_errors, 0);

    // And once more: the socket is not deaf afterwards.
    source.send_rtp(producer.id(), packet(sent)).await.unwrap();
    let last = sfu.shard_stats(0).await.unwrap();
    assert_eq!(last.media_packets, stats.media_packets + 1);
    assert_eq!(waiting(&last), 0);
}

/// Packets that were neither sent nor dropped yet.
fn waiting(stats: &ShardStats) -> u64 {
    let done = stats.sent_datagrams + stats.dropped_datagrams + stats.send_errors;
    stats.media_packets.saturating_sub(done)
}

fn audio() -> RtpParameters {
    serde_json::from_value(serde_json::json!({
        "codecs": [{ "mimeType": "audio/opus", "payloadType": 100, "clockRate": 48_000, "channels": 2 }],
        "encodings": [{ "ssrc": 7 }],
    }))
    .unwrap()
}

fn packet(seq: u16) -> Bytes {
    let mut packet = vec![0x80, 100];
    packet.extend_from_slice(&seq.to_be_bytes());
    packet.extend_from_slice(&(u32::from(seq) * 960).to_be_bytes());
    packet.extend_from_slice(&7_u32.to_be_bytes());
    packet.resize(12 + PAYLOAD, 1);
    packet.into()
}
