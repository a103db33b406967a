//! How a source lays out its pictures in layers, and what each frame needs.

use sfu_core::wire::codec::dd::{FrameDescription, ScalableStructure, compose};

/// The layers of one encoding.
#[derive(Clone, Debug, Default)]
pub enum Layout {
    /// Each frame needs the one before.
    #[default]
    Flat,
    /// Three temporal layers.
    Temporal,
    /// Three spatial and three temporal layers of VP9; with `key_only` layers
    /// build on one another in key pictures only.
    Svc { key_only: bool },
    /// Told by dependency descriptors.
    Described(Box<ScalableStructure>),
}

/// One frame: a picture, or one layer of it.
#[derive(Clone, Debug)]
pub struct LayerFrame {
    pub spatial: u8,
    pub temporal: u8,
    /// How many frames back those lie that it needs.
    pub diffs: Vec<u16>,
    /// The same as the publisher says it; `None` if that is what the template says.
    pub told: Option<Vec<u16>>,
    /// Needs nothing of its own temporal layer from before (VP8), or is followed
    /// by none that does (VP9).
    pub sync: bool,
    pub needs_lower: bool,
    pub needed_above: bool,
    template: u8,
}

impl Layout {
    /// The layout of a scalability mode, in descriptors.
    pub fn described(mode: &str) -> Self {
        Self::Described(Box::new(ScalableStructure::of_mode(mode).unwrap()))
    }

    pub fn spatial_layers(&self) -> u8 {
        match self {
            Self::Flat | Self::Temporal => 1,
            Self::Svc { .. } => 3,
            Self::Described(structure) => 1 + structure.templates.last().unwrap().spatial_id,
        }
    }

    fn has_temporal(&self) -> bool {
        match self {
            Self::Flat => false,
            Self::Temporal | Self::Svc { .. } => true,
            Self::Described(structure) => structure.templates.last().unwrap().temporal_id == 2,
        }
    }

    /// The frames of a picture, `since_key` pictures after a key picture, of the
    /// lowest `active` spatial layers.
    pub fn picture(&self, since_key: u32, active: u8) -> Vec<LayerFrame> {
        let key = since_key == 0;
        let (temporal, back) = match since_key % 4 {
            _ if !self.has_temporal() => (0, 1),
            0 => (0, 4),
            2 => (1, 2),
            _ => (2, 1),
        };
        let layers = self.spatial_layers();
        let frame = |spatial: u8| {
            let mut frame = LayerFrame {
                spatial,
                temporal,
                diffs: Vec::new(),
                told: None,
                sync: true,
                needs_lower: false,
                needed_above: false,
                template: 0,
            };
            if let Self::Described(structure) = self {
                // The last picture of a cycle has a template of its own, if any.
                let fits = structure.templates.iter().enumerate().filter(|(_, t)| {
                    (t.spatial_id, t.temporal_id) == (spatial, temporal)
                        && t.frame_diffs.iter().any(|diff| *diff > spatial) != key
                });
                let fits: Vec<_> = fits.collect();
                let (at, template) = fits[usize::from(since_key % 4 == 3).min(fits.len() - 1)];
                frame.template = at as u8;
                frame.diffs = template.frame_diffs.iter().map(|diff| u16::from(*diff)).collect();
                return frame;
            }
            let full = !matches!(self, Self::Svc { key_only: true });
            frame.needs_lower = spatial > 0 && (key || full);
            frame.needed_above = spatial + 1 < active && (key || full);
            if !key {
                frame.diffs.push(u16::from(back * layers));
            }
            if frame.needs_lower {
                frame.diffs.push(1);
            }
            if matches!(self, Self::Temporal) {
                frame.sync = matches!(since_key % 4, 1 | 2) && !key;
            }
            frame
        };
        (0..layers.min(active)).map(frame).collect()
    }

    /// The dependency descriptor of packet `index` of `count` of a frame.
    pub fn descriptor(
        &self,
        frame: &LayerFrame,
        number: u16,
        (index, count): (u8, u8),
        key: bool,
        active: u8,
    ) -> Option<Vec<u8>> {
        let Self::Described(structure) = self else { return None };
        let first = index == 0 && frame.spatial == 0;
        let temporal = if self.has_temporal() { 3 } else { 1 };
        let all = self.spatial_layers();
        let described = FrameDescription {
            start_of_frame: index == 0,
            end_of_frame: index + 1 == count,
            structure: (first && key).then_some(&**structure),
            active_decode_targets: (first && active < all)
                .then(|| (1 << (u32::from(active) * temporal)) - 1),
            frame_diffs: frame.told.as_deref(),
            ..FrameDescription::new(frame.template, number)
        };
        let mut out = vec![0; 255];
        let len = compose(&described, structure, &mut out).unwrap();
        out.truncate(len);
        Some(out)
    }
}
