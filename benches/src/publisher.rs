//! A camera without a picture: VP8 in SRTP, as a browser would send it.

use sfu_core::SrtpProfile;
use sfu_core::wire::Ssrc;
use sfu_core::wire::srtp::Outbound;

/// Length of each packet on the wire, with SRTP and without UDP and IP.
pub(crate) const PACKET_LEN: usize = 1200;
pub(crate) const PAYLOAD_TYPE: u8 = 96;
pub(crate) const SSRC: Ssrc = Ssrc(0x1234_5678);
/// Ids of the header extensions, as the router itself numbers them.
pub(crate) const ABS_SEND_TIME_ID: u8 = 4;
pub(crate) const TRANSPORT_CC_ID: u8 = 5;

/// RTP clock ticks from one frame to the next.
const FRAME_TICKS: u32 = 90_000 / 30;

/// Writes frames of equal packets. The first frame is a key frame.
pub(crate) struct Publisher {
    srtp: Outbound,
    seq: u16,
    transport_seq: u16,
    frame: u32,
}

impl Publisher {
    /// A publisher that protects with this key.
    pub(crate) fn new(profile: SrtpProfile, key: &[u8], salt: &[u8]) -> anyhow::Result<Self> {
        let srtp = Outbound::new(profile, key, salt)?;
        Ok(Self { srtp, seq: 1, transport_seq: 1, frame: 0 })
    }

    /// The packets of the next frame, one behind the other, each of
    /// [`PACKET_LEN`] bytes.
    pub(crate) fn frame(&mut self, packets: usize) -> anyhow::Result<Vec<u8>> {
        let mut bytes = vec![0; packets * PACKET_LEN];
        for (index, packet) in bytes.chunks_exact_mut(PACKET_LEN).enumerate() {
            let len = PACKET_LEN - self.srtp.rtp_overhead();
            self.write(&mut packet[..len], index == 0, index + 1 == packets);
            self.srtp.protect_rtp(packet, len)?;
        }
        self.frame += 1;
        Ok(bytes)
    }

    fn write(&mut self, packet: &mut [u8], first: bool, last: bool) {
        packet[0] = 0x90;
        packet[1] = PAYLOAD_TYPE | if last { 0x80 } else { 0 };
        packet[2..4].copy_from_slice(&self.seq.to_be_bytes());
        packet[4..8].copy_from_slice(&self.frame.wrapping_mul(FRAME_TICKS).to_be_bytes());
        packet[8..12].copy_from_slice(&SSRC.0.to_be_bytes());
        // A one-byte header extension block of two words (RFC 8285).
        packet[12..16].copy_from_slice(&[0xbe, 0xde, 0, 2]);
        packet[16] = (ABS_SEND_TIME_ID << 4) | 2;
        packet[20] = (TRANSPORT_CC_ID << 4) | 1;
        packet[21..23].copy_from_slice(&self.transport_seq.to_be_bytes());
        // VP8: picture id of 15 bits, TL0PICIDX, temporal layer 0 (RFC 7741).
        let [high, low] = (self.frame as u16).to_be_bytes();
        let start = if first { 0x10 } else { 0 };
        let header = [0x80 | start, 0xe0, 0x80 | high, low, self.frame as u8, 0x20];
        packet[24..30].copy_from_slice(&header);
        packet[30] = u8::from(self.frame > 0);
        packet[31..].fill(0x55);
        self.seq = self.seq.wrapping_add(1);
        self.transport_seq = self.transport_seq.wrapping_add(1);
    }
}
