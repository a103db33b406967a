//! A shard's figures agree with what went through its sockets.
#![cfg(feature = "runtime")]

mod executor;

use std::net::UdpSocket;
use std::time::Duration;

use executor::block_on;
use sfu_core::api::params::RtpParameters;
use sfu_core::{
    ConsumeOptions, ErrorKind, PlainRemote, PlainTransportOptions, ProduceOptions, RouterOptions,
    Sfu,
};

const PACKETS: u64 = 4;
const PAYLOAD: usize = 160;
/// RTCP packet type (RFC 3550 §12.1).
const SENDER_REPORT: u8 = 200;

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

fn opus() -> RtpParameters {
    serde_json::from_value(serde_json::json!({
        "codecs": [{ "mimeType": "audio/opus", "payloadType": 100, "clockRate": 48_000, "channels": 2 }],
        "encodings": [{ "ssrc": 7 }],
    }))
    .unwrap()
}

fn packet(seq: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 100];
    packet.extend_from_slice(&seq.to_be_bytes());
    packet.extend_from_slice(&(u32::from(seq) * 960).to_be_bytes());
    packet.extend_from_slice(&7_u32.to_be_bytes());
    packet.resize(12 + PAYLOAD, 1);
    packet
}

#[test]
fn a_shard_counts_what_goes_through_it() {
    block_on(async {
        let local = "127.0.0.1:0".parse().unwrap();
        let sfu = Sfu::builder().listen(local).tcp(false).build().unwrap();
        let before = sfu.shard_stats(0).await.unwrap();
        assert_eq!((before.received_datagrams, before.media_packets), (0, 0));
        assert_eq!(before.mean_run_length(), None);

        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let (speaker, listener) = (socket(), socket());
        let mut transports = Vec::new();
        for peer in [&speaker, &listener] {
            let options = PlainTransportOptions::new(local);
            let transport = room.create_plain_transport(options).await.unwrap();
            let address = Some(peer.local_addr().unwrap());
            transport.connect(PlainRemote { address, ..PlainRemote::default() }).await.unwrap();
            transports.push(transport);
        }
        let producer = transports[0].produce(ProduceOptions::audio(opus())).await.unwrap();
        let capabilities = room.rtp_capabilities();
        let options = ConsumeOptions::new(producer.id(), capabilities);
        transports[1].consume(options).await.unwrap();

        for seq in 0..PACKETS as u16 {
            speaker.send_to(&packet(seq), transports[0].local_addr()).unwrap();
        }
        let mut heard = 0;
        let mut buf = [0; 2048];
        while heard < PACKETS {
            let len = listener.recv(&mut buf).unwrap();
            heard += u64::from(len >= 12 + PAYLOAD && buf[1] != SENDER_REPORT);
        }
        // The first packet of a stream brings a report, which is not media.
        while buf[1] != SENDER_REPORT {
            listener.recv(&mut buf).unwrap();
        }

        let after = sfu.shard_stats(0).await.unwrap();
        let stats = after.since(&before);
        assert_eq!(stats.received_datagrams, PACKETS);
        assert_eq!(stats.received_bytes, PACKETS * (12 + PAYLOAD as u64));
        assert_eq!(stats.media_packets, PACKETS);
        assert!((1..=PACKETS).contains(&stats.media_runs), "{stats:?}");
        assert!(stats.mean_run_length().is_some_and(|mean| mean >= 1.0));
        assert!(stats.sent_datagrams >= PACKETS, "{stats:?}");
        assert!((1..=stats.sent_datagrams).contains(&stats.send_calls), "{stats:?}");
        assert!(stats.sent_bytes >= PACKETS * PAYLOAD as u64, "{stats:?}");
        assert!((1..=PACKETS).contains(&stats.turns_with_input), "{stats:?}");
        assert!(stats.turns > stats.turns_with_input, "commands take turns too: {stats:?}");
        assert!(stats.busy > Duration::ZERO);

        // Sockets that are closed stay in the sums.
        for transport in &transports {
            transport.close().await.unwrap();
        }
        let last = sfu.shard_stats(0).await.unwrap();
        assert!(last.received_datagrams >= after.received_datagrams, "{last:?}");
        assert!(last.sent_bytes >= after.sent_bytes, "{last:?}");

        let error = sfu.shard_stats(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidParameters);
    });
}
