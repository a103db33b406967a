//! The values of the header extensions that a forwarding unit reads or writes,
//! each with its wire form.

use serde::{Deserialize, Serialize};
use sfu_ice::Time;

use crate::wire::rtcp::NtpTime;

/// Loudness of the audio in a packet (RFC 6464).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct AudioLevel {
    /// Loudness in −dBov: 0 is the loudest, 127 is silence.
    pub level: u8,
    /// The sender believes that the packet holds speech.
    pub voice: bool,
}

impl AudioLevel {
    /// Reads the value; `None` if it is empty. Bytes after the first are
    /// padding of the two-byte form.
    pub fn read(data: &[u8]) -> Option<Self> {
        let &byte = data.first()?;
        Some(Self { level: byte & 0x7f, voice: byte & 0x80 != 0 })
    }

    /// The wire form.
    pub fn to_byte(self) -> u8 {
        (u8::from(self.voice) << 7) | (self.level & 0x7f)
    }
}

/// How the receiver has to turn the picture (CVO, 3GPP TS 26.114 §7.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct VideoOrientation {
    /// The picture comes from the camera on the back of the device.
    pub back_camera: bool,
    /// The picture is mirrored horizontally.
    pub flip: bool,
    /// Rotation in units of 90 degrees, 0 to 3.
    pub quarter_turns: u8,
}

impl VideoOrientation {
    /// Reads the value; `None` if it is empty.
    pub fn read(data: &[u8]) -> Option<Self> {
        let &byte = data.first()?;
        Some(Self {
            back_camera: byte & 0x08 != 0,
            flip: byte & 0x04 != 0,
            quarter_turns: byte & 0x03,
        })
    }

    /// The wire form.
    pub fn to_byte(self) -> u8 {
        (u8::from(self.back_camera) << 3) | (u8::from(self.flip) << 2) | (self.quarter_turns & 3)
    }
}

/// When a packet left its sender: seconds of the sender's clock as 6.18 bit
/// fixed point, wrapping every 64 s (abs-send-time).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(clippy::exhaustive_structs)]
pub struct AbsSendTime(pub u32);

impl AbsSendTime {
    /// `time` modulo 64 s, rounded down to 2^−18 s (about 3.8 µs).
    ///
    /// ```
    /// use sfu_core::wire::rtp::AbsSendTime;
    /// use sfu_ice::Time;
    /// assert_eq!(AbsSendTime::at(Time::from_millis(64_500)).0, 1 << 17);
    /// ```
    pub fn at(time: Time) -> Self {
        let nanos = u128::from(time.as_nanos()) << 18;
        Self(((nanos / 1_000_000_000) & 0x00ff_ffff) as u32)
    }

    /// Reads the value; `None` unless it has three bytes.
    pub fn read(data: &[u8]) -> Option<Self> {
        let &[a, b, c] = data.first_chunk::<3>()?;
        Some(Self(u32::from_be_bytes([0, a, b, c])))
    }

    /// The wire form: the low 24 bits.
    pub fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }
}

/// Distance between the RTP timestamp and the moment of sending, in clock
/// ticks; 24 bits, signed (RFC 5450).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(clippy::exhaustive_structs)]
pub struct TransmissionOffset(pub i32);

impl TransmissionOffset {
    /// Reads the value; `None` unless it has three bytes.
    pub fn read(data: &[u8]) -> Option<Self> {
        let &[a, b, c] = data.first_chunk::<3>()?;
        // The arithmetic shift extends the sign.
        Some(Self(i32::from_be_bytes([a, b, c, 0]) >> 8))
    }
}

/// When the first frame of a packet was captured (abs-capture-time).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct AbsCaptureTime {
    /// Capture time on the clock of the capturing system.
    pub capture: NtpTime,
    /// Estimated offset of the capturer's clock from the clock that the
    /// packet's sender uses in its sender reports, as signed 32.32 fixed point
    /// seconds; absent in the short form.
    pub clock_offset: Option<i64>,
}

impl AbsCaptureTime {
    /// Reads the value; `None` if it has less than eight bytes.
    pub fn read(data: &[u8]) -> Option<Self> {
        let (capture, rest) = data.split_first_chunk::<8>()?;
        Some(Self {
            capture: NtpTime(u64::from_be_bytes(*capture)),
            clock_offset: rest.first_chunk::<8>().map(|b| i64::from_be_bytes(*b)),
        })
    }

