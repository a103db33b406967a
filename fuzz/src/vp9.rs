//! VP9 payload descriptors.

use sfu_core::wire::codec::{Codec, inspect, vp9};

/// What a descriptor says depends on no byte behind it, and rewriting changes
/// the picture id and TL0PICIDX alone.
pub fn vp9(data: &[u8]) -> bool {
    let mut copy = data.to_vec();
    let Ok(before) = inspect(Codec::Vp9, data) else {
        assert!(vp9::rewrite(&mut copy, 0x1234, 0x56).is_err());
        assert_eq!(copy, data);
        return false;
    };
    assert!(before.spatial_id < 8 && before.temporal_id.is_none_or(|id| id < 8));
    assert!(!before.inter_layer_dependency || before.spatial_id > 0);
    copy.extend([0xff; 40]);
    assert_eq!(inspect(Codec::Vp9, &copy), Ok(before));
    copy.truncate(data.len());

    let structure = vp9::scalability(data).expect("it was read before");
    if let Some(structure) = structure {
        assert!((1..=8).contains(&structure.spatial_layers));
        assert_eq!(structure.resolution(before.spatial_id), before.resolution);
    }
    vp9::rewrite(&mut copy, 0x1234, 0x56).expect("it was read before");
    let after = inspect(Codec::Vp9, &copy).expect("a rewritten payload is still VP9");
    assert_eq!(after.tl0_pic_idx, before.tl0_pic_idx.map(|_| 0x56));
    if let (Some(old), Some(new)) = (before.picture_id, after.picture_id) {
        assert_eq!((new.value, new.wide), (0x1234 & old.mask(), old.wide));
    }
    vp9::rewrite(
        &mut copy,
        before.picture_id.map_or(0, |id| id.value),
        before.tl0_pic_idx.unwrap_or_default(),
    )
    .expect("it was read before");
    assert_eq!(copy, data, "rewriting is undone by rewriting");
    true
}
