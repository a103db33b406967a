//! The asynchronous API, through real threads and loopback sockets.
#![cfg(feature = "runtime")]

mod executor;

use std::net::UdpSocket;
use std::time::Duration;

use executor::block_on;
use sfu_core::api::params::RtpParameters;
use sfu_core::wire::Ssrc;
use sfu_core::wire::rtcp::{Compound, RtcpPacket};
use sfu_core::wire::rtp::{ExtensionKind, RtpView};
use sfu_core::{
    ActiveSpeakerOptions, AudioLevelOptions, CloseReason, ConsumeOptions, DataConsumeOptions,
    DataProduceOptions, Error, ErrorKind, Event, Events, MediaKind, Message, ObserverScope,
    PlainRemote, PlainTransportOptions, ProduceOptions, RouterOptions, Sfu, SlotOptions,
    SpeakerOptions, SpeakerSlot, SrtpProfile, WebRtcTransportOptions,
};

fn sfu() -> Sfu {
    Sfu::builder().listen("127.0.0.1:0".parse().unwrap()).build().unwrap()
}

fn parameters(json: serde_json::Value) -> RtpParameters {
    serde_json::from_value(json).unwrap()
}

fn opus(ssrc: u32) -> RtpParameters {
    parameters(serde_json::json!({
        "codecs": [{
            "mimeType": "audio/opus", "payloadType": 100, "clockRate": 48_000, "channels": 2,
        }],
        "encodings": [{ "ssrc": ssrc }],
    }))
}

fn opus_packet(ssrc: u32, seq: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 100];
    packet.extend_from_slice(&seq.to_be_bytes());
    packet.extend_from_slice(&(u32::from(seq) * 960).to_be_bytes());
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

/// The length of the next RTP packet; reports come on the same port, at any time.
fn receive_rtp(socket: &UdpSocket, buffer: &mut [u8]) -> usize {
    loop {
        let len = socket.recv(buffer).expect("RTP comes in time");
        if !(192..=223).contains(&buffer[1]) {
            return len;
        }
    }
}

fn kind_of<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

async fn next_that<T>(events: &mut Events, wanted: impl Fn(&Event) -> Option<T>) -> T {
    loop {
        let event = events.next().await.expect("the Sfu is alive");
        if let Some(found) = wanted(&event) {
            return found;
        }
    }
}

#[test]
fn a_builder_says_what_is_wrong() {
    let no_address = Sfu::builder().build().unwrap_err();
    assert_eq!(no_address.kind(), ErrorKind::InvalidParameters);
    assert!(no_address.to_string().contains("listen"), "{no_address}");
    let no_shards = Sfu::builder().listen("127.0.0.1:0".parse().unwrap()).shards(0).build();
    assert!(no_shards.unwrap_err().to_string().contains("shards"));
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let in_use = Sfu::builder().listen(taken.local_addr().unwrap()).build().unwrap_err();
    assert_eq!(in_use.kind(), ErrorKind::Io);
    assert!(in_use.to_string().contains("127.0.0.1"), "{in_use}");
}

#[test]
fn candidates_name_the_announced_address_by_udp_then_tcp() {
    let sfu = Sfu::builder()
        .listen("127.0.0.1:0".parse().unwrap())
        .announce("203.0.113.7".parse().unwrap())
        .build()
        .unwrap();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let both = room.create_webrtc_transport(WebRtcTransportOptions::default()).await.unwrap();
        let json = serde_json::to_value(both.parameters()).unwrap();
        let candidates = json["iceCandidates"].as_array().unwrap();
        assert_eq!(candidates.len(), 2);
        assert_eq!(candidates[0]["protocol"], "udp");
        assert_eq!(candidates[1]["protocol"], "tcp");
        assert_eq!(candidates[1]["tcpType"], "passive");
        let port = sfu.addresses(0)[0].port();
        for candidate in candidates {
            assert_eq!(candidate["address"], "203.0.113.7");
            assert_eq!(candidate["port"], port);
        }
        assert_eq!(json["iceParameters"]["iceLite"], true);
        assert_eq!(json["dtlsParameters"]["fingerprints"][0]["algorithm"], "sha-256");
        let options = WebRtcTransportOptions::default().tcp(false);
        let udp = room.create_webrtc_transport(options).await.unwrap();
        assert_eq!(udp.parameters().ice_candidates.len(), 1);
    });
}

