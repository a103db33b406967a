//! Our RTP parser and writer against an independent implementation, the `rtp`
//! crate: packets written by one are read by the other, and on arbitrary bytes
//! that both accept they agree.

use std::panic::catch_unwind;

use bytes::Bytes;
use proptest::prelude::*;
use rtp::header::Header;
use rtp::packet::Packet;
use sfu_core::wire::rtp::{
    AbsSendTime, Elements, ExtensionKind, ExtensionMap, HeaderFields, HeaderTemplate, PassThrough,
    RtpView, add_padding, rtx,
};
use sfu_core::wire::{Mid, PayloadType, RtpTime, SeqNo, Ssrc};
use webrtc_util::marshal::{Marshal, Unmarshal};

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..max)
}

type ElementList = Vec<(u8, Vec<u8>)>;

/// Ids and values that one form can carry, without repetition.
fn elements(two_byte: bool) -> impl Strategy<Value = ElementList> {
    let (ids, sizes) = if two_byte { (1..=255_u8, 0..256) } else { (1..=14_u8, 1..17) };
    proptest::collection::btree_map(ids, proptest::collection::vec(any::<u8>(), sizes), 0..8)
        .prop_map(|map| map.into_iter().collect())
}

fn extension() -> impl Strategy<Value = Option<(u16, ElementList)>> {
    prop_oneof![
        Just(None),
        elements(false).prop_map(|e| Some((Elements::ONE_BYTE, e))),
        elements(true).prop_map(|e| Some((Elements::TWO_BYTE, e))),
    ]
}

prop_compose! {
    fn packet()(
        words in any::<(u16, u32, u32)>(),
        bits in any::<(bool, bool)>(),
        payload_type in 0_u8..128,
        csrc in proptest::collection::vec(any::<u32>(), 0..16),
        extension in extension(),
        payload in bytes(300),
    ) -> Packet {
        let mut header = Header {
            version: 2,
            padding: bits.0,
            marker: bits.1,
            payload_type,
            sequence_number: words.0,
            timestamp: words.1,
            ssrc: words.2,
            csrc,
            ..Header::default()
        };
        if let Some((profile, elements)) = extension {
            header.extension = true;
            header.extension_profile = profile;
            for (id, data) in elements {
                header.set_extension(id, Bytes::from(data)).unwrap();
            }
        }
        Packet { header, payload: payload.into() }
    }
}

fn assert_same_header(ours: &RtpView<'_>, theirs: &Header) {
    assert_eq!(ours.marker(), theirs.marker);
    assert_eq!(ours.payload_type().0, theirs.payload_type);
    assert_eq!(ours.seq().0, theirs.sequence_number);
    assert_eq!(ours.timestamp().0, theirs.timestamp);
    assert_eq!(ours.ssrc().0, theirs.ssrc);
    assert_eq!(ours.csrcs().map(|s| s.0).collect::<Vec<_>>(), theirs.csrc);
    assert_eq!(ours.extension().is_some(), theirs.extension);
}

fn assert_same_elements(ours: &RtpView<'_>, theirs: &Header) {
    let ours: Vec<_> = ours.elements().map(|e| (e.id, e.data)).collect();
    let theirs: Vec<_> = theirs.extensions.iter().map(|e| (e.id, &e.payload[..])).collect();
    assert_eq!(ours, theirs);
}

/// Whether an extension block is a plain sequence of whole elements and
/// padding, so that every reader of RFC 8285 sees the same.
fn is_plain(profile: u16, block: &[u8]) -> bool {
    let mut at = 0;
    while at < block.len() {
        let first = block[at];
        at += match (first, profile) {
            (0, _) => 1,
            (_, Elements::TWO_BYTE) => match block.get(at + 1) {
                Some(len) => 2 + usize::from(*len),
                None => return false,
            },
            _ if (1..=14).contains(&(first >> 4)) => 2 + usize::from(first & 0x0f),
            _ => return false,
        };
    }
    at == block.len()
}

/// The bytes of an extension block, padded to words.
fn block(two_byte: bool, elements: &ElementList) -> Vec<u8> {
    let mut block = Vec::new();
    for (id, data) in elements {
        if two_byte {
            block.extend_from_slice(&[*id, data.len() as u8]);
        } else {
            block.push((id << 4) | (data.len() as u8 - 1));
        }
        block.extend_from_slice(data);
    }
    block.resize(block.len().next_multiple_of(4), 0);
    block
}

