//! Things by number that come nearly in order.

use std::ops::{Bound, RangeBounds};

/// As a `BTreeMap` by number, and fast where the next number is nearly always the highest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered<T> {
    entries: Vec<(u64, T)>,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<T> Ordered<T> {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Puts it in the place of what had this number before.
    pub fn insert(&mut self, number: u64, thing: T) {
        let at = self.place(number);
        match self.entries.get_mut(at) {
            Some(entry) if entry.0 == number => entry.1 = thing,
            _ => self.entries.insert(at, (number, thing)),
        }
    }

    pub fn get(&self, number: &u64) -> Option<&T> {
        let (found, thing) = self.entries.get(self.place(*number))?;
        (found == number).then_some(thing)
    }

    pub fn contains_key(&self, number: &u64) -> bool {
        self.get(number).is_some()
    }

    pub fn first_key_value(&self) -> Option<(&u64, &T)> {
        self.entries.first().map(|(number, thing)| (number, thing))
    }

    pub fn last_key_value(&self) -> Option<(&u64, &T)> {
        self.entries.last().map(|(number, thing)| (number, thing))
    }

    /// All, the lowest number first.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.entries.iter().map(|(_, thing)| thing)
    }

    /// Those with these numbers, the lowest first.
    pub fn range(
        &self,
        numbers: impl RangeBounds<u64>,
    ) -> impl DoubleEndedIterator<Item = (&u64, &T)> {
        let start = match numbers.start_bound() {
            Bound::Included(from) => self.place(*from),
            Bound::Excluded(from) => self.place(*from + 1),
            Bound::Unbounded => 0,
        };
        let end = match numbers.end_bound() {
            Bound::Included(to) => self.place(*to + 1),
            Bound::Excluded(to) => self.place(*to),
            Bound::Unbounded => self.entries.len(),
        };
        self.entries[start..end.max(start)].iter().map(|(number, thing)| (number, thing))
    }

    /// How many have a lower number.
    fn place(&self, number: u64) -> usize {
        match self.entries.last() {
            Some((last, _)) if *last >= number => {
                self.entries.partition_point(|(other, _)| *other < number)
            }
            _ => self.entries.len(),
        }
    }
}
