//! Reads and writes single bits, most significant first, as the descriptors of
//! AV1 and the headers of H.264 and H.265 have them.
//!
//! Both ends are bounded by the slice they are given; reading past the end is
//! `Truncated`, writing past it `NoSpace`.

use super::frame::CodecError;

/// A position in a slice, in bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bits that were read so far.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// Bits that are left.
    pub(super) const fn remaining(&self) -> usize {
        self.bytes.len().saturating_mul(8).saturating_sub(self.at)
    }

    /// An unsigned number of `bits` bits, at most 32.
    pub(super) fn bits(&mut self, bits: u32) -> Result<u32, CodecError> {
        debug_assert!(bits <= 32);
        if self.remaining() < bits as usize {
            return Err(CodecError::Truncated);
        }
        let mut value = 0;
        for _ in 0..bits {
            let byte = self.bytes.get(self.at / 8).copied().unwrap_or_default();
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }

    /// An unsigned number of `bits` bits, at most 8.
    pub(super) fn byte(&mut self, bits: u32) -> Result<u8, CodecError> {
        debug_assert!(bits <= 8);
        Ok((self.bits(bits)? & 0xff) as u8)
    }

    pub(super) fn flag(&mut self) -> Result<bool, CodecError> {
        Ok(self.bits(1)? != 0)
    }

    pub(super) fn skip(&mut self, bits: usize) -> Result<(), CodecError> {
        if self.remaining() < bits {
            return Err(CodecError::Truncated);
        }
        self.at += bits;
        Ok(())
    }

    /// `ns(n)`: a number below `n` (1 to 255) in a code that spends no bit on
    /// numbers that cannot be.
    pub(super) fn non_symmetric(&mut self, n: u8) -> Result<u8, CodecError> {
        let width = u8::BITS - n.leading_zeros();
        let short = (1_u32 << width).saturating_sub(u32::from(n));
        let value = self.bits(width.saturating_sub(1))?;
        let value =
            if value < short { value } else { (value << 1 | self.bits(1)?).saturating_sub(short) };
        Ok((value & 0xff) as u8)
    }

    /// `ue(v)`: an unsigned Exp-Golomb code (H.264 §9.1) below 2^32 − 1.
    pub(super) fn exp_golomb(&mut self) -> Result<u32, CodecError> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return Err(CodecError::Malformed);
            }
        }
        let low = self.bits(zeros)?;
        Ok(((1_u32 << zeros) - 1).saturating_add(low))
    }

    /// `se(v)`: a signed Exp-Golomb code (H.264 §9.1.1).
    pub(super) fn signed_exp_golomb(&mut self) -> Result<i32, CodecError> {
        let code = self.exp_golomb()?;
        let magnitude = (code >> 1).saturating_add(code & 1).cast_signed();
        Ok(if code & 1 == 1 { magnitude } else { magnitude.saturating_neg() })
    }
}

