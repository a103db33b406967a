//! The template dependency structure (§A.4.1): read, kept and looked up.

use serde::{Deserialize, Serialize};

use super::super::bits::BitReader;
use super::super::frame::CodecError;
use super::{Dti, MAX_DECODE_TARGETS, MAX_FRAME_DIFFS, MAX_LEN};

/// The layering of a stream, as its publisher described it.
///
/// Memory is bounded by the length of a descriptor: the structure is made of at
/// most 2,040 bits, and is kept in about 1.5 kB at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    template_id_offset: u8,
    decode_target_count: u8,
    chain_count: u8,
    templates: Vec<Template>,
    /// Of all templates, one after the other.
    frame_diffs: Vec<u8>,
    /// `chain_count` for each template, one after the other.
    chain_diffs: Vec<u8>,
    /// Chain of each decode target; `chain_count` is "none".
    protected_by: Vec<u8>,
    /// Of each spatial layer; empty if not described.
    resolutions: Vec<(u16, u16)>,
    /// The structure as it was received, from its first bit on.
    wire: Vec<u8>,
    /// Bits of `wire` that count.
    wire_bits: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Template {
    spatial_id: u8,
    temporal_id: u8,
    dtis: u64,
    /// Where its differences start in `Structure::frame_diffs`, and how many
    /// there are.
    first_diff: u16,
    diff_count: u8,
}

/// One template, borrowed from its structure.
#[derive(Clone, Copy, Debug)]
pub(super) struct TemplateView<'a> {
    pub(super) spatial_id: u8,
    pub(super) temporal_id: u8,
    pub(super) dtis: u64,
    pub(super) frame_diffs: &'a [u8],
    pub(super) chain_diffs: &'a [u8],
}

impl Structure {
    /// Number of decode targets, 1 to 32; 0 if nothing was read yet.
    pub const fn decode_target_count(&self) -> u8 {
        self.decode_target_count
    }

    /// Number of chains, 0 to 32.
    pub const fn chain_count(&self) -> u8 {
        self.chain_count
    }

    /// Number of templates, 1 to 64; 0 if nothing was read yet.
    pub const fn template_count(&self) -> usize {
        self.templates.len()
    }

    /// Number of spatial layers, 1 to 4; 0 if nothing was read yet.
    pub fn spatial_layer_count(&self) -> u8 {
        // Templates are in the order of spatial layers.
        self.templates.last().map_or(0, |template| template.spatial_id.saturating_add(1))
    }

    /// The highest spatial and temporal layer that decode target `target` has
    /// frames of: what a receiver of it sees. `None` if there is no such target
    /// or no template belongs to it.
    pub fn layers_of_decode_target(&self, target: u8) -> Option<(u8, u8)> {
        let shift = u32::from(target) * 2;
        self.templates
            .iter()
            .filter(|_| target < self.decode_target_count)
            .filter(|t| Dti::from_bits(t.dtis.checked_shr(shift).unwrap_or(0)).is_present())
            .map(|t| (t.spatial_id, t.temporal_id))
            .reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))
    }

    /// The chain whose frames are those without which decode target `target`
    /// breaks; `None` if it has none.
    pub fn chain_of(&self, target: u8) -> Option<u8> {
        self.protected_by.get(usize::from(target)).copied().filter(|&id| id < self.chain_count)
    }

    /// Largest picture of a spatial layer, width and height in pixels, if the
    /// publisher said it.
    pub fn resolution(&self, spatial_id: u8) -> Option<(u16, u16)> {
        self.resolutions.get(usize::from(spatial_id)).copied()
    }

    /// The bits that say that all decode targets are active.
    pub const fn all_decode_targets(&self) -> u32 {
        match 1_u32.checked_shl(self.decode_target_count as u32) {
            Some(bit) => bit.wrapping_sub(1),
            None => u32::MAX,
        }
    }

    /// Whether nothing was read yet.
    pub const fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    pub(super) fn template(&self, id: u8) -> Option<TemplateView<'_>> {
        let index = usize::from(id.wrapping_sub(self.template_id_offset) & 0x3f);
        let template = self.templates.get(index)?;
        let first = usize::from(template.first_diff);
        let chains = usize::from(self.chain_count);
        let end = first.checked_add(template.diff_count.into())?;
        let chain = index.checked_mul(chains)?;
        Some(TemplateView {
            spatial_id: template.spatial_id,
            temporal_id: template.temporal_id,
            dtis: template.dtis,
            frame_diffs: self.frame_diffs.get(first..end)?,
            chain_diffs: self.chain_diffs.get(chain..chain.checked_add(chains)?)?,
        })
    }

    /// The structure as it is on the wire, and its length in bits.
    pub(super) fn wire(&self) -> (&[u8], usize) {
        (&self.wire, self.wire_bits.into())
    }

    /// Reads a structure over this one. What this one held is lost even if the
    /// new one is unsound; its memory is used again.
    pub(super) fn read_from(&mut self, bits: &mut BitReader<'_>) -> Result<(), CodecError> {
        self.clear();
        let mut copy = *bits;
        let result = read(bits, Some(self));
        if let Err(error) = result {
            self.clear();
            return Err(error);
        }
        let len = bits.position().saturating_sub(copy.position());
        self.wire_bits = u16::try_from(len).map_err(|_| CodecError::Malformed)?;
        let mut left = len;
        while left > 0 {
            let step = left.min(8) as u32;
            self.wire.push(copy.byte(step)? << (8 - step));
            left -= step as usize;
        }
        Ok(())
    }

    fn clear(&mut self) {
        let Self { templates, frame_diffs, chain_diffs, protected_by, resolutions, wire, .. } =
            self;
        templates.clear();
        frame_diffs.clear();
        chain_diffs.clear();
        protected_by.clear();
        resolutions.clear();
        wire.clear();
        (self.template_id_offset, self.decode_target_count) = (0, 0);
        (self.chain_count, self.wire_bits) = (0, 0);
    }
}

