//! Iterates over the elements of a header extension (RFC 8285 §4.2 and §4.3),
//! bounded by the extension block and not by the packet.

/// One header extension element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Element<'a> {
    /// Local identifier: 1 to 14 in the one-byte form, 1 to 255 in the two-byte
    /// form.
    pub id: u8,
    /// The value: 1 to 16 bytes in the one-byte form, 0 to 255 in the two-byte
    /// form.
    pub data: &'a [u8],
}

/// The elements of one extension block, in the order of the packet.
///
/// Iteration ends at the first element that does not fit in the block, and at
/// the reserved ids where RFC 8285 §4.2 says that processing stops.
///
/// ```
/// use sfu_core::wire::rtp::Elements;
/// let mut elements = Elements::new(0xbede, &[0x51, 0xaa, 0xbb, 0]);
/// let first = elements.next().unwrap();
/// assert_eq!((first.id, first.data), (5, &[0xaa, 0xbb][..]));
/// assert!(elements.next().is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Elements<'a> {
    rest: &'a [u8],
    two_byte: bool,
}

impl<'a> Elements<'a> {
    /// The profile value of the one-byte form (RFC 8285 §4.2).
    pub const ONE_BYTE: u16 = 0xbede;
    /// The profile value of the two-byte form without "appbits" (§4.3).
    pub const TWO_BYTE: u16 = 0x1000;

    /// The elements of `block` (the extension without its 4-byte header); none
    /// if `profile` is not one of RFC 8285.
    pub fn new(profile: u16, block: &'a [u8]) -> Self {
        match profile {
            Self::ONE_BYTE => Self { rest: block, two_byte: false },
            // The low four bits are for the application and mean nothing here.
            0x1000..=0x100f => Self { rest: block, two_byte: true },
            _ => Self::default(),
        }
    }

    /// Bytes of the block that are still to come.
    pub(super) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    fn step(&mut self) -> Option<Element<'a>> {
        loop {
            let (&first, tail) = self.rest.split_first()?;
            if first == 0 {
                self.rest = tail;
                continue;
            }
            let (id, len, tail) = if self.two_byte {
                let (&len, tail) = tail.split_first()?;
                (first, usize::from(len), tail)
            } else {
                (first >> 4, usize::from(first & 0x0f) + 1, tail)
            };
            // Id 0 with a length, and id 15: "processing of the entire
            // extension MUST terminate at that point".
            if !self.two_byte && (id == 0 || id == 15) {
                return None;
            }
            let (data, tail) = tail.split_at_checked(len)?;
            self.rest = tail;
            return Some(Element { id, data });
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let element = self.step();
        if element.is_none() {
            self.rest = &[];
        }
        element
    }
}

impl std::iter::FusedIterator for Elements<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(profile: u16, block: &[u8]) -> Vec<(u8, Vec<u8>)> {
        Elements::new(profile, block).map(|e| (e.id, e.data.to_vec())).collect()
    }

    #[test]
    fn one_byte_form_with_padding_between() {
        let block = [0x10, 0xaa, 0x00, 0x22, 1, 2, 3, 0x00];
        assert_eq!(all(0xbede, &block), [(1, vec![0xaa]), (2, vec![1, 2, 3])]);
    }

    #[test]
    fn two_byte_form_with_empty_element_and_appbits() {
        let block = [0x10, 0x00, 0x00, 0xff, 0x02, 7, 8, 0x00];
        assert_eq!(all(0x100a, &block), [(0x10, vec![]), (0xff, vec![7, 8])]);
    }

    #[test]
    fn reserved_ids_end_the_one_byte_form() {
        assert_eq!(all(0xbede, &[0x10, 1, 0xf0, 2, 0x20, 3]), [(1, vec![1])]);
        assert_eq!(all(0xbede, &[0x10, 1, 0x01, 2, 0x20, 3]), [(1, vec![1])]);
    }

    #[test]
    fn an_element_past_the_block_ends_the_iteration_for_good() {
        let mut elements = Elements::new(0xbede, &[0x10, 1, 0x2f, 2, 3]);
        assert!(elements.next().is_some());
        assert!(elements.next().is_none());
        assert!(elements.next().is_none());
        assert!(all(0x1000, &[0x10]).is_empty());
        assert!(all(0x1000, &[0x10, 200, 1]).is_empty());
    }

    #[test]
    fn another_profile_has_no_elements() {
        assert!(all(0x1010, &[0x10, 0xaa]).is_empty());
    }

    proptest! {
        #[test]
        fn elements_are_disjoint_and_inside_the_block(
            profile in prop_oneof![Just(0xbede_u16), Just(0x1000)],
            block in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut at = block.as_ptr() as usize;
            let end = at + block.len();
            for element in Elements::new(profile, &block) {
                let start = element.data.as_ptr() as usize;
                prop_assert!(start > at && start + element.data.len() <= end);
                prop_assert!(element.id != 0);
                at = start + element.data.len();
            }
        }
    }
}
