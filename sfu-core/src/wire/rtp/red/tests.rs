use proptest::prelude::*;

use super::*;

/// Written as §3 draws it: F, block PT, 14 bits of offset, 10 of length.
fn compose(redundant: &[(u8, u16, Vec<u8>)], primary: (u8, &[u8])) -> Vec<u8> {
    let mut out = Vec::new();
    for (payload_type, offset, data) in redundant {
        let word =
            1 << 31 | u32::from(*payload_type) << 24 | u32::from(*offset) << 10 | data.len() as u32;
        out.extend(word.to_be_bytes());
    }
    out.push(primary.0);
    out.extend(redundant.iter().flat_map(|(_, _, data)| data));
    out.extend(primary.1);
    out
}

#[test]
fn a_primary_block_alone() {
    let red = Red::parse(&[0x6f, 1, 2, 3]).unwrap();
    assert_eq!(
        (red.primary().payload_type, red.primary().data),
        (PayloadType(111), &[1, 2, 3][..])
    );
    assert_eq!(red.blocks().collect::<Vec<_>>(), [red.primary()]);
    assert!(Red::parse(&[0x6f]).unwrap().primary().data.is_empty());
}

#[test]
fn every_cut_before_the_primary_block_is_truncated() {
    let payload = compose(&[(111, 1_920, vec![1; 3]), (111, 960, vec![2; 4])], (111, &[]));
    for len in 0..payload.len() {
        assert_eq!(Red::parse(&payload[..len]), Err(RedError::Truncated), "{len}");
    }
    assert!(Red::parse(&payload).is_ok());
}

#[test]
fn blocks_are_limited() {
    let many = |n| compose(&vec![(111, 1, vec![]); n], (111, &[]));
    assert_eq!(Red::parse(&many(31)).unwrap().blocks().count(), 32);
    assert_eq!(Red::parse(&many(32)), Err(RedError::TooManyBlocks));
}

proptest! {
    #[test]
    fn what_is_composed_is_read(
        redundant in proptest::collection::vec(
            (0_u8..128, 0_u16..0x4000, proptest::collection::vec(any::<u8>(), 0..30)),
            0..10,
        ),
        primary in (0_u8..128, proptest::collection::vec(any::<u8>(), 0..30)),
    ) {
        let payload = compose(&redundant, (primary.0, &primary.1));
        let red = Red::parse(&payload).unwrap();
        let blocks: Vec<_> = red
            .blocks()
            .map(|b| (b.payload_type.0, b.timestamp_offset, b.data.to_vec()))
            .collect();
        let mut expected = redundant.clone();
        expected.push((primary.0, 0, primary.1.clone()));
        prop_assert_eq!(blocks, expected);
        prop_assert_eq!(red.primary().data, &primary.1[..]);

        let mut patched = payload.clone();
        let (from, to) = (PayloadType(primary.0), PayloadType(primary.0 ^ 1));
        let count = replace_payload_type(&mut patched, from, to).unwrap();
        let after = Red::parse(&patched).unwrap();
        let hits = red.blocks().filter(|b| b.payload_type == from).count();
        prop_assert_eq!(count, hits);
        for (before, after) in red.blocks().zip(after.blocks()) {
            let mapped = if before.payload_type == from { to } else { before.payload_type };
            prop_assert_eq!(Block { payload_type: mapped, ..before }, after);
        }
    }

    #[test]
    fn reading_is_total(mut payload in proptest::collection::vec(any::<u8>(), 0..80)) {
        let copy = payload.clone();
        match Red::parse(&copy) {
            Ok(red) => {
                let data: usize = red.blocks().map(|b| b.data.len()).sum();
                let headers = (red.blocks().count() - 1) * 4 + 1;
                prop_assert_eq!(headers + data, copy.len());
            }
            Err(error) => {
                let refused = replace_payload_type(&mut payload, PayloadType(1), PayloadType(2));
                prop_assert_eq!(refused, Err(error));
                prop_assert_eq!(payload, copy);
            }
        }
    }
}
