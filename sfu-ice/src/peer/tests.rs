mod data;

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::dtls::DtlsVersion;
use crate::ice::Checker;
use crate::{PacketClass, Protocol, SrtpProfile, classify};

/// A client with one path to the peer under test.
struct Client {
    checker: Checker,
    dtls: Session,
    tuple: Tuple,
}

struct Fixture {
    random: Random,
    certificate: Certificate,
    client_certificate: Certificate,
    peer: Peer,
    client: Client,
    now: Time,
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

impl Fixture {
    fn new(adjust: impl FnOnce(&mut PeerConfig)) -> Self {
        let mut random = Random::from_seed([4; 32]);
        let certificate = Certificate::generate(&mut random).unwrap();
        let client_certificate = Certificate::generate(&mut random).unwrap();
        let mut config = PeerConfig::new(certificate.clone());
        adjust(&mut config);
        let now = Time::from_secs(1);
        let peer = Peer::new(config, now, &mut random).unwrap();
        let tuple = Tuple::new(Protocol::Udp, addr("192.0.2.1:40000"), addr("198.51.100.2:5000"));
        let far = Tuple::new(tuple.protocol, tuple.remote, tuple.local);
        let checker = Checker::new(far, peer.credentials().clone(), &mut random);
        let dtls = Session::new(DtlsConfig::new(client_certificate.clone()), &mut random);
        let client = Client { checker, dtls, tuple };
        Self { random, certificate, client_certificate, peer, client, now }
    }

    /// Signals fingerprints both ways; the client takes this DTLS role.
    fn signal(&mut self, client_role: DtlsRole) {
        let client = self.client_certificate.fingerprints().to_vec();
        self.peer.set_remote_dtls(self.now, client_role, client).unwrap();
        let peer_role = match client_role {
            DtlsRole::Server => DtlsRole::Client,
            _ => DtlsRole::Server,
        };
        let server = self.certificate.fingerprints().to_vec();
        self.client.dtls.set_remote(peer_role, server).unwrap();
    }

    fn check(&mut self) {
        let mut packet = Vec::new();
        assert!(self.client.checker.poll_transmit(self.now, &mut packet));
        self.peer.handle_stun(self.now, self.client.tuple, &packet).unwrap();
        assert_eq!(self.peer.poll_transmit(&mut packet), Some(self.client.tuple));
        self.client.checker.handle_datagram(self.now, &packet).unwrap();
    }

    /// Carries packets both ways and jumps from timer to timer.
    fn run(&mut self, until: Time) {
        self.client.dtls.begin(self.now).unwrap();
        let mut packet = Vec::new();
        loop {
            if self.client.checker.poll_transmit(self.now, &mut packet) {
                self.peer.handle_stun(self.now, self.client.tuple, &packet).unwrap();
            }
            loop {
                let mut idle = true;
                while self.client.dtls.poll_transmit(&mut packet) {
                    let _ = self.peer.handle_dtls(self.now, self.client.tuple, &packet);
                    idle = false;
                }
                while let Some(tuple) = self.peer.poll_transmit(&mut packet) {
                    assert_eq!(tuple, self.client.tuple);
                    match classify(&packet) {
                        PacketClass::Stun => {
                            self.client.checker.handle_datagram(self.now, &packet).unwrap();
                        }
                        PacketClass::Dtls => {
                            let _ = self.client.dtls.handle_packet(self.now, &packet);
                        }
                        other => panic!("{other:?}"),
                    }
                    idle = false;
                }
                if idle {
                    break;
                }
            }
            let next = [
                self.peer.poll_timeout(),
                self.client.dtls.poll_timeout(),
                Some(self.client.checker.poll_timeout()),
            ];
            let next = next.into_iter().flatten().min().unwrap();
            if next >= until {
                self.now = until;
                return;
            }
            self.now = self.now.max(next);
            self.peer.handle_timeout(self.now);
            self.client.dtls.handle_timeout(self.now);
        }
    }

