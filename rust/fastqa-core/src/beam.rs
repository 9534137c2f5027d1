//! Spans of one window from a beam-search head (XLNet, XLM): the model itself chose the starts,
//! and for each start the ends.
//!
//! All `start_n_top * end_n_top` pairs are looked at, 25 with 5 of each: no ranking of a row is
//! needed, so the cost of a window does not depend on its length. Pairs come in the order of the
//! reference's two loops, which decides between equal scores. Positions may be anything that a
//! model returns; those outside of the window are no candidates.
use crate::Error;
use crate::logit::Logit;
use crate::nbest::{Accumulator, Entry};
use crate::params::{NanPolicy, SpanParams};
use crate::span::{Window, WindowSource, in_order, index32};

/// The five outputs of such a head, flat, row after row.
pub struct Beam<'a, T> {
    /// `[n_features, start_n_top]`.
    pub start_log_probs: &'a [T],
    /// `[n_features, start_n_top]`, token positions.
    pub start_index: &'a [i64],
    /// `[n_features, start_n_top * end_n_top]`; the end `j` of start `i` stands at `i * end_n_top + j`.
    pub end_log_probs: &'a [T],
    /// `[n_features, start_n_top * end_n_top]`, token positions.
    pub end_index: &'a [i64],
    /// `[n_features]`: the null score of each window.
    pub cls_logits: &'a [T],
    /// Starts per window.
    pub start_n_top: usize,
    /// Ends per start.
    pub end_n_top: usize,
}

impl<T: Logit> Beam<'_, T> {
    /// Check that the five arrays fit together.
    ///
    /// # Errors
    /// [`Error::Value`] names the array that does not.
    pub fn validate(&self) -> Result<(), Error> {
        let features = self.cls_logits.len();
        let starts = features.checked_mul(self.start_n_top);
        let ends = starts.and_then(|starts| starts.checked_mul(self.end_n_top));
        for (name, length, expected) in [
            ("start_top_log_probs", self.start_log_probs.len(), starts),
            ("start_top_index", self.start_index.len(), starts),
            ("end_top_log_probs", self.end_log_probs.len(), ends),
            ("end_top_index", self.end_index.len(), ends),
        ] {
            if Some(length) != expected {
                return Err(Error::value(format!(
                    "{name} holds {length} values, but {features} features with start_n_top={} and end_n_top={} need {}",
                    self.start_n_top,
                    self.end_n_top,
                    expected.map_or_else(|| "too many".to_owned(), |count| count.to_string())
                )));
            }
        }
        Ok(())
    }
}

impl<T: Logit> WindowSource for Beam<'_, T> {
    type Value = T;
    type Scratch = ();

    fn len(&self) -> usize {
        self.cls_logits.len()
    }

    fn collect(
        &self,
        window: &Window<'_>,
        params: &SpanParams,
        (): &mut (),
        list: &mut Accumulator<T>,
    ) -> Result<(), Error> {
        let number = |name: &str, values: &[T], at: usize| -> Result<T, Error> {
            match values.get(at).copied() {
                Some(value) if !value.is_nan() => Ok(value),
                Some(_) if params.nan_policy == NanPolicy::NegativeInfinity => {
                    Ok(T::NEGATIVE_INFINITY)
                }
                Some(_) => Err(Error::value(format!(
                    "{name} of feature {} holds NaN; pass nan_policy=\"ignore\" to treat it as minus infinity",
                    window.feature
                ))),
                None => Err(Error::value(format!(
                    "{name} of feature {} is missing",
                    window.feature
                ))),
            }
        };
        let null = number("cls_logits", self.cls_logits, window.row)?;
        list.add_null(params, index32(window.row), 0, null, T::default());
        for i in 0..self.start_n_top {
            let start_at = window.row * self.start_n_top + i;
            let start_logit = number("start_top_log_probs", self.start_log_probs, start_at)?;
            let start = self
                .start_index
                .get(start_at)
                .and_then(|&token| u32::try_from(token).ok());
            for j in 0..self.end_n_top {
                let end_at = start_at * self.end_n_top + j;
                let end_logit = number("end_top_log_probs", self.end_log_probs, end_at)?;
                let end = self
                    .end_index
                    .get(end_at)
                    .and_then(|&token| u32::try_from(token).ok());
                let (Some(start_token), Some(end_token)) = (start, end) else {
                    continue;
                };
                if in_order(start_token, end_token, params)
                    && window.may_start(start_token)
                    && window.may_end(end_token)
                {
                    let score = start_logit.plus(end_logit);
                    list.insert(Entry {
                        score: if score.is_nan() {
                            T::NEGATIVE_INFINITY
                        } else {
                            score
                        },
                        start_logit,
                        end_logit,
                        feature: index32(window.row),
                        start_token,
                        end_token,
                        ..Entry::default()
                    });
                }
            }
        }
        Ok(())
    }
}
