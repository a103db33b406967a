//! DTLS between two sessions of this crate, in virtual time, over links that
//! lose and reorder datagrams.

use std::collections::VecDeque;
use std::time::Duration;

use sfu_ice::dtls::{
    Certificate, DtlsConfig, DtlsRole, DtlsState, DtlsVersion, Session, SessionEvent, SrtpKeys,
};
use sfu_ice::{Random, Time};

const DELAY: Duration = Duration::from_millis(20);

struct Link {
    random: Random,
    loss_percent: u32,
    /// Arrival time, whether it goes to the server, bytes.
    in_flight: VecDeque<(Time, bool, Vec<u8>)>,
    sent: u32,
}

struct Call {
    client: Session,
    server: Session,
    link: Link,
    now: Time,
}

impl Call {
    fn new(seed: u8, client: DtlsVersion, server: DtlsVersion, loss_percent: u32) -> Self {
        let mut random = Random::from_seed([seed; 32]);
        let client_certificate = Certificate::generate(&mut random).unwrap();
        let server_certificate = Certificate::generate(&mut random).unwrap();
        let make = |certificate: &Certificate, version, random: &mut Random| {
            let mut config = DtlsConfig::new(certificate.clone());
            config.version = version;
            Session::new(config, random)
        };
        let mut call = Self {
            client: make(&client_certificate, client, &mut random),
            server: make(&server_certificate, server, &mut random),
            link: Link { random, loss_percent, in_flight: VecDeque::new(), sent: 0 },
            now: Time::from_secs(1),
        };
        let server = server_certificate.fingerprints().to_vec();
        call.client.set_remote(DtlsRole::Server, server).unwrap();
        let client = client_certificate.fingerprints().to_vec();
        call.server.set_remote(DtlsRole::Client, client).unwrap();
        call.client.begin(call.now).unwrap();
        call.server.begin(call.now).unwrap();
        call
    }

    fn run(&mut self, until: Time) {
        while self.now < until {
            self.send();
            let timers = [self.client.poll_timeout(), self.server.poll_timeout()];
            let arrival = self.link.in_flight.front().map(|(at, ..)| *at);
            let next = timers.into_iter().chain([arrival]).flatten().min().unwrap_or(until);
            self.now = next.clamp(self.now, until);
            while self.link.in_flight.front().is_some_and(|(at, ..)| *at <= self.now) {
                let (_, to_server, datagram) = self.link.in_flight.pop_front().unwrap();
                let to = if to_server { &mut self.server } else { &mut self.client };
                let _ = to.handle_packet(self.now, &datagram);
            }
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
        }
    }

    fn send(&mut self) {
        let mut datagram = Vec::new();
        for to_server in [true, false] {
            let from = if to_server { &mut self.client } else { &mut self.server };
            while from.poll_transmit(&mut datagram) {
                assert!(datagram.len() <= 1200);
                self.link.sent += 1;
                if self.link.random.u32() % 100 >= self.link.loss_percent {
                    let at = self.now + DELAY;
                    self.link.in_flight.push_back((at, to_server, datagram.clone()));
                }
            }
        }
    }

    fn keys(&mut self) -> Option<(SrtpKeys, SrtpKeys)> {
        let of = |session: &mut Session| {
            std::iter::from_fn(|| session.poll_event()).find_map(|event| match event {
                SessionEvent::SrtpKeys(keys) => Some(keys),
                _ => None,
            })
        };
        Some((of(&mut self.client)?, of(&mut self.server)?))
    }

    fn assert_connected(&mut self) {
        assert_eq!(self.client.state(), DtlsState::Connected);
        assert_eq!(self.server.state(), DtlsState::Connected);
        let (client, server) = self.keys().unwrap();
        assert_eq!(client.profile, server.profile);
        assert!(client.profile.is_aead());
        assert_eq!(client.local_key, server.remote_key);
        assert_eq!(client.remote_salt, server.local_salt);
    }
}

const VERSIONS: [(DtlsVersion, DtlsVersion); 6] = [
    (DtlsVersion::V1_2, DtlsVersion::V1_2),
    (DtlsVersion::V1_3, DtlsVersion::V1_3),
    (DtlsVersion::V1_2, DtlsVersion::Auto),
    (DtlsVersion::V1_3, DtlsVersion::Auto),
    (DtlsVersion::Auto, DtlsVersion::Auto),
    (DtlsVersion::Auto, DtlsVersion::V1_2),
];

#[test]
fn every_pair_of_versions_connects_within_three_round_trips() {
    for (client, server) in VERSIONS {
        let mut call = Call::new(1, client, server, 0);
        call.run(Time::from_millis(1000 + 6 * 20 + 1));
        call.assert_connected();
    }
}

#[test]
fn loss_delays_the_handshake_and_does_not_break_it() {
    for (client, server) in VERSIONS {
        for loss in [10, 30] {
            for seed in 0..8 {
                let mut call = Call::new(seed, client, server, loss);
                call.run(Time::from_secs(25));
                assert_eq!(
                    (call.client.state(), call.server.state()),
                    (DtlsState::Connected, DtlsState::Connected),
                    "{client:?} {server:?} loss {loss} seed {seed}"
                );
                call.assert_connected();
            }
        }
    }
}

#[test]
fn the_first_retransmission_comes_early() {
    let mut call = Call::new(1, DtlsVersion::V1_2, DtlsVersion::V1_2, 100);
    call.run(Time::from_millis(1000));
    let before = call.link.sent;
    call.run(Time::from_millis(1200));
    assert!(call.link.sent > before.max(1), "{} {before}", call.link.sent);
}

#[test]
fn an_unanswered_client_gives_up_in_time() {
    let mut call = Call::new(1, DtlsVersion::V1_2, DtlsVersion::V1_2, 100);
    call.run(Time::from_secs(40));
    assert_eq!(call.client.state(), DtlsState::Failed);
    assert!(call.link.sent < 20, "{}", call.link.sent);
}

#[test]
fn versions_without_overlap_fail_instead_of_hanging() {
    let mut call = Call::new(1, DtlsVersion::V1_2, DtlsVersion::V1_3, 0);
    call.run(Time::from_secs(40));
    assert_ne!(call.client.state(), DtlsState::Connected);
    assert_eq!(call.server.state(), DtlsState::Failed);
    assert!(call.keys().is_none());
}

#[test]
fn the_course_of_a_handshake_is_the_same_for_the_same_seed() {
    let course = |seed| {
        let mut call = Call::new(seed, DtlsVersion::V1_2, DtlsVersion::V1_2, 30);
        let mut course = Vec::new();
        for step in 0..400 {
            call.run(Time::from_millis(1000 + step * 10));
            course.push((call.client.state(), call.server.state(), call.link.sent));
        }
        course
    };
    assert_eq!(course(3), course(3));
}
