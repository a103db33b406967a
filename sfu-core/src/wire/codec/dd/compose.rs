//! Writes descriptors from nothing: what a publisher does.
//!
//! Used by generators of traffic and by tests. Forwarding never composes, it
//! [rewrites](super::DdReader::rewrite).

use super::super::bits::BitWriter;
use super::super::frame::CodecError;
use super::{Dti, MAX_CHAINS, MAX_DECODE_TARGETS, MAX_LEN, frame_diffs};

/// A structure to announce, in terms of its templates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct ScalableStructure {
    /// Id of the first template, 0 to 63.
    pub template_id_offset: u8,
    /// Number of decode targets, 1 to 32.
    pub decode_target_count: u8,
    /// The templates, 1 to 64, in the order of spatial and then temporal layers.
    pub templates: Vec<TemplateDescription>,
    /// The chain of each decode target; a number that no chain has is "none".
    /// Empty if there are no chains.
    pub protected_by: Vec<u8>,
    /// Width and height of each spatial layer in pixels, 1 to 65,536 less one;
    /// empty if it is not said.
    pub resolutions: Vec<(u16, u16)>,
}

/// One template of a [`ScalableStructure`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct TemplateDescription {
    /// Spatial layer, 0 to 3.
    pub spatial_id: u8,
    /// Temporal layer, 0 to 7.
    pub temporal_id: u8,
    /// One for each decode target.
    pub dtis: Vec<Dti>,
    /// Distances to the frames that this one needs, each 1 to 16.
    pub frame_diffs: Vec<u8>,
    /// For each chain the distance to its last frame, each 0 to 15.
    pub chain_diffs: Vec<u8>,
}

impl TemplateDescription {
    /// A template in the notation of the specification's tables: `-` for not
    /// present, `D` discardable, `S` switch, `R` required, decode target 0
    /// first; any other character counts as `-`.
    ///
    /// ```
    /// use sfu_core::wire::codec::dd::{Dti, TemplateDescription};
    /// let template = TemplateDescription::new((0, 1), "-DS", &[2], &[2]);
    /// assert_eq!(template.dtis, [Dti::NotPresent, Dti::Discardable, Dti::Switch]);
    /// ```
    pub fn new(layer: (u8, u8), dtis: &str, frame_diffs: &[u8], chain_diffs: &[u8]) -> Self {
        let dti = |symbol| match symbol {
            'D' => Dti::Discardable,
            'S' => Dti::Switch,
            'R' => Dti::Required,
            _ => Dti::NotPresent,
        };
        Self {
            spatial_id: layer.0,
            temporal_id: layer.1,
            dtis: dtis.chars().map(dti).collect(),
            frame_diffs: frame_diffs.to_vec(),
            chain_diffs: chain_diffs.to_vec(),
        }
    }
}

impl ScalableStructure {
    /// The structure that browsers announce for a scalability mode of W3C's
    /// "Scalable Video Coding (SVC) Extension for WebRTC": `L1T1`, `L1T2`,
    /// `L1T3`, `L3T1`, `L3T3`, `L3T3_KEY` and `S3T3`. Decode targets go from the
    /// smallest layers to all of them: target `3 s + t` has the spatial layers
    /// up to `s` and the temporal layers up to `t` where there are three of
    /// each. `None` for other modes.
    pub fn of_mode(mode: &str) -> Option<Self> {
        let (targets, protected_by, rows): (u8, &[u8], &[Row]) = match mode {
            "L1T1" => (1, &[0], L1T1),
            "L1T2" => (2, &[0, 0], L1T2),
            "L1T3" => (3, &[0, 0, 0], L1T3),
            "L3T1" => (3, &[0, 1, 2], L3T1),
            "L3T3" => (9, THREE_CHAINS, L3T3),
            "L3T3_KEY" => (9, THREE_CHAINS, L3T3_KEY),
            "S3T3" => (9, THREE_CHAINS, S3T3),
            _ => return None,
        };
        let template = |(layer, dtis, diffs, chains): &Row| {
            TemplateDescription::new(*layer, dtis, diffs, chains)
        };
        Some(Self {
            template_id_offset: 0,
            decode_target_count: targets,
            templates: rows.iter().map(template).collect(),
            protected_by: protected_by.to_vec(),
            resolutions: Vec::new(),
        })
    }

