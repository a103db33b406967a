//! A client's offer, and what it may hold.

use serde::{Deserialize, Serialize};

use super::{Refusal, SlotSpec, Source};

const MAX_TRACKS: usize = 8;
const MAX_SLOTS: usize = 64;
const MAX_SDP: usize = 200_000;
const MAX_MID: usize = 16;

/// An offer; [`Offer::check`] says whether it is one that we take.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// The client's number for it.
    pub offer_id: serde_json::Number,
    /// The SDP.
    pub sdp: String,
    /// The sections that the client sends on.
    pub tracks: Vec<Track>,
    /// The sections that the client receives on.
    pub slots: Vec<SlotSpec>,
}

/// A section that a client sends on, and what it sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// The section's media id.
    pub mid: String,
    /// What it carries.
    pub source: Source,
}

impl Offer {
    /// Checks everything but the SDP itself.
    ///
    /// # Errors
    /// `invalid_request`, naming the field.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.sdp.is_empty() || self.sdp.len() > MAX_SDP {
            return Err(Refusal::field("sdp", format!("must have 1 to {MAX_SDP} bytes")));
        }
        if self.tracks.len() > MAX_TRACKS {
            return Err(Refusal::field(
                "tracks",
                format!("must have at most {MAX_TRACKS} entries"),
            ));
        }
        if self.slots.len() > MAX_SLOTS {
            return Err(Refusal::field("slots", format!("must have at most {MAX_SLOTS} entries")));
        }
        let tracks = self.tracks.iter().map(|track| track.mid.as_str()).enumerate();
        let slots = self.slots.iter().map(|slot| slot.mid.as_str()).enumerate();
        let mids = tracks.map(|(index, mid)| (format!("tracks[{index}].mid"), mid));
        let mids: Vec<_> =
            mids.chain(slots.map(|(i, mid)| (format!("slots[{i}].mid"), mid))).collect();
        for (index, (field, mid)) in mids.iter().enumerate() {
            if mid.is_empty() || mid.len() > MAX_MID {
                return Err(Refusal::field(field, format!("must have 1 to {MAX_MID} bytes")));
            }
            if mids.iter().take(index).any(|(_, earlier)| earlier == mid) {
                return Err(Refusal::field(field, "is used twice"));
            }
        }
        for (index, track) in self.tracks.iter().enumerate() {
            if self.tracks.iter().take(index).any(|earlier| earlier.source == track.source) {
                return Err(Refusal::field(format!("tracks[{index}].source"), "is named twice"));
            }
        }
        Ok(())
    }
}
