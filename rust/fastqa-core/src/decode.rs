//! Answers of single windows, for applications: every pair of allowed positions, not only the best
//! starts with the best ends, and the sums that turn logits into probabilities.
//!
//! [`crate::search`] ranks sums of logits over an example's windows, as the training scripts do. A
//! pipeline needs two things that no sum gives: the softmax over the masked row (transformers 4),
//! and the partition function over all valid spans (ours). Both need every pair: [`crate::pairs`],
//! O(length * longest answer) for a window, in parallel over windows. Every logit that counts is
//! finite, or the window is refused.
use crate::Error;
use crate::logit::{Logit, Logits, RowSource};
use crate::pairs::{Span, best_spans, log_partition, maximum};
use crate::parallel::{Between, map_in_pool};

/// Fewer windows than this are not worth the pool.
const SMALLEST: usize = 16;

/// What a span's score is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scoring {
    /// Sum of the two logits, in float64.
    Logits,
    /// Product of two softmaxes over the window's row in float32, in which positions that are not
    /// allowed count as -10000 and position 0 is never chosen (transformers 4.57).
    WindowSoftmax,
}

/// What a decoder can be told.
#[derive(Debug, Clone, Copy)]
pub struct DecodeParams {
    /// Spans per window.
    pub top_k: usize,
    /// Longest answer in tokens, both ends counted.
    pub max_answer_length: usize,
    /// What a span's score is.
    pub scoring: Scoring,
}

/// One window, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Best first; equal scores: smaller start, then smaller end.
    pub spans: Vec<Span>,
    /// Score of the null position as start and end; NaN where there is none.
    pub null: f64,
    /// Logarithm of the sum of exp(score) over all valid spans ([`Scoring::Logits`]; else NaN).
    pub log_partition: f64,
}

#[derive(Default)]
struct Scratch<T> {
    rows: (Vec<T>, Vec<T>),
    start: Vec<f64>,
    end: Vec<f64>,
}

/// Decode every window. `allowed` has the shape of the logits and is not 0 where an answer may start
/// or end; `null_position` has one position per window, negative where there is none.
///
/// # Errors
/// [`Error::Value`] when an array is too short, or for a NaN or infinite logit at a position that
/// counts; what `between` returned, which is called with the number of windows done.
pub fn decode<S: RowSource>(
    logits: &Logits<'_, S>,
    allowed: &[u8],
    null_position: &[i64],
    params: DecodeParams,
    between: Between<'_>,
) -> Result<Vec<Decoded>, Error> {
    logits.validate()?;
    let (count, values) = (logits.rows.count(), logits.rows.end()?);
    if allowed.len() != values || null_position.len() != count {
        return Err(Error::value(format!(
            "the logits have {count} rows of {values} values in all, but the mask has {} values and \
             there are {} null positions",
            allowed.len(),
            null_position.len()
        )));
    }
    let one = |scratch: &mut Scratch<S::Value>, window: usize| {
        let null = null_position.get(window).copied().unwrap_or(-1);
        let range = logits.rows.get(window).ok_or_else(|| {
            Error::value(format!("row {window} of the logits has no usable extent"))
        })?;
        let found = (
            logits.start.row(range, &mut scratch.rows.0),
            logits.end.row(range, &mut scratch.rows.1),
            allowed.get(range.0..range.1),
        );
        let (Some(start), Some(end), Some(allowed)) = found else {
            return Err(Error::value(format!(
                "row {window} lies outside of the logits"
            )));
        };
        let null = usize::try_from(null).ok();
        for (side, row) in [("start", start), ("end", end)] {
            refuse_not_finite(window, side, row, allowed, null)?;
        }
        let space = (&mut scratch.start, &mut scratch.end);
        Ok(match params.scoring {
            Scoring::Logits => by_logits(start, end, allowed, null, params, space),
            Scoring::WindowSoftmax => by_softmax(start, end, allowed, params, space),
        })
    };
    map_in_pool(count, SMALLEST, between, Scratch::default, one)
}

fn refuse_not_finite<T: Logit>(
    window: usize,
    side: &str,
    row: &[T],
    allowed: &[u8],
    null: Option<usize>,
) -> Result<(), Error> {
    let wrong = row
        .iter()
        .zip(allowed)
        .enumerate()
        .find(|(at, (value, allowed))| {
            let value = value.to_f64();
            (**allowed != 0 || null == Some(*at)) && (value.is_nan() || value == f64::INFINITY)
        });
    wrong.map_or(Ok(()), |(at, (value, _))| {
        Err(Error::value(format!(
            "{side} logit {at} of window {window} is {}; expected a finite number (float16 models \
             can overflow: load them in float32 or bfloat16)",
            value.to_f64()
        )))
    })
}

type Space<'a> = (&'a mut Vec<f64>, &'a mut Vec<f64>);