    fn chain_count(&self) -> u8 {
        let first = self.templates.first();
        first.map_or(0, |template| template.chain_diffs.len().min(MAX_CHAINS) as u8)
    }

    fn write(&self, out: &mut BitWriter<'_>) -> Result<(), CodecError> {
        let targets = usize::from(self.decode_target_count);
        let chains = self.chain_count();
        let sound = (1..=MAX_DECODE_TARGETS).contains(&targets)
            && (1..=64).contains(&self.templates.len())
            && self.template_id_offset < 64
            && chains <= self.decode_target_count
            && (chains == 0 || self.protected_by.len() == targets)
            && self.templates.iter().all(|t| {
                t.dtis.len() == targets
                    && t.chain_diffs.len() == usize::from(chains)
                    && t.chain_diffs.iter().all(|diff| *diff < 16)
                    && t.frame_diffs.iter().all(|diff| (1..=16).contains(diff))
            });
        if !sound {
            return Err(CodecError::Malformed);
        }
        out.bits(6, self.template_id_offset.into())?;
        out.bits(5, u32::from(self.decode_target_count) - 1)?;
        self.write_layers(out)?;
        for dti in self.templates.iter().flat_map(|template| &template.dtis) {
            out.bits(2, *dti as u32)?;
        }
        for template in &self.templates {
            for diff in &template.frame_diffs {
                out.flag(true)?;
                out.bits(4, u32::from(*diff) - 1)?;
            }
            out.flag(false)?;
        }
        out.non_symmetric(self.decode_target_count + 1, chains)?;
        if chains > 0 {
            for chain in &self.protected_by {
                out.non_symmetric(chains + 1, (*chain).min(chains))?;
            }
            for diff in self.templates.iter().flat_map(|template| &template.chain_diffs) {
                out.bits(4, (*diff).into())?;
            }
        }
        out.flag(!self.resolutions.is_empty())?;
        self.write_resolutions(out)
    }

    fn write_layers(&self, out: &mut BitWriter<'_>) -> Result<(), CodecError> {
        let layer = |t: &TemplateDescription| (t.spatial_id, t.temporal_id);
        if self.templates.first().map(layer) != Some((0, 0)) {
            return Err(CodecError::Malformed);
        }
        for (one, next) in self.templates.iter().zip(self.templates.iter().skip(1)) {
            let ((spatial, temporal), next) = (layer(one), layer(next));
            let step = match next {
                same if same == (spatial, temporal) => 0,
                up if up == (spatial, temporal.wrapping_add(1)) && up.1 <= 7 => 1,
                up if up == (spatial.wrapping_add(1), 0) && up.0 <= 3 => 2,
                _ => return Err(CodecError::Malformed),
            };
            out.bits(2, step)?;
        }
        out.bits(2, 3)
    }

    fn write_resolutions(&self, out: &mut BitWriter<'_>) -> Result<(), CodecError> {
        let layers = self.templates.last().map_or(0, |t| usize::from(t.spatial_id) + 1);
        if !self.resolutions.is_empty() && self.resolutions.len() != layers {
            return Err(CodecError::Malformed);
        }
        for (width, height) in &self.resolutions {
            for side in [width, height] {
                out.bits(16, side.checked_sub(1).ok_or(CodecError::Malformed)?.into())?;
            }
        }
        Ok(())
    }
}

/// One packet to describe.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct FrameDescription<'a> {
    /// First packet of the frame.
    pub start_of_frame: bool,
    /// Last packet of the frame.
    pub end_of_frame: bool,
    /// Which template describes the frame, counted from the structure's first.
    pub template: u8,
    /// Number of the frame.
    pub frame_number: u16,
    /// The structure, for the first packet of a key frame.
    pub structure: Option<&'a ScalableStructure>,
    /// A bit for each decode target that is being sent.
    pub active_decode_targets: Option<u32>,
    /// In place of the template's, one for each decode target.
    pub dtis: Option<&'a [Dti]>,
    /// In place of the template's, each 1 to 4096.
    pub frame_diffs: Option<&'a [u16]>,
    /// In place of the template's, one for each chain.
    pub chain_diffs: Option<&'a [u8]>,
}

