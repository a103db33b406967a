//! What the dependency descriptors of one ingress stream say, reduced to what
//! selectors ask, and written again for receivers.

use serde::{Deserialize, Serialize};

use crate::stream::select::{Dependencies, PacketMeta};
use crate::stream::send::Rewritten;
use crate::wire::codec::CodecError;
use crate::wire::codec::dd::{Change, DdReader, Dependency, MAX_DECODE_TARGETS};

/// The state of one stream's descriptors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layering {
    reader: DdReader,
    /// Cell of each decode target ([`Dependencies::cell`]).
    cells: [Option<u8>; MAX_DECODE_TARGETS],
    /// Counts structures; zero before the first.
    version: u32,
    /// Frame that brought the structure.
    frame: u16,
    /// The last key frame of the lowest layer.
    key_frame: Option<u16>,
    /// Width and height of the last frame's pictures, if they are described.
    resolution: Option<(u16, u16)>,
}

impl Layering {
    /// Reads a packet's descriptor into `meta`. What it says counts more than
    /// what the payload does, which may be encrypted. Whether it brought a new
    /// structure.
    pub(crate) fn read(
        &mut self,
        descriptor: &[u8],
        meta: &mut PacketMeta,
    ) -> Result<bool, CodecError> {
        let frame = self.reader.read(descriptor)?;
        let overtaken = matches!(self.frame.wrapping_sub(frame.frame_number), 1..=256);
        let is_new = frame.structure_attached && (self.version == 0 || !overtaken);
        if is_new {
            self.version = self.version.wrapping_add(1).max(1);
            self.frame = frame.frame_number;
            for (target, cell) in (0..).zip(&mut self.cells) {
                let layers = self.reader.layers_of_decode_target(target);
                *cell =
                    layers.and_then(|(spatial, temporal)| Dependencies::cell(spatial, temporal));
            }
        }
        if frame.keyframe && frame.spatial_id == 0 && !overtaken {
            self.key_frame = Some(frame.frame_number);
        }
        self.resolution = frame.resolution;
        meta.dependencies = Some(self.digest(&frame));
        meta.spatial_id = frame.spatial_id;
        meta.temporal_id = Some(frame.temporal_id);
        meta.keyframe_start = frame.keyframe && frame.start_of_frame;
        meta.frame_start = frame.start_of_frame;
        meta.frame_end = frame.end_of_frame;
        meta.discardable = frame.is_discardable();
        Ok(is_new)
    }

    /// Width and height of the pictures of the frame that was read last.
    pub(crate) const fn resolution(&self) -> Option<(u16, u16)> {
        self.resolution
    }

    /// Which structure is in force; zero is none.
    pub(crate) const fn version(&self) -> u32 {
        self.version
    }

    /// Whether the frame is of the structure that is in force, not of one before.
    pub(crate) const fn is_current(&self, frame: &Dependencies) -> bool {
        frame.frame_number.wrapping_sub(self.frame).cast_signed() >= 0
    }

    /// The descriptor as a receiver gets it: with its frame number, with the
    /// decode targets that are left for it, with the structure if it needs that.
    pub(crate) fn write(
        &self,
        descriptor: &[u8],
        meta: &PacketMeta,
        rewritten: &Rewritten,
        attach: bool,
        out: &mut [u8],
    ) -> Result<usize, CodecError> {
        let frame_number = rewritten.frame_number.unwrap_or_default();
        // Told with every frame: then no loss leaves a receiver in doubt.
        let active = rewritten.top.filter(|_| meta.frame_start || attach).and_then(|top| {
            let sent = self.reader.active_decode_targets();
            let left = sent & self.targets_up_to(top);
            (left != sent && left != 0).then_some(left)
        });
        let change = Change {
            frame_number,
            active_decode_targets: active,
            attach_structure: attach,
            max_frame_diff: meta
                .dependencies
                .filter(|frame| frame.refers_beyond_key)
                .and_then(|frame| self.since_key(frame.frame_number)),
        };
        self.reader.rewrite(descriptor, &change, out)
    }

