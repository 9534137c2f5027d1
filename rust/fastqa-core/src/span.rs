//! Spans of one window: the best starts with the best ends.
//!
//! From the cheapest on: a window whose two maxima cannot enter a full list is left; where one entry is
//! kept, the best start with the best end, if they make a span; else the best n starts and ends,
//! without those that may not start or end an answer, and their pairs (`best_pairs.rs`).
//! `Candidates::All` takes all pairs instead, in order of position. Cost: two to four passes over rows
//! that stay in the nearest cache, then O(n log n + n²), or O(length * longest answer) for all pairs.
//! Invariants: equal scores are ordered by rank of the start, then of the end; a NaN is an error or minus
//! infinity, never a score; whether a token is context is asked of candidates only.
use crate::Error;
use crate::best_pairs::{Candidate, PairScratch, best_pairs, offer};
use crate::logit::{Logit, Logits, RowSource};
use crate::maximum::{first_maximum, maximum, touch};
use crate::nbest::Accumulator;
use crate::offsets::OffsetsRow;
use crate::params::{Candidates, NanPolicy, SpanParams};
use crate::topk::{TopScratch, top_n};

/// One window as the search sees it.
pub struct Window<'a> {
    /// Its row in the logits and columns at hand.
    pub row: usize,
    /// Its number among all windows, for error messages.
    pub feature: usize,
    /// Which tokens are context.
    pub offsets: OffsetsRow<'a>,
    /// Offsets may be negative: look at the numbers of every candidate.
    pub look_inside: bool,
    /// Tokens that have their maximum context in this window; `None`: no such restriction.
    pub max_context: Option<&'a [u8]>,
    /// Position of the null answer (the CLS token, or 0).
    pub null_token: usize,
}

impl Window<'_> {
    /// A span may start here, as far as the offsets and `token_is_max_context` say.
    #[inline(always)]
    pub fn may_start(&self, token: u32) -> bool {
        self.offsets.is_context(token, self.look_inside)
            && self
                .max_context
                .is_none_or(|flags| flags.get(token as usize).is_some_and(|&flag| flag != 0))
    }

    /// A span may end here.
    #[inline(always)]
    pub fn may_end(&self, token: u32) -> bool {
        self.offsets.is_context(token, self.look_inside)
    }
}

/// Where the candidates of a window come from.
pub trait WindowSource: Sync {
    /// Precision of scores.
    type Value: Logit;
    /// Space used again from window to window.
    type Scratch: Default + Send;
    /// Number of windows.
    fn len(&self) -> usize;
    /// There are no windows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Add the null candidate and all spans of one window to the example's list.
    ///
    /// # Errors
    /// [`Error::Value`] for NaN logits or a null position outside of the row.
    fn collect(
        &self,
        window: &Window<'_>,
        params: &SpanParams,
        scratch: &mut Self::Scratch,
        list: &mut Accumulator<Self::Value>,
    ) -> Result<(), Error>;
    /// Up to where the model read a window, as far as its logits show; `None`: they do not.
    fn reach(&self, _row: usize, _scratch: &mut Self::Scratch) -> Option<usize> {
        None
    }
}

/// Space for [`Logits`] as a source.
#[derive(Default)]
pub struct SpanScratch<T: Logit> {
    start_row: Vec<T>,
    end_row: Vec<T>,
    top: TopScratch<T>,
    indices: Vec<u32>,
    starts: Vec<Candidate<T>>,
    ends: Vec<Candidate<T>>,
    pairs: PairScratch<T>,
}

impl<S: RowSource> WindowSource for Logits<'_, S> {
    type Value = S::Value;
    type Scratch = SpanScratch<S::Value>;

    fn len(&self) -> usize {
        self.rows.count()
    }

    fn reach(&self, row: usize, scratch: &mut Self::Scratch) -> Option<usize> {
        Logits::reach(self, row, (&mut scratch.start_row, &mut scratch.end_row))
    }

    fn collect(
        &self,
        window: &Window<'_>,
        params: &SpanParams,
        scratch: &mut Self::Scratch,
        list: &mut Accumulator<Self::Value>,
    ) -> Result<(), Error> {
        let missing = || Error::value(format!("logits of feature {} are missing", window.feature));
        let SpanScratch {
            start_row,
            end_row,
            top,
            indices,
            starts,
            ends,
            pairs,
        } = scratch;
        let range = self.rows.get(window.row).ok_or_else(missing)?;
        let start = Row {
            name: "start",
            values: self.start.row(range, start_row).ok_or_else(missing)?,
        };
        let end = Row {
            name: "end",
            values: self.end.row(range, end_row).ok_or_else(missing)?,
        };

        let null = |row: &Row<'_, S::Value>| {
            row.values.get(window.null_token).map(|&logit| {
                if logit.is_nan() {
                    S::Value::NEGATIVE_INFINITY
                } else {
                    logit
                }
            })
        };
        match (null(&start), null(&end)) {
            (Some(start_logit), Some(end_logit)) => {
                let (row, token) = (index32(window.row), index32(window.null_token));
                list.add_null(params, row, token, start_logit, end_logit);
            }
            // A row without values has no null candidate and no spans.
            _ if start.values.is_empty() => return Ok(()),
            _ => {
                return Err(Error::value(format!(
                    "the null position of feature {} is {}, but its logits have {} positions",
                    window.feature,
                    window.null_token,
                    start.values.len()
                )));
            }
        }
        let floor = if params.only_above_null {
            list.null_score()
        } else {
            None
        };
        if let Some(beat) = list.score_to_beat()
            && let (Some(start), Some(end)) = (start.maximum(), end.maximum())
            && start.plus(end) <= beat
        {
            // The list is full, and not even the best start with the best end could enter it. True
            // of most windows of a long document.
            return Ok(());
        }
        // Among all pairs a lower logit further left can round to the same sum, and comes first.
        if params.entries_per_example == 1
            && params.candidates == Candidates::TopN
            && let (Some(start), Some(end)) = (start.best(), end.best())
            && window.may_start(start.token)
            && window.may_end(end.token)
            && in_order(start.token, end.token, params)
        {
            // The best start and the best end make a span: nothing in this window can beat it, and
            // it comes first among equals. True of most windows that hold an answer.
            offer(window, start, end, floor, list);
            return Ok(());
        }
        match params.candidates {
            Candidates::TopN => {
                touch(start.values, end.values);
                start.top(window, params, top, indices)?;
                start.keep(indices, |token| window.may_start(token), starts);
                end.top(window, params, top, indices)?;
                end.keep(indices, |token| window.may_end(token), ends);
            }
            Candidates::All => {
                for (row, kept) in [(&start, &mut *starts), (&end, &mut *ends)] {
                    indices.clear();
                    indices.extend((0_u32..).take(row.values.len()));
                    row.check_nan(window, params)?;
                    row.keep(
                        indices,
                        |token| {
                            if row.name == "start" {
                                window.may_start(token)
                            } else {
                                window.may_end(token)
                            }
                        },
                        kept,
                    );
                }
            }
        }
        match params.candidates {
            Candidates::TopN => best_pairs(window, params, starts, ends, floor, pairs, list),
            Candidates::All => all_pairs(window, params, starts, ends, floor, list),
        }
        Ok(())
    }
}

