//! G.711 µ-law (ITU-T G.711), 8,000 samples a second.

/// Added to each magnitude, so that every segment begins with a set bit.
const BIAS: i32 = 132;
const CLIP: i32 = 32_635;

/// One sample in 8 bits.
pub(crate) fn encode(sample: i16) -> u8 {
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    // The highest bit, from 7 to 14, is the segment.
    let segment = (magnitude.ilog2() as i32 - 7).clamp(0, 7);
    let mantissa = (magnitude >> (segment + 3)) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !((sign | segment << 4 | mantissa) as u8)
}

/// The sample that 8 bits stand for.
pub(crate) fn decode(code: u8) -> i16 {
    let code = i32::from(!code);
    let magnitude = ((((code & 0x0f) << 3) + BIAS) << ((code & 0x70) >> 4)) - BIAS;
    (if code & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

/// How loud a packet is, in dBov: 0 is the loudest there is, −127 silence.
pub(crate) fn level(payload: &[u8]) -> f64 {
    let square = |code: &u8| (f64::from(decode(*code)) / 32_768.0).powi(2);
    let power = payload.iter().map(square).sum::<f64>() / payload.len().max(1) as f64;
    (10.0 * power.log10()).max(-127.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_survive_as_well_as_eight_bits_can() {
        for sample in (-32_768..=32_767).step_by(7) {
            let sample = sample as i16;
            let error = (i32::from(decode(encode(sample))) - i32::from(sample)).abs();
            assert!(error <= i32::from(sample).abs() / 16 + 16, "{sample}: {error}");
        }
        // Every code but the second zero is what its sample is encoded as.
        for code in (0..=255).filter(|code| *code != 0x7f) {
            assert_eq!(encode(decode(code)), code);
        }
    }

    #[test]
    fn silence_and_the_loudest_sound_are_the_ends_of_the_scale() {
        assert_eq!(level(&[]), -127.0);
        assert_eq!(level(&[0xff; 160]), -127.0);
        let loud: Vec<u8> =
            (0..160).map(|at| encode(if at % 2 == 0 { 32_767 } else { -32_768 })).collect();
        assert!(level(&loud).abs() < 0.2);
    }
}
