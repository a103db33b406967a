//! The descriptor of one packet: reading it with the structure that its stream
//! announced, and writing it again for a packet that is forwarded.

use serde::{Deserialize, Serialize};

use super::super::bits::{BitReader, BitWriter};
use super::super::frame::CodecError;
use super::structure::{self, Structure};
use super::{Dependency, MAX_FRAME_DIFFS, MAX_LEN, frame_diffs};

/// The fields that every descriptor starts with: all that can be read without
/// the structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Mandatory {
    /// First packet of the frame.
    pub start_of_frame: bool,
    /// Last packet of the frame.
    pub end_of_frame: bool,
    /// Template that describes the frame, 0 to 63.
    pub template_id: u8,
    /// Number of the frame; wraps at 2^16.
    pub frame_number: u16,
    /// A structure comes with this packet.
    pub structure_attached: bool,
}

impl Mandatory {
    /// Reads them.
    ///
    /// # Errors
    /// `Truncated` if there are less than three bytes.
    pub fn read(descriptor: &[u8]) -> Result<Self, CodecError> {
        let ([flags, high, low], rest) =
            descriptor.split_first_chunk().ok_or(CodecError::Truncated)?;
        Ok(Self {
            start_of_frame: flags & 0x80 != 0,
            end_of_frame: flags & 0x40 != 0,
            template_id: flags & 0x3f,
            frame_number: u16::from_be_bytes([*high, *low]),
            structure_attached: rest.first().is_some_and(|extended| extended & 0x80 != 0),
        })
    }
}

/// Writes `frame_number` over that of `descriptor`.
///
/// # Errors
/// `Truncated` if there are less than three bytes; nothing is written then.
pub fn set_frame_number(descriptor: &mut [u8], frame_number: u16) -> Result<(), CodecError> {
    let place = descriptor.get_mut(1..3).ok_or(CodecError::Truncated)?;
    place.copy_from_slice(&frame_number.to_be_bytes());
    Ok(())
}

/// What [`DdReader::rewrite`] makes different.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Change {
    /// The new frame number. Differences are relative, so all frames of a
    /// stream have to move by the same distance.
    pub frame_number: u16,
    /// Write this set of active decode targets; `None` leaves what the packet
    /// says.
    pub active_decode_targets: Option<u32>,
    /// Attach the remembered structure if the packet has none: for a receiver
    /// that was not sent the packet which carried it. The active decode targets
    /// come along if they are not all.
    pub attach_structure: bool,
    /// Leave out references that lie further back than this; `None` leaves all.
    pub max_frame_diff: Option<u16>,
}

/// Reads the descriptors of one stream, in the order of arrival.
///
/// ```
/// use sfu_core::wire::codec::dd::*;
/// // A publisher's first packets: a key frame with the structure, and a frame of
/// // temporal layer 1 that needs the frame before the last.
/// let structure = ScalableStructure::of_mode("L1T3").unwrap();
/// let mut out = [0; 255];
/// let key = FrameDescription { structure: Some(&structure), ..FrameDescription::new(0, 7) };
/// let len = compose(&key, &structure, &mut out).unwrap();
/// let mut reader = DdReader::default();
/// assert!(reader.read(&out[..len]).unwrap().keyframe);
///
/// let len = compose(&FrameDescription::new(2, 9), &structure, &mut out).unwrap();
/// let frame = reader.read(&out[..len]).unwrap();
/// assert_eq!((frame.temporal_id, frame.frame_diffs()), (1, &[2][..]));
/// assert_eq!(frame.dti(2), Dti::Switch);
/// assert_eq!(reader.structure().unwrap().layers_of_decode_target(2), Some((0, 2)));
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DdReader {
    structure: Structure,
    /// Frame that brought the structure.
    structure_frame: u16,
    active: u32,
    /// Frame that said so.
    active_frame: u16,
    /// Its memory takes the next structure.
    #[serde(skip)]
    spare: Structure,
}

impl DdReader {
    /// The structure that is in force, if one was received.
    pub fn structure(&self) -> Option<&Structure> {
        (!self.structure.is_empty()).then_some(&self.structure)
    }

    /// The decode targets that the publisher sends at present, as a bit for
    /// each; 0 before the first structure.
    pub const fn active_decode_targets(&self) -> u32 {
        self.active
    }

    /// The highest spatial and temporal layer of decode target `target`.
    pub fn layers_of_decode_target(&self, target: u8) -> Option<(u8, u8)> {
        self.structure.layers_of_decode_target(target)
    }