    /// How many frames after the last key frame it is; `None` if it is before.
    fn since_key(&self, frame_number: u16) -> Option<u16> {
        let since = frame_number.wrapping_sub(self.key_frame?);
        (since.cast_signed() >= 0).then_some(since)
    }

    fn targets_up_to(&self, top: u8) -> u32 {
        let within = |cell: &Option<u8>| cell.is_some_and(|c| c / Dependencies::LAYERS <= top);
        let targets = self.cells.iter().zip(0..u32::BITS).filter(|(cell, _)| within(cell));
        targets.fold(0, |targets, (_, target)| targets | 1 << target)
    }

    fn digest(&self, frame: &Dependency) -> Dependencies {
        let mut digest = Dependencies {
            refers: 0,
            indications: 0,
            targets: 0,
            frame_number: frame.frame_number,
            refers_far: false,
            has_structure: frame.structure_attached,
            refers_beyond_key: false,
            skipped: 0,
        };
        let since_key = self.since_key(frame.frame_number).unwrap_or(u16::MAX);
        for &diff in frame.frame_diffs() {
            if diff > since_key {
                // Where an encoder left out a layer frame, it names as a reference
                // what was in the same buffer before the key frame emptied it.
                digest.refers_beyond_key = true;
                continue;
            }
            match 1_u32.checked_shl(u32::from(diff).wrapping_sub(1)) {
                Some(bit) => digest.refers |= bit,
                None => digest.refers_far = true,
            }
        }
        for (target, cell) in (0..frame.decode_target_count).zip(self.cells) {
            let Some(cell) = cell else { continue };
            let indication = frame.dti(target) as u32;
            digest.indications &= !(3 << (2 * cell));
            digest.indications |= indication << (2 * cell);
            if frame.is_active(target) {
                digest.targets |= 1 << cell;
            }
        }
        digest
    }
}

#[cfg(test)]
mod tests {
    use sfu_ice::Time;

    use super::*;
    use crate::wire::codec::dd::{FrameDescription, ScalableStructure, compose};
    use crate::wire::{ExtSeq, RtpTime};

    fn meta() -> PacketMeta {
        PacketMeta::new(ExtSeq(70_000), RtpTime(0), Time::ZERO)
    }

    fn rewritten(meta: &PacketMeta, top: Option<u8>) -> Rewritten {
        use crate::stream::recv::ClockRate;
        use crate::stream::send::{Rewriter, StreamKey};
        use crate::wire::{MediaKind, SeqNo};
        let mut rewriter = Rewriter::new(MediaKind::Video, ClockRate::VIDEO, SeqNo(1), RtpTime(0));
        rewriter.set_top(top);
        rewriter.switch(StreamKey(1), meta).unwrap()
    }

    #[test]
    fn cells_are_layers_whatever_the_number_of_the_target() {
        let structure = ScalableStructure::of_mode("L3T1").unwrap();
        let mut out = [0; 255];
        let mut layering = Layering::default();
        // Templates of L3T1: 1 is the key frame of the lowest layer, 2 a frame of
        // the middle one.
        let key = FrameDescription {
            structure: Some(&structure),
            active_decode_targets: Some(0b011),
            ..FrameDescription::new(1, 65_535)
        };
        let len = compose(&key, &structure, &mut out).unwrap();
        let mut first = meta();
        assert_eq!(layering.read(&out[..len], &mut first), Ok(true));
        let digest = first.dependencies.unwrap();
        assert!(first.keyframe_start && digest.has_structure);
        assert_eq!(digest.targets, 0b0001_0001, "two spatial layers of one temporal each");
        assert_eq!((digest.refers, digest.indication(4)), (0, Dependencies::SWITCH));

        let frame = FrameDescription::new(2, 0);
        let len = compose(&frame, &structure, &mut out).unwrap();
        let mut second = meta();
        assert_eq!(layering.read(&out[..len], &mut second), Ok(false));
        let digest = second.dependencies.unwrap();
        assert_eq!((second.spatial_id, second.keyframe_start), (1, false));
        assert_eq!(digest.refers, 0b101, "the frame before and the one three before");
        assert_eq!(digest.indication(0), Dependencies::NOT_PRESENT);
        assert!(layering.is_current(&digest) && layering.is_current(&first.dependencies.unwrap()));
    }

