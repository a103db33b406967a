//! RTP headers as a browser's: written by hand, so that the server's own writer
//! is not measured against itself.

use sfu_core::wire::Ssrc;

/// Header extension ids of our offers.
pub(crate) mod extension {
    pub(crate) const AUDIO_LEVEL: u8 = 1;
    pub(crate) const ABS_SEND_TIME: u8 = 2;
    pub(crate) const TRANSPORT_CC: u8 = 3;
    pub(crate) const MID: u8 = 4;
    pub(crate) const RID: u8 = 10;
    pub(crate) const REPAIRED_RID: u8 = 11;
}

/// Longest header that [`Header::write`] makes, with short mids and rids.
pub(crate) const MAX_HEADER: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Header<'a> {
    pub(crate) payload_type: u8,
    pub(crate) marker: bool,
    pub(crate) seq: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: Ssrc,
    pub(crate) transport_seq: u16,
    /// 24 bits, 6.18 fixed point seconds.
    pub(crate) abs_send_time: u32,
    pub(crate) mid: Option<&'a str>,
    pub(crate) rid: Option<&'a str>,
    pub(crate) repaired_rid: Option<&'a str>,
    /// RFC 6464: the V bit and the level.
    pub(crate) audio_level: Option<u8>,
}

impl Header<'_> {
    /// Writes the header to the front of `out`, which has room for
    /// [`MAX_HEADER`] bytes, and gives its length.
    pub(crate) fn write(&self, out: &mut [u8]) -> usize {
        out[0] = 0x90;
        out[1] = self.payload_type | u8::from(self.marker) << 7;
        out[2..4].copy_from_slice(&self.seq.to_be_bytes());
        out[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.0.to_be_bytes());
        // One-byte header extensions (RFC 8285 §4.2).
        out[12..14].copy_from_slice(&[0xbe, 0xde]);
        let mut at = 16;
        let mut element = |id: u8, data: &[u8]| {
            out[at] = id << 4 | (data.len() as u8 - 1);
            out[at + 1..=at + data.len()].copy_from_slice(data);
            at += 1 + data.len();
        };
        element(extension::ABS_SEND_TIME, &self.abs_send_time.to_be_bytes()[1..]);
        element(extension::TRANSPORT_CC, &self.transport_seq.to_be_bytes());
        for (id, text) in [
            (extension::MID, self.mid),
            (extension::RID, self.rid),
            (extension::REPAIRED_RID, self.repaired_rid),
        ] {
            if let Some(text) = text {
                element(id, text.as_bytes());
            }
        }
        if let Some(level) = self.audio_level {
            element(extension::AUDIO_LEVEL, &[level]);
        }
        let end = at.next_multiple_of(4);
        out[at..end].fill(0);
        let words = ((end - 16) / 4) as u16;
        out[14..16].copy_from_slice(&words.to_be_bytes());
        end
    }
}

#[cfg(test)]
mod tests {
    use sfu_core::wire::rtp::RtpView;

    use super::*;

    #[test]
    fn a_header_reads_as_it_was_meant() {
        let header = Header {
            payload_type: 96,
            marker: true,
            seq: 7,
            timestamp: 8,
            ssrc: Ssrc(9),
            transport_seq: 10,
            abs_send_time: 0x01_0203,
            mid: Some("1"),
            rid: Some("q"),
            repaired_rid: None,
            audio_level: Some(0x85),
        };
        let mut packet = [0xff; MAX_HEADER + 3];
        let len = header.write(&mut packet);
        assert!(len <= MAX_HEADER);
        let view = RtpView::parse(&packet[..len + 3]).unwrap();
        assert_eq!((view.marker(), view.payload_type().0, view.seq().0), (true, 96, 7));
        assert_eq!((view.timestamp().0, view.ssrc().0, view.payload().len()), (8, 9, 3));
        assert_eq!(view.element(extension::MID), Some(&b"1"[..]));
        assert_eq!(view.element(extension::RID), Some(&b"q"[..]));
        assert_eq!(view.element(extension::REPAIRED_RID), None);
        assert_eq!(view.element(extension::AUDIO_LEVEL), Some(&[0x85][..]));
        assert_eq!(view.element(extension::TRANSPORT_CC), Some(&[0, 10][..]));
        assert_eq!(view.element(extension::ABS_SEND_TIME), Some(&[1, 2, 3][..]));
    }
}
