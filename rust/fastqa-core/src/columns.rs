//! Columns as they lie in Arrow buffers and NumPy arrays: integers of two widths, lists as offsets
//! into values, strings as offsets into UTF-8 bytes. Everything is a borrowed slice; nothing here
//! trusts what the numbers say, so a damaged or concurrently written buffer gives an error (or a
//! wrong answer), never a read outside of it.
//!
//! Reading a value is O(1) and copies nothing, except that a string is checked to be UTF-8 each
//! time, O(its length). `get` answers `None` for what does not exist; constructors check lengths
//! once.
use crate::Error;

/// A slice of 32- or 64-bit signed integers.
#[derive(Debug, Clone, Copy)]
pub enum Integers<'a> {
    /// 32 bits.
    I32(&'a [i32]),
    /// 64 bits.
    I64(&'a [i64]),
}

impl Integers<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The value at `index`, if there is one.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Option<i64> {
        match self {
            Self::I32(values) => values.get(index).map(|&value| i64::from(value)),
            Self::I64(values) => values.get(index).copied(),
        }
    }
    #[inline(always)]
    fn position(&self, index: usize) -> Option<usize> {
        usize::try_from(self.get(index)?).ok()
    }
}

/// Where each of a column's lists begins and ends in its values.
#[derive(Debug, Clone, Copy)]
pub enum Extents<'a> {
    /// Arrow list offsets: list `i` is `[offsets[i], offsets[i + 1])`.
    Offsets(Integers<'a>),
    /// `count` lists of `width` values each.
    Fixed {
        /// Number of lists.
        count: usize,
        /// Values in each.
        width: usize,
    },
}

impl Extents<'_> {
    /// Number of lists.
    pub fn count(&self) -> usize {
        match self {
            Self::Offsets(offsets) => offsets.len().saturating_sub(1),
            Self::Fixed { count, .. } => *count,
        }
    }
    /// Begin and end of list `index`; `None` if it does not exist or makes no sense.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Option<(usize, usize)> {
        match self {
            Self::Offsets(offsets) => {
                let begin = offsets.position(index)?;
                let end = offsets.position(index.checked_add(1)?)?;
                (begin <= end).then_some((begin, end))
            }
            Self::Fixed { count, width } => {
                let begin = index.checked_mul(*width)?;
                (index < *count).then_some((begin, begin.checked_add(*width)?))
            }
        }
    }
    /// End of the last list.
    ///
    /// # Errors
    /// [`Error::Value`] when the last offset is negative or `count * width` overflows.
    pub fn end(&self) -> Result<usize, Error> {
        match self {
            Self::Offsets(offsets) if offsets.is_empty() => Some(0),
            Self::Offsets(offsets) => offsets.position(offsets.len() - 1),
            Self::Fixed { count, width } => count.checked_mul(*width),
        }
        .ok_or_else(|| Error::value("row offsets are negative or too large"))
    }
}

/// An Arrow validity bitmap: bit `offset + i` is set where value `i` is not null.
#[derive(Debug, Clone, Copy)]
pub struct Bitmap<'a> {
    /// The bits, least significant first.
    pub bytes: &'a [u8],
    /// Bits to skip.
    pub offset: usize,
}

impl Bitmap<'_> {
    /// Value `index` is not null.
    #[inline(always)]
    pub fn get(&self, index: usize) -> bool {
        let bit = self.offset.wrapping_add(index);
        self.bytes
            .get(bit / 8)
            .is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
    }
}

/// One chunk of a string column.
#[derive(Debug, Clone, Copy)]
pub struct Utf8Chunk<'a> {
    /// UTF-8 of all strings.
    pub bytes: &'a [u8],
    /// Arrow offsets into `bytes`.
    pub offsets: Integers<'a>,
}

/// A column of strings.
pub enum Strings<'a> {
    /// Borrowed from Python strings.
    Slices(Vec<&'a str>),
    /// Arrow chunks, each with the number of strings before it.
    Chunks(Vec<(usize, Utf8Chunk<'a>)>, usize),
}

impl<'a> Strings<'a> {
    /// A column from Arrow chunks.
    pub fn from_chunks(chunks: Vec<Utf8Chunk<'a>>) -> Self {
        let mut count = 0;
        let numbered = chunks
            .into_iter()
            .map(|chunk| {
                let first = count;
                count += chunk.offsets.len().saturating_sub(1);
                (first, chunk)
            })
            .collect();
        Self::Chunks(numbered, count)
    }
    /// Number of strings.
    pub fn len(&self) -> usize {
        match self {
            Self::Slices(slices) => slices.len(),
            Self::Chunks(_, count) => *count,
        }
    }
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// String `index`.
    ///
    /// # Errors
    /// [`Error::Value`] when it does not exist or is not UTF-8.
    pub fn get(&self, index: usize) -> Result<&'a str, Error> {
        let found = match self {
            Self::Slices(slices) => slices.get(index).copied(),
            Self::Chunks(..) => std::str::from_utf8(self.bytes(index)?).ok(),
        };
        found.ok_or_else(|| self.missing(index))
    }

    /// The bytes of string `index`, for what need not be UTF-8.
    ///
    /// # Errors
    /// [`Error::Value`] when it does not exist.
    pub fn bytes(&self, index: usize) -> Result<&'a [u8], Error> {
        let found = match self {
            Self::Slices(slices) => slices.get(index).map(|string| string.as_bytes()),
            Self::Chunks(chunks, _) => {
                let place = chunks.partition_point(|(first, _)| *first <= index);
                place
                    .checked_sub(1)
                    .and_then(|at| chunks.get(at))
                    .and_then(|(first, chunk)| {
                        let (begin, end) = Extents::Offsets(chunk.offsets).get(index - first)?;
                        chunk.bytes.get(begin..end)
                    })
            }
        };
        found.ok_or_else(|| self.missing(index))
    }

    fn missing(&self, index: usize) -> Error {
        Error::value(format!(
            "string {index} of {} is missing or not UTF-8",
            self.len()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_across_chunks_and_empty_chunks() {
        let chunk = |bytes, offsets| Utf8Chunk {
            bytes,
            offsets: Integers::I32(offsets),
        };
        let strings = Strings::from_chunks(vec![
            chunk(b"", &[]),
            chunk(b"xab", &[1, 2, 2, 3]),
            chunk(b"", &[0]),
            chunk("é".as_bytes(), &[0, 2]),
        ]);
        assert_eq!(strings.len(), 4);
        assert_eq!(
            (0..4).map(|i| strings.get(i)).collect::<Vec<_>>(),
            [Ok("a"), Ok(""), Ok("b"), Ok("é")]
        );
        assert!(strings.get(4).is_err());
    }

    #[test]
    fn damaged_offsets_give_an_error() {
        let strings = Strings::from_chunks(vec![Utf8Chunk {
            bytes: "éa".as_bytes(),
            offsets: Integers::I64(&[0, 1, 3, 99, 2, -1]),
        }]);
        assert!((0..5).filter(|&i| strings.get(i).is_ok()).count() == 0);
    }

    #[test]
    fn extents_never_overflow() {
        assert_eq!(
            Extents::Fixed {
                count: usize::MAX,
                width: 3
            }
            .get(usize::MAX - 1),
            None
        );
        assert!(
            Extents::Fixed {
                count: usize::MAX,
                width: 3
            }
            .end()
            .is_err()
        );
        assert_eq!(Extents::Offsets(Integers::I32(&[3, 1])).get(0), None);
        assert!(
            !Bitmap {
                bytes: &[255],
                offset: usize::MAX
            }
            .get(usize::MAX)
        );
    }
}
