//! RTP packets, their payloads, padding and retransmission format.

use sfu_core::wire::codec::{Codec, inspect, vp8};
use sfu_core::wire::rtp::{self, RtpView, add_padding, rtx};
use sfu_core::wire::{PayloadType, Ssrc};

use crate::lies_in;

const CODECS: [Codec; 8] = [
    Codec::Opus,
    Codec::Red,
    Codec::Vp8,
    Codec::Vp9,
    Codec::H264,
    Codec::H265,
    Codec::Av1,
    Codec::Other,
];

/// Header, payload and padding make up the whole packet; padding and
/// retransmission can be undone; rewriting a payload changes what it should.
pub fn rtp(data: &[u8]) -> bool {
    for codec in CODECS {
        let _ = inspect(codec, data);
    }
    vp8_rewrite(data);
    let Ok(view) = RtpView::parse(data) else { return false };
    assert_eq!(view.header_len() + view.payload().len() + view.padding_len(), data.len());
    assert_eq!(rtp::header_len(data), Ok(view.header_len()));
    assert_eq!((rtp::seq(data), rtp::ssrc(data)), (Some(view.seq()), Some(view.ssrc())));
    assert_eq!(view.csrcs().count(), usize::from(view.csrc_count()));
    assert!(lies_in(view.payload(), data));
    for codec in CODECS {
        let _ = inspect(codec, view.payload());
    }
    padding_adds_nothing(data, &view);
    retransmission_gives_the_packet_back(data, &view);
    true
}

fn padding_adds_nothing(data: &[u8], view: &RtpView<'_>) {
    if view.padding_len() != 0 {
        return;
    }
    let count = data[data.len() - 1];
    let mut padded = data.to_vec();
    padded.resize(data.len() + usize::from(count), 0xff);
    let Ok(len) = add_padding(&mut padded, data.len(), count) else { return };
    // A packet of 65,535 bytes cannot grow.
    let Ok(again) = RtpView::parse(&padded[..len]) else {
        assert!(len > usize::from(u16::MAX));
        return;
    };
    assert_eq!(again.payload(), view.payload());
    assert_eq!(again.padding_len(), usize::from(count));
}

fn retransmission_gives_the_packet_back(data: &[u8], view: &RtpView<'_>) {
    if data.len() + rtx::OSN_LEN > usize::from(u16::MAX) {
        return;
    }
    let header_len = view.header_len();
    let mut sent = data[..header_len].to_vec();
    sent.resize(data.len() + rtx::OSN_LEN, 0);
    // The padding goes along: it is behind the payload in both packets.
    let len = rtx::write_payload(&mut sent[header_len..], view.seq(), &data[header_len..])
        .expect("there is room");
    assert_eq!(header_len + len, sent.len());
    sent[1] = (sent[1] & 0x80) | 97;
    sent[2..4].copy_from_slice(&[0x12, 0x34]);
    sent[8..12].copy_from_slice(&[9; 4]);
    let lost = rtx::unwrap(&mut sent, view.ssrc(), view.payload_type())
        .expect("a packet with a sequence number before its payload")
        .expect("the payload is not empty");
    assert_eq!(lost.seq, view.seq());
    assert_eq!(&sent[lost.start..], data);
    let _ = rtx::unwrap(&mut data.to_vec(), Ssrc(1), PayloadType(96));
}

fn vp8_rewrite(payload: &[u8]) {
    let Ok(before) = inspect(Codec::Vp8, payload) else { return };
    let mut copy = payload.to_vec();
    if vp8::rewrite(&mut copy, 0x1234, 0x56).is_err() {
        return;
    }
    let after = inspect(Codec::Vp8, &copy).expect("a rewritten payload is still VP8");
    if let Some(old) = before.picture_id {
        let new = after.picture_id.expect("the picture id stays");
        assert_eq!((new.value, new.wide), (0x1234 & old.mask(), old.wide));
    }
    assert_eq!(after.tl0_pic_idx, before.tl0_pic_idx.map(|_| 0x56));
    assert_eq!(
        (after.keyframe, after.frame_start, after.temporal_id),
        (before.keyframe, before.frame_start, before.temporal_id)
    );
}