/// One row with the name that errors call it by.
struct Row<'a, T> {
    name: &'static str,
    values: &'a [T],
}

impl<T: Logit> Row<'_, T> {
    fn top(
        &self,
        window: &Window<'_>,
        params: &SpanParams,
        scratch: &mut TopScratch<T>,
        indices: &mut Vec<u32>,
    ) -> Result<(), Error> {
        if top_n(self.values, params.n_best_size, scratch, indices).is_err() {
            self.check_nan(window, params)?;
            let finite: Vec<T> = self
                .values
                .iter()
                .map(|&value| {
                    if value.is_nan() {
                        T::NEGATIVE_INFINITY
                    } else {
                        value
                    }
                })
                .collect();
            // Nothing is left that could fail.
            let _ = top_n(&finite, params.n_best_size, scratch, indices);
        }
        Ok(())
    }

    /// The largest logit; `None` where a NaN needs a closer look.
    #[inline(always)]
    fn maximum(&self) -> Option<T> {
        maximum(self.values).ok()
    }

    /// The best position; `None` also where a NaN needs a closer look.
    #[inline(always)]
    fn best(&self) -> Option<Candidate<T>> {
        let (logit, token) = first_maximum(self.values).ok()??;
        Some(Candidate { logit, token })
    }

    fn check_nan(&self, window: &Window<'_>, params: &SpanParams) -> Result<(), Error> {
        match self.values.iter().position(|value| value.is_nan()) {
            Some(position) if params.nan_policy == NanPolicy::Raise => Err(Error::value(format!(
                "the {} logits of feature {} are NaN at position {position} of {}; \
                 the model's output is damaged (fp16 overflow?), or pass nan_policy=\"ignore\" to \
                 treat NaN as minus infinity",
                self.name,
                window.feature,
                self.values.len()
            ))),
            _ => Ok(()),
        }
    }

    /// The candidates among `indices` that are allowed, in the same order.
    #[inline(always)]
    fn keep(&self, indices: &[u32], allowed: impl Fn(u32) -> bool, kept: &mut Vec<Candidate<T>>) {
        kept.clear();
        kept.resize(indices.len(), Candidate::default());
        // Every one is written and the next one overwrites it if it is not allowed: which ones are
        // is not to be guessed, and a wrong guess costs more than the write.
        let mut count = 0;
        for &token in indices {
            if let (Some(&logit), Some(slot)) =
                (self.values.get(token as usize), kept.get_mut(count))
            {
                *slot = Candidate {
                    logit: if logit.is_nan() {
                        T::NEGATIVE_INFINITY
                    } else {
                        logit
                    },
                    token,
                };
                count += usize::from(allowed(token));
            }
        }
        kept.truncate(count);
    }
}

/// Every pair in order of position; equal scores keep that order.
fn all_pairs<T: Logit>(
    window: &Window<'_>,
    params: &SpanParams,
    starts: &[Candidate<T>],
    ends: &[Candidate<T>],
    floor: Option<T>,
    list: &mut Accumulator<T>,
) {
    let mut first_end = 0;
    for start in starts {
        while ends
            .get(first_end)
            .is_some_and(|end| end.token < start.token)
        {
            first_end += 1;
        }
        for end in ends.get(first_end..).unwrap_or_default() {
            if (end.token - start.token) as usize >= params.max_answer_length {
                break;
            }
            let score = start.logit.plus(end.logit);
            if list.score_to_beat().is_none_or(|beat| score > beat) {
                offer(window, *start, *end, floor, list);
            }
        }
    }
}

/// The end does not come before the start, and the span is not too long.
#[inline(always)]
pub(crate) fn in_order(start: u32, end: u32, params: &SpanParams) -> bool {
    end >= start && ((end - start) as usize) < params.max_answer_length
}

/// Windows and positions are below 2^32, which `Windows::group` checked.
pub(crate) fn index32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
