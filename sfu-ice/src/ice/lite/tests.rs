use std::time::Duration;

use super::*;
use crate::ice::Checker;
use crate::stun::TransactionId;
use crate::{Protocol, Random};

struct Fixture {
    agent: LiteAgent,
    random: Random,
    next_id: u8,
}

/// What a test changes in an ordinary check.
#[derive(Clone)]
struct Check {
    ufrag: String,
    remote_ufrag: String,
    password: Option<String>,
    use_candidate: bool,
    controlled: bool,
    priority: bool,
    nomination: Option<u32>,
    unknown: bool,
}

impl Fixture {
    fn new() -> Self {
        let mut random = Random::from_seed([9; 32]);
        let credentials = IceCredentials::generate(&mut random);
        let agent = LiteAgent::new(credentials, ConsentConfig::default());
        Self { agent, random, next_id: 0 }
    }

    fn check(&self) -> Check {
        let credentials = self.agent.credentials().clone();
        Check {
            ufrag: credentials.ufrag,
            remote_ufrag: "peer".to_owned(),
            password: Some(credentials.password),
            use_candidate: false,
            controlled: false,
            priority: true,
            nomination: None,
            unknown: false,
        }
    }

    fn nominating(&self) -> Check {
        Check { use_candidate: true, ..self.check() }
    }

    fn send(&mut self, now: Time, tuple: Tuple, check: &Check) -> Result<(), StunError> {
        self.next_id = self.next_id.wrapping_add(1);
        let mut builder = Builder::new(Class::Request, TransactionId([self.next_id; 12]));
        builder.username(&check.ufrag, &check.remote_ufrag);
        if check.priority {
            builder.priority(1);
        }
        if check.controlled {
            builder.ice_controlled(u64::MAX);
        } else {
            builder.ice_controlling(0);
        }
        if check.use_candidate {
            builder.use_candidate();
        }
        if let Some(value) = check.nomination {
            builder.nomination(value);
        }
        if check.unknown {
            builder.attribute(0x0077, b"what");
        }
        let request = builder.finish(check.password.as_deref()).unwrap();
        self.agent.handle_datagram(now, tuple, request)
    }

    fn response(&mut self) -> Option<(Tuple, Vec<u8>)> {
        let mut out = Vec::new();
        let tuple = self.agent.poll_transmit(&mut out)?;
        Some((tuple, out))
    }

    fn events(&mut self) -> Vec<IceEvent> {
        std::iter::from_fn(|| self.agent.poll_event()).collect()
    }

    /// Sends a check that must succeed and drops its response.
    fn ping(&mut self, now: Time, tuple: Tuple, check: &Check) {
        self.send(now, tuple, check).unwrap();
        self.response().unwrap();
    }
}

fn at(secs: u64) -> Time {
    Time::from_secs(secs)
}

fn tuple(port: u16) -> Tuple {
    let remote = std::net::SocketAddr::new("192.0.2.7".parse().unwrap(), port);
    Tuple::new(Protocol::Udp, "198.51.100.1:40000".parse().unwrap(), remote)
}

#[test]
fn an_authentic_check_is_answered_and_validates_its_tuple() {
    let mut fixture = Fixture::new();
    let check = fixture.check();
    assert_eq!(fixture.agent.state(), IceState::New);
    fixture.send(at(1), tuple(1), &check).unwrap();
    assert_eq!(
        fixture.events(),
        [
            IceEvent::TupleAdded(tuple(1)),
            IceEvent::StateChanged(IceState::Connected),
            IceEvent::TupleSelected(tuple(1)),
        ]
    );
    let (to, bytes) = fixture.response().unwrap();
    assert_eq!(to, tuple(1));
    let response = Message::parse(&bytes).unwrap();
    assert_eq!(response.class(), Class::Success);
    assert_eq!(response.mapped_address(), Some(tuple(1).remote));
    assert_eq!(response.transaction_id(), TransactionId([1; 12]));
    assert!(response.has_integrity(&check.password.unwrap()));
    assert!(fixture.agent.is_valid_tuple(&tuple(1)));
    assert!(!fixture.agent.is_valid_tuple(&tuple(2)));
}