    fn events(&mut self) -> Vec<PeerEvent> {
        std::iter::from_fn(|| self.peer.poll_event()).collect()
    }

    fn client_keys(&mut self) -> Option<SrtpKeys> {
        std::iter::from_fn(|| self.client.dtls.poll_event()).find_map(|event| match event {
            SessionEvent::SrtpKeys(keys) => Some(keys),
            _ => None,
        })
    }
}

fn keys(events: &[PeerEvent]) -> Option<&SrtpKeys> {
    events.iter().find_map(|event| match event {
        PeerEvent::SrtpKeys(keys) => Some(keys),
        _ => None,
    })
}

fn assert_keys_meet(ours: &SrtpKeys, theirs: &SrtpKeys) {
    assert_eq!(ours.profile, theirs.profile);
    assert_eq!((&ours.local_key, &ours.local_salt), (&theirs.remote_key, &theirs.remote_salt));
    assert_eq!((&ours.remote_key, &ours.remote_salt), (&theirs.local_key, &theirs.local_salt));
    assert_ne!(ours.local_key, ours.remote_key);
    assert_eq!(ours.local_key.len(), ours.profile.key_len());
    assert_eq!(ours.local_salt.len(), ours.profile.salt_len());
}

#[test]
fn a_client_connects_and_the_events_come_in_order() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(2));
    let events = fixture.events();
    let tuple = fixture.client.tuple;
    let (keys_at, keys) = events
        .iter()
        .enumerate()
        .find_map(|(at, event)| match event {
            PeerEvent::SrtpKeys(keys) => Some((at, keys.clone())),
            _ => None,
        })
        .unwrap();
    let mut rest = events.clone();
    rest.remove(keys_at);
    assert_eq!(
        rest,
        [
            PeerEvent::DtlsStateChanged(DtlsState::Connecting),
            PeerEvent::TupleAdded(tuple),
            PeerEvent::IceStateChanged(IceState::Connected),
            PeerEvent::TupleSelected(tuple),
            PeerEvent::DtlsStateChanged(DtlsState::Connected),
        ]
    );
    assert_eq!(events[keys_at + 1], PeerEvent::DtlsStateChanged(DtlsState::Connected));
    assert!(keys.profile.is_aead());
    assert_keys_meet(&keys, &fixture.client_keys().unwrap());
    assert_eq!(fixture.peer.dtls_role(), Some(DtlsRole::Server));
}

#[test]
fn we_can_be_the_dtls_client() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Server);
    // Nothing is sent before there is a path.
    assert_eq!(fixture.peer.poll_transmit(&mut Vec::new()), None);
    assert_eq!(fixture.peer.poll_timeout(), None);
    fixture.run(Time::from_secs(2));
    let events = fixture.events();
    assert_keys_meet(keys(&events).unwrap(), &fixture.client_keys().unwrap());
    assert_eq!(fixture.peer.dtls_role(), Some(DtlsRole::Client));
}

#[test]
fn records_that_come_before_signalling_are_kept() {
    let mut fixture = Fixture::new(|_| {});
    fixture.check();
    let server = fixture.certificate.fingerprints().to_vec();
    fixture.client.dtls.set_remote(DtlsRole::Server, server).unwrap();
    fixture.client.dtls.begin(fixture.now).unwrap();
    let mut packet = Vec::new();
    while fixture.client.dtls.poll_transmit(&mut packet) {
        let tuple = fixture.client.tuple;
        fixture.peer.handle_dtls(fixture.now, tuple, &packet).unwrap();
    }
    assert_eq!(fixture.peer.dtls_state(), DtlsState::New);
    let client = fixture.client_certificate.fingerprints().to_vec();
    fixture.peer.set_remote_dtls(fixture.now, DtlsRole::Auto, client).unwrap();
    // The answer is there without a retransmission.
    assert!(fixture.peer.poll_transmit(&mut packet).is_some());
    fixture.client.dtls.handle_packet(fixture.now, &packet).unwrap();
    fixture.run(Time::from_secs(2));
    assert_eq!(fixture.peer.dtls_state(), DtlsState::Connected);
}