    /// Length of the wire form: 16 bytes with a clock offset, else 8.
    pub const fn wire_len(self) -> usize {
        if self.clock_offset.is_some() { 16 } else { 8 }
    }

    /// The wire form; the first [`wire_len`](Self::wire_len) bytes count.
    pub fn to_bytes(self) -> [u8; 16] {
        let offset = self.clock_offset.unwrap_or(0).cast_unsigned();
        (u128::from(self.capture.0) << 64 | u128::from(offset)).to_be_bytes()
    }
}

/// The range of playout delays that the sender asks for (playout-delay), in
/// milliseconds, with a resolution of 10 ms and a maximum of 40,950 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct PlayoutDelay {
    /// Smallest delay in milliseconds.
    pub min_ms: u16,
    /// Largest delay in milliseconds.
    pub max_ms: u16,
}

impl PlayoutDelay {
    /// Reads the value; `None` unless it has three bytes.
    pub fn read(data: &[u8]) -> Option<Self> {
        let &[a, b, c] = data.first_chunk::<3>()?;
        let min = (u16::from(a) << 4) | u16::from(b >> 4);
        let max = (u16::from(b & 0x0f) << 8) | u16::from(c);
        Some(Self { min_ms: min * 10, max_ms: max * 10 })
    }

    /// The wire form; delays are rounded down and capped.
    pub fn to_bytes(self) -> [u8; 3] {
        let min = (self.min_ms / 10).min(0x0fff);
        let max = (self.max_ms / 10).min(0x0fff);
        let [a, b, c, d] = ((u32::from(min) << 12) | u32::from(max)).to_be_bytes();
        debug_assert_eq!(a, 0);
        [b, c, d]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn audio_level_in_the_two_byte_form_may_be_padded() {
        // RFC 6464 §3: one byte; a second one is padding to an even length.
        let loud = Some(AudioLevel { level: 12, voice: true });
        assert_eq!(AudioLevel::read(&[0x8c]), loud);
        assert_eq!(AudioLevel::read(&[0x8c, 0]), loud);
        assert_eq!(AudioLevel::read(&[]), None);
    }

    #[test]
    fn transmission_offset_is_signed() {
        assert_eq!(TransmissionOffset::read(&[0xff, 0xff, 0xfe]), Some(TransmissionOffset(-2)));
        assert_eq!(TransmissionOffset::read(&[0, 1, 0]), Some(TransmissionOffset(256)));
        assert_eq!(TransmissionOffset::read(&[0, 1]), None);
    }

    #[test]
    fn abs_send_time_wraps_after_64_seconds() {
        let one = AbsSendTime::at(Time::from_secs(1));
        assert_eq!(one.to_bytes(), [0x04, 0, 0]);
        assert_eq!(AbsSendTime::at(Time::from_secs(65)), one);
        assert_eq!(AbsSendTime::at(Time::MAX).0 >> 24, 0);
    }

    #[test]
    fn abs_capture_time_has_two_forms() {
        let long = [0, 0, 0, 1, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0];
        let read = AbsCaptureTime::read(&long).unwrap();
        assert_eq!(read.capture, NtpTime(0x1_8000_0000));
        assert_eq!(read.clock_offset, Some(-0x8000_0000));
        assert_eq!(AbsCaptureTime::read(&long[..8]).unwrap().clock_offset, None);
        assert_eq!(AbsCaptureTime::read(&long[..7]), None);
    }

    proptest! {
        #[test]
        fn bytes_survive_a_round_trip(byte: u8, three: [u8; 3], sixteen: [u8; 16]) {
            for len in [8, 16] {
                let time = AbsCaptureTime::read(&sixteen[..len]).unwrap();
                prop_assert_eq!(time.wire_len(), len);
                prop_assert_eq!(&time.to_bytes()[..len], &sixteen[..len]);
            }
            prop_assert_eq!(AudioLevel::read(&[byte]).unwrap().to_byte(), byte);
            prop_assert_eq!(VideoOrientation::read(&[byte]).unwrap().to_byte(), byte & 0x0f);
            prop_assert_eq!(AbsSendTime::read(&three).unwrap().to_bytes(), three);
            prop_assert_eq!(PlayoutDelay::read(&three).unwrap().to_bytes(), three);
        }
    }
}