#[test]
fn ipv6_and_tcp_tuples_are_answered_alike() {
    let mut fixture = Fixture::new();
    let check = fixture.check();
    let local = "[2001:db8::1]:1".parse().unwrap();
    let remote = "[2001:db8::2]:2".parse().unwrap();
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        let tuple = Tuple::new(protocol, local, remote);
        fixture.send(at(1), tuple, &check).unwrap();
        let (to, bytes) = fixture.response().unwrap();
        assert_eq!(to, tuple);
        assert_eq!(Message::parse(&bytes).unwrap().mapped_address(), Some(remote));
    }
    assert_eq!(fixture.agent.tuples().count(), 2);
}

#[test]
fn nothing_unauthentic_changes_the_agent() {
    let mut fixture = Fixture::new();
    let good = fixture.check();
    let other = Some("x".repeat(24));
    let cases = [
        (Check { password: None, ..good.clone() }, StunError::MissingAttribute, 400),
        (Check { password: other, ..good.clone() }, StunError::BadIntegrity, 401),
        (Check { ufrag: "nobody".into(), ..good.clone() }, StunError::UnknownUsername, 401),
    ];
    for (check, error, code) in cases {
        assert_eq!(fixture.send(at(1), tuple(1), &check), Err(error));
        let (_, bytes) = fixture.response().unwrap();
        let response = Message::parse(&bytes).unwrap();
        assert_eq!(response.error_code().unwrap().code(), code);
        assert!(!response.is_protected());
    }
    assert_eq!(fixture.events(), []);
    assert_eq!(fixture.agent.state(), IceState::New);
    assert!(!fixture.agent.is_valid_tuple(&tuple(1)));
}

#[test]
fn authentic_but_wrong_checks_get_an_authentic_error_and_change_nothing() {
    let mut fixture = Fixture::new();
    let good = fixture.check();
    let cases = [
        (Check { controlled: true, ..good.clone() }, StunError::RoleConflict, 487),
        (Check { priority: false, ..good.clone() }, StunError::MissingAttribute, 400),
        (Check { unknown: true, ..good.clone() }, StunError::UnknownAttribute, 420),
    ];
    for (check, error, code) in cases {
        assert_eq!(fixture.send(at(1), tuple(1), &check), Err(error));
        let (_, bytes) = fixture.response().unwrap();
        let response = Message::parse(&bytes).unwrap();
        assert_eq!(response.error_code().unwrap().code(), code);
        assert!(response.has_integrity(good.password.as_ref().unwrap()));
        if code == 420 {
            let unknown = response.attributes().flatten().find(|a| a.kind == 0x000A).unwrap();
            assert_eq!(unknown.value, [0x00, 0x77]);
        }
    }
    assert_eq!(fixture.events(), []);
}

#[test]
fn indications_and_responses_are_not_checks() {
    let mut fixture = Fixture::new();
    let password = fixture.agent.credentials().password.clone();
    for (class, handled) in [
        (Class::Indication, Ok(())),
        (Class::Success, Err(StunError::Unexpected)),
        (Class::Error, Err(StunError::Unexpected)),
    ] {
        let mut builder = Builder::new(class, TransactionId([1; 12]));
        let bytes = builder.finish(Some(&password)).unwrap();
        assert_eq!(fixture.agent.handle_datagram(at(1), tuple(1), bytes), handled);
    }
    assert_eq!(fixture.response(), None);
    assert_eq!(fixture.events(), []);
}

