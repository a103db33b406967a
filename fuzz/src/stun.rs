//! STUN messages, and the agent that answers them.

use sfu_ice::ice::{ConsentConfig, IceCredentials, LiteAgent};
use sfu_ice::stun::{Builder, Class, MAX_MESSAGE, Message, username};
use sfu_ice::{Protocol, Random, Time, Tuple};

use crate::lies_in;

/// Used by no file of the corpus, so nothing can carry its MAC.
const PASSWORD: &str = "a password that nobody was told";

/// A message's attributes lie in it, what we build from it reads back, and
/// without the password nobody gets a path.
pub fn stun(data: &[u8]) -> bool {
    unauthenticated_gets_no_path(data);
    let routed = username(data);
    let Ok(message) = Message::parse(data) else { return false };
    for attribute in message.attributes() {
        let attribute = attribute.expect("a message that parses has sound attributes");
        assert!(lies_in(attribute.value, data));
    }
    assert!(!message.has_integrity(PASSWORD), "a MAC by a key that is secret");
    if message.is_binding() && message.class() == Class::Request {
        assert_eq!(routed, message.username(), "the cheap look and the full one agree");
    }
    rebuilt_reads_back(&message);
    true
}

fn rebuilt_reads_back(message: &Message<'_>) {
    let mut builder = Builder::new(message.class(), message.transaction_id());
    if let Some((receiver, sender)) = message.username() {
        builder.username(receiver, sender);
    }
    if let Some(priority) = message.priority() {
        builder.priority(priority);
    }
    if message.use_candidate() {
        builder.use_candidate();
    }
    if let Some(tie_breaker) = message.ice_controlling() {
        builder.ice_controlling(tie_breaker);
    }
    if let Some(address) = message.mapped_address() {
        builder.xor_mapped_address(address);
    }
    let Ok(bytes) = builder.finish(Some(PASSWORD)) else { return };
    assert!(bytes.len() <= MAX_MESSAGE);
    let again = Message::parse(bytes).expect("what we write is STUN");
    assert!(again.has_integrity(PASSWORD));
    assert_eq!(again.class(), message.class());
    assert_eq!(again.transaction_id(), message.transaction_id());
    assert_eq!(again.username(), message.username());
    assert_eq!(again.priority(), message.priority());
    assert_eq!(again.use_candidate(), message.use_candidate());
    assert_eq!(again.ice_controlling(), message.ice_controlling());
    assert_eq!(again.mapped_address(), message.mapped_address());
}

fn unauthenticated_gets_no_path(data: &[u8]) {
    let credentials = IceCredentials::generate(&mut Random::from_seed([3; 32]));
    let mut agent = LiteAgent::new(credentials, ConsentConfig::default());
    let tuple = Tuple::new(
        Protocol::Udp,
        "192.0.2.1:40000".parse().expect("an address"),
        "198.51.100.2:50000".parse().expect("an address"),
    );
    let _ = agent.handle_datagram(Time::from_millis(1), tuple, data);
    assert!(!agent.is_valid_tuple(&tuple) && agent.selected_tuple().is_none());
    assert!(agent.poll_event().is_none());
    let mut response = Vec::new();
    while agent.poll_transmit(&mut response).is_some() {
        let response = Message::parse(&response).expect("responses are STUN");
        assert_eq!(response.class(), Class::Error);
        let request = Message::parse(data).expect("only STUN is answered");
        assert_eq!(response.transaction_id(), request.transaction_id());
    }
}