    /// Reads the value of the extension element of one packet. A structure that
    /// is attached replaces the one that is remembered, unless it is a late
    /// arrival from before that.
    ///
    /// # Errors
    /// `Truncated` or `Malformed` if it is not a descriptor; `NoStructure` if it
    /// names a template that no received structure has. The reader's state is
    /// unchanged then.
    pub fn read(&mut self, descriptor: &[u8]) -> Result<Dependency, CodecError> {
        if descriptor.len() > MAX_LEN {
            return Err(CodecError::Malformed);
        }
        let head = Mandatory::read(descriptor)?;
        let mut bits = BitReader::new(descriptor);
        bits.skip(24)?;
        let flags = Flags::read(&mut bits)?;
        if flags.structure {
            self.spare.read_from(&mut bits)?;
        }
        let structure = if flags.structure { &self.spare } else { &self.structure };
        let count = structure.decode_target_count();
        // Without a structure the length of what follows is not known.
        if count == 0 {
            return Err(CodecError::NoStructure);
        }
        let said = flags.active.then(|| bits.bits(count.into())).transpose()?;
        let mut dependency = definition(&mut bits, &head, &flags, structure)?;
        let implied = flags.structure.then(|| structure.all_decode_targets());
        dependency.active_decode_targets = said.or(implied).unwrap_or(self.active);
        dependency.active_decode_targets_present = said.is_some();
        self.remember(&dependency, said.or(implied));
        Ok(dependency)
    }

    /// Writes the descriptor of a packet that is forwarded, and gives its
    /// length. All that `change` does not name stays as it is.
    ///
    /// # Errors
    /// `Truncated` or `Malformed` if `descriptor` is none; `NoStructure` if the
    /// change needs a structure and the remembered one is not that of this
    /// packet; `NoSpace` if the result does not fit in `out` or in an extension
    /// element ([`MAX_LEN`]). `out` may have been written to.
    pub fn rewrite(
        &self,
        descriptor: &[u8],
        change: &Change,
        out: &mut [u8],
    ) -> Result<usize, CodecError> {
        if descriptor.len() > MAX_LEN {
            return Err(CodecError::Malformed);
        }
        let head = Mandatory::read(descriptor)?;
        let attaches = change.attach_structure && !head.structure_attached;
        let is_same =
            !attaches && change.active_decode_targets.is_none() && change.max_frame_diff.is_none();
        let len = if is_same {
            let place = out.get_mut(..descriptor.len()).ok_or(CodecError::NoSpace)?;
            place.copy_from_slice(descriptor);
            descriptor.len()
        } else {
            self.rebuild(descriptor, &head, attaches, change, out)?
        };
        set_frame_number(out, change.frame_number)?;
        Ok(len)
    }

    fn rebuild(
        &self,
        descriptor: &[u8],
        head: &Mandatory,
        attaches: bool,
        change: &Change,
        out: &mut [u8],
    ) -> Result<usize, CodecError> {
        let mut source = BitReader::new(descriptor);
        source.skip(24)?;
        let flags = Flags::read(&mut source)?;
        let mut attached = source;
        // Frames with a structure of their own start a sequence: they refer to
        // nothing that could lie too far back.
        let max_diff = change.max_frame_diff.filter(|_| !flags.structure);
        let count = if flags.structure {
            structure::skip(&mut source)?
        } else {
            self.structure.template(head.template_id).ok_or(CodecError::NoStructure)?;
            self.structure.decode_target_count()
        };
        let attached_bits = source.position() - attached.position();
        let said = flags.active.then(|| source.bits(count.into())).transpose()?;
        let implied =
            (attaches && self.active != self.structure.all_decode_targets()).then_some(self.active);
        let active = change.active_decode_targets.or(said).or(implied);

        let room = out.len().min(MAX_LEN);
        let mut writer = BitWriter::new(out.get_mut(..room).ok_or(CodecError::NoSpace)?);
        writer.copy(&mut BitReader::new(descriptor), 24)?;
        writer.flag(flags.structure || attaches)?;
        writer.flag(active.is_some())?;
        writer.flag(flags.dtis)?;
        writer.flag(flags.frame_diffs || max_diff.is_some())?;
        writer.flag(flags.chains)?;
        if attaches {
            let (wire, bits) = self.structure.wire();
            writer.copy(&mut BitReader::new(wire), bits)?;
        } else {
            writer.copy(&mut attached, attached_bits)?;
        }
        if let Some(mask) = active {
            writer.bits(count.into(), mask)?;
        }
        // What the frame differs in from its template, and padding.
        if let Some(max_diff) = max_diff {
            let mut read = source;
            let frame = definition(&mut read, head, &flags, &self.structure)?;
            let dtis = if flags.dtis { 2 * usize::from(count) } else { 0 };
            writer.copy(&mut source, dtis)?;
            while flags.frame_diffs && frame_diffs::next(&mut source)?.is_some() {}
            let within = frame.frame_diffs().iter().filter(|diff| **diff <= max_diff);
            frame_diffs::write(&mut writer, within.copied())?;
        }
        let rest = source.remaining();
        writer.copy(&mut source, rest)?;
        Ok(writer.len())
    }

