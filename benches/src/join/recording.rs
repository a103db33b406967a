//! Frame sizes of a recorded camera, from an IVF file.
//!
//! The pictures themselves stay where they are: payloads must carry our
//! markers. What is kept is the rhythm of a real encoder: how large each frame
//! is, and which are key frames.

use std::path::Path;

use anyhow::{Context, ensure};

#[derive(Debug)]
pub(crate) struct Recording {
    frames: Vec<RecordedFrame>,
    /// Mean size in bytes.
    mean: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordedFrame {
    pub(crate) bytes: u32,
    pub(crate) key: bool,
}

impl Recording {
    /// Reads an IVF file of VP8.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&file).with_context(|| format!("{} is no IVF file of VP8", path.display()))
    }

    fn parse(file: &[u8]) -> anyhow::Result<Self> {
        let (header, mut rest) = file.split_at_checked(32).context("it has no header")?;
        ensure!(header.starts_with(b"DKIF"), "it does not begin with DKIF");
        ensure!(&header[8..12] == b"VP80", "expected VP80 as its codec");
        let mut frames = Vec::new();
        while let Some((head, tail)) = rest.split_at_checked(12) {
            let bytes = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let frame = tail.split_at_checked(bytes as usize);
            let (frame, tail) = frame.context("it ends inside a frame")?;
            // RFC 6386 §9.1: the lowest bit is zero for key frames.
            let key = frame.first().is_some_and(|first| first & 1 == 0);
            frames.push(RecordedFrame { bytes, key });
            rest = tail;
        }
        ensure!(!frames.is_empty(), "it holds no frame");
        let total: f64 = frames.iter().map(|frame| f64::from(frame.bytes)).sum();
        let mean = (total / frames.len() as f64).max(1.0);
        Ok(Self { frames, mean })
    }

    /// Frame `index` of the recording, played over and over, scaled so that
    /// frames have `mean` bytes on average.
    pub(crate) fn frame(&self, index: u64, mean: f64) -> RecordedFrame {
        let frame = self.frames[(index % self.frames.len() as u64) as usize];
        let bytes = (f64::from(frame.bytes) * mean / self.mean) as u32;
        RecordedFrame { bytes, ..frame }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(frames: &[&[u8]]) -> Vec<u8> {
        let mut file = b"DKIF\0\0\x20\0VP80".to_vec();
        file.resize(32, 0);
        for frame in frames {
            file.extend_from_slice(&(frame.len() as u32).to_le_bytes());
            file.extend_from_slice(&[0; 8]);
            file.extend_from_slice(frame);
        }
        file
    }

    #[test]
    fn sizes_and_key_frames_are_those_of_the_file() {
        let recording = Recording::parse(&file(&[&[0; 300], &[1; 100]])).unwrap();
        assert_eq!(recording.frame(0, 200.0), RecordedFrame { bytes: 300, key: true });
        assert_eq!(recording.frame(1, 200.0), RecordedFrame { bytes: 100, key: false });
        assert_eq!(recording.frame(2, 20.0), RecordedFrame { bytes: 30, key: true });
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        let whole = file(&[&[0; 300]]);
        for bad in [&[][..], &whole[..31], &whole[..32], &whole[..whole.len() - 1]] {
            assert!(Recording::parse(bad).is_err());
        }
        assert!(Recording::parse(&whole).is_ok());
    }
}