#[test]
fn closing_a_parent_closes_its_children_and_says_so() {
    let sfu = sfu();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let mut events = room.events();
        let publisher = room.create_direct_transport().await.unwrap();
        let microphone = publisher.produce(ProduceOptions::audio(opus(7))).await.unwrap();
        let viewer = room.create_direct_transport().await.unwrap();
        let consume = ConsumeOptions::new(microphone.id(), room.rtp_capabilities());
        let consumer = viewer.consume(consume).await.unwrap();
        assert_eq!(consumer.stats().await.unwrap().producer, Some(microphone.id()));

        publisher.close().await.unwrap();
        let reason = next_that(&mut events, |event| match event {
            Event::ProducerClosed { producer, reason, .. } if *producer == microphone.id() => {
                Some(*reason)
            }
            _ => None,
        });
        assert_eq!(reason.await, CloseReason::ParentClosed);
        // The consumer outlives what it followed: an empty slot.
        assert_eq!(consumer.stats().await.unwrap().producer, None);
        assert_eq!(kind_of(microphone.pause().await), ErrorKind::NotFound);
        assert_eq!(kind_of(publisher.close().await), ErrorKind::NotFound);

        room.close().await.unwrap();
        next_that(&mut events, |event| matches!(event, Event::RouterClosed { .. }).then_some(()))
            .await;
        assert_eq!(kind_of(consumer.stats().await), ErrorKind::NotFound);
        assert_eq!(kind_of(room.create_direct_transport().await), ErrorKind::NotFound);
    });
}

#[test]
fn refusals_name_the_field_and_change_nothing() {
    let sfu = sfu();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let transport = room.create_direct_transport().await.unwrap();
        let mut two_codecs = opus(7);
        two_codecs.codecs[0].payload_type.0 = 200;
        let refused = transport.produce(ProduceOptions::audio(two_codecs)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidParameters);
        assert!(refused.to_string().contains("payloadType"), "{refused}");

        let microphone = transport.produce(ProduceOptions::audio(opus(7))).await.unwrap();
        let again = transport.produce(ProduceOptions::audio(opus(7))).await;
        assert_eq!(kind_of(again), ErrorKind::InvalidParameters);

        let video_only: Vec<_> = room
            .rtp_capabilities()
            .codecs
            .iter()
            .filter(|codec| codec.kind == MediaKind::Video)
            .cloned()
            .collect();
        let mut capabilities = (*room.rtp_capabilities()).clone();
        capabilities.codecs = video_only;
        assert!(!room.can_consume(microphone.id(), &capabilities).await.unwrap());
        let consume = ConsumeOptions::new(microphone.id(), capabilities.clone());
        assert_eq!(kind_of(transport.consume(consume).await), ErrorKind::Incompatible);

        let slot = SlotOptions::new(MediaKind::Video, capabilities);
        let slot = transport.consume_slot(slot).await.unwrap();
        assert_eq!(kind_of(slot.switch(Some(microphone.id())).await), ErrorKind::Incompatible);
        assert_eq!(slot.stats().await.unwrap().producer, None);
        assert!(microphone.stats().await.is_ok());
    });
}

#[test]
fn rtp_goes_in_and_out_of_a_direct_transport() {
    let sfu = sfu();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let mut events = room.events();
        let transport = room.create_direct_transport().await.unwrap();
        let microphone = transport.produce(ProduceOptions::audio(opus(7))).await.unwrap();
        let consume = ConsumeOptions::new(microphone.id(), room.rtp_capabilities());
        let consumer = transport.consume(consume).await.unwrap();
        let ssrc = consumer.rtp_parameters().encodings[0].ssrc.unwrap();
        let mut sent = Vec::new();
        for seq in 1..=3 {
            let packet = opus_packet(7, seq, b"tone").into();
            transport.send_rtp(microphone.id(), packet).await.unwrap();
            let packet = next_that(&mut events, |event| match event {
                Event::Rtp { packet, .. } => Some(packet.clone()),
                _ => None,
            });
            sent.push(packet.await);
        }
        for pair in sent.windows(2) {
            let seq = |packet: &[u8]| u16::from_be_bytes([packet[2], packet[3]]);
            assert_eq!(seq(&pair[1]), seq(&pair[0]).wrapping_add(1));
        }
        for packet in &sent {
            assert_eq!(packet[8..12], ssrc.0.to_be_bytes());
            assert!(packet.ends_with(b"tone"));
        }
        let too_long = vec![0; 1_601].into();
        let refused = transport.send_rtp(microphone.id(), too_long).await;
        assert_eq!(kind_of(refused), ErrorKind::InvalidParameters);
    });
}

