//! Redundant audio.

use sfu_core::wire::PayloadType;
use sfu_core::wire::rtp::red::{MAX_BLOCKS, Red, replace_payload_type};

use crate::lies_in;

/// Headers and blocks make up the payload, the primary block is the last, and
/// payload types can be replaced and put back.
pub fn red(data: &[u8]) -> bool {
    let mut copy = data.to_vec();
    let Ok(red) = Red::parse(data) else {
        assert!(replace_payload_type(&mut copy, PayloadType(111), PayloadType(96)).is_err());
        assert_eq!(copy, data);
        return false;
    };
    let blocks: Vec<_> = red.blocks().collect();
    assert!((1..=MAX_BLOCKS).contains(&blocks.len()));
    assert_eq!(blocks.last(), Some(&red.primary()));
    assert!(blocks.iter().all(|block| lies_in(block.data, data)));
    let bytes: usize = blocks.iter().map(|block| block.data.len()).sum();
    assert_eq!(bytes + 4 * (blocks.len() - 1) + 1, data.len());
    assert!(blocks.iter().all(|block| block.timestamp_offset < 0x4000));

    let from = red.primary().payload_type;
    let unused = (0..128).map(PayloadType).find(|pt| blocks.iter().all(|b| b.payload_type != *pt));
    let to = unused.expect("at most 32 of 128 are in use");
    let replaced = replace_payload_type(&mut copy, from, to).expect("it was read before");
    assert_eq!(replaced, blocks.iter().filter(|block| block.payload_type == from).count());
    let after = Red::parse(&copy).expect("the blocks are where they were");
    assert_eq!(after.primary().payload_type, to);
    assert_eq!(replace_payload_type(&mut copy, to, from), Ok(replaced));
    assert_eq!(copy, data);
    true
}
