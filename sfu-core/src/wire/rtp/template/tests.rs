use proptest::prelude::*;

use super::*;
use crate::wire::rtp::{AudioLevel, RtpView, read_extensions};

fn map(ids: &[(ExtensionKind, u8)]) -> ExtensionMap {
    let mut map = ExtensionMap::default();
    for (kind, id) in ids {
        map.insert(*kind, *id).unwrap();
    }
    map
}

fn fields() -> HeaderFields {
    HeaderFields {
        marker: true,
        seq: SeqNo(0x1234),
        timestamp: RtpTime(0x5678_9abc),
        twcc: 0xbeef,
        abs_send_time: AbsSendTime(0x01_0203),
        identity: true,
    }
}

fn block(elements: &[(u8, &[u8])], two_byte: bool) -> Vec<u8> {
    let mut block = Vec::new();
    for (id, data) in elements {
        if two_byte {
            block.extend_from_slice(&[*id, data.len() as u8]);
        } else {
            block.push(id << 4 | (data.len() as u8 - 1));
        }
        block.extend_from_slice(data);
    }
    block
}

#[test]
fn without_extensions_the_header_is_twelve_bytes() {
    let template = HeaderTemplate::new(Ssrc(7), PayloadType(111), &ExtensionMap::default())
        .with_mid(Mid::new("0").unwrap());
    let mut out = [0xff; 40];
    let written =
        template.write(&mut out, &fields(), Elements::default(), &PassThrough::default()).unwrap();
    assert_eq!(written.len, 12);
    assert!(!written.has_twcc());
    let view = RtpView::parse(&out[..12]).unwrap();
    assert_eq!((view.ssrc(), view.payload_type()), (Ssrc(7), PayloadType(111)));
    assert_eq!((view.seq(), view.timestamp()), (fields().seq, fields().timestamp));
    assert!(view.marker());
}

#[test]
fn only_what_describes_the_media_travels() {
    let from = map(&[
        (ExtensionKind::AudioLevel, 1),
        (ExtensionKind::AbsSendTime, 2),
        (ExtensionKind::Mid, 4),
    ]);
    let to = map(&[
        (ExtensionKind::AudioLevel, 9),
        (ExtensionKind::AbsSendTime, 1),
        (ExtensionKind::TransportWideCc, 2),
        (ExtensionKind::Mid, 3),
    ]);
    let source = block(&[(1, &[0x85]), (2, &[9, 9, 9]), (4, b"x")], false);
    let template = HeaderTemplate::new(Ssrc(7), PayloadType(96), &to)
        .with_mid(Mid::new("a").unwrap())
        .with_rid(Rid::new("unused").unwrap());
    let mut out = [0; 80];
    let elements = Elements::new(0xbede, &source);
    let pass = PassThrough::new(&from, &to);
    let written = template.write(&mut out, &fields(), elements, &pass).unwrap();
    written.set_twcc(&mut out, 77);
    written.set_abs_send_time(&mut out, AbsSendTime(0x0a_0b0c));
    let view = RtpView::parse(&out[..written.len]).unwrap();
    let read = read_extensions(&view, &to);
    assert_eq!(view.elements().count(), 4);
    assert_eq!(read.audio_level, Some(AudioLevel { level: 5, voice: true }));
    assert_eq!(read.abs_send_time, Some(AbsSendTime(0x0a_0b0c)));
    assert_eq!(read.twcc, Some(77));
    assert_eq!(read.mid, Mid::new("a"));
}

#[test]
fn a_long_element_needs_the_mixed_form() {
    let ids = map(&[
        (ExtensionKind::DependencyDescriptor, 3),
        (ExtensionKind::AudioLevel, 4),
        (ExtensionKind::TransportWideCc, 5),
    ]);
    let long = [7; 40];
    let source = block(&[(3, &long), (4, &[1])], true);
    let elements = || Elements::new(0x1000, &source);
    let pass = PassThrough::new(&ids, &ids);
    let strict = HeaderTemplate::new(Ssrc(1), PayloadType(45), &ids);
    let mut out = [0; 100];

    let len = strict.write(&mut out, &fields(), elements(), &pass).unwrap().len;
    let view = RtpView::parse(&out[..len]).unwrap();
    assert_eq!(view.extension().unwrap().profile, 0xbede);
    assert_eq!((view.element(3), view.element(4)), (None, Some(&[1][..])));

    let mixed = strict.allow_mixed();
    let len = mixed.write(&mut out, &fields(), elements(), &pass).unwrap().len;
    let view = RtpView::parse(&out[..len]).unwrap();
    assert_eq!(view.extension().unwrap().profile, 0x1000);
    assert_eq!((view.element(3), view.element(4)), (Some(&long[..]), Some(&[1][..])));
    assert_eq!(read_extensions(&view, &ids).twcc, Some(0xbeef));
    assert_eq!((view.ssrc(), view.payload_type()), (Ssrc(1), PayloadType(45)));

    // What fits stays in the one-byte form.
    let short = block(&[(4, &[1])], false);
    let elements = Elements::new(0xbede, &short);
    let len = mixed.write(&mut out, &fields(), elements, &pass).unwrap().len;
    assert_eq!(RtpView::parse(&out[..len]).unwrap().extension().unwrap().profile, 0xbede);
}