    #[test]
    fn a_receiver_is_told_the_targets_that_are_left_and_the_structure() {
        let structure = ScalableStructure::of_mode("L3T3").unwrap();
        let (mut out, mut again) = ([0; 255], [0; 255]);
        let mut layering = Layering::default();
        let key = FrameDescription { structure: Some(&structure), ..FrameDescription::new(0, 91) };
        let len = compose(&key, &structure, &mut out).unwrap();
        layering.read(&out[..len], &mut meta()).unwrap();
        let len = compose(&FrameDescription::new(1, 103), &structure, &mut out).unwrap();
        let mut packet = meta();
        layering.read(&out[..len], &mut packet).unwrap();

        let change = rewritten(&packet, Some(1));
        let written = layering.write(&out[..len], &packet, &change, true, &mut again).unwrap();
        let read = DdReader::default().read(&again[..written]).unwrap();
        assert!(read.structure_attached);
        assert_eq!(read.active_decode_targets, 0b111_111, "three temporal layers of two");
        assert_eq!((read.spatial_id, read.frame_diffs()), (0, &[12][..]));
        let change = rewritten(&packet, Some(2));
        let written = layering.write(&out[..len], &packet, &change, false, &mut again).unwrap();
        assert_eq!(written, len, "nothing to tell");
    }

    /// Chromium's encoder, when it leaves out a layer frame right after a key
    /// frame, names as a reference what was in that frame's place before.
    #[test]
    fn references_to_frames_before_the_key_frame_are_left_out() {
        let structure = ScalableStructure::of_mode("L3T3").unwrap();
        let (mut out, mut again) = ([0; 255], [0; 255]);
        let mut layering = Layering::default();
        let key = FrameDescription { structure: Some(&structure), ..FrameDescription::new(0, 9) };
        let len = compose(&key, &structure, &mut out).unwrap();
        layering.read(&out[..len], &mut meta()).unwrap();
        // The middle layer's frame of the next picture, which has no lower one.
        let frame = FrameDescription {
            frame_diffs: Some(&[2, 9]),
            active_decode_targets: Some(0x3f),
            ..FrameDescription::new(8, 12)
        };
        let len = compose(&frame, &structure, &mut out).unwrap();
        let mut packet = meta();
        layering.read(&out[..len], &mut packet).unwrap();
        let digest = packet.dependencies.unwrap();
        assert_eq!((digest.refers, digest.refers_beyond_key), (0b10, true));
        let change = rewritten(&packet, Some(1));
        let written = layering.write(&out[..len], &packet, &change, true, &mut again).unwrap();
        let read = DdReader::default().read(&again[..written]).unwrap();
        assert_eq!((read.frame_diffs(), read.spatial_id), (&[2][..], 1));
        assert!(read.structure_attached && !read.keyframe);

        let frame = FrameDescription { frame_diffs: Some(&[2, 3]), ..frame };
        let len = compose(&frame, &structure, &mut out).unwrap();
        layering.read(&out[..len], &mut packet).unwrap();
        let digest = packet.dependencies.unwrap();
        assert_eq!((digest.refers, digest.refers_beyond_key), (0b110, false));
    }

    #[test]
    fn garbage_changes_nothing() {
        let mut layering = Layering::default();
        let mut packet = meta();
        for len in 0..64 {
            let bytes: Vec<u8> = (0..len).map(|byte: u8| byte.wrapping_mul(7)).collect();
            let _ = layering.read(&bytes, &mut packet);
        }
        assert_eq!(layering.version(), 0);
        assert_eq!(packet, meta());
    }
}