#[test]
fn a_restored_router_goes_on_with_the_next_number() {
    block_on(async {
        let first = sfu();
        let room = first.create_router(RouterOptions::default()).await.unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let publisher = UdpSocket::bind("127.0.0.1:0").unwrap();
        let viewer = UdpSocket::bind("127.0.0.1:0").unwrap();
        viewer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let comedia = PlainTransportOptions::new(listen).comedia(true);
        let inbound = room.create_plain_transport(comedia).await.unwrap();
        let microphone = inbound.produce(ProduceOptions::audio(opus(7))).await.unwrap();
        let outbound =
            room.create_plain_transport(PlainTransportOptions::new(listen)).await.unwrap();
        let remote =
            PlainRemote { address: Some(viewer.local_addr().unwrap()), ..Default::default() };
        outbound.connect(remote.clone()).await.unwrap();
        assert_eq!(kind_of(outbound.connect(remote).await), ErrorKind::InvalidParameters);
        let consume = ConsumeOptions::new(microphone.id(), room.rtp_capabilities());
        drop(outbound.consume(consume).await.unwrap());

        let mut buffer = [0; 1500];
        publisher.send_to(&opus_packet(7, 1, b"one"), inbound.local_addr()).unwrap();
        let len = receive_rtp(&viewer, &mut buffer);
        let before = u16::from_be_bytes([buffer[2], buffer[3]]);
        assert!(buffer[..len].ends_with(b"one"));

        let snapshot = room.snapshot().await.unwrap();
        let (id, address) = (room.id(), inbound.local_addr());
        drop((first, room, inbound, outbound, microphone));

        let second = sfu();
        let options = RouterOptions::default;
        let restored = second.restore_router(snapshot.clone(), options()).await.unwrap();
        assert_eq!(restored.id(), id);
        publisher.send_to(&opus_packet(7, 2, b"two"), address).unwrap();
        let len = receive_rtp(&viewer, &mut buffer);
        assert!(buffer[..len].ends_with(b"two"));
        assert_eq!(u16::from_be_bytes([buffer[2], buffer[3]]), before + 1);

        let twice = second.restore_router(snapshot, options()).await;
        assert_eq!(kind_of(twice), ErrorKind::InvalidParameters);
        let broken = second.restore_router(vec![1, 2, 3].into(), options()).await;
        assert_eq!(kind_of(broken), ErrorKind::InvalidParameters);
    });
}

#[test]
fn srtp_keys_must_fit_the_profile() {
    let sfu = sfu();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let options = PlainTransportOptions::new(listen).srtp(SrtpProfile::AeadAes128Gcm);
        let transport = room.create_plain_transport(options).await.unwrap();
        let ours = transport.srtp_parameters().unwrap();
        assert_eq!((ours.master.key.len(), ours.master.salt.len()), (16, 12));
        assert!(!format!("{ours:?}").contains(&format!("{:?}", ours.master.key)));
        let mut short = ours.master.clone();
        short.key.truncate(3);
        let remote = PlainRemote {
            address: Some("127.0.0.1:9".parse().unwrap()),
            srtp: Some(short),
            ..Default::default()
        };
        assert_eq!(kind_of(transport.connect(remote).await), ErrorKind::Crypto);
        let keyless =
            PlainRemote { address: Some("127.0.0.1:9".parse().unwrap()), ..Default::default() };
        assert_eq!(kind_of(transport.connect(keyless).await), ErrorKind::Crypto);
    });
}

#[test]
fn offers_that_are_not_sdp_are_refused_with_the_line() {
    let sfu = sfu();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        for offer in ["", "v=1", "v=0\r\nrubbish", "<html>"] {
            let refused = room.accept_offer(offer, sfu_core::SdpOptions::default()).await;
            assert_eq!(kind_of(refused), ErrorKind::InvalidParameters, "{offer:?}");
        }
        let stats = sfu.shard_stats(0).await.unwrap();
        assert_eq!(stats.sent_datagrams, 0);
    });
}

