use proptest::prelude::*;

use super::*;

fn layer(stream: u8, spatial_id: u8, bitrates: &[u32]) -> SpatialLayer {
    let mut out = SpatialLayer {
        stream,
        spatial_id,
        temporal_layers: bitrates.len() as u8,
        ..SpatialLayer::default()
    };
    out.bitrates[..bitrates.len()].copy_from_slice(bitrates);
    out
}

#[test]
fn simulcast_composed_by_hand() {
    let fields: &[&[u8]] = &[
        &[0b0110_0001],                // stream 1 of 3, spatial layer 0 of each
        &[0b0101_0100],                // two temporal layers each
        &[100, 120],                   // kbit/s of stream 0
        &[0xac, 0x02, 0x90, 0x03],     // 300 and 400
        &[0xe8, 0x07, 0xdc, 0x0b],     // 1000 and 1500
        &[0x01, 0x3f, 0x00, 0xb3, 15], // 320 × 180
        &[0x02, 0x7f, 0x01, 0x67, 30], // 640 × 360
        &[0x04, 0xff, 0x02, 0xcf, 30], // 1280 × 720
    ];
    let value = fields.concat();
    let read = VideoLayersAllocation::read(&value).unwrap();
    assert_eq!((read.stream(), read.streams()), (1, 3));
    let bitrates: Vec<_> =
        read.layers().iter().map(|l| (l.stream, l.spatial_id, l.bitrates)).collect();
    assert_eq!(
        bitrates,
        [(0, 0, [100, 120, 0, 0]), (1, 0, [300, 400, 0, 0]), (2, 0, [1_000, 1_500, 0, 0])]
    );
    let size = read.layers()[2].size.unwrap();
    assert_eq!((size.width, size.height, size.max_framerate), (1_280, 720, 30));
    let mut out = [0; 64];
    let len = read.write(&mut out).unwrap();
    assert_eq!(out[..len], value);
    for len in (1..value.len()).filter(|len| *len != 12) {
        assert_eq!(VideoLayersAllocation::read(&value[..len]), Err(VlaError::Truncated), "{len}");
    }
    // Sizes may be left out as a whole.
    assert_eq!(VideoLayersAllocation::read(&value[..12]).unwrap().layers()[0].size, None);
}

#[test]
fn streams_with_different_layers() {
    // Two streams: spatial layers 0 and 1 of the first, none of the second.
    let value = [0b0001_0000, 0b0011_0000, 0b0001_0000, 50, 60, 70];
    let read = VideoLayersAllocation::read(&value).unwrap();
    assert_eq!(read.layers(), [layer(0, 0, &[50]), layer(0, 1, &[60, 70])]);
    let mut out = [0; 8];
    let len = read.write(&mut out).unwrap();
    assert_eq!(out[..len], value);
}

#[test]
fn nothing_is_sent() {
    let none = VideoLayersAllocation::read(&[0]).unwrap();
    assert!(none.layers().is_empty());
    let mut out = [9; 2];
    assert_eq!((none.write(&mut out), out), (Ok(1), [0, 9]));
    assert_eq!(none.write(&mut []), Err(VlaError::NoSpace));
}

#[test]
fn contradictions_are_malformed() {
    assert_eq!(VideoLayersAllocation::read(&[]), Err(VlaError::Truncated));
    // Stream 1 of one.
    assert_eq!(VideoLayersAllocation::read(&[0x41, 0, 1]), Err(VlaError::Malformed));
    // A bitrate of 35 bits.
    let long = [0x01, 0, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert_eq!(VideoLayersAllocation::read(&long), Err(VlaError::Malformed));
    let new = VideoLayersAllocation::new;
    assert!(new(0, 5, &[]).is_err() && new(1, 1, &[]).is_err());
    assert!(new(0, 1, &[layer(0, 1, &[1]), layer(0, 0, &[1])]).is_err());
    assert!(new(0, 1, &[layer(1, 0, &[1])]).is_err() && new(0, 1, &[layer(0, 0, &[])]).is_err());
    assert!(new(0, 4, &[layer(0, 0, &[1]); 17]).is_err());
}

prop_compose! {
    fn any_allocation()(
        streams in 1_u8..=4,
        stream in 0_u8..4,
        masks: [bool; 16],
        bitrates: [[u32; 4]; 16],
        temporal in proptest::array::uniform16(1_u8..=4),
        sizes in proptest::option::of((1_u16.., 1_u16.., any::<u8>())),
    ) -> VideoLayersAllocation {
        let mut layers = Vec::new();
        for at in (0..16).filter(|at| masks[*at] && (at / 4) < usize::from(streams)) {
            let rates = &bitrates[at][..temporal[at].into()];
            layers.push(SpatialLayer {
                size: sizes.map(|(width, height, max_framerate)| LayerSize { width, height, max_framerate }),
                ..layer((at / 4) as u8, (at % 4) as u8, rates)
            });
        }
        if layers.is_empty() {
            return VideoLayersAllocation::read(&[0]).unwrap();
        }
        VideoLayersAllocation::new(stream % streams, streams, &layers).unwrap()
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(allocation in any_allocation()) {
        let mut out = [0; 512];
        let len = allocation.write(&mut out).unwrap();
        prop_assert_eq!(VideoLayersAllocation::read(&out[..len]), Ok(allocation));
        prop_assert_eq!(allocation.write(&mut out[..len - 1]), Err(VlaError::NoSpace));
    }

    #[test]
    fn reading_is_total(data in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(read) = VideoLayersAllocation::read(&data) {
            let mut out = [0; 512];
            let len = read.write(&mut out).unwrap();
            let again = VideoLayersAllocation::read(&out[..len]).unwrap();
            prop_assert_eq!(again.layers(), read.layers());
        }
    }
}