impl FrameDescription<'_> {
    /// A frame of one packet that is as its template says.
    pub const fn new(template: u8, frame_number: u16) -> Self {
        Self {
            start_of_frame: true,
            end_of_frame: true,
            template,
            frame_number,
            structure: None,
            active_decode_targets: None,
            dtis: None,
            frame_diffs: None,
            chain_diffs: None,
        }
    }
}

/// Writes the descriptor of one packet of a stream whose structure in force is
/// `structure`, and gives its length.
///
/// # Errors
/// `Malformed` if lists have lengths or values that the structure or the syntax
/// does not allow; `NoSpace` if it does not fit in `out` or in [`MAX_LEN`]
/// bytes. `out` may have been written to.
pub fn compose(
    frame: &FrameDescription<'_>,
    structure: &ScalableStructure,
    out: &mut [u8],
) -> Result<usize, CodecError> {
    let targets = usize::from(structure.decode_target_count);
    let chains = usize::from(structure.chain_count());
    let sound = usize::from(frame.template) < structure.templates.len()
        && frame.dtis.is_none_or(|dtis| dtis.len() == targets)
        && frame.chain_diffs.is_none_or(|diffs| diffs.len() == chains)
        && frame.frame_diffs.is_none_or(|diffs| diffs.iter().all(|d| (1..=4096).contains(d)));
    if !sound {
        return Err(CodecError::Malformed);
    }
    let room = out.len().min(MAX_LEN);
    let mut writer = BitWriter::new(out.get_mut(..room).ok_or(CodecError::NoSpace)?);
    let out = &mut writer;
    out.flag(frame.start_of_frame)?;
    out.flag(frame.end_of_frame)?;
    out.bits(6, u32::from(structure.template_id_offset) + u32::from(frame.template))?;
    out.bits(16, frame.frame_number.into())?;
    let flags = [
        frame.structure.is_some(),
        frame.active_decode_targets.is_some(),
        frame.dtis.is_some(),
        frame.frame_diffs.is_some(),
        frame.chain_diffs.is_some(),
    ];
    if !flags.contains(&true) {
        return Ok(writer.len());
    }
    for flag in flags {
        out.flag(flag)?;
    }
    if let Some(structure) = frame.structure {
        structure.write(out)?;
    }
    if let Some(active) = frame.active_decode_targets {
        out.bits(structure.decode_target_count.into(), active)?;
    }
    for dti in frame.dtis.unwrap_or_default() {
        out.bits(2, *dti as u32)?;
    }
    if let Some(diffs) = frame.frame_diffs {
        frame_diffs::write(out, diffs.iter().copied())?;
    }
    for diff in frame.chain_diffs.unwrap_or_default() {
        out.bits(8, (*diff).into())?;
    }
    Ok(writer.len())
}