#[test]
fn the_remote_fragment_is_checked_once_it_is_known() {
    let mut fixture = Fixture::new();
    let check = fixture.check();
    fixture.ping(at(1), tuple(1), &check);
    fixture.agent.set_remote_ufrag("peer").unwrap();
    fixture.ping(at(1), tuple(1), &check);
    let other = Check { remote_ufrag: "else".into(), ..check };
    assert_eq!(fixture.send(at(1), tuple(1), &other), Err(StunError::UnknownUsername));
    assert!(fixture.agent.set_remote_ufrag("a:b").is_err());
}

#[test]
fn the_last_nomination_wins_and_plain_checks_do_not_move_media() {
    let mut fixture = Fixture::new();
    let (plain, nominating) = (fixture.check(), fixture.nominating());
    fixture.ping(at(1), tuple(1), &plain);
    assert_eq!(fixture.agent.selected_tuple(), Some(tuple(1)));
    fixture.ping(at(1), tuple(2), &plain);
    assert_eq!(fixture.agent.selected_tuple(), Some(tuple(1)));
    fixture.ping(at(1), tuple(2), &nominating);
    assert_eq!(fixture.agent.selected_tuple(), Some(tuple(2)));
    fixture.ping(at(2), tuple(3), &nominating);
    assert_eq!(fixture.agent.selected_tuple(), Some(tuple(3)));
    fixture.ping(at(2), tuple(1), &plain);
    assert_eq!(fixture.agent.selected_tuple(), Some(tuple(3)));
}

#[test]
fn an_older_nomination_value_is_ignored() {
    let mut fixture = Fixture::new();
    let with = |fixture: &Fixture, value| Check { nomination: Some(value), ..fixture.check() };
    for (port, value, selected) in [(1, 5, 1), (2, 4, 1), (3, 5, 3), (4, 6, 4)] {
        let check = with(&fixture, value);
        fixture.ping(at(1), tuple(port), &check);
        assert_eq!(fixture.agent.selected_tuple(), Some(tuple(selected)));
    }
}

#[test]
fn a_living_tuple_takes_over_from_a_silent_one() {
    let mut fixture = Fixture::new();
    let (plain, nominating) = (fixture.check(), fixture.nominating());
    fixture.ping(at(1), tuple(1), &nominating);
    fixture.ping(at(8), tuple(2), &plain);
    assert_eq!(fixture.agent.selected_tuple(), Some(tuple(1)));
    fixture.ping(at(9), tuple(2), &plain);
    assert_eq!(fixture.agent.selected_tuple(), Some(tuple(2)));
}

#[test]
fn tuples_are_bounded_and_the_most_silent_makes_room() {
    let mut fixture = Fixture::new();
    let (plain, nominating) = (fixture.check(), fixture.nominating());
    fixture.ping(at(1), tuple(1), &nominating);
    for port in 2..=MAX_TUPLES as u16 {
        fixture.ping(at(u64::from(port)), tuple(port), &plain);
    }
    fixture.events();
    fixture.ping(at(3), tuple(1), &nominating);
    fixture.ping(at(20), tuple(100), &plain);
    assert_eq!(fixture.agent.tuples().count(), MAX_TUPLES);
    // Tuple 1 is older than all, but selected.
    assert!(fixture.agent.is_valid_tuple(&tuple(1)));
    assert!(!fixture.agent.is_valid_tuple(&tuple(2)));
    assert!(fixture.events().contains(&IceEvent::TupleRemoved(tuple(2))));
}

#[test]
fn responses_and_events_are_bounded() {
    let mut fixture = Fixture::new();
    let good = fixture.check();
    let forged = Check { password: Some("x".repeat(24)), ..good.clone() };
    for _ in 0..1000 {
        assert_eq!(fixture.send(at(1), tuple(1), &forged), Err(StunError::BadIntegrity));
    }
    assert_eq!(fixture.agent.responses.len(), MAX_RESPONSES / 2);
    // Forged requests leave room for authentic ones.
    fixture.send(at(1), tuple(1), &good).unwrap();
    let refused = (0..1000u16).filter(|port| fixture.send(at(1), tuple(*port), &good).is_err());
    assert!(refused.count() > 900);
    assert!(fixture.agent.responses.len() <= MAX_RESPONSES);
    assert!(fixture.agent.events.len() <= MAX_EVENTS + 4);
}

