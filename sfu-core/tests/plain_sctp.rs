//! SCTP beside RTP over the loopback interface, through the asynchronous API.
//! The peer is an association with the handshake of `sctp-proto`, over a socket.
#![cfg(feature = "runtime")]

mod executor;

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use executor::block_on;
use sfu_core::api::params::SctpStreamParameters;
use sfu_core::{
    ChannelParameters, DataConsumeOptions, DataProduceOptions, ErrorKind, Event, Events, Message,
    PlainRemote, PlainTransportOptions, RouterOptions, SctpConfig, Sfu, SrtpProfile,
};
use sfu_ice::Time;
use sfu_ice::sctp::{Association, SctpEvent, SctpState};

fn sctp(active: bool) -> SctpConfig {
    let mut config = SctpConfig::default();
    config.remote_max_message_size = config.max_message_size;
    config.active = active;
    config
}

/// Sends everything back on the stream that it came by, until `over`.
fn echo(socket: &UdpSocket, to: SocketAddr, active: bool, over: &mpsc::Receiver<()>) {
    socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let mut association = Association::new(sctp(active));
    association.open_negotiated(Some(0), ChannelParameters::new("echo")).unwrap();
    let begin = Instant::now();
    let now = || Time::from_secs(1) + begin.elapsed();
    association.start(now(), active);
    let (mut packet, mut datagram) = (Vec::new(), [0; 2_000]);
    while over.try_recv().is_err() {
        while association.poll_transmit(now(), &mut packet) {
            socket.send_to(&packet, to).unwrap();
        }
        if let Ok((len, from)) = socket.recv_from(&mut datagram) {
            assert_eq!(from, to);
            // Both may begin, of which this one knows nothing: it refuses ours.
            let _ = association.handle_packet(now(), &datagram[..len]);
        }
        if association.poll_timeout().is_some_and(|due| due <= now()) {
            association.handle_timeout(now());
        }
        while let Some(event) = association.poll_event() {
            if let SctpEvent::Message { stream, message } = event {
                association.send(stream, &message).unwrap();
            }
        }
    }
}

async fn state(events: &mut Events, wanted: SctpState) {
    loop {
        match events.next().await.unwrap() {
            Event::SctpStateChanged { state, .. } if state == wanted => return,
            _ => {}
        }
    }
}

#[test]
fn messages_come_back_from_another_stack() {
    let loopback = || "127.0.0.1:0".parse().unwrap();
    let sfu = Sfu::builder().listen(loopback()).build().unwrap();
    for (active, comedia, srtp) in
        [(true, true, None), (false, false, None), (true, false, Some(SrtpProfile::AeadAes128Gcm))]
    {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let (end, over) = mpsc::channel();
        block_on(async {
            let router = sfu.create_router(RouterOptions::default()).await.unwrap();
            let mut options = PlainTransportOptions::new(loopback()).comedia(comedia);
            options.srtp = srtp;
            let transport = router.create_plain_transport(options.sctp(sctp(false))).await.unwrap();
            let told = transport.sctp_parameters().unwrap();
            assert_eq!((told.port, told.mis, told.max_message_size), (5000, 1024, 262_144));
            let to = transport.local_addr();
            let peer = std::thread::spawn(move || echo(&socket, to, active, &over));
            let mut events = router.events();
            if !comedia {
                let key = transport.srtp_parameters().map(|ours| ours.master.clone());
                let remote = PlainRemote { address: Some(address), rtcp_address: None, srtp: key };
                transport.connect(remote).await.unwrap();
            }
            state(&mut events, SctpState::Connected).await;
            let direct = router.create_direct_transport().await.unwrap();
            let source = direct.produce_data(DataProduceOptions::new("echo")).await.unwrap();
            let there = DataConsumeOptions::new(source.id()).negotiated();
            let there = transport.consume_data(there).await.unwrap();
            let stream = there.sctp_stream_parameters().unwrap();
            assert_eq!(stream.stream_id, 0);
            let back = SctpStreamParameters { stream_id: 0, ..SctpStreamParameters::default() };
            let back = DataProduceOptions::new("echo").stream(back);
            let back = transport.produce_data(back).await.unwrap();
            direct.consume_data(DataConsumeOptions::new(back.id())).await.unwrap();
            let sent = [Message::text("hello"), Message::binary(vec![7; 100_000])];
            for message in &sent {
                source.send(message.clone()).await.unwrap();
            }
            let mut got = Vec::new();
            while got.len() < sent.len() {
                if let Event::Message { message, .. } = events.next().await.unwrap() {
                    got.push(message);
                }
            }
            assert_eq!(got, sent);
            let stats = transport.stats().await.unwrap();
            assert_eq!(stats.sctp_state, Some(SctpState::Connected));
            end.send(()).unwrap();
            peer.join().unwrap();
            router.close().await.unwrap();
        });
    }
}

#[test]
fn without_the_option_there_is_no_data() {
    let loopback = || "127.0.0.1:0".parse().unwrap();
    let sfu = Sfu::builder().listen(loopback()).build().unwrap();
    block_on(async {
        let router = sfu.create_router(RouterOptions::default()).await.unwrap();
        let options = PlainTransportOptions::new(loopback());
        let transport = router.create_plain_transport(options.clone()).await.unwrap();
        assert_eq!(transport.sctp_parameters(), None);
        let stream = SctpStreamParameters::default();
        let produced = transport.produce_data(DataProduceOptions::new("x").stream(stream)).await;
        assert_eq!(produced.unwrap_err().kind(), ErrorKind::InvalidParameters);
        let mut taken = sctp(false);
        taken.remote_port = 40_000;
        let refused = router.create_plain_transport(options.sctp(taken)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidParameters);
        let dump = router.dump().await.unwrap();
        assert_eq!(dump.transports.len(), 1, "what was refused leaves nothing behind");
    });
}

#[test]
fn a_restored_router_knows_of_it() {
    let loopback = || "127.0.0.1:0".parse().unwrap();
    let sfu = Sfu::builder().listen(loopback()).build().unwrap();
    let (transport, snapshot) = block_on(async {
        let router = sfu.create_router(RouterOptions::default()).await.unwrap();
        let options = PlainTransportOptions::new(loopback()).sctp(sctp(false));
        let transport = router.create_plain_transport(options).await.unwrap();
        let stream = SctpStreamParameters { stream_id: 3, ..SctpStreamParameters::default() };
        transport.produce_data(DataProduceOptions::new("x").stream(stream)).await.unwrap();
        (transport, router.snapshot().await.unwrap())
    });
    drop(sfu);
    let sfu = Sfu::builder().listen(loopback()).build().unwrap();
    block_on(async {
        let router = sfu.restore_router(snapshot, RouterOptions::default()).await.unwrap();
        let contents = router.contents().await.unwrap();
        let [restored] = contents.plain_transports.as_slice() else { panic!("{contents:?}") };
        assert_eq!(restored.sctp_parameters(), transport.sctp_parameters());
        assert_eq!(restored.local_addr(), transport.local_addr());
        let stream = contents.data_producers[0].sctp_stream_parameters().unwrap();
        assert_eq!(stream.stream_id, 3);
        // The stream is in use, as it was before.
        let again = DataProduceOptions::new("x").stream(stream);
        let taken = restored.produce_data(again).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::InvalidParameters);
    });
}