#[test]
fn early_records_are_bounded() {
    let mut fixture = Fixture::new(|_| {});
    fixture.check();
    let (now, tuple) = (fixture.now, fixture.client.tuple);
    for _ in 0..4 {
        assert_eq!(fixture.peer.handle_dtls(now, tuple, &[22; 1000]), Ok(()));
    }
    assert_eq!(fixture.peer.handle_dtls(now, tuple, &[22; 1000]), Err(DtlsError::Overflow));
    assert_eq!(fixture.peer.stats().dtls_dropped, 1);
    let mut other = Fixture::new(|_| {});
    other.check();
    assert_eq!(other.peer.handle_dtls(now, tuple, &[22; 3000]), Err(DtlsError::Overflow));
}

#[test]
fn records_from_a_tuple_without_a_check_are_dropped() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Client);
    fixture.check();
    fixture.client.dtls.begin(fixture.now).unwrap();
    let mut packet = Vec::new();
    assert!(fixture.client.dtls.poll_transmit(&mut packet));
    let spoofed = Tuple { remote: addr("203.0.113.66:666"), ..fixture.client.tuple };
    assert_eq!(
        fixture.peer.handle_dtls(fixture.now, spoofed, &packet),
        Err(DtlsError::InvalidTuple)
    );
    assert_eq!(fixture.peer.stats().dtls_from_invalid_tuple, 1);
    assert_eq!(fixture.peer.poll_transmit(&mut packet), None);
}

#[test]
fn a_certificate_with_another_fingerprint_yields_no_key() {
    for client_role in [DtlsRole::Client, DtlsRole::Server] {
        let mut fixture = Fixture::new(|_| {});
        let other = Certificate::generate(&mut fixture.random).unwrap();
        fixture.client_certificate = other;
        fixture.signal(client_role);
        fixture.run(Time::from_secs(5));
        let events = fixture.events();
        assert_eq!(keys(&events), None);
        assert_eq!(events.last(), Some(&PeerEvent::DtlsStateChanged(DtlsState::Failed)));
        assert_eq!(fixture.peer.dtls_failure(), Some(DtlsError::FingerprintMismatch));
        assert_eq!(fixture.peer.ice_state(), IceState::Connected);
    }
}

#[test]
fn one_matching_fingerprint_of_several_is_enough() {
    let mut fixture = Fixture::new(|_| {});
    let other = Certificate::generate(&mut fixture.random).unwrap();
    let client =
        vec![other.fingerprints()[0].clone(), fixture.client_certificate.fingerprints()[2].clone()];
    fixture.peer.set_remote_dtls(fixture.now, DtlsRole::Client, client).unwrap();
    let server = fixture.certificate.fingerprints().to_vec();
    fixture.client.dtls.set_remote(DtlsRole::Server, server).unwrap();
    fixture.run(Time::from_secs(2));
    assert_eq!(fixture.peer.dtls_state(), DtlsState::Connected);
}

#[test]
fn a_profile_that_the_configuration_excludes_fails() {
    let only = vec![SrtpProfile::AesCm128HmacSha1_80];
    let mut fixture = Fixture::new(|config| config.dtls.srtp_profiles = only);
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(3));
    assert_eq!(fixture.peer.dtls_failure(), Some(DtlsError::SrtpProfile));
    assert_eq!(keys(&fixture.events()), None);
}

