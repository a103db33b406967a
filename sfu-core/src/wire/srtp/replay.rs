//! Which packet indices of one SSRC were used (RFC 3711 §3.3.2).

use serde::{Deserialize, Serialize};

use super::SrtpError;

/// Indices behind the highest one, itself included, that a context can still
/// tell apart: 1024, sixteen times what RFC 3711 §3.3.2 asks for, so that a
/// retransmission without RTX or a long reordering still gets in.
pub const WINDOW_PACKETS: u64 = 1024;

const WORDS: usize = 16;

/// A bitmap over the last [`WINDOW_PACKETS`] indices. The bit of an index is
/// its value modulo the window, so nothing is shifted when the window moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReplayWindow {
    highest: u64,
    used: [u64; WORDS],
}

impl ReplayWindow {
    /// A window in which `first` alone is used.
    pub(super) fn starting_at(first: u64) -> Self {
        let mut this = Self { highest: first, used: [0; WORDS] };
        this.mark(first, true);
        this
    }

    /// A window in which everything up to `highest` is used.
    pub(super) fn closed_up_to(highest: u64) -> Self {
        Self { highest, used: [u64::MAX; WORDS] }
    }

    /// The highest index used.
    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether `index` may still be used.
    pub(super) fn check(&self, index: u64) -> Result<(), SrtpError> {
        if index > self.highest {
            Ok(())
        } else if self.highest - index >= WINDOW_PACKETS {
            Err(SrtpError::TooOld)
        } else if self.is_marked(index) {
            Err(SrtpError::Replayed)
        } else {
            Ok(())
        }
    }

    /// Uses `index`, which [`check`](Self::check) has let through.
    pub(super) fn commit(&mut self, index: u64) {
        let ahead = index.saturating_sub(self.highest);
        if ahead >= WINDOW_PACKETS {
            self.used = [0; WORDS];
        } else {
            for skipped in 1..ahead {
                self.mark(self.highest.wrapping_add(skipped), false);
            }
        }
        self.highest = self.highest.max(index);
        self.mark(index, true);
    }

    fn is_marked(&self, index: u64) -> bool {
        let (word, bit) = Self::place(index);
        self.used.get(word).is_some_and(|w| w & bit != 0)
    }

    fn mark(&mut self, index: u64, used: bool) {
        let (word, bit) = Self::place(index);
        if let Some(w) = self.used.get_mut(word) {
            if used { *w |= bit } else { *w &= !bit }
        }
    }

    /// Word number and bit of `index`.
    fn place(index: u64) -> (usize, u64) {
        let at = index % WINDOW_PACKETS;
        ((at / 64) as usize, 1 << (at % 64))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepts_each_index_once_and_only_within_the_window() {
        let mut window = ReplayWindow::starting_at(5000);
        assert_eq!(window.check(5000), Err(SrtpError::Replayed));
        assert_eq!(window.check(5000 - 1023), Ok(()));
        assert_eq!(window.check(5000 - 1024), Err(SrtpError::TooOld));
        window.commit(6023);
        assert_eq!(window.check(5000), Err(SrtpError::Replayed));
        assert_eq!(window.check(4999), Err(SrtpError::TooOld));
        window.commit(6025);
        assert_eq!(window.check(6024), Ok(()));
        assert_eq!(window.check(5000), Err(SrtpError::TooOld));
    }

    #[test]
    fn a_closed_window_lets_only_newer_indices_in() {
        let window = ReplayWindow::closed_up_to(9);
        for index in 0..=9 {
            assert_eq!(window.check(index), Err(SrtpError::Replayed));
        }
        assert_eq!(window.check(10), Ok(()));
    }

    proptest! {
        /// The bitmap agrees with a set that forgets nothing.
        #[test]
        fn agrees_with_a_set(
            start in 0u64..1 << 40,
            steps in prop::collection::vec(
                prop_oneof![8 => -40i64..40, 2 => -1100i64..1100, 1 => 0i64..5000],
                1..400,
            ),
        ) {
            let mut window = ReplayWindow::starting_at(start);
            let mut seen = BTreeSet::from([start]);
            for step in steps {
                let highest = *seen.last().unwrap();
                prop_assert_eq!(window.highest(), highest);
                let index = highest.saturating_add_signed(step);
                let expected = if index > highest {
                    Ok(())
                } else if highest - index >= WINDOW_PACKETS {
                    Err(SrtpError::TooOld)
                } else if seen.contains(&index) {
                    Err(SrtpError::Replayed)
                } else {
                    Ok(())
                };
                prop_assert_eq!(window.check(index), expected);
                if expected.is_ok() {
                    window.commit(index);
                    seen.insert(index);
                }
            }
        }
    }
}
