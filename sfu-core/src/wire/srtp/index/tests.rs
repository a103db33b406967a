use proptest::prelude::*;

use super::*;

const LIMIT: usize = 4;

/// What a context does with a packet whose tag is right.
fn accept(table: &mut StreamTable, ssrc: u32, index: u64) -> Result<(), SrtpError> {
    let place = table.find(Ssrc(ssrc), LIMIT)?;
    table.check(place, index)?;
    table.commit(place, Ssrc(ssrc), index, LIMIT);
    Ok(())
}

fn estimate(table: &StreamTable, ssrc: u32, seq: u16) -> u64 {
    let place = table.find(Ssrc(ssrc), LIMIT).unwrap();
    table.estimate(place, SeqNo(seq))
}

/// A full table whose entry 1 has been idle long enough.
fn full_with_an_idle_one() -> StreamTable {
    let mut table = StreamTable::default();
    assert_eq!(accept(&mut table, 1, 70_000), Ok(()));
    for ssrc in 2..=4 {
        for index in 0..400 {
            assert_eq!(accept(&mut table, ssrc, index), Ok(()));
        }
    }
    table
}

#[test]
fn a_first_packet_is_in_cycle_zero() {
    assert_eq!(estimate(&StreamTable::default(), 1, 65_535), 65_535);
}

#[test]
fn estimates_around_the_ends_of_a_cycle() {
    assert_eq!(nearest(65_535, SeqNo(0)), 65_536);
    assert_eq!(nearest(65_536, SeqNo(65_535)), 65_535);
    assert_eq!(nearest(0, SeqNo(65_535)), 65_535, "nothing precedes cycle zero");
    assert_eq!(nearest(3 << 16, SeqNo(65_535)), (3 << 16) - 1);
    assert_eq!(nearest(RTP_INDICES - 1, SeqNo(0)), RTP_INDICES);
}

#[test]
fn a_new_ssrc_is_refused_while_all_are_live() {
    let mut table = StreamTable::default();
    for ssrc in 1..=4 {
        assert_eq!(accept(&mut table, ssrc, 0), Ok(()));
    }
    assert_eq!(accept(&mut table, 5, 0), Err(SrtpError::SsrcLimit));
    assert_eq!(accept(&mut table, 1, 1), Ok(()), "those inside go on");
    assert_eq!(table.len(), 4);
}

#[test]
fn an_idle_ssrc_gives_way_and_comes_back_where_it_was() {
    let mut table = full_with_an_idle_one();
    assert_eq!(accept(&mut table, 5, 9), Ok(()));
    assert_eq!(table.len(), 4);
    for index in 0..2000 {
        assert_eq!(accept(&mut table, 5, 10 + index), Ok(()));
    }
    assert_eq!(estimate(&table, 1, 4465), 70_001, "its cycle is remembered");
    assert_eq!(accept(&mut table, 1, 70_000), Err(SrtpError::TooOld), "and what it used");
    assert_eq!(accept(&mut table, 1, 70_001), Ok(()));
    assert_eq!(accept(&mut table, 1, 69_999), Err(SrtpError::Replayed));
    assert_eq!(table.verify(LIMIT, RTP_INDICES), Ok(()));
}

#[test]
fn memory_is_bounded_however_many_ssrcs_come() {
    let mut table = StreamTable::default();
    let mut index = 0;
    for ssrc in 0..1000 {
        for _ in 0..400 {
            index += 1;
            assert_eq!(accept(&mut table, ssrc, index), Ok(()));
        }
    }
    assert_eq!(table.len(), LIMIT);
    assert_eq!(table.retired.len(), RETIRED);
    assert_eq!(table.verify(LIMIT, RTP_INDICES), Ok(()));
}

#[test]
fn an_inconsistent_snapshot_is_refused() {
    let table = full_with_an_idle_one();
    let broken = |change: fn(&mut StreamTable)| {
        let mut table = table.clone();
        change(&mut table);
        table.verify(LIMIT, RTP_INDICES).is_err()
    };
    assert!(!broken(|_| {}));
    assert!(broken(|table| table.ssrcs.push(Ssrc(9))));
    assert!(broken(|table| table.ssrcs[1] = Ssrc(1)));
    assert!(broken(|table| table.retired.push_back((Ssrc(2), 0))));
    assert!(broken(|table| table.retired.push_back((Ssrc(9), RTP_INDICES))));
    assert!(broken(|table| table.retired.extend((10..300).map(|n| (Ssrc(n), 0)))));
    assert!(table.verify(LIMIT - 1, RTP_INDICES).is_err());
}

proptest! {
    /// Any packet less than half a cycle away is recognised.
    #[test]
    fn estimates_every_near_index(
        highest in prop_oneof![0u64..200_000, 0u64..1 << 47],
        step in -32_767i64..=32_767,
    ) {
        let Some(index) = highest.checked_add_signed(step) else { return Ok(()) };
        prop_assert_eq!(nearest(highest, SeqNo((index & 0xffff) as u16)), index);
    }
}
