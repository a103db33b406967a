//! Framing of packets on a TCP connection (RFC 4571 §2, as RFC 6544 uses it).
//!
//! Each packet is preceded by its length in 16 bits. The decoder hands out
//! slices of the caller's buffer when a frame lies in it whole, and buffers
//! at most one frame otherwise.

use thiserror::Error;

/// A frame is longer than the decoder allows. The connection is of no use any
/// more: where the next frame begins is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("a frame of {len} bytes is longer than the limit")]
#[non_exhaustive]
pub struct FrameError {
    /// The length that the frame announces.
    pub len: u16,
}

/// The two bytes that precede a packet, `None` if it is longer than 65535.
pub fn frame_header(packet: &[u8]) -> Option<[u8; 2]> {
    u16::try_from(packet.len()).ok().map(u16::to_be_bytes)
}

/// Cuts a byte stream into packets.
///
/// ```
/// use sfu_ice::ice::FrameDecoder;
/// let mut decoder = FrameDecoder::new(1500);
/// let mut input: &[u8] = &[0, 2, 10, 11, 0, 1, 12, 0];
/// assert_eq!(decoder.decode(&mut input), Ok(Some(&[10, 11][..])));
/// assert_eq!(decoder.decode(&mut input), Ok(Some(&[12][..])));
/// assert_eq!(decoder.decode(&mut input), Ok(None));
/// ```
#[derive(Clone, Debug)]
pub struct FrameDecoder {
    /// An incomplete frame with its header, or nothing.
    partial: Vec<u8>,
    /// `partial` was handed out and is to be cleared.
    done: bool,
    broken: Option<FrameError>,
    max_frame: u16,
}

impl FrameDecoder {
    /// A decoder that accepts packets of up to `max_frame` bytes and never
    /// buffers more than that and a header.
    pub fn new(max_frame: u16) -> Self {
        Self { partial: Vec::new(), done: false, broken: None, max_frame }
    }

    /// Takes bytes from the front of `input` until a packet is complete.
    ///
    /// Call again with the same `input` until it returns `None`; then all of
    /// it is consumed. Empty frames are skipped.
    ///
    /// # Errors
    /// [`FrameError`], at once and on every later call, when a frame is too
    /// long.
    pub fn decode<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<&'a [u8]>, FrameError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        if self.done {
            self.partial.clear();
            self.done = false;
        }
        loop {
            while self.partial.is_empty() {
                let Some((header, body)) = input.split_first_chunk::<2>() else { break };
                let len = self.admit(*header)?;
                let Some((frame, rest)) = body.split_at_checked(len) else { break };
                *input = rest;
                if !frame.is_empty() {
                    return Ok(Some(frame));
                }
            }
            match self.buffer(input)? {
                None => return Ok(None),
                Some(0) => self.partial.clear(),
                Some(_) => {
                    self.done = true;
                    return Ok(self.partial.get(2..));
                }
            }
        }
    }

    /// Buffers one frame and returns its length once it is complete.
    fn buffer(&mut self, input: &mut &[u8]) -> Result<Option<usize>, FrameError> {
        self.take(input, 2);
        let Some((header, _)) = self.partial.split_first_chunk::<2>() else { return Ok(None) };
        let len = self.admit(*header)?;
        let want = len.saturating_add(2);
        self.take(input, want);
        Ok((self.partial.len() >= want).then_some(len))
    }

    /// Moves bytes until `partial` has `want`.
    fn take(&mut self, input: &mut &[u8], want: usize) {
        let missing = want.saturating_sub(self.partial.len()).min(input.len());
        if let Some((front, rest)) = input.split_at_checked(missing) {
            self.partial.extend_from_slice(front);
            *input = rest;
        }
    }

    fn admit(&mut self, header: [u8; 2]) -> Result<usize, FrameError> {
        let len = u16::from_be_bytes(header);
        if len <= self.max_frame {
            return Ok(usize::from(len));
        }
        let error = FrameError { len };
        self.broken = Some(error);
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(packets: &[Vec<u8>]) -> Vec<u8> {
        let mut stream = Vec::new();
        for packet in packets {
            stream.extend_from_slice(&frame_header(packet).unwrap());
            stream.extend_from_slice(packet);
        }
        stream
    }

    fn decode_all(decoder: &mut FrameDecoder, mut input: &[u8]) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        while let Some(packet) = decoder.decode(&mut input).unwrap() {
            packets.push(packet.to_vec());
        }
        assert!(input.is_empty());
        packets
    }

    #[test]
    fn too_long_a_frame_is_an_error_that_stays() {
        let mut decoder = FrameDecoder::new(10);
        for _ in 0..2 {
            let mut input: &[u8] = &[0, 11, 1, 2, 3];
            assert_eq!(decoder.decode(&mut input), Err(FrameError { len: 11 }));
        }
        let mut split = FrameDecoder::new(10);
        assert_eq!(split.decode(&mut &[0u8][..]), Ok(None));
        assert_eq!(split.decode(&mut &[11u8][..]), Err(FrameError { len: 11 }));
        assert_eq!(split.decode(&mut &[0u8][..]), Err(FrameError { len: 11 }));
    }

    #[test]
    fn an_oversized_packet_has_no_header() {
        assert_eq!(frame_header(&vec![0; 65536]), None);
        assert_eq!(frame_header(&vec![0; 65535]), Some([255, 255]));
    }

    #[test]
    fn empty_frames_are_skipped_even_when_they_are_split() {
        let mut decoder = FrameDecoder::new(100);
        assert_eq!(decode_all(&mut decoder, &[0]), Vec::<Vec<u8>>::new());
        assert_eq!(decode_all(&mut decoder, &[0, 0, 0, 0, 1, 9]), vec![vec![9]]);
    }

    proptest! {
        #[test]
        fn packets_survive_any_chunking(
            packets in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 1..300), 0..12),
            cuts in proptest::collection::vec(1usize..400, 1..40),
        ) {
            let stream = frame(&packets);
            let mut decoder = FrameDecoder::new(300);
            let mut decoded = Vec::new();
            let mut rest = &stream[..];
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let (chunk, tail) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                decoded.extend(decode_all(&mut decoder, chunk));
                rest = tail;
            }
            prop_assert_eq!(decoded, packets);
        }

        #[test]
        fn random_bytes_never_panic_and_memory_is_bounded(
            chunks in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 0..200), 0..30),
        ) {
            let mut decoder = FrameDecoder::new(500);
            for chunk in &chunks {
                let mut input = &chunk[..];
                while let Ok(Some(_)) = decoder.decode(&mut input) {}
                prop_assert!(decoder.partial.len() <= 502);
            }
        }
    }
}
