//! Every pair of a window's start and end positions: the best ones, and the sum of all.
//!
//! O(length x longest answer) per window, and most starts are passed over by one comparison: with
//! the largest end in reach a start bounds all of its pairs. Equal scores: smaller start, then
//! smaller end. NaN is no score; -infinity is that of a position which is not allowed.
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A span of tokens; orders worst first, so that the root of a max-heap is the one to give up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Sum of logits or product of probabilities.
    pub score: f64,
    /// First token.
    pub start: u32,
    /// Last token.
    pub end: u32,
}

impl Eq for Span {}
impl Ord for Span {
    fn cmp(&self, other: &Self) -> Ordering {
        // Adding 0.0 makes 0.0 of -0.0: they are equal, as for the comparison in `best_spans`.
        let by_score = (other.score + 0.0).total_cmp(&(self.score + 0.0));
        by_score.then((self.start, self.end).cmp(&(other.start, other.end)))
    }
}
impl PartialOrd for Span {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The largest value; NaN is none, and -infinity is that of nothing.
pub(crate) fn maximum(values: &[f64]) -> f64 {
    values.iter().fold(f64::NEG_INFINITY, |largest, &value| {
        if value > largest { value } else { largest }
    })
}

/// The best pairs `start <= end < start + longest` that score above `floor`, best first;
/// no more than `count`.
pub(crate) fn best_spans(
    starts: &[f64],
    ends: &[f64],
    count: usize,
    longest: usize,
    floor: f64,
    score: impl Fn(f64, f64) -> f64,
) -> Vec<Span> {
    let mut kept = BinaryHeap::new();
    if count == 0 {
        return Vec::new();
    }
    let mut least = floor;
    for (first, &start) in (0_u32..).zip(starts) {
        let reach = reachable(ends, first as usize, longest);
        // Both ways of scoring grow with the end's value, so the largest bounds them all.
        if score(start, maximum(reach)) <= least {
            continue;
        }
        for (last, &end) in (first..).zip(reach) {
            let span = Span {
                score: score(start, end),
                start: first,
                end: last,
            };
            // Spans come in order of position: an equal score is never better. NaN is no score.
            if span.score > least {
                kept.push(span);
                if kept.len() > count {
                    kept.pop();
                }
                if kept.len() == count {
                    least = kept.peek().map_or(floor, |worst: &Span| worst.score);
                }
            }
        }
    }
    // Ascending in an order that has the worst on top is best first.
    kept.into_sorted_vec()
}

fn reachable(ends: &[f64], first: usize, longest: usize) -> &[f64] {
    let rest = ends.get(first..).unwrap_or_default();
    rest.get(..longest).unwrap_or(rest)
}

/// Logarithm of the sum of exp(start + end) over all pairs that are short enough. `ends` is used up.
pub(crate) fn log_partition(starts: &[f64], ends: &mut [f64], longest: usize) -> f64 {
    let (top_start, top_end) = (maximum(starts), maximum(ends));
    if top_start == f64::NEG_INFINITY || top_end == f64::NEG_INFINITY {
        return f64::NEG_INFINITY;
    }
    for end in ends.iter_mut() {
        *end = (*end - top_end).exp();
    }
    let total: f64 = starts
        .iter()
        .enumerate()
        .filter(|(_, start)| **start > f64::NEG_INFINITY)
        .map(|(first, start)| {
            (start - top_start).exp() * reachable(ends, first, longest).iter().sum::<f64>()
        })
        .sum();
    total.ln() + top_start + top_end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_zero_is_a_zero_for_any_number_of_spans() {
        // -0.0 is the sum of the first pair alone; the others are 0.0.
        let (starts, ends) = ([-0.0, 0.0], [-0.0, 0.0]);
        let places = |count| -> Vec<(u32, u32)> {
            best_spans(&starts, &ends, count, 2, f64::NEG_INFINITY, |a, b| a + b)
                .iter()
                .map(|span| (span.start, span.end))
                .collect()
        };
        let all = [(0, 0), (0, 1), (1, 1)];
        for count in 1..5 {
            assert_eq!(places(count), all[..count.min(3)]);
        }
    }
}