#[test]
fn the_threads_end_with_the_last_handle() {
    let sfu = sfu();
    let address = sfu.addresses(0)[0];
    let room = block_on(sfu.create_router(RouterOptions::default())).unwrap();
    let mut events = sfu.events();
    drop(sfu);
    assert!(UdpSocket::bind(address).is_err(), "a router still holds the shards");
    drop(room);
    assert!(UdpSocket::bind(address).is_err(), "events still hold the shards");
    assert!(block_on(async {
        let waiting = std::pin::pin!(events.next());
        is_pending(waiting)
    }));
    drop(events);
    UdpSocket::bind(address).unwrap();
}

/// Whether a future is not ready yet.
fn is_pending<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    future.poll(&mut context).is_pending()
}

/// A packet whose header says how loud it is, in the extension with id 10.
fn spoken(ssrc: u32, seq: u16, level: u8) -> Vec<u8> {
    let mut packet = opus_packet(ssrc, seq, &[]);
    packet[0] |= 0x10;
    packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 0xa0, level, 0, 0]);
    packet.extend_from_slice(&[0x78; 60]);
    packet
}

#[test]
fn slots_follow_speakers_and_observers_tell_of_them() {
    let sfu = sfu();
    block_on(async {
        let options = RouterOptions::default().speakers(SpeakerOptions::default().places(1));
        let room = sfu.create_router(options).await.unwrap();
        let mut events = room.events();
        let mut microphones = Vec::new();
        let transport = room.create_direct_transport().await.unwrap();
        for ssrc in [7, 8] {
            let mut voice = opus(ssrc);
            voice.mid = Some(ssrc.to_string());
            let extension = serde_json::json!({
                "uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "id": 10,
            });
            voice.header_extensions = vec![serde_json::from_value(extension).unwrap()];
            microphones.push(transport.produce(ProduceOptions::audio(voice)).await.unwrap());
        }
        let kind = MediaKind::Audio;
        let ear = SlotOptions::new(kind, room.rtp_capabilities());
        let ear = transport.consume_slot(ear).await.unwrap();
        ear.follow_speaker(SpeakerSlot::new(0).except(microphones[0].id())).await.unwrap();
        let beyond = ear.follow_speaker(SpeakerSlot::new(1)).await;
        assert_eq!(kind_of(beyond), ErrorKind::InvalidParameters);
        let levels = AudioLevelOptions::default().interval(Duration::from_millis(100));
        let levels = levels.scope(ObserverScope::Router);
        let levels = room.create_audio_level_observer(levels).await.unwrap();
        let active = ActiveSpeakerOptions::default();
        let active = room.create_active_speaker_observer(active).await.unwrap();
        active.add_producer(microphones[1].id()).await.unwrap();
        active.remove_producer(microphones[1].id()).await.unwrap();
        active.pause().await.unwrap();
        active.resume().await.unwrap();
        active.close().await.unwrap();
        assert_eq!(kind_of(active.close().await), ErrorKind::NotFound);

        for seq in 0..20 {
            transport.send_rtp(microphones[1].id(), spoken(8, seq, 30).into()).await.unwrap();
        }
        let heard = next_that(&mut events, |event| match event {
            Event::Rtp { consumer, .. } if *consumer == ear.id() => Some(()),
            _ => None,
        });
        heard.await;
        let speakers = room.speakers().await.unwrap();
        assert_eq!(speakers.places, [Some(microphones[1].id())]);
        assert_eq!(ear.explain().await.unwrap().producer, Some(microphones[1].id()));
        let volumes = next_that(&mut events, |event| match event {
            Event::AudioLevels { observer, volumes, .. } if *observer == levels.id() => {
                Some(volumes.clone())
            }
            _ => None,
        });
        let volumes = volumes.await;
        assert_eq!((volumes[0].producer, volumes[0].volume), (microphones[1].id(), -30));
        // Who is heard on his own slot is left out of it.
        ear.follow_speaker(SpeakerSlot::new(0).except(microphones[1].id())).await.unwrap();
        assert_eq!(ear.explain().await.unwrap().producer, None);
        room.set_speaker_options(SpeakerOptions::default().places(0)).await.unwrap();
        assert!(room.speakers().await.unwrap().places.is_empty());
    });
}

