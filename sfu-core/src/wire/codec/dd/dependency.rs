//! What one packet's descriptor says.

use serde::{Deserialize, Serialize};

use super::{MAX_CHAINS, MAX_FRAME_DIFFS};

/// What a frame is to a decode target (table A.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_enums)]
pub enum Dti {
    /// Not a part of the decode target.
    NotPresent = 0,
    /// No other frame of the decode target needs it.
    Discardable = 1,
    /// A receiver can go over to the decode target at this frame.
    Switch = 2,
    /// Other frames need it, and it is no place to go over.
    Required = 3,
}

impl Dti {
    /// The indication with this value; the low two bits count.
    pub const fn from_bits(bits: u64) -> Self {
        match bits & 3 {
            0 => Self::NotPresent,
            1 => Self::Discardable,
            2 => Self::Switch,
            _ => Self::Required,
        }
    }

    /// Whether the frame is a part of the decode target.
    pub const fn is_present(self) -> bool {
        !matches!(self, Self::NotPresent)
    }
}

/// What a descriptor says of its packet's frame, with all that its template
/// implies. Lists are stored inline: a value is plain data of about 150 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dependency {
    /// Number of the frame in decode order, of all layers of the stream; wraps
    /// at 2^16.
    pub frame_number: u16,
    /// First packet of the frame. One picture is a frame for each spatial layer.
    pub start_of_frame: bool,
    /// Last packet of the frame.
    pub end_of_frame: bool,
    /// Template that the packet names, 0 to 63.
    pub template_id: u8,
    /// Spatial layer of the frame, 0 (smallest) to 3.
    pub spatial_id: u8,
    /// Temporal layer of the frame, 0 (base) to 7.
    pub temporal_id: u8,
    /// A new sequence starts here: a structure is attached, and the frame
    /// refers to no other. Only the first packet of a key frame shows it.
    pub keyframe: bool,
    /// The packet carries the structure.
    pub structure_attached: bool,
    /// Two bits for each decode target, target 0 lowest: see [`dti`](Self::dti).
    pub dtis: u64,
    /// Number of decode targets, 1 to 32.
    pub decode_target_count: u8,
    /// Bit `i` is set while decode target `i` is being sent. Taken from this
    /// packet, or else from the last one that said so.
    pub active_decode_targets: u32,
    /// The packet itself says which decode targets are active.
    pub active_decode_targets_present: bool,
    /// Largest picture of this frame's spatial layer, width and height in
    /// pixels, if the structure says so.
    pub resolution: Option<(u16, u16)>,
    pub(super) frame_diffs: [u16; MAX_FRAME_DIFFS],
    pub(super) frame_diff_count: u8,
    pub(super) chain_diffs: [u8; MAX_CHAINS],
    pub(super) chain_count: u8,
}

impl Dependency {
    /// What the frame is to decode target `target`; not present for those that
    /// do not exist.
    pub fn dti(&self, target: u8) -> Dti {
        if target >= self.decode_target_count {
            return Dti::NotPresent;
        }
        Dti::from_bits(self.dtis.checked_shr(u32::from(target) * 2).unwrap_or(0))
    }

    /// Whether decode target `target` is being sent.
    pub fn is_active(&self, target: u8) -> bool {
        let bit = 1_u32.checked_shl(target.into()).unwrap_or(0);
        target < self.decode_target_count && self.active_decode_targets & bit != 0
    }

    /// How many frames back those lie that this one refers to, each 1 to 4096.
    pub fn frame_diffs(&self) -> &[u16] {
        self.frame_diffs.get(..self.frame_diff_count.into()).unwrap_or_default()
    }

    /// For each chain, how many frames back its last frame lies; 0 says that
    /// none is needed: the chain starts here.
    pub fn chain_diffs(&self) -> &[u8] {
        self.chain_diffs.get(..self.chain_count.into()).unwrap_or_default()
    }

    /// The frame refers to no other.
    pub const fn is_intra(&self) -> bool {
        self.frame_diff_count == 0
    }

    /// No decode target has a frame that needs this one.
    pub const fn is_discardable(&self) -> bool {
        // The high bit of an indication is set for "switch" and "required".
        self.dtis & 0xaaaa_aaaa_aaaa_aaaa == 0
    }
}
