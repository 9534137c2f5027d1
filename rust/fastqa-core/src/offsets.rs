//! `offset_mapping`: which tokens of a window are context, and which characters they cover.
//!
//! "Not context" comes in four spellings, all accepted: `None` (the notebook), `[]` (what older
//! `datasets` made of `None`), fewer than two numbers, and `(-1, -1)` (`EuroEval`). The first three
//! show in the list lengths alone; the last needs the numbers themselves, so the search looks for
//! it only after one was seen (see `search.rs`).
use crate::Error;
use crate::columns::{Bitmap, Extents, Integers};

/// One chunk of an `offset_mapping` column: windows -> tokens -> two character positions.
#[derive(Debug, Clone, Copy)]
pub struct OffsetsChunk<'a> {
    /// Tokens of each window.
    pub rows: Extents<'a>,
    /// Numbers of each token.
    pub tokens: Extents<'a>,
    /// Tokens that are not `None`, where some are.
    pub validity: Option<Bitmap<'a>>,
    /// Character positions, in code points of the context.
    pub values: Integers<'a>,
}

/// The whole column.
pub struct Offsets<'a> {
    chunks: Vec<(usize, OffsetsChunk<'a>)>,
    count: usize,
}

/// The tokens of one window.
#[derive(Clone, Copy)]
pub struct OffsetsRow<'a> {
    chunk: OffsetsChunk<'a>,
    begin: usize,
    end: usize,
}

impl<'a> Offsets<'a> {
    /// A column from its chunks.
    pub fn new(chunks: Vec<OffsetsChunk<'a>>) -> Self {
        let mut count = 0;
        let chunks = chunks
            .into_iter()
            .map(|chunk| {
                let first = count;
                count += chunk.rows.count();
                (first, chunk)
            })
            .collect();
        Self { chunks, count }
    }

    /// Number of windows.
    pub fn len(&self) -> usize {
        self.count
    }

    /// There are no windows.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Window `feature`.
    ///
    /// # Errors
    /// [`Error::Value`] when it does not exist or its list offsets make no sense.
    pub fn row(&self, feature: usize) -> Result<OffsetsRow<'a>, Error> {
        let place = self.chunks.partition_point(|(first, _)| *first <= feature);
        place
            .checked_sub(1)
            .and_then(|at| self.chunks.get(at))
            .and_then(|(first, chunk)| {
                let (begin, end) = chunk.rows.get(feature - first)?;
                Some(OffsetsRow {
                    chunk: *chunk,
                    begin,
                    end,
                })
            })
            .ok_or_else(|| {
                Error::value(format!(
                    "offset_mapping of feature {feature} is missing or damaged"
                ))
            })
    }
}

impl OffsetsRow<'_> {
    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.end - self.begin
    }

    /// There are no tokens.
    pub fn is_empty(&self) -> bool {
        self.end == self.begin
    }

    /// The token exists and has two numbers. With `look_inside`, they are not negative either.
    #[inline(always)]
    pub fn is_context(&self, token: u32, look_inside: bool) -> bool {
        self.place(token).is_some()
            && (!look_inside
                || self
                    .characters(token)
                    .is_some_and(|(start, end)| start >= 0 && end >= 0))
    }

    /// The two numbers of a context token.
    #[inline(always)]
    pub fn characters(&self, token: u32) -> Option<(i64, i64)> {
        let begin = self.place(token)?;
        Some((
            self.chunk.values.get(begin)?,
            self.chunk.values.get(begin + 1)?,
        ))
    }

    #[inline(always)]
    fn place(&self, token: u32) -> Option<usize> {
        let at = self.begin.checked_add(token as usize)?;
        if at >= self.end || !self.chunk.validity.is_none_or(|bitmap| bitmap.get(at)) {
            return None;
        }
        let (begin, end) = self.chunk.tokens.get(at)?;
        (end - begin >= 2).then_some(begin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_not_context_is_understood() {
        let offsets = Offsets::new(vec![OffsetsChunk {
            rows: Extents::Offsets(Integers::I32(&[0, 0, 5])),
            tokens: Extents::Offsets(Integers::I64(&[0, 0, 2, 4, 5, 7])),
            validity: Some(Bitmap {
                bytes: &[0b0001_0111],
                offset: 0,
            }),
            values: Integers::I32(&[3, 8, -1, -1, 7, 9, 12]),
        }]);
        assert!(offsets.row(0).is_ok_and(|row| row.is_empty()));
        let row = offsets.row(1).unwrap();
        let context = |inside| {
            (0..7)
                .map(|token| row.is_context(token, inside))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            context(false),
            [false, true, true, false, true, false, false]
        );
        assert_eq!(
            context(true),
            [false, true, false, false, true, false, false]
        );
        assert_eq!(row.characters(4), Some((9, 12)));
        assert!(offsets.row(2).is_err());
    }
}