#[test]
fn messages_go_from_one_direct_transport_to_another() {
    block_on(async {
        let sfu = sfu();
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let (from, to) = (
            room.create_direct_transport().await.unwrap(),
            room.create_direct_transport().await.unwrap(),
        );
        let mut events = room.events();
        let options = DataProduceOptions::new("news").protocol("text");
        let news = from.produce_data(options).await.unwrap();
        assert_eq!(news.sctp_stream_parameters(), None);
        let all = to.consume_data(DataConsumeOptions::new(news.id())).await.unwrap();
        assert_eq!((all.label(), all.protocol()), ("news", "text"));
        let sent = [Message::text("one"), Message::binary(vec![2; 262_144]), Message::text("")];
        for message in &sent {
            news.send(message.clone()).await.unwrap();
        }
        all.send(Message::text("for you")).await.unwrap();
        for expected in sent.into_iter().chain([Message::text("for you")]) {
            let got = next_that(&mut events, |event| match event {
                Event::Message { consumer, message, .. } if *consumer == all.id() => {
                    Some(message.clone())
                }
                _ => None,
            });
            assert_eq!(got.await, expected);
        }
        assert_eq!(news.stats().await.unwrap().messages_received, 3);
        assert_eq!(all.stats().await.unwrap().bytes_sent, 262_154);
        let long = news.send(Message::binary(vec![0; 262_145])).await;
        assert_eq!(kind_of(long), ErrorKind::InvalidParameters);
        let both = DataConsumeOptions::new(news.id()).max_retransmits(1).max_packet_life_time(1);
        assert_eq!(kind_of(to.consume_data(both).await), ErrorKind::InvalidParameters);
        news.close().await.unwrap();
        assert_eq!(kind_of(all.stats().await), ErrorKind::NotFound);
        let gone = to.consume_data(DataConsumeOptions::new(news.id())).await;
        assert_eq!(kind_of(gone), ErrorKind::NotFound);
    });
}

