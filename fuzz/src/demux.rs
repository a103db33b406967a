//! The first look at a datagram, and the framing on TCP.

use sfu_core::wire::rtcp::Compound;
use sfu_core::wire::rtp::RtpView;
use sfu_ice::ice::{FrameDecoder, FrameError};
use sfu_ice::stun::Message;
use sfu_ice::{PacketClass, classify};

const MAX_FRAME: u16 = 1_500;

/// What a parser accepts has the class of that parser, and a byte stream gives
/// the same packets however it is cut.
pub fn demux(data: &[u8]) -> bool {
    let class = classify(data);
    if Message::parse(data).is_ok_and(|message| message.is_binding()) {
        assert_eq!(class, PacketClass::Stun);
    }
    if RtpView::parse(data).is_ok() {
        assert!(matches!(class, PacketClass::Rtp | PacketClass::Rtcp));
    }
    if Compound::parse(data).is_ok() && data.get(1).is_some_and(|kind| (192..=223).contains(kind)) {
        assert_eq!(class, PacketClass::Rtcp);
    }
    let whole = frames(std::iter::once(data));
    assert_eq!(whole, frames(data.chunks(1)), "byte by byte");
    let cut = usize::from(data.first().copied().unwrap_or(0)).min(data.len());
    let (front, back) = data.split_at(cut);
    assert_eq!(whole, frames([front, back].into_iter()), "cut at {cut}");
    class != PacketClass::Unknown
}

fn frames<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut decoder = FrameDecoder::new(MAX_FRAME);
    let mut frames = Vec::new();
    for mut chunk in chunks {
        loop {
            match decoder.decode(&mut chunk) {
                Ok(Some(frame)) => {
                    assert!(!frame.is_empty() && frame.len() <= usize::from(MAX_FRAME));
                    frames.push(frame.to_vec());
                }
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(chunk.is_empty(), "all of the input is consumed");
    }
    (frames, None)
}
