//! Logits that cannot be those of their windows.
//!
//! A `Trainer` that samples by length returns its rows in another order than the data set's, and
//! nothing in the answers tells. One thing in the logits does: where batches have different widths,
//! each row is filled up with -100 behind its batch's width. A row may reach further than the tokens
//! of its window (it was padded), but never less far: its last context tokens would not have been
//! read by the model. Costs one look at the end of each row, O(1) where it is not -100.
use crate::Error;
use crate::offsets::Offsets;
use crate::span::WindowSource;

/// So many context tokens without logits are no accident: one may have this value in both rows.
const TOKENS: usize = 2;

/// Windows with context tokens that no logits were computed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// How many windows.
    pub windows: usize,
    /// The first of them.
    pub feature: usize,
    /// Its number of tokens, up to the last one of the context.
    pub tokens: usize,
    /// How far its logits reach.
    pub width: usize,
}

/// Find windows whose logits end before their context does.
///
/// # Errors
/// [`Error::Value`] when there are not as many rows as windows, or one is damaged.
pub fn unread_windows<S: WindowSource>(
    source: &S,
    offsets: &Offsets<'_>,
) -> Result<Option<Unread>, Error> {
    if source.len() != offsets.len() {
        return Err(Error::value(format!(
            "logits have {} rows for {} features",
            source.len(),
            offsets.len()
        )));
    }
    let mut scratch = S::Scratch::default();
    let mut found: Option<Unread> = None;
    for feature in 0..offsets.len() {
        let row = offsets.row(feature)?;
        let Some(width) = source.reach(feature, &mut scratch) else {
            continue;
        };
        if width >= row.len() {
            continue;
        }
        let covers_text = |token: usize| {
            u32::try_from(token)
                .ok()
                .and_then(|token| row.characters(token))
                .is_some_and(|(begin, end)| begin >= 0 && end > begin)
        };
        let unread = (width..row.len())
            .filter(|&token| covers_text(token))
            .count();
        // A window without any logits for its context was not cut short: it is something else.
        if unread < TOKENS || !(0..width).any(covers_text) {
            continue;
        }
        match &mut found {
            Some(first) => first.windows += 1,
            None => {
                let last = (width..row.len()).rfind(|&token| covers_text(token));
                found = Some(Unread {
                    windows: 1,
                    feature,
                    tokens: last.map_or(width, |last| last + 1),
                    width,
                });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Extents, Integers};
    use crate::logit::Logits;
    use crate::offsets::OffsetsChunk;

    /// Windows of four tokens of which the last three are context, with these start and end logits.
    fn found(rows: &[[f32; 5]]) -> Option<Unread> {
        let values = [0, 0, 0, 3, 3, 5, 6, 9].repeat(rows.len());
        let offsets = Offsets::new(vec![OffsetsChunk {
            rows: Extents::Fixed {
                count: rows.len(),
                width: 4,
            },
            tokens: Extents::Fixed {
                count: 4 * rows.len(),
                width: 2,
            },
            validity: None,
            values: Integers::I64(&values),
        }]);
        let flat = rows.as_flattened();
        let logits = Logits {
            start: flat,
            end: flat,
            rows: Extents::Fixed {
                count: rows.len(),
                width: 5,
            },
        };
        unread_windows(&logits, &offsets).unwrap()
    }

    #[test]
    fn windows_with_more_context_than_logits_are_counted_and_the_first_is_named() {
        let short = [1.0, 2.0, -100.0, -100.0, -100.0];
        let whole = [1.0, 2.0, 3.0, -100.0, 0.5];
        let expected = Unread {
            windows: 2,
            feature: 1,
            tokens: 4,
            width: 2,
        };
        assert_eq!(found(&[whole, short, whole, short]), Some(expected));
    }

    #[test]
    fn padding_behind_the_window_one_low_logit_and_rows_of_filler_are_no_sign() {
        assert_eq!(found(&[[1.0, 2.0, 3.0, 4.0, -100.0]]), None);
        assert_eq!(found(&[[1.0, 2.0, 3.0, -100.0, -100.0]]), None);
        assert_eq!(
            found(&[[-100.0; 5], [1.0, -100.0, -100.0, -100.0, -100.0]]),
            None
        );
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn rows_and_windows_of_different_numbers_are_an_error() {
        let logits = Logits {
            start: &[0.0_f32][..],
            end: &[0.0_f32][..],
            rows: Extents::Fixed { count: 1, width: 1 },
        };
        assert!(unread_windows(&logits, &Offsets::new(Vec::new())).is_err());
    }
}