    fn remember(&mut self, dependency: &Dependency, active: Option<u32>) {
        let frame = dependency.frame_number;
        if dependency.structure_attached
            && (self.structure.is_empty() || !is_late(frame, self.structure_frame))
        {
            std::mem::swap(&mut self.structure, &mut self.spare);
            (self.structure_frame, self.active_frame) = (frame, frame);
            self.active = dependency.active_decode_targets;
        } else if let Some(active) = active.filter(|_| !is_late(frame, self.active_frame)) {
            (self.active, self.active_frame) = (active, frame);
        }
    }
}

/// Whether the spare memory holds something makes no difference.
impl PartialEq for DdReader {
    fn eq(&self, other: &Self) -> bool {
        self.structure == other.structure
            && (self.structure_frame, self.active, self.active_frame)
                == (other.structure_frame, other.active, other.active_frame)
    }
}

impl Eq for DdReader {}

/// Which of the extended fields there are.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    structure: bool,
    active: bool,
    dtis: bool,
    frame_diffs: bool,
    chains: bool,
}

impl Flags {
    fn read(bits: &mut BitReader<'_>) -> Result<Self, CodecError> {
        if bits.remaining() == 0 {
            return Ok(Self::default());
        }
        Ok(Self {
            structure: bits.flag()?,
            active: bits.flag()?,
            dtis: bits.flag()?,
            frame_diffs: bits.flag()?,
            chains: bits.flag()?,
        })
    }
}

/// `frame_dependency_definition()`.
fn definition(
    bits: &mut BitReader<'_>,
    head: &Mandatory,
    flags: &Flags,
    structure: &Structure,
) -> Result<Dependency, CodecError> {
    let template = structure.template(head.template_id).ok_or(CodecError::NoStructure)?;
    let mut out = Dependency {
        frame_number: head.frame_number,
        start_of_frame: head.start_of_frame,
        end_of_frame: head.end_of_frame,
        template_id: head.template_id,
        spatial_id: template.spatial_id,
        temporal_id: template.temporal_id,
        structure_attached: flags.structure,
        dtis: template.dtis,
        decode_target_count: structure.decode_target_count(),
        resolution: structure.resolution(template.spatial_id),
        chain_count: structure.chain_count(),
        ..Default::default()
    };
    if flags.dtis {
        out.dtis = 0;
        for target in 0..u32::from(out.decode_target_count) {
            out.dtis |= u64::from(bits.bits(2)?) << (target * 2);
        }
    }
    if flags.frame_diffs {
        while let Some(diff) = frame_diffs::next(bits)? {
            let place = out.frame_diffs.get_mut(usize::from(out.frame_diff_count));
            *place.ok_or(CodecError::Malformed)? = diff;
            out.frame_diff_count += 1;
        }
    } else {
        for (place, diff) in out.frame_diffs.iter_mut().zip(template.frame_diffs) {
            *place = (*diff).into();
        }
        out.frame_diff_count = template.frame_diffs.len().min(MAX_FRAME_DIFFS) as u8;
    }
    for (chain, place) in out.chain_diffs.iter_mut().take(out.chain_count.into()).enumerate() {
        *place = match template.chain_diffs.get(chain) {
            _ if flags.chains => bits.byte(8)?,
            Some(diff) => *diff,
            None => return Err(CodecError::Malformed),
        };
    }
    out.keyframe = flags.structure && out.frame_diff_count == 0;
    Ok(out)
}

/// Whether frame `number` comes before frame `last`, near enough to be one of
/// the same stream that was overtaken. Farther away it is a new count.
const fn is_late(number: u16, last: u16) -> bool {
    matches!(last.wrapping_sub(number), 1..=256)
}