#[test]
fn remote_dtls_parameters_are_checked_and_set_once() {
    let mut fixture = Fixture::new(|_| {});
    let now = fixture.now;
    let good = fixture.client_certificate.fingerprints().to_vec();
    let mut bad = good.clone();
    bad[0].value.push('0');
    let peer = &mut fixture.peer;
    assert_eq!(peer.set_remote_dtls(now, DtlsRole::Client, vec![]), Err(PeerError::NoFingerprint));
    assert_eq!(peer.set_remote_dtls(now, DtlsRole::Client, bad), Err(PeerError::BadFingerprint));
    assert_eq!(peer.set_remote_dtls(now, DtlsRole::Client, good.clone()), Ok(()));
    assert_eq!(peer.set_remote_dtls(now, DtlsRole::Auto, good.clone()), Ok(()));
    assert_eq!(
        peer.set_remote_dtls(now, DtlsRole::Server, good),
        Err(PeerError::RemoteDtlsAlreadySet)
    );
}

#[test]
fn a_forged_hello_does_not_end_the_call() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Client);
    fixture.check();
    // A ClientHello without extensions: no extended master secret, no group.
    let mut body = vec![0xFE, 0xFD];
    body.extend([7; 32]);
    body.extend([0, 0, 0, 2, 0xC0, 0x2B, 1, 0]);
    let len = body.len() as u8;
    let mut hello = vec![22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, len + 12];
    hello.extend([1, 0, 0, len, 0, 0, 0, 0, 0, 0, 0, len]);
    hello.extend(body);
    let tuple = fixture.client.tuple;
    fixture.peer.handle_dtls(fixture.now, tuple, &hello).unwrap();
    assert_eq!(fixture.peer.dtls_state(), DtlsState::Connecting);
    fixture.run(Time::from_secs(2));
    assert_eq!(fixture.peer.dtls_state(), DtlsState::Connected);
}

#[test]
fn random_datagrams_after_the_handshake_change_nothing() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(2));
    fixture.events();
    let tuple = fixture.client.tuple;
    let mut noise = [0; 200];
    for first in 20..=63 {
        for _ in 0..50 {
            fixture.random.fill(&mut noise);
            noise[0] = first;
            noise[1..3].copy_from_slice(&[0xFE, 0xFD]);
            noise[11..13].copy_from_slice(&[0, 187]);
            let _ = fixture.peer.handle_dtls(fixture.now, tuple, &noise);
        }
    }
    assert_eq!(fixture.events(), []);
    fixture.client.dtls.send(fixture.now, b"still there").unwrap();
    let mut packet = Vec::new();
    assert!(fixture.client.dtls.poll_transmit(&mut packet));
    fixture.peer.handle_dtls(fixture.now, tuple, &packet).unwrap();
    assert_eq!(fixture.events(), [PeerEvent::ApplicationData(b"still there".to_vec())]);
}

#[test]
fn close_says_goodbye_and_refuses_what_follows() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(2));
    fixture.events();
    fixture.peer.close(fixture.now);
    let mut packet = Vec::new();
    assert_eq!(fixture.peer.poll_transmit(&mut packet), Some(fixture.client.tuple));
    fixture.client.dtls.handle_packet(fixture.now, &packet).unwrap();
    assert_eq!(fixture.client.dtls.state(), DtlsState::Closed);
    let events = fixture.events();
    assert!(events.contains(&PeerEvent::IceStateChanged(IceState::Closed)));
    assert!(events.contains(&PeerEvent::DtlsStateChanged(DtlsState::Closed)));
    assert_eq!(fixture.peer.poll_timeout(), None);
    fixture.now = Time::from_secs(10);
    assert!(fixture.client.checker.poll_transmit(fixture.now, &mut packet));
    let tuple = fixture.client.tuple;
    assert!(fixture.peer.handle_stun(fixture.now, tuple, &packet).is_err());
}

#[test]
fn the_peers_goodbye_closes_dtls_only() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(2));
    fixture.events();
    fixture.client.dtls.close(fixture.now);
    let mut packet = Vec::new();
    assert!(fixture.client.dtls.poll_transmit(&mut packet));
    let tuple = fixture.client.tuple;
    fixture.peer.handle_dtls(fixture.now, tuple, &packet).unwrap();
    assert_eq!(fixture.events(), [PeerEvent::DtlsStateChanged(DtlsState::Closed)]);
    assert_eq!(fixture.peer.ice_state(), IceState::Connected);
}

