//! `offset_mapping`: which tokens of a window are context, and which characters they cover.
//!
//! "Not context" comes in four spellings, all accepted: `None` (the notebook), `[]` (what older
//! `datasets` made of `None`), fewer than two numbers, and `(-1, -1)` (`EuroEval`). The first shows in
//! one bit of a column that has them, the next two in the lists' lengths; the last needs the numbers
//! themselves. What costs more than the column at hand shows, the search looks for only after one
//! was seen among the kept answers (see `search.rs`).
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

#[inline(always)]
fn read<T: Copy + Into<i64>>(
    values: &[T],
    places: &[usize],
    characters: &mut Vec<(i64, i64)>,
) -> bool {
    let mut complete = true;
    characters.extend(places.iter().map(|&place| {
        let numbers = values
            .get(place..)
            .and_then(<[T]>::first_chunk)
            .map(|&[start, end]| (start.into(), end.into()));
        complete &= numbers.is_some();
        numbers.unwrap_or_default()
    }));
    complete
}

/// The tokens of one window.
#[derive(Clone, Copy)]
pub struct OffsetsRow<'a> {
    chunk: &'a OffsetsChunk<'a>,
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
    pub fn row(&self, feature: usize) -> Result<OffsetsRow<'_>, Error> {
        // Chunks mostly have the same size, so the place can be told.
        let told = feature
            .checked_mul(self.chunks.len())
            .and_then(|product| product.checked_div(self.count))
            .and_then(|at| self.chunks.get(at))
            .filter(|(first, chunk)| {
                feature
                    .checked_sub(*first)
                    .is_some_and(|at| at < chunk.rows.count())
            });
        told.or_else(|| {
            let place = self.chunks.partition_point(|(first, _)| *first <= feature);
            self.chunks.get(place.checked_sub(1)?)
        })
        .and_then(|(first, chunk)| {
            let (begin, end) = chunk.rows.get(feature - first)?;
            Some(OffsetsRow { chunk, begin, end })
        })
        .ok_or_else(|| damaged(feature))
    }
}

/// The error of a window whose offsets are not there.
pub(crate) fn damaged(feature: usize) -> Error {
    Error::value(format!(
        "offset_mapping of feature {feature} is missing or damaged"
    ))
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

    /// The token exists, is not `None` and, with `look_inside`, has two numbers that are not
    /// negative. Without it, a column that has no `None` at all is asked for the two numbers only.
    #[inline(always)]
    pub fn is_context(&self, token: u32, look_inside: bool) -> bool {
        if look_inside {
            return self
                .characters(token)
                .is_some_and(|(start, end)| start >= 0 && end >= 0);
        }
        match self.chunk.validity {
            None => self.place(token).is_some(),
            // One bit. The lengths of lists are four bytes each: reading those of 40 candidates is
            // as much memory traffic as the logits.
            Some(bitmap) => self
                .begin
                .checked_add(token as usize)
                .is_some_and(|at| at < self.end && bitmap.get(at)),
        }
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

    /// Append to `places` where the numbers of `tokens` begin; false if one does not have two numbers.
    pub fn find(&self, tokens: &[u32], places: &mut Vec<usize>) -> bool {
        match self.chunk.tokens {
            Extents::Offsets(Integers::I32(offsets)) => self.find_in(offsets, tokens, places),
            Extents::Offsets(Integers::I64(offsets)) => self.find_in(offsets, tokens, places),
            Extents::Fixed { .. } => tokens.iter().all(|&token| {
                let place = self.place(token);
                places.extend(place);
                place.is_some()
            }),
        }
    }

    #[inline(always)]
    fn find_in<T: Copy + Into<i64>>(
        &self,
        offsets: &[T],
        tokens: &[u32],
        places: &mut Vec<usize>,
    ) -> bool {
        let row = self
            .end
            .checked_add(1)
            .and_then(|end| offsets.get(self.begin..end));
        let row = row.unwrap_or_default();
        let mut complete = true;
        places.extend(tokens.iter().map(|&token| {
            let next = (token as usize).wrapping_add(1);
            let (Some(&begin), Some(&end)) = (row.get(token as usize), row.get(next)) else {
                complete = false;
                return 0;
            };
            let (begin, end): (i64, i64) = (begin.into(), end.into());
            complete &= begin >= 0 && end.wrapping_sub(begin) >= 2;
            begin as usize
        }));
        complete
    }

    /// Append to `characters` the two numbers at each of `places`; false if they are not there.
    pub fn read(&self, places: &[usize], characters: &mut Vec<(i64, i64)>) -> bool {
        match self.chunk.values {
            Integers::I32(values) => read(values, places, characters),
            Integers::I64(values) => read(values, places, characters),
        }
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
            [true, true, true, false, true, false, false]
        );
        assert_eq!(
            context(true),
            [false, true, false, false, true, false, false]
        );
        assert_eq!(row.characters(4), Some((9, 12)));
        assert!(offsets.row(2).is_err());
    }
}