#[test]
fn silence_disconnects_fails_and_expires_other_tuples() {
    let mut fixture = Fixture::new();
    let (plain, nominating) = (fixture.check(), fixture.nominating());
    assert_eq!(fixture.agent.poll_timeout(), None);
    fixture.ping(at(10), tuple(1), &nominating);
    fixture.ping(at(10), tuple(2), &plain);
    fixture.events();

    assert_eq!(fixture.agent.poll_timeout(), Some(at(18)));
    fixture.agent.handle_timeout(at(18) - Duration::from_nanos(1));
    assert_eq!(fixture.events(), []);
    fixture.agent.handle_timeout(at(18));
    assert_eq!(fixture.events(), [IceEvent::StateChanged(IceState::Disconnected)]);
    assert_eq!(fixture.agent.poll_timeout(), Some(at(40)));
    fixture.agent.handle_timeout(at(40));
    assert_eq!(
        fixture.events(),
        [IceEvent::StateChanged(IceState::Failed), IceEvent::TupleRemoved(tuple(2))]
    );
    assert_eq!(fixture.agent.selected_tuple(), Some(tuple(1)));
    assert_eq!(fixture.agent.poll_timeout(), None);

    fixture.ping(at(50), tuple(1), &plain);
    assert_eq!(fixture.events(), [IceEvent::StateChanged(IceState::Connected)]);
}

#[test]
fn a_removed_selected_tuple_is_replaced_by_the_freshest() {
    let mut fixture = Fixture::new();
    let (plain, nominating) = (fixture.check(), fixture.nominating());
    fixture.ping(at(1), tuple(1), &nominating);
    fixture.ping(at(2), tuple(2), &plain);
    fixture.ping(at(3), tuple(3), &plain);
    fixture.events();
    fixture.agent.remove_tuple(&tuple(1));
    assert_eq!(
        fixture.events(),
        [IceEvent::TupleRemoved(tuple(1)), IceEvent::TupleSelected(tuple(3))]
    );
    fixture.agent.remove_tuple(&tuple(99));
    assert_eq!(fixture.events(), []);
}

#[test]
fn old_credentials_live_until_the_first_check_on_new_ones() {
    let mut fixture = Fixture::new();
    let old = fixture.nominating();
    fixture.ping(at(1), tuple(1), &old);
    let new = fixture.agent.restart_with(&mut fixture.random).clone();
    assert_ne!(new.ufrag, old.ufrag);
    assert!(fixture.agent.owns_ufrag(&old.ufrag) && fixture.agent.owns_ufrag(&new.ufrag));
    fixture.send(at(2), tuple(1), &old).unwrap();
    let (_, bytes) = fixture.response().unwrap();
    assert!(Message::parse(&bytes).unwrap().has_integrity(old.password.as_ref().unwrap()));

    let check = fixture.nominating();
    assert_eq!(check.ufrag, new.ufrag);
    fixture.ping(at(3), tuple(2), &check);
    assert_eq!(fixture.agent.selected_tuple(), Some(tuple(2)));
    assert!(!fixture.agent.owns_ufrag(&old.ufrag));
    assert_eq!(fixture.send(at(4), tuple(1), &old), Err(StunError::UnknownUsername));
    // Packets in flight on the old tuple are still welcome.
    assert!(fixture.agent.is_valid_tuple(&tuple(1)));
}

#[test]
fn a_second_restart_before_the_first_took_effect_keeps_the_peer_connected() {
    let mut fixture = Fixture::new();
    let old = fixture.nominating();
    fixture.ping(at(1), tuple(1), &old);
    let never_used = fixture.agent.restart_with(&mut fixture.random).clone();
    fixture.agent.restart_with(&mut fixture.random);
    fixture.ping(at(2), tuple(1), &old);
    assert!(!fixture.agent.owns_ufrag(&never_used.ufrag));
    let check = fixture.nominating();
    fixture.ping(at(3), tuple(1), &check);
    assert!(!fixture.agent.owns_ufrag(&old.ufrag));
}