/// Spatial and temporal layer, indications, frame and chain differences.
type Row = ((u8, u8), &'static str, &'static [u8], &'static [u8]);

const THREE_CHAINS: &[u8] = &[0, 0, 0, 1, 1, 1, 2, 2, 2];

const L1T1: &[Row] = &[((0, 0), "S", &[], &[0]), ((0, 0), "S", &[1], &[1])];

const L1T2: &[Row] =
    &[((0, 0), "SS", &[], &[0]), ((0, 0), "SS", &[2], &[2]), ((0, 1), "-D", &[1], &[1])];

const L1T3: &[Row] = &[
    ((0, 0), "SSS", &[], &[0]),
    ((0, 0), "SSS", &[4], &[4]),
    ((0, 1), "-DS", &[2], &[2]),
    ((0, 2), "--D", &[1], &[1]),
    ((0, 2), "--D", &[1], &[3]),
];

const L3T1: &[Row] = &[
    ((0, 0), "SRR", &[3], &[3, 2, 1]),
    ((0, 0), "SSS", &[], &[0, 0, 0]),
    ((1, 0), "-SR", &[3, 1], &[1, 1, 1]),
    ((1, 0), "-SS", &[1], &[1, 1, 1]),
    ((2, 0), "--S", &[3, 1], &[2, 1, 1]),
    ((2, 0), "--S", &[1], &[2, 1, 1]),
];

const L3T3: &[Row] = &[
    ((0, 0), "SSSSSSSSS", &[], &[0, 0, 0]),
    ((0, 0), "SSSRRRRRR", &[12], &[12, 11, 10]),
    ((0, 1), "-DS-RR-RR", &[6], &[6, 5, 4]),
    ((0, 2), "--D--R--R", &[3], &[3, 2, 1]),
    ((0, 2), "--D--R--R", &[3], &[9, 8, 7]),
    ((1, 0), "---SSSSSS", &[1], &[1, 1, 1]),
    ((1, 0), "---SSSRRR", &[12, 1], &[1, 1, 1]),
    ((1, 1), "----DS-RR", &[6, 1], &[7, 6, 5]),
    ((1, 2), "-----D--R", &[3, 1], &[4, 3, 2]),
    ((1, 2), "-----D--R", &[3, 1], &[10, 9, 8]),
    ((2, 0), "------SSS", &[1], &[2, 1, 1]),
    ((2, 0), "------SSS", &[12, 1], &[2, 1, 1]),
    ((2, 1), "-------DS", &[6, 1], &[8, 7, 6]),
    ((2, 2), "--------D", &[3, 1], &[5, 4, 3]),
    ((2, 2), "--------D", &[3, 1], &[11, 10, 9]),
];

const L3T3_KEY: &[Row] = &[
    ((0, 0), "SSSSSSSSS", &[], &[0, 0, 0]),
    ((0, 0), "SSS------", &[12], &[12, 11, 10]),
    ((0, 1), "-DS------", &[6], &[6, 5, 4]),
    ((0, 2), "--D------", &[3], &[3, 2, 1]),
    ((0, 2), "--D------", &[3], &[9, 8, 7]),
    ((1, 0), "---SSSSSS", &[1], &[1, 1, 1]),
    ((1, 0), "---SSS---", &[12], &[1, 12, 11]),
    ((1, 1), "----DS---", &[6], &[7, 6, 5]),
    ((1, 2), "-----D---", &[3], &[4, 3, 2]),
    ((1, 2), "-----D---", &[3], &[10, 9, 8]),
    ((2, 0), "------SSS", &[1], &[2, 1, 1]),
    ((2, 0), "------SSS", &[12], &[2, 1, 12]),
    ((2, 1), "-------DS", &[6], &[8, 7, 6]),
    ((2, 2), "--------D", &[3], &[5, 4, 3]),
    ((2, 2), "--------D", &[3], &[11, 10, 9]),
];

const S3T3: &[Row] = &[
    ((0, 0), "SSS------", &[], &[0, 0, 0]),
    ((0, 0), "SSS------", &[12], &[12, 11, 10]),
    ((0, 1), "-DS------", &[6], &[6, 5, 4]),
    ((0, 2), "--D------", &[3], &[3, 2, 1]),
    ((0, 2), "--D------", &[3], &[9, 8, 7]),
    ((1, 0), "---SSS---", &[], &[1, 0, 0]),
    ((1, 0), "---SSS---", &[12], &[1, 12, 11]),
    ((1, 1), "----DS---", &[6], &[7, 6, 5]),
    ((1, 2), "-----D---", &[3], &[4, 3, 2]),
    ((1, 2), "-----D---", &[3], &[10, 9, 8]),
    ((2, 0), "------SSS", &[], &[2, 1, 0]),
    ((2, 0), "------SSS", &[12], &[2, 1, 12]),
    ((2, 1), "-------DS", &[6], &[8, 7, 6]),
    ((2, 2), "--------D", &[3], &[5, 4, 3]),
    ((2, 2), "--------D", &[3], &[11, 10, 9]),
];