fn by_logits<T: Logit>(
    start: &[T],
    end: &[T],
    allowed: &[u8],
    null: Option<usize>,
    params: DecodeParams,
    (starts, ends): Space<'_>,
) -> Decoded {
    let masked = |row: &[T], into: &mut Vec<f64>| {
        into.clear();
        into.extend(row.iter().zip(allowed).map(|(value, &allowed)| {
            if allowed == 0 {
                f64::NEG_INFINITY
            } else {
                value.to_f64()
            }
        }));
    };
    masked(start, starts);
    masked(end, ends);
    let spans = best_spans(
        starts,
        ends,
        params.top_k,
        params.max_answer_length,
        f64::NEG_INFINITY,
        |start, end| start + end,
    );
    let null = null
        .and_then(|at| Some(start.get(at)?.to_f64() + end.get(at)?.to_f64()))
        .unwrap_or(f64::NAN);
    let log_partition = log_partition(starts, ends, params.max_answer_length);
    Decoded {
        spans,
        null,
        log_partition,
    }
}

fn by_softmax<T: Logit>(
    start: &[T],
    end: &[T],
    allowed: &[u8],
    params: DecodeParams,
    (starts, ends): Space<'_>,
) -> Decoded {
    softmax(start, allowed, starts);
    softmax(end, allowed, ends);
    let product = |start: f64, end: f64| f64::from(start as f32 * end as f32);
    let null = match (starts.first_mut(), ends.first_mut()) {
        (Some(start), Some(end)) => {
            let null = product(*start, *end);
            (*start, *end) = (0.0, 0.0);
            null
        }
        _ => f64::NAN,
    };
    Decoded {
        spans: best_spans(
            starts,
            ends,
            params.top_k,
            params.max_answer_length,
            0.0,
            product,
        ),
        null,
        log_partition: f64::NAN,
    }
}

/// The softmax in float32, kept in float64.
fn softmax<T: Logit>(row: &[T], allowed: &[u8], into: &mut Vec<f64>) {
    into.clear();
    into.extend(row.iter().zip(allowed).map(|(value, &allowed)| {
        if allowed == 0 {
            -10000.0
        } else {
            value.to_f64()
        }
    }));
    let largest = maximum(into) as f32;
    for value in into.iter_mut() {
        *value = f64::from((*value as f32 - largest).exp());
    }
    // The reference sums in pairs, which is nearly exact; float64 comes closest to it.
    let total = into.iter().sum::<f64>() as f32;
    for value in into.iter_mut() {
        *value = f64::from(*value as f32 / total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Extents;
    use proptest::prelude::*;

    fn decode_one(start: &[f32], end: &[f32], allowed: &[u8], params: DecodeParams) -> Decoded {
        let rows = Extents::Fixed {
            count: 1,
            width: start.len(),
        };
        let logits = Logits { start, end, rows };
        decode(&logits, allowed, &[0], params, &mut |_| Ok(()))
            .unwrap()
            .remove(0)
    }

    fn all_pairs(start: &[f32], end: &[f32], allowed: &[u8], longest: usize) -> Vec<Span> {
        let mut spans = Vec::new();
        for first in 0..start.len() {
            for last in first..start.len().min(first.saturating_add(longest)) {
                if allowed[first] != 0 && allowed[last] != 0 {
                    spans.push(Span {
                        score: f64::from(start[first]) + f64::from(end[last]),
                        start: first as u32,
                        end: last as u32,
                    });
                }
            }
        }
        spans.sort();
        spans
    }

    proptest! {
        #[test]
        fn spans_and_partition_are_those_of_all_pairs(
            rows in prop::collection::vec((-4_i8..4, -4_i8..4, 0_u8..2), 1..40),
            top_k in 0_usize..30, longest in 1_usize..50,
        ) {
            let start: Vec<f32> = rows.iter().map(|row| f32::from(row.0)).collect();
            let end: Vec<f32> = rows.iter().map(|row| f32::from(row.1)).collect();
            let allowed: Vec<u8> = rows.iter().map(|row| row.2).collect();
            let params = DecodeParams { top_k, max_answer_length: longest, scoring: Scoring::Logits };
            let found = decode_one(&start, &end, &allowed, params);
            let mut expected = all_pairs(&start, &end, &allowed, longest);
            let total: f64 = expected.iter().map(|span| span.score.exp()).sum();
            expected.truncate(top_k);
            prop_assert_eq!(found.spans, expected);
            prop_assert!((found.log_partition - total.ln()).abs() < 1e-9 || total == 0.0);
        }
    }

    #[test]
    fn softmax_products_never_choose_position_0_and_sum_to_at_most_1() {
        let (start, end) = ([9.0, 1.0, 0.0, 2.0], [8.0, 0.5, 3.0, 1.0]);
        let params = DecodeParams {
            top_k: 100,
            max_answer_length: 2,
            scoring: Scoring::WindowSoftmax,
        };
        let found = decode_one(&start, &end, &[1, 1, 0, 1], params);
        let places: Vec<_> = found
            .spans
            .iter()
            .map(|span| (span.start, span.end))
            .collect();
        assert_eq!(places, [(3, 3), (1, 1)]);
        assert!(found.null > 0.9 && found.null < 1.0);
        let mut nan = start;
        nan[3] = f32::NAN;
        let logits = Logits {
            start: &nan[..],
            end: &end[..],
            rows: Extents::Fixed { count: 1, width: 4 },
        };
        let error = decode(&logits, &[1, 1, 0, 1], &[-1], params, &mut |_| Ok(())).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("start logit 3 of window 0 is NaN")
        );
    }
}