prop_compose! {
    /// Packets that are valid but for a few bytes, which may be anywhere.
    fn near_rtp()(
        (b0, csrcs, two_byte) in (any::<u8>(), 0_u8..8, any::<bool>()),
        fixed in any::<[u8; 11]>(),
        lists in any::<[u8; 28]>(),
        elements in prop_oneof![elements(false), elements(true)],
        payload in bytes(60),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..3),
    ) -> Vec<u8> {
        let mut packet = vec![0x80 | (b0 & 0x20) | 0x10 | csrcs];
        packet.extend_from_slice(&fixed);
        packet.extend_from_slice(&lists[..4 * usize::from(csrcs)]);
        let long = elements.iter().any(|(id, data)| *id > 14 || !(1..=16).contains(&data.len()));
        let two_byte = two_byte || long;
        let block = block(two_byte, &elements);
        let profile = if two_byte { Elements::TWO_BYTE } else { Elements::ONE_BYTE };
        packet.extend_from_slice(&profile.to_be_bytes());
        packet.extend_from_slice(&(block.len() as u16 / 4).to_be_bytes());
        packet.extend_from_slice(&block);
        packet.extend_from_slice(&payload);
        for (at, byte) in damage {
            let at = at.index(packet.len());
            packet[at] = byte;
        }
        packet
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn we_read_what_they_write(packet in packet()) {
        let wire = packet.marshal().unwrap();
        let view = RtpView::parse(&wire).unwrap();
        assert_same_header(&view, &packet.header);
        assert_same_elements(&view, &packet.header);
        prop_assert_eq!(view.payload(), &packet.payload[..]);
        prop_assert_eq!(view.padding_len() > 0, packet.header.padding);
    }

    #[test]
    fn they_read_what_we_write(
        ids in proptest::sample::subsequence((1_u8..=14).collect::<Vec<_>>(), 12),
        two_byte: bool,
        (ssrc, timestamp, seq, twcc) in any::<(u32, u32, u16, u16)>(),
        payload_type in 0_u8..128,
        (marker, identity) in any::<(bool, bool)>(),
        level: u8,
        mid in "[a-z0-9]{1,16}",
        payload in bytes(300),
        padding: u8,
    ) {
        let mut map = ExtensionMap::default();
        for (kind, id) in ExtensionKind::ALL.into_iter().zip(&ids) {
            map.insert(kind, if two_byte { id + 100 } else { *id }).unwrap();
        }
        let level_id = map.id_of(ExtensionKind::AudioLevel).unwrap();
        let source = [level_id, 1, level];
        let template = HeaderTemplate::new(Ssrc(ssrc), PayloadType(payload_type), &map)
            .with_mid(Mid::new(&mid).unwrap());
        let fields = HeaderFields {
            marker,
            seq: SeqNo(seq),
            timestamp: RtpTime(timestamp),
            twcc,
            abs_send_time: AbsSendTime(0x01_0203),
            identity,
        };
        let mut out = [0; 1_000];
        let elements = Elements::new(Elements::TWO_BYTE, &source);
        let pass = PassThrough::new(&map, &map);
        let written = template.write(&mut out, &fields, elements, &pass).unwrap();
        let len = written.len + payload.len();
        out[written.len..len].copy_from_slice(&payload);
        let len = add_padding(&mut out, len, padding).unwrap();

        let theirs = Packet::unmarshal(&mut &out[..len]).unwrap();
        let ours = RtpView::parse(&out[..len]).unwrap();
        assert_same_header(&ours, &theirs.header);
        assert_same_elements(&ours, &theirs.header);
        prop_assert_eq!(&theirs.payload[..], &payload[..]);
        prop_assert_eq!(theirs.header.padding, padding > 0);
        let theirs_of = |kind| theirs.header.get_extension(map.id_of(kind).unwrap());
        let expect = |bytes: &[u8]| Some(Bytes::copy_from_slice(bytes));
        prop_assert_eq!(theirs_of(ExtensionKind::TransportWideCc), expect(&twcc.to_be_bytes()));
        prop_assert_eq!(theirs_of(ExtensionKind::AbsSendTime), expect(&[1, 2, 3]));
        prop_assert_eq!(theirs_of(ExtensionKind::AudioLevel), expect(&[level]));
        let expected = if identity { expect(mid.as_bytes()) } else { None };
        prop_assert_eq!(theirs_of(ExtensionKind::Mid), expected);
    }

    #[test]
    fn a_retransmission_of_their_packet_unwraps_to_it(packet in packet(), pt in 0_u8..128) {
        let mut retransmission = packet.clone();
        let mut payload = packet.header.sequence_number.to_be_bytes().to_vec();
        payload.extend_from_slice(&packet.payload);
        retransmission.payload = payload.into();
        retransmission.header.ssrc ^= 1;
        retransmission.header.sequence_number ^= 0x5555;
        retransmission.header.payload_type = pt;
        let mut wire = retransmission.marshal().unwrap().to_vec();
        let (ssrc, original_pt) = (Ssrc(packet.header.ssrc), PayloadType(packet.header.payload_type));
        let unwrapped = rtx::unwrap(&mut wire, ssrc, original_pt).unwrap().unwrap();
        let view = RtpView::parse(&wire[unwrapped.start..]).unwrap();
        assert_same_header(&view, &packet.header);
        assert_same_elements(&view, &packet.header);
        prop_assert_eq!(view.payload(), &packet.payload[..]);
    }

    #[test]
    fn on_arbitrary_bytes_both_agree(wire in near_rtp()) {
        let Ok(ours) = RtpView::parse(&wire) else {
            // We hold version and padding to RFC 3550 §5.1.
            if let Ok(Ok(theirs)) = catch_unwind(|| Packet::unmarshal(&mut &wire[..])) {
                prop_assert!(theirs.header.version != 2 || theirs.header.padding);
            }
            return Ok(());
        };
        let plain = ours.extension().is_none_or(|block| {
            matches!(block.profile, Elements::ONE_BYTE | Elements::TWO_BYTE)
                && is_plain(block.profile, &wire[block.range()])
        });
        if plain {
            let theirs = Packet::unmarshal(&mut &wire[..]).unwrap();
            assert_same_header(&ours, &theirs.header);
            assert_same_elements(&ours, &theirs.header);
            prop_assert_eq!(ours.payload(), &theirs.payload[..]);
        }
    }
}
