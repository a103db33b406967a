//! What a synthetic payload says of itself: whose it is and when it was sent.

use super::clock::Stamp;

/// Stands at a fixed place in each payload, so that a receiver knows the truth
/// about what it was sent, whatever the headers say after forwarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// When the packet was handed to the kernel, or soon before.
    pub(crate) sent: Stamp,
    /// Which participant published it.
    pub(crate) publisher: u32,
    /// Counts the frames of one layer since its last key frame.
    pub(crate) frame: u32,
    /// Simulcast layer, 0 is the smallest.
    pub(crate) layer: u8,
    /// The packet's place in its frame.
    pub(crate) place: u8,
    /// Packets of the frame.
    pub(crate) of: u8,
}

impl Marker {
    pub(crate) const LEN: usize = 23;
    const MAGIC: [u8; 4] = *b"PLNM";

    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&Self::MAGIC);
        bytes[4..12].copy_from_slice(&self.sent.0.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.publisher.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.frame.to_be_bytes());
        bytes[20..].copy_from_slice(&[self.layer, self.place, self.of]);
        bytes
    }

    /// `None` for bytes that are no marker.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk()?;
        let (sent, rest) = rest.split_first_chunk()?;
        let (publisher, rest) = rest.split_first_chunk()?;
        let (frame, rest) = rest.split_first_chunk()?;
        let &[layer, place, of] = rest.first_chunk()?;
        (*magic == Self::MAGIC).then(|| Self {
            sent: Stamp(u64::from_be_bytes(*sent)),
            publisher: u32::from_be_bytes(*publisher),
            frame: u32::from_be_bytes(*frame),
            layer,
            place,
            of,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_as_written_and_nothing_else_is_one() {
        let sent = Stamp(0x0102_0304_0506_0708);
        let marker = Marker { sent, publisher: 9, frame: 10, layer: 2, place: 3, of: 4 };
        let mut bytes = marker.to_bytes();
        assert_eq!(Marker::read(&bytes), Some(marker));
        assert_eq!(Marker::read(&bytes[..Marker::LEN - 1]), None);
        bytes[0] = 0;
        assert_eq!(Marker::read(&bytes), None);
    }
}
