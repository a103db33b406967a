//! Things by number that come nearly in order.

use std::ops::{Bound, RangeBounds};

/// Things in one row of [`Ordered`], at first: rows are never copied because
/// there is one more.
const ROW: usize = 64;

/// As a `BTreeMap` by number, and fast where the next number is nearly always the
/// highest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered<T> {
    /// None is empty.
    rows: Vec<Vec<(u64, T)>>,
    len: usize,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), len: 0 }
    }
}

impl<T> Ordered<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts it in the place of what had this number before.
    pub fn insert(&mut self, number: u64, thing: T) {
        if self.last_key_value().is_none_or(|(last, _)| *last < number) {
            match self.rows.last_mut() {
                Some(row) if row.len() < ROW => row.push((number, thing)),
                _ => {
                    let mut row = Vec::with_capacity(ROW);
                    row.push((number, thing));
                    self.rows.push(row);
                }
            }
            self.len += 1;
            return;
        }
        let (row, at) = self.place(number);
        let row = &mut self.rows[row];
        match row.get_mut(at) {
            Some(entry) if entry.0 == number => entry.1 = thing,
            _ => {
                row.insert(at, (number, thing));
                self.len += 1;
            }
        }
    }

    pub fn get(&self, number: &u64) -> Option<&T> {
        let (row, at) = self.place(*number);
        let (found, thing) = self.rows.get(row)?.get(at)?;
        (found == number).then_some(thing)
    }

    pub fn contains_key(&self, number: &u64) -> bool {
        self.get(number).is_some()
    }

    pub fn first_key_value(&self) -> Option<(&u64, &T)> {
        self.rows.first()?.first().map(|(number, thing)| (number, thing))
    }

    pub fn last_key_value(&self) -> Option<(&u64, &T)> {
        self.rows.last()?.last().map(|(number, thing)| (number, thing))
    }

    /// All, the lowest number first.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.rows.iter().flatten().map(|(_, thing)| thing)
    }

    /// Those with these numbers, the lowest first.
    pub fn range(&self, numbers: impl RangeBounds<u64>) -> impl Iterator<Item = (&u64, &T)> {
        let (row, at) = match numbers.start_bound() {
            Bound::Included(from) => self.place(*from),
            Bound::Excluded(from) => self.place(*from + 1),
            Bound::Unbounded => (0, 0),
        };
        let rows = self.rows.get(row..).unwrap_or_default().iter().flatten().skip(at);
        let wanted = move |entry: &&(u64, T)| match numbers.end_bound() {
            Bound::Included(to) => entry.0 <= *to,
            Bound::Excluded(to) => entry.0 < *to,
            Bound::Unbounded => true,
        };
        rows.take_while(wanted).map(|(number, thing)| (number, thing))
    }

    /// Row and place of the first that has not a lower number; the place may be
    /// the end of the row.
    fn place(&self, number: u64) -> (usize, usize) {
        let row = self.rows.partition_point(|row| row[0].0 <= number).saturating_sub(1);
        let at =
            self.rows.get(row).map_or(0, |row| row.partition_point(|(other, _)| *other < number));
        (row, at)
    }
}
