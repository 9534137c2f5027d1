//! The whole search against a naive restatement: all windows, all pairs, one sort.
// Outside of #[test] functions clippy.toml's permission does not reach.
#![allow(clippy::unwrap_used)]

use fastqa_core::columns::{Extents, Integers, Strings};
use fastqa_core::lists::NBest;
use fastqa_core::logit::{HalfBits, Logits};
use fastqa_core::mapping::Windows;
use fastqa_core::nbest::Kind;
use fastqa_core::offsets::{Offsets, OffsetsChunk};
use fastqa_core::params::{Candidates, NullAggregation, SpanParams};
use fastqa_core::positions::NullPosition;
use fastqa_core::search::Search;
use proptest::prelude::*;

const WIDTH: usize = 12;

/// Windows with their example, which tokens are context, and small whole-numbered logits (so that
/// many are equal).
#[derive(Debug, Clone)]
struct Case {
    example_of: Vec<u32>,
    context: Vec<bool>,
    start: Vec<f32>,
    end: Vec<f32>,
}

const EXAMPLES: usize = 5;

fn cases() -> impl Strategy<Value = Case> {
    (0_usize..9).prop_flat_map(|windows| {
        let logits = || prop::collection::vec((-3_i8..4).prop_map(f32::from), windows * WIDTH);
        (
            prop::collection::vec(0..EXAMPLES as u32, windows),
            prop::collection::vec(any::<bool>(), windows * WIDTH),
            logits(),
            logits(),
        )
            .prop_map(|(example_of, context, start, end)| Case {
                example_of,
                context,
                start,
                end,
            })
    })
}

/// Token `t` of every window covers the characters `2 t` to `2 t + 1`.
fn search(case: &Case, params: &SpanParams) -> NBest<f32> {
    let windows = case.example_of.len();
    let mut tokens = vec![0_i64];
    let mut values = Vec::new();
    for (place, &context) in case.context.iter().enumerate() {
        if context {
            let token = (place % WIDTH) as i32;
            values.extend([2 * token, 2 * token + 1]);
        }
        tokens.push(values.len() as i64);
    }
    let rows = Extents::Fixed {
        count: windows,
        width: WIDTH,
    };
    let text = "x".repeat(2 * WIDTH);
    let search = Search {
        params: params.clone(),
        windows: Windows::group(&case.example_of, EXAMPLES).unwrap(),
        offsets: Offsets::new(vec![OffsetsChunk {
            rows,
            tokens: Extents::Offsets(Integers::I64(&tokens)),
            validity: None,
            values: Integers::I32(&values),
        }]),
        null_position: NullPosition::First,
        max_context: None,
        contexts: Some(Strings::Slices(vec![&text; EXAMPLES])),
        ids: None,
    };
    let logits = Logits {
        start: case.start.as_slice(),
        end: case.end.as_slice(),
        rows,
    };
    let found = search.run(&logits, &mut |_| Ok(())).unwrap();
    // The same values in half precision must lead to the same lists.
    let half = |values: &[f32]| -> Vec<u16> {
        values
            .iter()
            .map(|&value| half::f16::from_f32(value).to_bits())
            .collect()
    };
    let (start, end) = (half(&case.start), half(&case.end));
    let halves = Logits {
        start: HalfBits(&start),
        end: HalfBits(&end),
        rows,
    };
    assert_eq!(search.run(&halves, &mut |_| Ok(())).unwrap(), found);
    found
}

/// Positions of the `n` largest values, lower position first among equals.
fn top(row: &[f32], n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
    order.truncate(n);
    order
}

type Found = (f32, usize, usize, usize);

fn naive(case: &Case, params: &SpanParams, example: u32) -> Vec<Found> {
    let mut found = Vec::new();
    for (window, _) in case
        .example_of
        .iter()
        .enumerate()
        .filter(|&(_, &owner)| owner == example)
    {
        let range = window * WIDTH..(window + 1) * WIDTH;
        let (start, end) = (&case.start[range.clone()], &case.end[range.clone()]);
        let context = &case.context[range];
        let n = if params.candidates == Candidates::All {
            WIDTH
        } else {
            params.n_best_size
        };
        let (mut starts, mut ends) = (top(start, n), top(end, n));
        if params.candidates == Candidates::All {
            starts.sort_unstable();
            ends.sort_unstable();
        }
        for &first in &starts {
            for &last in &ends {
                let long = last + 1 > first + params.max_answer_length;
                if context[first] && context[last] && first <= last && !long {
                    found.push((start[first] + end[last], window, first, last));
                }
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(params.entries_per_example);
    found
}

proptest! {
    #[test]
    fn every_list_is_that_of_the_naive_search(
        case in cases(),
        n_best_size in 1_usize..15,
        entries_per_example in 1_usize..15,
        max_answer_length in 1_usize..14,
        all in any::<bool>(),
        maximum in any::<bool>(),
    ) {
        let params = SpanParams {
            n_best_size,
            entries_per_example,
            max_answer_length,
            candidates: if all { Candidates::All } else { Candidates::TopN },
            null_aggregation: if maximum { NullAggregation::Maximum } else { NullAggregation::Minimum },
            ..SpanParams::default()
        };
        let found = search(&case, &params);
        for example in 0..EXAMPLES {
            let spans: Vec<Found> = found
                .list(example)
                .iter()
                .filter(|entry| entry.kind == Kind::Span)
                .map(|e| (e.score, e.feature as usize, e.start_token as usize, e.end_token as usize))
                .collect();
            prop_assert_eq!(spans, naive(&case, &params, example as u32));
            for entry in found.list(example).iter().filter(|entry| entry.kind == Kind::Span) {
                prop_assert_eq!(entry.start_char, 2 * entry.start_token);
                prop_assert_eq!(entry.end_char, 2 * entry.end_token + 1);
            }
            let nulls = case.example_of.iter().enumerate().filter(|&(_, &owner)| owner as usize == example);
            let nulls = nulls.map(|(window, _)| case.start[window * WIDTH] + case.end[window * WIDTH]);
            let expected = if maximum { nulls.max_by(f32::total_cmp) } else { nulls.min_by(f32::total_cmp) };
            prop_assert_eq!(found.outcomes[example].null_score, expected.unwrap_or_default());
        }
    }
}
