//! Layer allocations.

use sfu_core::wire::rtp::vla::{MAX_LAYERS, VideoLayersAllocation};

/// Layers are in order and in their ranges, and what is written again reads
/// back the same.
pub fn vla(data: &[u8]) -> bool {
    let Ok(read) = VideoLayersAllocation::read(data) else { return false };
    assert!((1..=4).contains(&read.streams()) && read.stream() < read.streams());
    let layers = read.layers();
    assert!(layers.len() <= MAX_LAYERS);
    for layer in layers {
        assert!(layer.stream < read.streams() && layer.spatial_id < 4);
        assert!((1..=4).contains(&layer.temporal_layers));
        assert_eq!(layer.size.is_some(), layers[0].size.is_some());
    }
    assert!(layers.is_sorted_by_key(|layer| (layer.stream, layer.spatial_id)));
    let mut out = [0; 512];
    let len = read.write(&mut out).expect("the longest allocation is shorter");
    let again = VideoLayersAllocation::read(&out[..len]).expect("what we write is an allocation");
    assert_eq!(again.layers(), layers);
    if !layers.is_empty() {
        assert_eq!(again, read);
        assert_eq!(VideoLayersAllocation::new(read.stream(), read.streams(), layers), Ok(read));
    }
    true
}