#[test]
fn a_webrtc_transport_tells_its_data_channels() {
    block_on(async {
        let sfu = sfu();
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let options = WebRtcTransportOptions::default();
        let without = room.create_webrtc_transport(options).await.unwrap();
        assert_eq!(without.parameters().sctp_parameters, None);
        let stream = || serde_json::from_str(r#"{"streamId":4,"maxRetransmits":0}"#).unwrap();
        let produce = || DataProduceOptions::new("cursor").stream(stream());
        let refused = without.produce_data(produce()).await;
        assert_eq!(kind_of(refused), ErrorKind::InvalidParameters);

        let with = room.create_webrtc_transport(options.data_channels()).await.unwrap();
        let json = serde_json::to_value(with.parameters()).unwrap();
        assert_eq!(json["sctpParameters"]["maxMessageSize"], 262_144);
        let cursor = with.produce_data(produce()).await.unwrap();
        let told = serde_json::to_value(cursor.sctp_stream_parameters()).unwrap();
        let expected = serde_json::json!({
            "streamId": 4, "ordered": false, "maxRetransmits": 0,
        });
        assert_eq!(told, expected);
        let options = DataConsumeOptions::new(cursor.id()).negotiated().ordered(true);
        let consumer = with.consume_data(options).await.unwrap();
        let stream = consumer.sctp_stream_parameters().unwrap();
        assert_eq!((stream.ordered, stream.max_retransmits), (Some(true), Some(0)));
        assert_ne!(stream.stream_id, 4);
    });
}

#[cfg(feature = "sdp")]
#[test]
fn an_offer_of_data_channels_is_accepted_unless_the_options_say_no() {
    block_on(async {
        let sfu = sfu();
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let offer = include_str!("data/sdp/chromium-datachannel.offer.sdp");
        let mut options = sfu_core::SdpOptions::default();
        let session = room.accept_offer(offer, options.clone()).await.unwrap();
        assert_eq!(session.data(), Some("2"));
        assert!(session.answer().contains("a=max-message-size:262144\r\n"));
        let stats = session.transport().stats().await.unwrap();
        assert_eq!(stats.sctp_state, Some(sfu_core::SctpState::New));
        options.data = false;
        let session = room.accept_offer(offer, options).await.unwrap();
        assert_eq!(session.data(), None);
        assert!(session.answer().contains("m=application 0 "));
        assert_eq!(session.transport().stats().await.unwrap().sctp_state, None);
    });
}

/// The other router, on another shard, may hear of the end only later.
#[test]
fn what_was_piped_and_closed_is_not_found() {
    let sfu = Sfu::builder().listen("127.0.0.1:0".parse().unwrap()).shards(2).build().unwrap();
    block_on(async {
        let here = sfu.create_router(RouterOptions::default()).await.unwrap();
        let there = sfu.create_router(RouterOptions::default()).await.unwrap();
        let sender = here.create_direct_transport().await.unwrap();
        for round in 0..50 {
            let brief = sender.produce(ProduceOptions::audio(opus(round + 1))).await.unwrap();
            here.pipe_to_router(brief.id(), &there).await.unwrap();
            brief.close().await.unwrap();
            let gone = here.pipe_to_router(brief.id(), &there).await.unwrap_err();
            assert_eq!(gone.kind(), ErrorKind::NotFound, "round {round}");
        }
    });
}

#[test]
fn a_dump_names_everything_in_a_router() {
    let sfu = sfu();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let other = sfu.create_router(RouterOptions::default()).await.unwrap();
        let empty = room.dump().await.unwrap();
        assert_eq!((empty.id, empty.transports.len()), (room.id(), 0));

        let sender = room.create_direct_transport().await.unwrap();
        let microphone = sender.produce(ProduceOptions::audio(opus(7))).await.unwrap();
        let chat = sender.produce_data(DataProduceOptions::new("chat")).await.unwrap();
        let receiver = room.create_direct_transport().await.unwrap();
        let consume = ConsumeOptions::new(microphone.id(), room.rtp_capabilities());
        let consumer = receiver.consume(consume).await.unwrap();
        let consume = DataConsumeOptions::new(chat.id());
        let messages = receiver.consume_data(consume).await.unwrap();
        let plain = PlainTransportOptions::new("127.0.0.1:0".parse().unwrap());
        let plain = room.create_plain_transport(plain).await.unwrap();
        let webrtc = room.create_webrtc_transport(WebRtcTransportOptions::default()).await.unwrap();
        room.pipe_to_router(microphone.id(), &other).await.unwrap();
        let observer =
            room.create_audio_level_observer(AudioLevelOptions::default()).await.unwrap();

        let dump = room.dump().await.unwrap();
        let find = |id| dump.transports.iter().find(|transport| transport.id == id).unwrap();
        let at = find(sender.id());
        assert_eq!(at.kind, "direct");
        assert_eq!(
            (&at.producers[..], &at.data_producers[..]),
            (&[microphone.id()][..], &[chat.id()][..])
        );
        assert!(at.consumers.is_empty() && at.data_consumers.is_empty());
        let at = find(receiver.id());
        assert_eq!(
            (&at.consumers[..], &at.data_consumers[..]),
            (&[consumer.id()][..], &[messages.id()][..])
        );
        assert!(at.producers.is_empty() && at.data_producers.is_empty());
        assert_eq!(find(plain.id()).kind, "plain");
        assert_eq!(find(webrtc.id()).kind, "webrtc");
        let pipe = dump.transports.iter().find(|transport| transport.kind == "pipe").unwrap();
        assert_eq!((pipe.producers.len(), pipe.consumers.len()), (0, 1));
        assert_eq!(dump.transports.len(), 5);
        assert_eq!(dump.observers.len(), 1);
        assert_eq!(dump.observers[0].id, observer.id());
        let json = serde_json::to_value(&dump).unwrap();
        assert_eq!(json["transports"][0]["dataProducers"].as_array().map(Vec::len), Some(1));
        assert_eq!(serde_json::from_value::<sfu_core::RouterDump>(json).unwrap(), dump);

        microphone.close().await.unwrap();
        receiver.close().await.unwrap();
        observer.close().await.unwrap();
        let dump = room.dump().await.unwrap();
        assert_eq!(dump.transports.len(), 4);
        assert!(dump.observers.is_empty());
        assert!(dump.transports.iter().all(|transport| transport.producers.is_empty()));

        room.close().await.unwrap();
        assert_eq!(kind_of(room.dump().await), ErrorKind::NotFound);
    });
}

