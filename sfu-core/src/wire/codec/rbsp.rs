//! The start of an H.264 or H.265 parameter set without its emulation
//! prevention bytes (H.264 §7.4.1.1).

/// A copy on the stack of as much as is looked at.
pub(super) struct Rbsp {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Rbsp {
    /// What a size is found in: scaling lists, which may come before it, take
    /// up to about 800 bytes and are not used in calls.
    const CAPACITY: usize = 128;

    pub(super) fn new(unit: &[u8]) -> Self {
        let mut out = Self { bytes: [0; Self::CAPACITY], len: 0 };
        let mut zeros = 0;
        let mut places = out.bytes.iter_mut();
        for &byte in unit {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            let Some(place) = places.next() else { break };
            *place = byte;
            out.len += 1;
            zeros = if byte == 0 { zeros + 1 } else { 0 };
        }
        out
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_three_after_two_zeros_is_left_out() {
        let clean = |unit: &[u8]| Rbsp::new(unit).bytes().to_vec();
        assert_eq!(clean(&[1, 0, 0, 3, 0, 0, 3, 1]), [1, 0, 0, 0, 0, 1]);
        assert_eq!(clean(&[0, 3, 0, 0, 0, 3]), [0, 3, 0, 0, 0]);
        assert_eq!(clean(&[0, 0, 3, 3, 7]), [0, 0, 3, 7]);
        assert_eq!(clean(&[7; 500]), [7; 128]);
    }
}
