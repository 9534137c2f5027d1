//! Windows of which only the best starts and ends are known: what `fastqa.topk_logits` leaves of
//! the logits on the device. The search over the n best needs no more, so the answers are the
//! same.
//!
//! O(n) for a window instead of O(length). Candidates must come best first, equal ones by token,
//! which is checked; parameters that would need more than the n best are refused, not
//! approximated.
use crate::Error;
use crate::best_pairs::{Candidate, PairScratch, best_pairs};
use crate::columns::Integers;
use crate::logit::Logit;
use crate::nbest::Accumulator;
use crate::params::{Candidates, NanPolicy, SpanParams};
use crate::span::{Window, WindowSource, index32};

/// The best logits of all windows, flat, row after row.
pub struct TopLogits<'a, T> {
    /// `[n_features, n]`: the largest start logits, best first; equal ones, smaller token first.
    pub start: &'a [T],
    /// `[n_features, n]`: their tokens; negative: no candidate (the row was shorter than n).
    pub start_tokens: Integers<'a>,
    /// `[n_features, n]`: the same for ends.
    pub end: &'a [T],
    /// `[n_features, n]`
    pub end_tokens: Integers<'a>,
    /// `[n_features, 2]`: start and end logit of the null position.
    pub null: &'a [T],
    /// Candidates per row.
    pub n: usize,
}

impl<T: Logit> TopLogits<'_, T> {
    /// Check that the five arrays fit together and hold what the search needs.
    ///
    /// # Errors
    /// [`Error::Value`] names the array that does not fit, or the parameter that needs more.
    pub fn validate(&self, params: &SpanParams) -> Result<(), Error> {
        let features = self.null.len() / 2;
        let expected = features.checked_mul(self.n);
        for (name, length) in [
            ("start logits", self.start.len()),
            ("start tokens", self.start_tokens.len()),
            ("end logits", self.end.len()),
            ("end tokens", self.end_tokens.len()),
        ] {
            if Some(length) != expected {
                return Err(Error::value(format!(
                    "top {name} hold {length} values for {features} features of {}",
                    self.n
                )));
            }
        }
        if params.candidates == Candidates::All {
            return Err(Error::value(
                "candidates=\"all\" needs all logits; topk_logits keeps only the best of them",
            ));
        }
        if params.n_best_size > self.n {
            return Err(Error::value(format!(
                "the logits were cut to the {} best of each window, but n_best_size is {}: use \
                 topk_logits({})",
                self.n, params.n_best_size, params.n_best_size
            )));
        }
        Ok(())
    }

    fn candidates(
        &self,
        side: (&'static str, &[T], &Integers<'_>),
        window: &Window<'_>,
        params: &SpanParams,
        kept: &mut Vec<Candidate<T>>,
        allowed: impl Fn(u32) -> bool,
    ) -> Result<(), Error> {
        let (name, logits, tokens) = side;
        kept.clear();
        let begin = window.row * self.n;
        for at in begin..begin + params.n_best_size {
            let (Some(&logit), Some(token)) = (logits.get(at), tokens.get(at)) else {
                return Err(Error::value(format!(
                    "the top {name} logits of feature {} are missing",
                    window.feature
                )));
            };
            let Ok(token) = u32::try_from(token) else {
                continue;
            };
            if logit.is_nan() && params.nan_policy == NanPolicy::Raise {
                return Err(Error::value(format!(
                    "the {name} logits of feature {} are NaN at position {token}; the model's output \
                     is damaged (fp16 overflow?), or pass nan_policy=\"ignore\" here and to \
                     topk_logits to treat NaN as minus infinity",
                    window.feature
                )));
            }
            if allowed(token) {
                let logit = if logit.is_nan() {
                    T::NEGATIVE_INFINITY
                } else {
                    logit
                };
                kept.push(Candidate { logit, token });
            }
        }
        if !kept.is_sorted_by(|a, b| a.logit >= b.logit) {
            return Err(Error::value(format!(
                "the top {name} logits of feature {} are not sorted, the largest first",
                window.feature
            )));
        }
        Ok(())
    }
}

impl<T: Logit> WindowSource for TopLogits<'_, T> {
    type Value = T;
    type Scratch = (Vec<Candidate<T>>, Vec<Candidate<T>>, PairScratch<T>);

    fn len(&self) -> usize {
        self.null.len() / 2
    }

    fn collect(
        &self,
        window: &Window<'_>,
        params: &SpanParams,
        (starts, ends, pairs): &mut Self::Scratch,
        list: &mut Accumulator<T>,
    ) -> Result<(), Error> {
        let null = self.null.get(2 * window.row..2 * window.row + 2);
        if let Some(&[start, end]) = null {
            let number = |logit: T| {
                if logit.is_nan() {
                    T::NEGATIVE_INFINITY
                } else {
                    logit
                }
            };
            list.add_null(
                params,
                index32(window.row),
                index32(window.null_token),
                number(start),
                number(end),
            );
        }
        let floor = if params.only_above_null {
            list.null_score()
        } else {
            None
        };
        let side = ("start", self.start, &self.start_tokens);
        self.candidates(side, window, params, starts, |token| {
            window.may_start(token)
        })?;
        let side = ("end", self.end, &self.end_tokens);
        self.candidates(side, window, params, ends, |token| window.may_end(token))?;
        best_pairs(window, params, starts, ends, floor, pairs, list);
        Ok(())
    }
}