#[test]
fn a_peer_is_told_how_much_it_may_send() {
    let sfu = sfu();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let options = PlainTransportOptions::new("127.0.0.1:0".parse().unwrap());
        let transport = room.create_plain_transport(options).await.unwrap();
        let remote = PlainRemote {
            address: Some(socket.local_addr().unwrap()),
            rtcp_address: None,
            srtp: None,
        };
        transport.connect(remote).await.unwrap();
        let options = ProduceOptions::new(MediaKind::Audio, opus(77));
        transport.produce(options).await.unwrap();
        socket.send_to(&opus_packet(77, 1, b"voice"), transport.local_addr()).unwrap();
        transport.set_max_incoming_bitrate(Some(300_000)).await.unwrap();
        assert_eq!(transport.stats().await.unwrap().max_incoming_bitrate, Some(300_000));
        assert_eq!(cap(&socket, |cap| cap == 300_000), [Ssrc(77)]);
        transport.set_max_incoming_bitrate(None).await.unwrap();
        cap(&socket, |cap| cap > 1_000_000_000);
        let low = transport.set_max_incoming_bitrate(Some(9_999)).await;
        assert_eq!(kind_of(low), ErrorKind::InvalidParameters);
        transport.close().await.unwrap();
        let gone = transport.set_max_incoming_bitrate(None).await;
        assert_eq!(kind_of(gone), ErrorKind::NotFound);
    });
}

/// Waits for a bound like this, and gives the streams that it is of.
fn cap(socket: &UdpSocket, wanted: impl Fn(u64) -> bool) -> Vec<Ssrc> {
    let mut buffer = [0; 1_500];
    loop {
        let len = socket.recv(&mut buffer).expect("it is told in time");
        let Ok(compound) = Compound::parse(&buffer[..len]) else { continue };
        for packet in compound.packets() {
            if let Ok(RtcpPacket::Remb(remb)) = packet
                && wanted(remb.bitrate)
            {
                return remb.ssrcs().collect();
            }
        }
    }
}

#[test]
fn packets_carry_the_mid_that_was_asked_for() {
    let sfu = sfu();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let transport = room.create_direct_transport().await.unwrap();
        let producer =
            transport.produce(ProduceOptions::new(MediaKind::Audio, opus(5))).await.unwrap();
        let mut events = room.events();
        let mut receiver = (*room.rtp_capabilities()).clone();
        // What is sent again as it was must not change, and so carries none.
        receiver.codecs.iter_mut().for_each(|codec| codec.rtcp_feedback.clear());
        let options = || ConsumeOptions::new(producer.id(), receiver.clone());
        let consumer = transport.consume(options().mid("video-7")).await.unwrap();
        assert_eq!(consumer.rtp_parameters().mid.as_deref(), Some("video-7"));
        let uri = ExtensionKind::Mid.uri();
        let extensions = &consumer.rtp_parameters().header_extensions;
        let id = extensions.iter().find(|ext| ext.uri == uri).expect("the extension").id;
        transport.send_rtp(producer.id(), opus_packet(5, 1, b"hi").into()).await.unwrap();
        let packet = next_that(&mut events, |event| match event {
            Event::Rtp { packet, .. } => Some(packet.clone()),
            _ => None,
        });
        let packet = packet.await;
        let view = RtpView::parse(&packet).unwrap();
        let mid = view.elements().find(|element| element.id == id).expect("it carries the MID");
        assert_eq!(mid.data, b"video-7");
        for wrong in ["", "a name that is too long", "\u{7}"] {
            let refused = transport.consume(options().mid(wrong)).await;
            assert_eq!(kind_of(refused), ErrorKind::InvalidParameters);
        }
    });
}

#[test]
fn a_certificate_from_elsewhere_is_shown() {
    let made = sfu_ice::Certificate::generate(&mut sfu_ice::Random::from_seed([9; 32])).unwrap();
    let pem = |label: &str, der: &[u8]| {
        let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    let (text, key) = (pem("CERTIFICATE", made.der()), pem("PRIVATE KEY", made.private_key_der()));
    let builder = || Sfu::builder().listen("127.0.0.1:0".parse().unwrap());
    let sfu = builder().certificate(&text, &key).build().unwrap();
    block_on(async {
        let room = sfu.create_router(RouterOptions::default()).await.unwrap();
        let options = WebRtcTransportOptions::default();
        let transport = room.create_webrtc_transport(options).await.unwrap();
        let shown = &transport.parameters().dtls_parameters.fingerprints;
        assert_eq!(shown, made.fingerprints());
    });
    let refused = kind_of(builder().certificate(&key, &key).build());
    assert_eq!(refused, ErrorKind::InvalidParameters);
    assert!(!format!("{:?}", builder().certificate(text, key.clone())).contains(&key[30..60]));
}
