//! Header extensions: reading any block, and writing the egress header.

use sfu_core::wire::rtp::{
    AbsSendTime, Elements, ExtensionKind, ExtensionMap, HeaderFields, HeaderTemplate, PassThrough,
    RtpView, read_extensions,
};
use sfu_core::wire::{Mid, PayloadType, RtpTime, SeqNo, Ssrc};

use crate::lies_in;

/// Two bytes of profile, then the block. Elements lie in the block, and those
/// that describe the media come out of the egress header as they went in.
pub fn rtp_extensions(data: &[u8]) -> bool {
    let Some((&[p0, p1], block)) = data.split_first_chunk() else { return false };
    let profile = u16::from_be_bytes([p0, p1]);
    let mut used = 0;
    for element in Elements::new(profile, block) {
        assert!(lies_in(element.data, block));
        assert_ne!(element.id, 0);
        used += element.data.len() + 1;
    }
    assert!(used <= block.len());
    if block.len() > 1_024 {
        return false;
    }
    let packet = packet_with(profile, block);
    let view = RtpView::parse(&packet).expect("a sound packet around any block");
    for ids in [ids(1), ids(100)] {
        travels_through_the_egress_header(&view, &ids);
    }
    used != 0
}

fn ids(first: u8) -> ExtensionMap {
    let mut map = ExtensionMap::default();
    for (id, kind) in (first..).zip(ExtensionKind::ALL) {
        map.insert(kind, id).expect("ids are unique");
    }
    map
}

fn packet_with(profile: u16, block: &[u8]) -> Vec<u8> {
    let words = block.len().div_ceil(4);
    let mut packet = vec![0x90, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    packet.extend(profile.to_be_bytes());
    packet.extend(u16::try_from(words).expect("a short block").to_be_bytes());
    packet.extend(block);
    packet.resize(16 + words * 4, 0);
    packet.extend(b"payload");
    packet
}

fn travels_through_the_egress_header(view: &RtpView<'_>, to: &ExtensionMap) {
    let from = ids(1);
    let template = HeaderTemplate::new(Ssrc(7), PayloadType(96), to)
        .allow_mixed()
        .with_mid(Mid::new("slot").expect("a mid"));
    let fields = HeaderFields {
        marker: true,
        seq: SeqNo(65_535),
        timestamp: RtpTime(u32::MAX),
        twcc: 4_711,
        abs_send_time: AbsSendTime(0x00ab_cdef),
        identity: true,
    };
    let pass = PassThrough::new(&from, to);
    let mut out = vec![0; HeaderTemplate::MAX_OWN_LEN + 4 * view.packet().len()];
    let written = template
        .write(&mut out, &fields, view.elements(), &pass)
        .expect("there is room for everything");
    let again = RtpView::parse(&out[..written.len]).expect("what we write is RTP");
    assert!(again.payload().is_empty());
    assert_eq!((again.ssrc(), again.seq(), again.marker()), (Ssrc(7), SeqNo(65_535), true));
    let (before, after) = (read_extensions(view, &from), read_extensions(&again, to));
    assert_eq!(after.mid, Mid::new("slot"));
    assert_eq!(after.twcc, Some(4_711));
    assert_eq!(after.abs_send_time, Some(AbsSendTime(0x00ab_cdef)));
    assert_eq!(after.audio_level, before.audio_level);
    assert_eq!(after.video_orientation, before.video_orientation);
    assert_eq!(after.playout_delay, before.playout_delay);
    assert_eq!(after.abs_capture_time, before.abs_capture_time);
    assert_eq!((after.rid, after.transmission_offset), (None, None), "what belongs to the hop");
}
