//! An encoder that leaves out layer frames to keep its bit rate, as libaom does.
//! What the next frames are predicted from is then what its buffers hold.

use super::layout::{LayerFrame, Layout};
use super::link::Rng;

/// Which layer frames are left out of three spatial layers, each of which builds
/// on the one below (L3T3).
#[derive(Debug)]
pub struct Frugal {
    rng: Rng,
    /// How many of a hundred layer frames are left out.
    percent: u64,
    /// Number of the frame in each buffer, by spatial and temporal layer.
    buffers: [[Option<u32>; 3]; 3],
    /// Number of the last key frame.
    key: u32,
    /// Pictures that lack a layer in between.
    pub gaps: u32,
    /// Frames that name a reference of before the key frame.
    pub stale: u32,
}

impl Frugal {
    pub fn new(seed: u64, percent: u64) -> Self {
        Self { rng: Rng(seed), percent, buffers: [[None; 3]; 3], key: 0, gaps: 0, stale: 0 }
    }

    /// The frames of a picture, of which the first gets number `first`.
    pub fn picture(
        &mut self,
        layout: &Layout,
        since_key: u32,
        active: u8,
        first: u32,
    ) -> Vec<LayerFrame> {
        let key = since_key == 0;
        if key {
            self.key = first;
        }
        let mut frames = layout.picture(since_key, active);
        let mut left: Vec<_> = frames.drain(..).filter(|frame| self.encodes(frame, key)).collect();
        for (number, frame) in (first..).zip(&mut left) {
            self.refer(frame, number, since_key);
        }
        let spatial: Vec<_> = left.iter().map(|frame| frame.spatial).collect();
        self.gaps += u32::from(spatial.windows(2).any(|pair| pair[1] > pair[0] + 1));
        left
    }

    fn encodes(&mut self, frame: &LayerFrame, key: bool) -> bool {
        let base = self.buffers[usize::from(frame.spatial)][0];
        if frame.spatial == 0 && key {
            return true;
        }
        // A layer whose base was left out of the key picture begins with its next base.
        let has_base = frame.temporal == 0 || base.is_some_and(|base| base >= self.key);
        has_base && self.rng.below(100) >= self.percent
    }

    /// Sets what a frame refers to, and what the encoder says that it does.
    fn refer(&mut self, frame: &mut LayerFrame, number: u32, since_key: u32) {
        let (spatial, temporal) = (usize::from(frame.spatial), usize::from(frame.temporal));
        let [base, middle, _] = self.buffers[spatial];
        let base = base.filter(|base| *base >= self.key);
        let own = match middle {
            // The last picture of a cycle builds on the one before, if that is there.
            Some(middle) if since_key % 4 == 3 && Some(middle) > base => Some(middle),
            _ => base,
        };
        let own = own.filter(|_| since_key > 0);
        let lower = spatial.checked_sub(1).and_then(|below| self.buffers[below][temporal]);
        let said: Vec<u32> = [own, lower].into_iter().flatten().collect();
        // A key frame is in all buffers, whatever the encoder takes them to hold.
        let real: Vec<u32> = said.iter().map(|reference| (*reference).max(self.key)).collect();
        self.stale += u32::from(said != real);
        let diffs = |references: &[u32]| references.iter().map(|r| (number - r) as u16).collect();
        frame.diffs = diffs(&real);
        frame.told = Some(diffs(&said));
        self.buffers[spatial][temporal] = Some(number);
    }
}
