//! The characters of tokens: each token of several n-best lists is looked up once.
//!
//! The entries of a list share tokens. Those of a window are made distinct by a table of 64 places (one
//! that another pushed out is looked up twice, which is as right), then all are located, then all are
//! read, so that the CPU waits for many cache lines at once. Cost: O(entries) and one read per distinct token. Invariant: `spans` has one
//! pair for each entry that was added, in that order.
use crate::Error;
use crate::nbest::Entry;
use crate::offsets::{Offsets, damaged};

/// Places of the table in which tokens of one window are found again.
const TABLE: usize = 64;

/// Tokens with their characters, and the entries that they bound.
pub(crate) struct Tokens {
    tokens: Vec<u32>,
    /// The window of each run of `tokens`, and where the run ends.
    runs: Vec<(u32, usize)>,
    /// For each entry, where its first and its last token stand in `tokens`.
    entries: Vec<(u32, u32)>,
    /// Token, and where it stands in `tokens`; older than the run: not there.
    table: [(u32, u32); TABLE],
    places: Vec<usize>,
    characters: Vec<(i64, i64)>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            tokens: Vec::new(),
            runs: Vec::new(),
            entries: Vec::new(),
            table: [(u32::MAX, u32::MAX); TABLE],
            places: Vec::new(),
            characters: Vec::new(),
        }
    }
}

impl Tokens {
    /// Forget all.
    pub(crate) fn clear(&mut self) {
        self.tokens.clear();
        self.runs.clear();
        self.entries.clear();
        self.table = [(u32::MAX, u32::MAX); TABLE];
    }

    /// Take up the tokens of entries of one window.
    pub(crate) fn add<T>(&mut self, run: &[Entry<T>]) {
        let begin = self.tokens.len();
        // Every token is written, and the next one overwrites it if it was there: no guess goes wrong.
        self.tokens.resize(begin.saturating_add(2 * run.len()), 0);
        let mut next = begin as u32;
        for entry in run {
            let start = self.index(entry.start_token, begin as u32, &mut next);
            let end = self.index(entry.end_token, begin as u32, &mut next);
            self.entries.push((start, end));
        }
        self.tokens.truncate(next as usize);
        if let Some(entry) = run.first() {
            self.runs.push((entry.feature, self.tokens.len()));
        }
    }

    /// Where a token of the run from `begin` stands; a second time if another one took its place in
    /// the table.
    #[inline(always)]
    fn index(&mut self, token: u32, begin: u32, next: &mut u32) -> u32 {
        let (Some(slot), Some(new)) = (
            self.table.get_mut(token as usize % TABLE),
            self.tokens.get_mut(*next as usize),
        ) else {
            return *next;
        };
        *new = token;
        let found = (slot.0 == token) & (slot.1 >= begin) & (slot.1 < *next);
        let place = if found { slot.1 } else { *next };
        *next = next.wrapping_add(u32::from(!found));
        *slot = (token, place);
        place
    }

    /// Look up the characters; false if a token does not have two numbers.
    ///
    /// # Errors
    /// [`Error::Value`] for a window whose offsets are not there.
    pub(crate) fn read(&mut self, offsets: &Offsets<'_>) -> Result<bool, Error> {
        let Self {
            tokens,
            runs,
            places,
            characters,
            ..
        } = self;
        places.clear();
        characters.clear();
        let mut complete = true;
        let mut begin = 0;
        for &(feature, end) in runs.iter() {
            let run = tokens.get(begin..end).unwrap_or_default();
            complete &= offsets.row(feature as usize)?.find(run, places);
            begin = end;
        }
        if !complete {
            return Ok(false);
        }
        let mut begin = 0;
        for &(feature, end) in runs.iter() {
            let run = places.get(begin..end).unwrap_or_default();
            if !offsets.row(feature as usize)?.read(run, characters) {
                return Err(damaged(feature as usize));
            }
            begin = end;
        }
        Ok(true)
    }

    /// First and past-the-last character of each entry, in the order in which they were added.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.entries.iter().map(|&(start, end)| {
            let start = self
                .characters
                .get(start as usize)
                .map_or(-1, |found| found.0);
            let end = self
                .characters
                .get(end as usize)
                .map_or(-1, |found| found.1);
            (start, end)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Extents, Integers};
    use crate::offsets::OffsetsChunk;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_entry_gets_the_characters_of_its_own_tokens(
            entries in prop::collection::vec((0_u32..3, 0_u32..200, 0_u32..200), 0..60)
        ) {
            let numbers: Vec<i64> = (0..1200).collect();
            let offsets = Offsets::new(vec![OffsetsChunk {
                rows: Extents::Fixed { count: 3, width: 200 },
                tokens: Extents::Fixed { count: 600, width: 2 },
                validity: None,
                values: Integers::I64(&numbers),
            }]);
            let entries: Vec<Entry<f32>> = entries
                .into_iter()
                .map(|(feature, start_token, end_token)| Entry { feature, start_token, end_token, ..Entry::default() })
                .collect();
            let mut tokens = Tokens::default();
            for _ in 0..2 {
                tokens.clear();
                for run in entries.chunk_by(|a, b| a.feature == b.feature) {
                    tokens.add(run);
                }
                prop_assert_eq!(tokens.read(&offsets), Ok(true));
                let expected: Vec<(i64, i64)> = entries.iter().map(|entry| {
                    let place = |token| 2 * i64::from(200 * entry.feature + token);
                    (place(entry.start_token), place(entry.end_token) + 1)
                }).collect();
                prop_assert_eq!(tokens.spans().collect::<Vec<_>>(), expected);
            }
        }
    }
}
