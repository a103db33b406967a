//! Data channels between a peer and a client with an association of its own.

use super::*;
use crate::{Message, SctpEvent};

/// Carries packets both ways until there are none; time passes in between.
fn exchange(fixture: &mut Fixture, client: &mut Association, millis: u64) -> Vec<SctpEvent> {
    let until = fixture.now + std::time::Duration::from_millis(millis);
    let mut packet = Vec::new();
    while fixture.now < until {
        while client.poll_transmit(fixture.now, &mut packet) {
            fixture.client.dtls.send(fixture.now, &packet).unwrap();
        }
        fixture.run(fixture.now + std::time::Duration::from_millis(10));
        while let Some(event) = fixture.client.dtls.poll_event() {
            if let SessionEvent::ApplicationData(data) = event {
                client.handle_packet(fixture.now, &data).unwrap();
            }
        }
        if client.poll_timeout().is_some_and(|at| at <= fixture.now) {
            client.handle_timeout(fixture.now);
        }
    }
    std::iter::from_fn(|| client.poll_event()).collect()
}

fn client() -> Association {
    Association::new(SctpConfig { active: true, ..SctpConfig::default() })
}

#[test]
fn messages_travel_in_dtls() {
    let mut fixture = Fixture::new(|_| {});
    fixture.peer.enable_sctp(fixture.now, SctpConfig::default()).unwrap();
    assert_eq!(fixture.peer.sctp_state(), Some(SctpState::New));
    let channel = ChannelParameters::new("state");
    let stream = fixture.peer.open_channel(fixture.now, None, channel.clone(), false).unwrap();
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(2));
    let mut client = client();
    client.start(fixture.now, true);
    let seen = exchange(&mut fixture, &mut client, 500);
    assert_eq!(fixture.peer.sctp_state(), Some(SctpState::Connected));
    let by_peer = SctpEvent::ChannelOpened { stream, parameters: channel, by_peer: true };
    assert!(seen.contains(&by_peer));
    let events = fixture.events();
    assert!(events.contains(&PeerEvent::Sctp(SctpEvent::StateChanged(SctpState::Connected))));
    assert!(!events.iter().any(|event| matches!(event, PeerEvent::ApplicationData(_))));

    let (question, answer) = (Message::text("ping"), Message::binary(vec![9; 50_000]));
    client.send(stream, &question).unwrap();
    fixture.peer.send_message(fixture.now, stream, &answer).unwrap();
    assert_eq!(fixture.peer.buffered_amount(stream), 50_000);
    let seen = exchange(&mut fixture, &mut client, 2_000);
    assert!(seen.contains(&SctpEvent::Message { stream, message: answer }));
    let came = PeerEvent::Sctp(SctpEvent::Message { stream, message: question });
    assert!(fixture.events().contains(&came));
    assert_eq!(fixture.peer.buffered_amount(stream), 0);

    fixture.peer.close(fixture.now);
    assert_eq!(fixture.peer.sctp_state(), Some(SctpState::Closed));
}

#[test]
fn without_data_channels_application_data_is_the_callers() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(2));
    fixture.client.dtls.send(fixture.now, b"hello").unwrap();
    fixture.run(fixture.now + std::time::Duration::from_millis(10));
    assert!(fixture.events().contains(&PeerEvent::ApplicationData(b"hello".to_vec())));
    assert_eq!(fixture.peer.sctp_state(), None);
    let error = fixture.peer.send_message(fixture.now, 0, &Message::text("x"));
    assert_eq!(error, Err(SctpError::NotConnected));
    // Late, but before the peer has sent any.
    fixture.peer.enable_sctp(fixture.now, SctpConfig::default()).unwrap();
    fixture.peer.enable_sctp(fixture.now, SctpConfig::default()).unwrap();
    let other = SctpConfig { port: 5001, ..SctpConfig::default() };
    let again = fixture.peer.enable_sctp(fixture.now, other);
    assert_eq!(again, Err(PeerError::SctpAlreadyEnabled));
    let mut client = client();
    client.start(fixture.now, true);
    exchange(&mut fixture, &mut client, 500);
    assert_eq!(fixture.peer.sctp_state(), Some(SctpState::Connected));
    fixture.client.dtls.send(fixture.now, b"no SCTP").unwrap();
    fixture.run(fixture.now + std::time::Duration::from_millis(10));
    assert_eq!(fixture.peer.stats().sctp_refused, 1);
}

fn restore(fixture: &Fixture) -> Peer {
    let config = PeerConfig::new(fixture.certificate.clone());
    let mut random = Random::from_seed([8; 32]);
    Peer::restore(fixture.peer.snapshot(), config, fixture.now, &mut random).unwrap()
}

#[test]
fn a_snapshot_of_a_connected_peer_closes_its_data_channels() {
    let mut fixture = Fixture::new(|_| {});
    fixture.peer.enable_sctp(fixture.now, SctpConfig::default()).unwrap();
    assert_eq!(restore(&fixture).sctp_state(), Some(SctpState::New));
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(2));
    let mut restored = restore(&fixture);
    assert_eq!(restored.sctp_state(), Some(SctpState::Closed));
    let opened = restored.open_channel(fixture.now, None, ChannelParameters::new("x"), false);
    assert_eq!(opened, Err(SctpError::Closed));
}