#[test]
fn dtls_follows_the_selected_tuple_and_survives_an_ice_restart() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(2));
    let moved = Tuple { remote: addr("203.0.113.9:7000"), ..fixture.client.tuple };
    let credentials = fixture.peer.restart_ice(&mut fixture.random);
    assert_eq!(fixture.peer.credentials(), &credentials);
    let far = Tuple::new(moved.protocol, moved.remote, moved.local);
    fixture.client.checker.restart(far, credentials);
    fixture.client.tuple = moved;
    fixture.check();
    assert_eq!(fixture.peer.selected_tuple(), Some(moved));
    fixture.peer.send_application_data(fixture.now, b"moved").unwrap();
    let mut packet = Vec::new();
    assert_eq!(fixture.peer.poll_transmit(&mut packet), Some(moved));
    fixture.client.dtls.handle_packet(fixture.now, &packet).unwrap();
    let data = std::iter::from_fn(|| fixture.client.dtls.poll_event()).last();
    assert_eq!(data, Some(SessionEvent::ApplicationData(b"moved".to_vec())));
}

#[test]
fn a_restored_peer_answers_checks_and_refuses_records() {
    let mut fixture = Fixture::new(|config| config.ufrag_prefix = "s1".to_owned());
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(2));
    let json = serde_json::to_string(&fixture.peer.snapshot()).unwrap();
    let snapshot: PeerSnapshot = serde_json::from_str(&json).unwrap();
    assert_eq!(snapshot, fixture.peer.snapshot());

    let mut config = PeerConfig::new(fixture.certificate.clone());
    config.ufrag_prefix = "s1".to_owned();
    fixture.peer = Peer::restore(snapshot, config, fixture.now, &mut fixture.random).unwrap();
    assert_eq!(fixture.events(), []);
    assert_eq!(fixture.peer.dtls_state(), DtlsState::Connected);
    assert_eq!(fixture.peer.selected_tuple(), Some(fixture.client.tuple));
    fixture.now = Time::from_secs(4);
    fixture.check();
    let dropped = fixture.peer.stats().dtls_dropped;
    let (now, tuple) = (fixture.now, fixture.client.tuple);
    assert_eq!(fixture.peer.handle_dtls(now, tuple, &[23; 40]), Err(DtlsError::Closed));
    assert_eq!(fixture.peer.stats().dtls_dropped, dropped + 1);
    assert!(fixture.peer.restart_ice(&mut fixture.random).ufrag.starts_with("s1"));
}

#[test]
fn a_client_that_never_finishes_times_out() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Client);
    fixture.check();
    fixture.client.dtls.begin(fixture.now).unwrap();
    let mut packet = Vec::new();
    assert!(fixture.client.dtls.poll_transmit(&mut packet));
    let tuple = fixture.client.tuple;
    fixture.peer.handle_dtls(fixture.now, tuple, &packet).unwrap();
    let mut flights = 0;
    while fixture.peer.dtls_state() == DtlsState::Connecting {
        while fixture.peer.poll_transmit(&mut packet).is_some() {
            flights += 1;
        }
        fixture.now = fixture.peer.poll_timeout().unwrap();
        fixture.peer.handle_timeout(fixture.now);
    }
    assert_eq!(fixture.peer.dtls_failure(), Some(DtlsError::Timeout));
    assert!(fixture.now <= Time::from_secs(32), "{:?}", fixture.now);
    assert!((5..50).contains(&flights), "{flights}");
}

