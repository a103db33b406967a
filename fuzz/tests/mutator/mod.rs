//! A small deterministic mutator: the same seed and corpus give the same
//! inputs.

const MAX_LEN: usize = 16 * 1024;
const INTERESTING: [u8; 8] = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x90, 0xbe, 0xff];

pub(crate) struct Mutator {
    state: u64,
}

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A mutation of a random entry of `corpus`.
    pub(crate) fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(6) {
            self.step(&mut input, corpus);
        }
        input.truncate(MAX_LEN);
        input
    }

    fn step(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        match self.below(10) {
            0 => self.change(input, at, |byte, random| byte ^ (1 << (random % 8))),
            1 => self.change(input, at, |_, random| random),
            2 => self.change(input, at, |_, random| INTERESTING[usize::from(random) % 8]),
            3 => {
                self.change(input, at, |byte, random| {
                    byte.wrapping_add(random % 9).wrapping_sub(4)
                });
            }
            4 => input.insert(at, self.next() as u8),
            5 => input.truncate(at),
            6 => {
                let end = at + self.below(input.len() - at + 1).min(64);
                input.drain(at..end);
            }
            7 => {
                let end = at + self.below(input.len() - at + 1).min(256);
                let copy = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, copy);
            }
            8 => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                let to = from + self.below(other.len() - from + 1).min(256);
                input.splice(at..at, other[from..to].iter().copied());
            }
            _ => {
                let other = &corpus[self.below(corpus.len())];
                input.truncate(at);
                input.extend_from_slice(&other[self.below(other.len() + 1)..]);
            }
        }
    }

    fn change(&mut self, input: &mut [u8], at: usize, to: impl Fn(u8, u8) -> u8) {
        let random = self.next() as u8;
        if let Some(byte) = input.get_mut(at) {
            *byte = to(*byte, random);
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
