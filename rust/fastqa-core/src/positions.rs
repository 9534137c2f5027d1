//! What a window is searched with besides its offsets: where its null answer is, and which tokens
//! a span may start at.
//!
//! Read once for each window, O(1), but for a null answer at the first token of some id, which is
//! looked for from the left: O(tokens before it), one or none in practice. Rows are those of the
//! columns, and errors name the feature's number.
use crate::Error;
use crate::columns::{Extents, Integers};

/// Where a window's null answer sits.
pub enum NullPosition<'a> {
    /// At position 0, whatever stands there (`utils_qa`).
    First,
    /// At the first token with this id (the notebook): the `input_ids` column in chunks, each with
    /// the number of windows before it.
    Token(i64, Vec<(usize, Extents<'a>, Integers<'a>)>),
    /// Given for each window.
    Given(Integers<'a>),
}

impl NullPosition<'_> {
    /// The position in the window of row `row`, which errors call `feature`.
    ///
    /// # Errors
    /// [`Error::Value`] when the window has none.
    pub fn of(&self, row: usize, feature: usize) -> Result<usize, Error> {
        match self {
            Self::First => Ok(0),
            Self::Given(positions) => positions
                .get(row)
                .and_then(|at| usize::try_from(at).ok())
                .ok_or_else(|| {
                    Error::value(format!(
                        "the null position of feature {feature} is missing or negative"
                    ))
                }),
            Self::Token(id, chunks) => {
                let place = chunks.partition_point(|(first, ..)| *first <= row);
                let chunk = place.checked_sub(1).and_then(|at| chunks.get(at));
                let list =
                    chunk.and_then(|(first, rows, values)| Some((rows.get(row - first)?, values)));
                let ((begin, end), values) = list.ok_or_else(|| {
                    Error::value(format!(
                        "input_ids of feature {feature} are missing or damaged"
                    ))
                })?;
                // A damaged extent may be as long as numbers get; there is nothing behind the values.
                let mut places = begin..end.min(values.len());
                places.position(|at| values.get(at) == Some(*id)).ok_or_else(|| {
                    Error::value(format!(
                        "input_ids of feature {feature} have no token {id} (cls_token_id); pass the tokenizer that \
                         made the features, or null_position=\"first\" for a model without such a token"
                    ))
                })
            }
        }
    }
}

/// `token_is_max_context`: a span may start only where its token has the most context.
pub struct MaxContext<'a> {
    /// Flags per feature.
    pub width: usize,
    /// `[n_features, width]`.
    pub flags: &'a [u8],
    /// `[n_features]`: 0 for a feature without such a restriction.
    pub restricted: &'a [u8],
}

impl<'a> MaxContext<'a> {
    /// The flags of window `feature`; `None`: no restriction.
    pub fn of(&self, feature: usize) -> Option<&'a [u8]> {
        let restricted = self.restricted.get(feature).is_some_and(|&flag| flag != 0);
        // Both lengths were checked before the search.
        restricted.then(|| {
            self.flags
                .get(feature * self.width..(feature + 1) * self.width)
                .unwrap_or_default()
        })
    }
}