#[test]
fn the_longest_own_header_is_as_long_as_announced() {
    let ids = map(&[
        (ExtensionKind::Mid, 20),
        (ExtensionKind::Rid, 21),
        (ExtensionKind::RepairedRid, 22),
        (ExtensionKind::AbsSendTime, 23),
        (ExtensionKind::TransportWideCc, 24),
    ]);
    let template = HeaderTemplate::new(Ssrc(1), PayloadType(127), &ids)
        .with_mid(Mid::new("0123456789abcdef").unwrap())
        .with_rid(Rid::new("0123456789abcdef").unwrap())
        .with_repaired_rid(Rid::new("0123456789abcdeX").unwrap());
    let mut out = [0; HeaderTemplate::MAX_OWN_LEN];
    let written =
        template.write(&mut out, &fields(), Elements::default(), &PassThrough::default()).unwrap();
    assert!(written.len <= HeaderTemplate::MAX_OWN_LEN);
    let view = RtpView::parse(&out[..written.len]).unwrap();
    let read = read_extensions(&view, &ids);
    assert_eq!(read.mid, Mid::new("0123456789abcdef"));
    assert_eq!(read.rid, Rid::new("0123456789abcdef"));
    assert_eq!(read.repaired_rid, Rid::new("0123456789abcdeX"));
    assert_eq!(read.abs_send_time, Some(AbsSendTime(0x01_0203)));
    let anonymous = HeaderFields { identity: false, ..fields() };
    let written =
        template.write(&mut out, &anonymous, Elements::default(), &PassThrough::default()).unwrap();
    let view = RtpView::parse(&out[..written.len]).unwrap();
    assert_eq!(read_extensions(&view, &ids).mid, None);
    for len in 0..written.len {
        let result = template.write(
            &mut out[..len],
            &anonymous,
            Elements::default(),
            &PassThrough::default(),
        );
        assert_eq!(result, Err(RtpError::NoSpace), "{len}");
    }
}

#[test]
fn a_template_survives_a_snapshot() {
    let ids = map(&[(ExtensionKind::Mid, 4), (ExtensionKind::TransportWideCc, 5)]);
    let template =
        HeaderTemplate::new(Ssrc(1), PayloadType(96), &ids).with_mid(Mid::new("1").unwrap());
    let bytes = postcard::to_stdvec(&template).unwrap();
    assert_eq!(postcard::from_bytes::<HeaderTemplate>(&bytes).unwrap(), template);
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        ids in proptest::sample::subsequence((1_u8..=14).collect::<Vec<_>>(), 12),
        shift in prop_oneof![Just(0_u8), Just(40)],
        mixed: bool,
        two_byte_source: bool,
        level: u8,
        dd in proptest::collection::vec(any::<u8>(), 1..60),
        seq: u16,
        timestamp: u32,
        twcc: u16,
        marker: bool,
        mid in "[a-z0-9]{1,16}",
        space in 0_usize..200,
    ) {
        let mut to = ExtensionMap::default();
        for (kind, id) in ExtensionKind::ALL.into_iter().zip(&ids) {
            to.insert(kind, id + shift).unwrap();
        }
        let from = map(&[(ExtensionKind::AudioLevel, 1), (ExtensionKind::DependencyDescriptor, 2)]);
        let dd = if two_byte_source { &dd[..] } else { &dd[..dd.len().min(16)] };
        let source = block(&[(1, &[level]), (2, dd)], two_byte_source);
        let profile = if two_byte_source { 0x1000 } else { 0xbede };
        let mid = Mid::new(mid).unwrap();
        let mut template = HeaderTemplate::new(Ssrc(5), PayloadType(100), &to).with_mid(mid);
        if mixed {
            template = template.allow_mixed();
        }
        let fields = HeaderFields {
            marker,
            seq: SeqNo(seq),
            timestamp: RtpTime(timestamp),
            twcc,
            abs_send_time: AbsSendTime(3),
            identity: true,
        };
        let mut out = vec![0xaa; space];
        let elements = Elements::new(profile, &source);
        let pass = PassThrough::new(&from, &to);
        let written = match template.write(&mut out, &fields, elements, &pass) {
            Ok(written) => written,
            Err(error) => {
                prop_assert_eq!(error, RtpError::NoSpace);
                prop_assert!(space < HeaderTemplate::MAX_OWN_LEN + source.len() + 2);
                return Ok(());
            }
        };
        prop_assert!(out[written.len..].iter().all(|&b| b == 0xaa));
        let view = RtpView::parse(&out[..written.len]).unwrap();
        prop_assert_eq!(view.header_len(), written.len);
        prop_assert_eq!((view.seq(), view.timestamp().0, view.marker()), (SeqNo(seq), timestamp, marker));
        let read = read_extensions(&view, &to);
        prop_assert_eq!(read.mid, Some(mid));
        prop_assert_eq!(read.twcc, Some(twcc));
        prop_assert_eq!(read.abs_send_time, Some(AbsSendTime(3)));
        prop_assert_eq!(read.audio_level, AudioLevel::read(&[level]));
        let descriptor = to.id_of(ExtensionKind::DependencyDescriptor).and_then(|id| view.element(id));
        let expected = (dd.len() <= 16 || mixed || shift > 0).then_some(dd);
        prop_assert_eq!(descriptor, expected);
    }
}