/// Writes from the start of a slice.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl<'a> BitWriter<'a> {
    pub(super) const fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    /// The low `bits` bits of `value`, at most 32.
    pub(super) fn bits(&mut self, bits: u32, value: u32) -> Result<(), CodecError> {
        debug_assert!(bits <= 32);
        for place in (0..bits).rev() {
            let byte = self.out.get_mut(self.at / 8).ok_or(CodecError::NoSpace)?;
            if self.at.is_multiple_of(8) {
                *byte = 0;
            }
            *byte |= ((value >> place & 1) as u8) << (7 - self.at % 8);
            self.at += 1;
        }
        Ok(())
    }

    pub(super) fn flag(&mut self, flag: bool) -> Result<(), CodecError> {
        self.bits(1, flag.into())
    }

    /// `ns(n)` of a `value` below `n`.
    pub(super) fn non_symmetric(&mut self, n: u8, value: u8) -> Result<(), CodecError> {
        let width = u8::BITS - n.leading_zeros();
        let short = (1_u32 << width).saturating_sub(u32::from(n));
        let value = u32::from(value);
        if value < short {
            self.bits(width.saturating_sub(1), value)
        } else {
            self.bits(width, value + short)
        }
    }

    /// The next `bits` bits of `source`.
    pub(super) fn copy(
        &mut self,
        source: &mut BitReader<'_>,
        mut bits: usize,
    ) -> Result<(), CodecError> {
        while bits > 0 {
            let step = bits.min(32) as u32;
            let value = source.bits(step)?;
            self.bits(step, value)?;
            bits -= step as usize;
        }
        Ok(())
    }

    /// Bytes that were begun; the rest of the last one is zero.
    pub(super) const fn len(&self) -> usize {
        self.at.div_ceil(8)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn non_symmetric_codes_of_five() {
        // ns(5): w = 3, m = 3, so 0, 1, 2 take two bits and 3, 4 three.
        let codes = [(0, "00"), (1, "01"), (2, "10"), (3, "110"), (4, "111")];
        for (value, code) in codes {
            let mut out = [0xff];
            let mut writer = BitWriter::new(&mut out);
            writer.non_symmetric(5, value).unwrap();
            assert_eq!(writer.at, code.len());
            let bits = u8::from_str_radix(code, 2).unwrap();
            assert_eq!(out, [bits << (8 - code.len())], "{value}");
            assert_eq!(BitReader::new(&out).non_symmetric(5), Ok(value));
        }
    }

    #[test]
    fn a_single_value_takes_no_bits() {
        assert_eq!(BitReader::new(&[]).non_symmetric(1), Ok(0));
        assert_eq!(BitReader::new(&[]).bits(0), Ok(0));
    }

    #[test]
    fn exp_golomb_codes() {
        // 1, 010, 011, 00100 are 0, 1, 2, 3 (H.264 table 9-2).
        let mut reader = BitReader::new(&[0b1010_0110, 0b0100_0000]);
        let values: Vec<_> = (0..4).map(|_| reader.exp_golomb().unwrap()).collect();
        assert_eq!(values, [0, 1, 2, 3]);
        let mut reader = BitReader::new(&[0b1010_0110, 0b0100_0000]);
        let values: Vec<_> = (0..4).map(|_| reader.signed_exp_golomb().unwrap()).collect();
        assert_eq!(values, [0, 1, -1, 2]);
        assert_eq!(BitReader::new(&[0; 3]).exp_golomb(), Err(CodecError::Truncated));
        assert_eq!(BitReader::new(&[0; 9]).exp_golomb(), Err(CodecError::Malformed));
    }

    #[test]
    fn the_end_is_the_end() {
        let mut reader = BitReader::new(&[0xa5]);
        assert_eq!((reader.bits(3), reader.position(), reader.remaining()), (Ok(5), 3, 5));
        assert_eq!(reader.bits(6), Err(CodecError::Truncated));
        assert_eq!(reader.skip(6), Err(CodecError::Truncated));
        assert_eq!(reader.skip(5), Ok(()));
        assert_eq!(reader.flag(), Err(CodecError::Truncated));
        let mut out = [0; 1];
        assert_eq!(BitWriter::new(&mut out).bits(9, 0), Err(CodecError::NoSpace));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            fields in proptest::collection::vec((0_u32..=32, any::<u32>()), 0..20),
            numbers in proptest::collection::vec((1_u8.., any::<u8>()), 0..20),
        ) {
            let mut out = [0xff; 200];
            let mut writer = BitWriter::new(&mut out);
            for (bits, value) in &fields {
                writer.bits(*bits, *value).unwrap();
            }
            for (n, value) in &numbers {
                writer.non_symmetric(*n, value % n).unwrap();
            }
            let len = writer.len();
            let mut reader = BitReader::new(&out[..len]);
            for (bits, value) in &fields {
                let mask = 1_u64.checked_shl(*bits).map_or(0, |one| (one - 1) as u32);
                prop_assert_eq!(reader.bits(*bits), Ok(value & mask));
            }
            for (n, value) in &numbers {
                prop_assert_eq!(reader.non_symmetric(*n), Ok(value % n));
            }
            prop_assert!(reader.remaining() < 8);
        }
    }
}
