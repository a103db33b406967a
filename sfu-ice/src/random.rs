//! The only source of random bytes in the project.
//!
//! The host seeds it once from the operating system; tests seed it with a
//! constant and get the same run again.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// A cryptographically strong generator (ChaCha20) with a state that can be
/// part of a snapshot.
///
/// ```
/// use sfu_ice::Random;
/// let mut a = Random::from_seed([7; 32]);
/// let mut b = Random::from_seed([7; 32]);
/// assert_eq!(a.u64(), b.u64());
/// ```
#[derive(Clone, Serialize, Deserialize)]
pub struct Random(ChaCha20Rng);

impl Random {
    /// A generator whose whole output is decided by `seed`.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// Fills `out` with random bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    /// 32 random bits.
    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A new, independent seed, for a generator that lives elsewhere.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        seed
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random(..)")
    }
}
