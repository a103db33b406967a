//! The backend `dtls-webrtc` against the default one. It runs on a thread of
//! its own with the system's clock, so this test waits for it in real time.
#![cfg(feature = "dtls-webrtc")]

use std::time::{Duration, Instant};

use sfu_ice::dtls::{
    Certificate, DtlsBackend, DtlsConfig, DtlsRole, DtlsState, DtlsVersion, Session, SessionEvent,
    SrtpKeys, SrtpProfile,
};
use sfu_ice::{DtlsError, PeerError, Random, Time};

struct Side {
    session: Session,
    keys: Option<SrtpKeys>,
    data: Vec<Vec<u8>>,
}

/// Two sessions that know each other; the first is the client.
fn pair(backends: [DtlsBackend; 2], swap_fingerprint: bool) -> [Side; 2] {
    let mut random = Random::from_seed([8; 32]);
    let certificates = [(); 2].map(|()| Certificate::generate(&mut random).unwrap());
    let other = Certificate::generate(&mut random).unwrap();
    let mut side = |index: usize, role| {
        let mut config = DtlsConfig::new(certificates[index].clone());
        config.backend = backends[index];
        let mut session = Session::new(config, &mut random);
        let remote = if swap_fingerprint { &other } else { &certificates[1 - index] };
        session.set_remote(role, remote.fingerprints().to_vec()).unwrap();
        Side { session, keys: None, data: Vec::new() }
    };
    [side(0, DtlsRole::Server), side(1, DtlsRole::Client)]
}

fn run_until(sides: &mut [Side; 2], done: impl Fn(&[Side; 2]) -> bool) {
    let start = Instant::now();
    let mut datagram = Vec::new();
    while !done(sides) {
        assert!(start.elapsed() < Duration::from_secs(60), "it takes too long");
        let now = Time::from_secs(1) + start.elapsed();
        for from in [0, 1] {
            let side = &mut sides[from];
            side.session.begin(now).unwrap();
            side.session.handle_timeout(now);
            while let Some(event) = side.session.poll_event() {
                match event {
                    SessionEvent::SrtpKeys(keys) => side.keys = Some(keys),
                    SessionEvent::ApplicationData(data) => side.data.push(data),
                    _ => {}
                }
            }
            while sides[from].session.poll_transmit(&mut datagram) {
                let _ = sides[1 - from].session.handle_packet(now, &datagram);
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn states(sides: &[Side; 2]) -> [DtlsState; 2] {
    [sides[0].session.state(), sides[1].session.state()]
}

#[test]
fn both_roles_connect_with_the_default_backend_and_prefer_gcm() {
    for backends in [
        [DtlsBackend::Dimpl, DtlsBackend::WebrtcDtls],
        [DtlsBackend::WebrtcDtls, DtlsBackend::Dimpl],
        [DtlsBackend::WebrtcDtls, DtlsBackend::WebrtcDtls],
    ] {
        let mut sides = pair(backends, false);
        run_until(&mut sides, |sides| sides.iter().all(|side| side.keys.is_some()));
        assert_eq!(states(&sides), [DtlsState::Connected; 2]);
        let [client, server] = sides.each_ref().map(|side| side.keys.clone().unwrap());
        assert_eq!(client.profile, server.profile, "{backends:?}");
        assert!(client.profile.is_aead(), "{backends:?}");
        if backends[1] == DtlsBackend::WebrtcDtls {
            assert_eq!(client.profile, SrtpProfile::AeadAes128Gcm);
        }
        assert_eq!(client.local_key, server.remote_key);
        assert_eq!(client.remote_salt, server.local_salt);

        sides[0].session.send(Time::from_secs(90), b"ping").unwrap();
        run_until(&mut sides, |sides| sides[1].data == [b"ping"]);
        sides[1].session.close(Time::from_secs(91));
        run_until(&mut sides, |sides| states(sides) == [DtlsState::Closed; 2]);
    }
}

#[test]
fn a_certificate_with_another_fingerprint_yields_no_key() {
    let mut sides = pair([DtlsBackend::Dimpl, DtlsBackend::WebrtcDtls], true);
    run_until(&mut sides, |sides| sides[0].session.state() == DtlsState::Failed);
    assert_eq!(sides[0].session.failure(), Some(DtlsError::FingerprintMismatch));
    assert!(sides.iter().all(|side| side.keys.is_none()));
}

#[test]
fn dtls_1_3_is_refused_when_the_handshake_begins() {
    let mut random = Random::from_seed([8; 32]);
    let certificate = Certificate::generate(&mut random).unwrap();
    let mut config = DtlsConfig::new(certificate.clone());
    config.backend = DtlsBackend::WebrtcDtls;
    config.version = DtlsVersion::V1_3;
    let mut session = Session::new(config, &mut random);
    session.set_remote(DtlsRole::Client, certificate.fingerprints().to_vec()).unwrap();
    assert_eq!(session.begin(Time::from_secs(1)), Err(PeerError::BadDtlsConfig));
    assert_eq!(session.state(), DtlsState::Failed);
}
