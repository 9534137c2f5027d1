//! `decode`: every pair of allowed positions of a window, beside all pairs sorted.
use arbitrary::{Result, Unstructured};
use fastqa_core::Error;
use fastqa_core::columns::Extents;
use fastqa_core::decode::{DecodeParams, Decoded, Scoring, decode};
use fastqa_core::logit::Logits;

use crate::logits::{Precision, row};

/// Panics where `decode` and the restatement differ.
pub fn check(data: &[u8]) {
    let _ = try_check(&mut Unstructured::new(data));
}

fn try_check(input: &mut Unstructured<'_>) -> Result<()> {
    let scoring = *input.choose(&[Scoring::Logits, Scoring::WindowSoftmax])?;
    let counts = [0, 1, 2, 5, 20, 300, usize::MAX];
    let params = DecodeParams {
        top_k: *input.choose(&counts)?,
        max_answer_length: *input.choose(&counts)?,
        scoring,
    };
    let precision = Precision::any(input)?;
    let (windows, width) = (input.int_in_range(0..=3)?, input.int_in_range(0..=60)?);
    let (mut start, mut end) = (Vec::new(), Vec::new());
    for _ in 0..windows {
        start.extend(row(input, width, precision)?);
        end.extend(row(input, width, precision)?);
    }
    let count = windows * width;
    let allowed: Vec<u8> = (0..count)
        .map(|_| input.arbitrary::<u8>().unwrap_or(1) % 4)
        .collect();
    let null: Vec<i64> = (0..windows)
        .map(|_| {
            let any = [0, 0, 0, 1, 5, -1, i64::MIN, i64::MAX];
            input.choose(&any).copied().unwrap_or_default()
        })
        .collect();
    let rows = Extents::Fixed {
        count: windows,
        width,
    };
    let found = if precision == Precision::Double {
        decode(
            &Logits {
                start: &start[..],
                end: &end[..],
                rows,
            },
            &allowed,
            &null,
            params,
            &mut |_| Ok(()),
        )
    } else {
        let single = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<_>>();
        let (start, end) = (single(&start), single(&end));
        decode(
            &Logits {
                start: &start[..],
                end: &end[..],
                rows,
            },
            &allowed,
            &null,
            params,
            &mut |_| Ok(()),
        )
    };
    let refused = (0..count).any(|at| {
        let (window, position) = (at / width, at % width);
        let read = allowed[at] != 0 || null[window] == position as i64;
        let bad = |value: f64| value.is_nan() || value == f64::INFINITY;
        read && (bad(start[at]) || bad(end[at]))
    });
    let found = match found {
        Ok(found) => found,
        Err(Error::Value(text)) => {
            assert!(refused, "refused without reason: {text}");
            return Ok(());
        }
        Err(other) => panic!("{other:?}"),
    };
    assert!(!refused, "a value that is no number was not refused");
    assert_eq!(found.len(), windows);
    for (window, decoded) in found.iter().enumerate() {
        let part = window * width..(window + 1) * width;
        let (start, end, allowed) = (
            &start[part.clone()],
            &end[part.clone()],
            &allowed[part.clone()],
        );
        match scoring {
            Scoring::Logits => by_logits(start, end, allowed, null[window], params, decoded),
            Scoring::WindowSoftmax => by_softmax(start, end, allowed, params, decoded),
        }
    }
    Ok(())
}

fn by_logits(
    start: &[f64],
    end: &[f64],
    allowed: &[u8],
    null: i64,
    params: DecodeParams,
    decoded: &Decoded,
) {
    let mut all = Vec::new();
    for first in 0..start.len() {
        for last in first..end.len() {
            let score = start[first] + end[last];
            let fits = last - first < params.max_answer_length;
            // Minus infinity is the score of nothing.
            if fits && allowed[first] != 0 && allowed[last] != 0 && score > f64::NEG_INFINITY {
                all.push((score, first, last));
            }
        }
    }
    // -0.0 equals 0.0: `total_cmp` would put it below.
    let falling = |a: f64, b: f64| b.partial_cmp(&a).unwrap_or(std::cmp::Ordering::Equal);
    all.sort_by(|a, b| falling(a.0, b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let most = all.first().map_or(f64::NEG_INFINITY, |best| best.0);
    let total: f64 = all.iter().map(|span| (span.0 - most).exp()).sum();
    let spans: Vec<_> = decoded
        .spans
        .iter()
        .map(|span| (span.score, span.start as usize, span.end as usize))
        .collect();
    all.truncate(params.top_k);
    assert_eq!(spans, all, "{start:?} {end:?} {allowed:?} {params:?}");
    let wanted = usize::try_from(null)
        .ok()
        .and_then(|at| Some(start.get(at)? + end.get(at)?))
        .unwrap_or(f64::NAN);
    assert!(decoded.null == wanted || decoded.null.is_nan() && wanted.is_nan());
    let (log, wanted) = (decoded.log_partition, total.ln() + most);
    // Sums may underflow where the best start and the best end are far apart, or overflow.
    let spread = start.iter().chain(end).all(|value| value.abs() < 100.0);
    if spread && params.max_answer_length > 0 && total > 0.0 {
        assert!(
            (log - wanted).abs() < 1e-6,
            "{log} {wanted} {start:?} {end:?} {allowed:?}"
        );
    }
}

fn by_softmax(start: &[f64], end: &[f64], allowed: &[u8], params: DecodeParams, decoded: &Decoded) {
    assert!(decoded.spans.len() <= params.top_k);
    let mut last_score = f64::INFINITY;
    let mut before = None;
    for span in &decoded.spans {
        let (first, last) = (span.start as usize, span.end as usize);
        assert!(first <= last && last < start.len() && last - first < params.max_answer_length);
        assert!((first, last) != (0, 0) && span.score > 0.0 && span.score <= last_score);
        if span.score == last_score {
            assert!(before < Some((first, last)));
        }
        (last_score, before) = (span.score, Some((first, last)));
    }
    let finite = |row: &[f64]| {
        row.iter()
            .zip(allowed)
            .all(|(value, &allowed)| allowed == 0 || value.abs() < 1_000.0)
    };
    if !finite(start) || !finite(end) || !allowed.iter().any(|&flag| flag != 0) {
        return;
    }
    let softmax = |row: &[f64]| {
        let masked: Vec<f64> = row
            .iter()
            .zip(allowed)
            .map(|(&value, &flag)| {
                if flag == 0 {
                    -10_000.0
                } else {
                    f64::from(value as f32)
                }
            })
            .collect();
        let most = masked.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = masked.iter().map(|value| (value - most).exp()).sum();
        masked
            .iter()
            .map(|value| (value - most).exp() / total)
            .collect::<Vec<_>>()
    };
    let (starts, ends) = (softmax(start), softmax(end));
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-4 * b + 1e-30;
    assert!(
        close(decoded.null, starts[0] * ends[0]),
        "{} {}",
        decoded.null,
        starts[0] * ends[0]
    );
    for span in &decoded.spans {
        let (first, last) = (span.start as usize, span.end as usize);
        assert!(close(span.score, starts[first] * ends[last]));
    }
    // The best of all pairs but (0, x) and (x, 0) is not missed.
    let mut best: f64 = 0.0;
    for first in 1..start.len() {
        for last in first..end.len() {
            if last - first < params.max_answer_length {
                best = best.max(starts[first] * ends[last]);
            }
        }
    }
    let found = decoded.spans.first().map_or(0.0, |span| span.score);
    assert!(params.top_k == 0 || close(found, best), "{found} {best}");
}