#[test]
fn auto_serves_each_client_the_version_it_speaks() {
    for (client, spoken) in [
        (DtlsVersion::V1_2, DtlsVersion::V1_2),
        (DtlsVersion::V1_3, DtlsVersion::V1_3),
        (DtlsVersion::Auto, DtlsVersion::V1_3),
    ] {
        let mut fixture = Fixture::new(|config| config.dtls.version = DtlsVersion::Auto);
        let mut config = DtlsConfig::new(fixture.client_certificate.clone());
        config.version = client;
        fixture.client.dtls = Session::new(config, &mut fixture.random);
        fixture.signal(DtlsRole::Client);
        fixture.run(Time::from_secs(2));
        let events = fixture.events();
        let ours = keys(&events).unwrap_or_else(|| panic!("{client:?}"));
        assert_eq!(fixture.peer.dtls_version(), Some(spoken));
        assert!(ours.profile.is_aead());
        assert_keys_meet(ours, &fixture.client_keys().unwrap());
    }
}

#[test]
fn a_connected_peer_wakes_for_consent_only() {
    let mut fixture = Fixture::new(|_| {});
    fixture.signal(DtlsRole::Client);
    fixture.run(Time::from_secs(10));
    let timeout = fixture.peer.poll_timeout().unwrap();
    assert!(timeout.since(fixture.now) > std::time::Duration::from_secs(5), "{timeout:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damaged_and_repeated_handshakes_never_panic(
        damage in proptest::collection::vec(
            (any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..12),
        client: bool,
        v13: bool,
    ) {
        let version = if v13 { DtlsVersion::V1_3 } else { DtlsVersion::V1_2 };
        let mut fixture = Fixture::new(|config| config.dtls.version = version);
        let mut config = DtlsConfig::new(fixture.client_certificate.clone());
        config.version = version;
        fixture.client.dtls = Session::new(config, &mut fixture.random);
        fixture.signal(if client { DtlsRole::Server } else { DtlsRole::Client });
        fixture.check();
        fixture.client.dtls.begin(fixture.now).unwrap();
        let (mut packet, mut damage) = (Vec::new(), damage.into_iter());
        let tuple = fixture.client.tuple;
        for _ in 0..20 {
            while fixture.client.dtls.poll_transmit(&mut packet) {
                if let Some((at, value, kind)) = damage.next() {
                    let at = at.index(packet.len());
                    match kind {
                        0 => packet[at] = value,
                        1 => packet.truncate(at),
                        2 => packet.extend_from_within(at..),
                        _ => { let _ = fixture.peer.handle_dtls(fixture.now, tuple, &packet); }
                    }
                }
                let _ = fixture.peer.handle_dtls(fixture.now, tuple, &packet);
            }
            while fixture.peer.poll_transmit(&mut packet).is_some() {
                let _ = fixture.client.dtls.handle_packet(fixture.now, &packet);
            }
            fixture.now += std::time::Duration::from_millis(200);
            fixture.client.dtls.handle_timeout(fixture.now);
            fixture.peer.handle_timeout(fixture.now);
        }
        // Whoever connects has the same keys as the other.
        if let (Some(ours), Some(theirs)) =
            (keys(&fixture.events()).cloned(), fixture.client_keys())
        {
            assert_keys_meet(&ours, &theirs);
        }
    }

    #[test]
    fn random_datagrams_never_panic(
        datagrams in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..120), 0u8..4), 0..30),
    ) {
        let mut fixture = Fixture::new(|_| {});
        fixture.signal(DtlsRole::Client);
        fixture.check();
        for (stun, mut bytes, shape) in datagrams {
            if shape > 0 && bytes.len() > 30 {
                // A record header that fits, around random contents.
                let len = (bytes.len() - 13) as u16;
                bytes[..5].copy_from_slice(&[20 + shape, 0xFE, 0xFD, 0, shape / 3]);
                bytes[11..13].copy_from_slice(&len.to_be_bytes());
                bytes[13] %= 21;
            }
            let (now, tuple) = (fixture.now, fixture.client.tuple);
            if stun {
                let _ = fixture.peer.handle_stun(now, tuple, &bytes);
            } else {
                let _ = fixture.peer.handle_dtls(now, tuple, &bytes);
            }
            let mut packet = Vec::new();
            while fixture.peer.poll_transmit(&mut packet).is_some() {}
        }
        prop_assert!(keys(&fixture.events()).is_none());
    }
}