#[test]
fn a_closed_agent_answers_nothing() {
    let mut fixture = Fixture::new();
    let check = fixture.nominating();
    fixture.ping(at(1), tuple(1), &check);
    fixture.events();
    fixture.agent.close();
    assert_eq!(
        fixture.events(),
        [IceEvent::TupleRemoved(tuple(1)), IceEvent::StateChanged(IceState::Closed)]
    );
    assert_eq!(fixture.send(at(2), tuple(1), &check), Err(StunError::Unexpected));
    assert_eq!(fixture.response(), None);
    assert_eq!(fixture.agent.poll_timeout(), None);
    fixture.agent.close();
    assert_eq!(fixture.events(), []);
}

#[test]
fn a_snapshot_restores_credentials_tuples_and_selection() {
    let mut fixture = Fixture::new();
    let (plain, nominating) = (fixture.check(), fixture.nominating());
    fixture.agent.set_remote_ufrag("peer").unwrap();
    fixture.ping(at(100), tuple(1), &nominating);
    fixture.ping(at(100), tuple(2), &plain);
    fixture.agent.restart_with(&mut fixture.random);

    let json = serde_json::to_string(&fixture.agent.snapshot()).unwrap();
    let snapshot: IceSnapshot = serde_json::from_str(&json).unwrap();
    assert_eq!(snapshot, fixture.agent.snapshot());
    // The new process counts time from another origin.
    fixture.agent = LiteAgent::restore(snapshot, ConsentConfig::default(), at(5));
    assert_eq!(fixture.agent.state(), IceState::Connected);
    assert_eq!(fixture.agent.selected_tuple(), Some(tuple(1)));
    assert!(fixture.agent.is_valid_tuple(&tuple(2)));
    assert_eq!(fixture.agent.poll_timeout(), Some(at(13)));
    fixture.ping(at(6), tuple(1), &plain);
    assert_eq!(fixture.events(), []);
}

#[test]
fn the_checker_connects_stays_connected_and_restarts() {
    let mut random = Random::from_seed([5; 32]);
    let mut agent = LiteAgent::new(IceCredentials::generate(&mut random), ConsentConfig::default());
    let client = Tuple::new(Protocol::Udp, tuple(1).remote, tuple(1).local);
    let mut checker = Checker::new(client, agent.credentials().clone(), &mut random);
    agent.set_remote_ufrag(&checker.credentials().ufrag).unwrap();
    let mut packet = Vec::new();
    let (mut sent, mut now) = (0, Time::ZERO);
    while now < at(60) {
        if checker.poll_transmit(now, &mut packet) {
            sent += 1;
            // The first two checks are lost.
            if sent > 2 {
                agent.handle_datagram(now, tuple(1), &packet).unwrap();
            }
        }
        while agent.poll_transmit(&mut packet).is_some() {
            checker.handle_datagram(now, &packet).unwrap();
        }
        agent.handle_timeout(now);
        now = checker.poll_timeout();
    }
    assert!(checker.is_connected(now));
    assert_eq!(agent.state(), IceState::Connected);
    assert!((30..40).contains(&sent), "{sent}");

    let credentials = agent.restart_with(&mut random).clone();
    checker.restart(client, credentials);
    assert!(!checker.is_connected(now));
    assert!(checker.poll_transmit(now, &mut packet));
    agent.handle_datagram(now, tuple(1), &packet).unwrap();
    agent.poll_transmit(&mut packet).unwrap();
    assert_eq!(checker.handle_datagram(now, &packet), Ok(()));
    assert_eq!(checker.handle_datagram(now, &packet), Err(StunError::Unexpected));
    assert!(checker.is_connected(now));
}