/// Passes over a structure; gives its number of decode targets.
pub(super) fn skip(bits: &mut BitReader<'_>) -> Result<u8, CodecError> {
    read(bits, None)
}

/// `template_dependency_structure()`, into `kept` if there is one.
fn read(bits: &mut BitReader<'_>, mut kept: Option<&mut Structure>) -> Result<u8, CodecError> {
    if bits.remaining() > MAX_LEN * 8 {
        return Err(CodecError::Malformed);
    }
    let offset = bits.byte(6)?;
    let targets = bits.byte(5)? + 1;
    debug_assert!(usize::from(targets) <= MAX_DECODE_TARGETS);
    let (templates, max_spatial_id) = read_layers(bits, kept.as_deref_mut())?;
    for index in 0..templates {
        let mut dtis = 0_u64;
        for target in 0..u32::from(targets) {
            dtis |= u64::from(bits.bits(2)?) << (target * 2);
        }
        if let Some(t) = kept.as_deref_mut().and_then(|s| s.templates.get_mut(index)) {
            t.dtis = dtis;
        }
    }
    for index in 0..templates {
        let mut count = 0_u8;
        while bits.flag()? {
            let diff = bits.byte(4)? + 1;
            count += 1;
            if usize::from(count) > MAX_FRAME_DIFFS {
                return Err(CodecError::Malformed);
            }
            if let Some(structure) = kept.as_deref_mut() {
                structure.frame_diffs.push(diff);
            }
        }
        if let Some(structure) = kept.as_deref_mut() {
            let first = structure.frame_diffs.len().saturating_sub(count.into());
            if let Some(template) = structure.templates.get_mut(index) {
                template.first_diff = u16::try_from(first).map_err(|_| CodecError::Malformed)?;
                template.diff_count = count;
            }
        }
    }
    let chains = bits.non_symmetric(targets + 1)?;
    if chains > 0 {
        for _ in 0..targets {
            let chain = bits.non_symmetric(chains + 1)?;
            if let Some(structure) = kept.as_deref_mut() {
                structure.protected_by.push(chain);
            }
        }
        for _ in 0..templates * usize::from(chains) {
            let diff = bits.byte(4)?;
            if let Some(structure) = kept.as_deref_mut() {
                structure.chain_diffs.push(diff);
            }
        }
    }
    if bits.flag()? {
        for _ in 0..=max_spatial_id {
            let mut side = || Ok((bits.bits(16)? as u16).saturating_add(1));
            let resolution = (side()?, side()?);
            if let Some(structure) = kept.as_deref_mut() {
                structure.resolutions.push(resolution);
            }
        }
    }
    if let Some(structure) = kept {
        structure.template_id_offset = offset;
        structure.decode_target_count = targets;
        structure.chain_count = chains;
    }
    Ok(targets)
}

/// `template_layers()`; gives the number of templates and the highest spatial
/// id.
fn read_layers(
    bits: &mut BitReader<'_>,
    mut kept: Option<&mut Structure>,
) -> Result<(usize, u8), CodecError> {
    let (mut count, mut spatial_id, mut temporal_id) = (0_usize, 0_u8, 0_u8);
    loop {
        count += 1;
        // Table A.1: 64 templates, spatial ids to 3, temporal ids to 7.
        if count > 64 || spatial_id > 3 || temporal_id > 7 {
            return Err(CodecError::Malformed);
        }
        if let Some(structure) = kept.as_deref_mut() {
            structure.templates.push(Template { spatial_id, temporal_id, ..Default::default() });
        }
        match bits.bits(2)? {
            0 => {}
            1 => temporal_id += 1,
            2 => (spatial_id, temporal_id) = (spatial_id + 1, 0),
            _ => return Ok((count, spatial_id)),
        }
    }
}
