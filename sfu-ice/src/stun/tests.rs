use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::StunError;

/// The password of RFC 5769 §2.1 to §2.3.
const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

/// RFC 5769 §2.1.
fn rfc5769_request() -> Vec<u8> {
    hex("000100582112a442b7e7a701bc34d686fa87dfae8022001053\
         54554e207465737420636c69656e74002400046e0001ff8029\
         0008932ff9b151263b36000600096576746a3a683676592020\
         20000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
         80280004e57a3bcf")
}

/// RFC 5769 §2.2.
fn rfc5769_response_v4() -> Vec<u8> {
    hex("0101003c2112a442b7e7a701bc34d686fa87dfae8022000b74\
         65737420766563746f7220002000080001a147e112a6430008\
         00142b91f599fd9e90c38c7489f92af9ba53f06be7d7802800\
         04c07d4c96")
}

/// RFC 5769 §2.3.
fn rfc5769_response_v6() -> Vec<u8> {
    hex("010100482112a442b7e7a701bc34d686fa87dfae8022000b74\
         65737420766563746f7220002000140002a1470113a9faa5d3\
         f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c9\
         7c8292c275bfe3ed4180280004c8fb0b4c")
}

/// RFC 5769 §2.4.
fn rfc5769_long_term_request() -> Vec<u8> {
    hex("000100602112a44278ad3433c6ad72c029da412e00060012e3\
         839ee38388e383aae38383e382afe382b900000015001c662f\
         2f3439396b39353464364f4c33346f4c394653547679363473\
         410014000b6578616d706c652e6f72670000080014f6702465\
         6dd64a3e02b8e0712e85c9a28ca89666")
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn the_request_of_rfc_5769_is_read_and_authenticated() {
    let bytes = rfc5769_request();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.class(), Class::Request);
    assert!(message.is_binding());
    assert_eq!(message.transaction_id().0, hex("b7e7a701bc34d686fa87dfae")[..]);
    assert_eq!(message.username(), Some(("evtj", "h6vY")));
    assert_eq!(username(&bytes), Some(("evtj", "h6vY")));
    assert_eq!(message.priority(), Some(0x6e00_01ff));
    assert_eq!(message.ice_controlled(), Some(0x932f_f9b1_5126_3b36));
    assert_eq!(message.ice_controlling(), None);
    assert!(!message.use_candidate());
    assert_eq!(message.unknown_attribute(), None);
    assert!(message.has_integrity(PASSWORD));
    assert!(!message.has_integrity("VOkJxbRl1RmTxUk/WvJxBu"));
    assert!(message.fingerprint.is_some());
    let software = message.attributes().next().unwrap().unwrap();
    assert_eq!((software.kind, software.value), (0x8022, &b"STUN test client"[..]));
}

#[test]
fn the_responses_of_rfc_5769_are_read_and_authenticated() {
    for (bytes, addr) in [
        (rfc5769_response_v4(), "192.0.2.1:32853"),
        (rfc5769_response_v6(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.class(), Class::Success);
        assert_eq!(message.mapped_address(), Some(addr.parse::<SocketAddr>().unwrap()));
        assert!(message.has_integrity(PASSWORD));
        assert_eq!(username(&bytes), None);
    }
}

#[test]
fn the_long_term_request_of_rfc_5769_is_read_without_user_fragments() {
    let bytes = rfc5769_long_term_request();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.username(), None);
    assert_eq!(message.unknown_attribute(), None);
    assert!(message.is_protected());
    assert!(!message.has_integrity("TheMatrIX"));
}

#[test]
fn the_builder_reproduces_the_vectors_of_rfc_5769() {
    let id = TransactionId(hex("b7e7a701bc34d686fa87dfae").try_into().unwrap());
    let mut request = Builder::new(Class::Request, id);
    request
        .attribute(0x8022, b"STUN test client")
        .priority(0x6e00_01ff)
        .ice_controlled(0x932f_f9b1_5126_3b36)
        .username("evtj", "h6vY");
    let built = request.finish(Some(PASSWORD)).unwrap();
    // The RFC pads USERNAME with spaces and this builder with zeros, so the
    // MAC differs; everything before the padding does not.
    let vector = rfc5769_request();
    assert_eq!(built.len(), vector.len());
    assert_eq!(built[..73], vector[..73]);
    assert!(Message::parse(built).unwrap().has_integrity(PASSWORD));

    let mut response = Builder::new(Class::Success, id);
    response.xor_mapped_address("[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap());
    let built = response.finish(None).unwrap();
    assert_eq!(built[20..44], rfc5769_response_v6()[36..60]);
}

#[test]
fn every_flipped_bit_before_the_fingerprint_is_noticed() {
    let vector = rfc5769_request();
    for bit in 0..100 * 8 {
        let mut bytes = vector.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let accepted = Message::parse(&bytes).is_ok_and(|message| {
            message.has_integrity(PASSWORD) && message.username() == Some(("evtj", "h6vY"))
        });
        assert!(!accepted, "bit {bit}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let vector = rfc5769_request();
    for len in 0..vector.len() {
        let error = Message::parse(&vector[..len]).unwrap_err();
        let expected = if len < 20 { StunError::NotStun } else { StunError::BadLength };
        assert_eq!(error, expected, "{len}");
        assert_eq!(username(&vector[..len]), None);
    }
}

#[test]
fn a_wrong_cookie_or_class_bits_are_refused() {
    let mut bytes = rfc5769_request();
    bytes[4] = 0;
    assert_eq!(Message::parse(&bytes).unwrap_err(), StunError::BadCookie);
    let mut bytes = rfc5769_request();
    bytes[0] |= 0x80;
    assert_eq!(Message::parse(&bytes).unwrap_err(), StunError::NotStun);
}

#[test]
fn what_follows_message_integrity_does_not_count() {
    let id = TransactionId([1; 12]);
    let mut builder = Builder::new(Class::Request, id);
    builder.username("a", "b").priority(1);
    let signed = builder.finish(Some("password")).unwrap().to_vec();
    // Cut FINGERPRINT off, put USE-CANDIDATE there.
    let mut forged = signed[..signed.len() - 8].to_vec();
    forged.extend([0x00, 0x25, 0, 0]);
    let len = (forged.len() - 20) as u16;
    forged[2..4].copy_from_slice(&len.to_be_bytes());
    let message = Message::parse(&forged).unwrap();
    assert!(message.has_integrity("password"));
    assert!(!message.use_candidate());
}

#[test]
fn nothing_may_follow_the_fingerprint() {
    let mut builder = Builder::new(Class::Request, TransactionId([1; 12]));
    let mut bytes = builder.finish(None).unwrap().to_vec();
    bytes.extend([0x00, 0x25, 0, 0]);
    let len = (bytes.len() - 20) as u16;
    bytes[2..4].copy_from_slice(&len.to_be_bytes());
    assert!(Message::parse(&bytes).is_err());
}

#[test]
fn unknown_attributes_are_reported_when_they_must_be_understood() {
    let mut builder = Builder::new(Class::Request, TransactionId([1; 12]));
    builder.attribute(0xC057, b"network").attribute(0x0026, b"?").attribute(0x0027, b"?");
    let bytes = builder.finish(None).unwrap();
    assert_eq!(Message::parse(bytes).unwrap().unknown_attribute(), Some(0x0026));
}

#[test]
fn error_responses_make_the_round_trip() {
    for code in [
        ErrorCode::BadRequest,
        ErrorCode::Unauthenticated,
        ErrorCode::UnknownAttribute,
        ErrorCode::RoleConflict,
        ErrorCode::Other(500),
    ] {
        let mut builder = Builder::new(Class::Error, TransactionId([1; 12]));
        builder.error_code(code);
        let message = Message::parse(builder.finish(Some("p")).unwrap()).unwrap();
        assert_eq!((message.class(), message.error_code()), (Class::Error, Some(code)));
        assert_eq!(ErrorCode::from_code(code.code()), code);
    }
}

#[test]
fn a_message_that_does_not_fit_is_an_error() {
    let mut builder = Builder::new(Class::Request, TransactionId([1; 12]));
    builder.attribute(0x8022, &[0; MAX_MESSAGE]);
    assert_eq!(builder.finish(Some("p")), Err(BuildError));
}

#[test]
fn user_fragments_are_split_at_the_first_colon_and_bounded() {
    let with = |user: &[u8]| {
        let mut builder = Builder::new(Class::Request, TransactionId([1; 12]));
        builder.attribute(0x0006, user);
        let bytes = builder.finish(None).unwrap().to_vec();
        username(&bytes).map(|(a, b)| (a.to_owned(), b.to_owned()))
    };
    assert_eq!(with(b"abcd:efgh"), Some(("abcd".into(), "efgh".into())));
    for bad in [&b"abcd"[..], b":efgh", b"abcd:", b"", b"ab\xFF:efgh", &[b'a'; 300]] {
        assert_eq!(with(bad), None);
    }
}

fn message_like() -> impl Strategy<Value = Vec<u8>> {
    let attribute = (any::<u16>(), proptest::collection::vec(any::<u8>(), 0..24), 0u16..40);
    (any::<u16>(), proptest::collection::vec(attribute, 0..8), any::<bool>()).prop_map(
        |(kind, attributes, honest)| {
            let mut bytes = (kind & 0x3FFF).to_be_bytes().to_vec();
            bytes.extend([0, 0, 0x21, 0x12, 0xA4, 0x42]);
            bytes.extend([9; 12]);
            for (kind, value, lie) in attributes {
                // Most kinds are those that the parser interprets.
                let kind = if kind % 4 == 0 { kind } else { kind % 0x2B };
                bytes.extend(kind.to_be_bytes());
                let len = if honest { value.len() as u16 } else { lie };
                bytes.extend(len.to_be_bytes());
                bytes.extend(&value);
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
            let len = (bytes.len() - 20) as u16;
            bytes[2..4].copy_from_slice(&len.to_be_bytes());
            bytes
        },
    )
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = username(&bytes);
        if let Ok(message) = Message::parse(&bytes) {
            let _ = (message.has_integrity("p"), message.attributes().count());
        }
    }

    #[test]
    fn random_attributes_never_panic(bytes in message_like()) {
        let _ = username(&bytes);
        if let Ok(message) = Message::parse(&bytes) {
            let _ = (message.has_integrity("p"), message.username());
            prop_assert!(message.attributes().all(|attribute| attribute.is_ok()));
        }
    }

    #[test]
    fn mapped_addresses_make_the_round_trip(addr: SocketAddr, id: [u8; 12]) {
        let mut builder = Builder::new(Class::Success, TransactionId(id));
        builder.xor_mapped_address(addr);
        let message = Message::parse(builder.finish(None).unwrap()).unwrap();
        let mapped = message.mapped_address().unwrap();
        prop_assert_eq!((mapped.ip(), mapped.port()), (addr.ip(), addr.port()));
    }

    #[test]
    fn built_requests_are_read_back(
        ours in "[A-Za-z0-9+/]{4,256}",
        theirs in "[A-Za-z0-9+/]{4,256}",
        password in "[A-Za-z0-9+/]{22,256}",
        tie_breaker: u64,
        nominate: bool,
    ) {
        let mut builder = Builder::new(Class::Request, TransactionId([3; 12]));
        builder.username(&ours, &theirs).ice_controlling(tie_breaker).priority(7);
        if nominate {
            builder.use_candidate();
        }
        let bytes = builder.finish(Some(&password)).unwrap();
        let message = Message::parse(bytes).unwrap();
        prop_assert!(message.has_integrity(&password));
        prop_assert_eq!(message.username(), Some((&ours[..], &theirs[..])));
        prop_assert_eq!(message.ice_controlling(), Some(tie_breaker));
        prop_assert_eq!(message.use_candidate(), nominate);
    }
}
