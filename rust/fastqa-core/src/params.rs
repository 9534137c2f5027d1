//! The switches in which the reference systems differ. The engine reads these and nothing else, so
//! that each reference is a set of values (a preset, named in Python) and not a second engine.
//!
//! Plain data. Defaults and names are those of `fastqa.SpanParams`, from which the binding makes
//! it.

/// How the null scores of an example's windows become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullAggregation {
    /// The smallest; the first window wins ties (`utils_qa`).
    Minimum,
    /// The largest (the notebook).
    Maximum,
}

/// What stands in the list of an example for which no span is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// The literal text "empty" with zero logits, also put before a list whose only entry has no
    /// text (`utils_qa`).
    EmptyWord,
    /// No text, zero logits (the notebook).
    NoText,
    /// No text, both log probabilities -1e-6, null score -2e-6 (`utils_qa`, beam search).
    BeamSearch,
}

/// How the predicted text is chosen from an example's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The first entry's text, always (SQuAD 1.1, beam search).
    FirstEntry,
    /// The first entry with text, unless `null - start - end > threshold` (`utils_qa`, SQuAD 2.0).
    ScoreDifference,
    /// The first entry, if its score is greater than the null score (the notebook, SQuAD 2.0).
    ScoreAboveNull,
}

/// What a NaN logit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NanPolicy {
    /// An error that says where it is.
    Raise,
    /// The position is never chosen before a number: NaN counts as minus infinity.
    NegativeInfinity,
}

/// Which pairs of positions are candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidates {
    /// The `n_best_size` best starts with the `n_best_size` best ends, taken over the whole row.
    TopN,
    /// Every valid pair: exact, and slower.
    All,
}

/// Everything that the search can be told.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanParams {
    /// Starts and ends taken per window (default 20).
    pub n_best_size: usize,
    /// Entries kept per example (default `n_best_size`).
    pub entries_per_example: usize,
    /// Longest answer in tokens, both ends counted (default 30).
    pub max_answer_length: usize,
    /// Which pairs are looked at (default the top n).
    pub candidates: Candidates,
    /// One null score from many (default the minimum).
    pub null_aggregation: NullAggregation,
    /// A null score that is there before the first window (`EuroEval`: 0.0).
    pub null_floor: Option<f64>,
    /// Drop spans that do not score above the null score known so far (`EuroEval`).
    pub only_above_null: bool,
    /// The null answer competes for a place in the list (`utils_qa`, SQuAD 2.0).
    pub null_in_list: bool,
    /// What to answer when nothing is left.
    pub fallback: Fallback,
    /// How the answer is chosen.
    pub decision: Decision,
    /// Greater: more answers; compared in the precision of the logits, as NumPy 2 does (default 0).
    pub null_score_diff_threshold: f64,
    /// What a NaN does.
    pub nan_policy: NanPolicy,
}

impl Default for SpanParams {
    fn default() -> Self {
        Self {
            n_best_size: 20,
            entries_per_example: 20,
            max_answer_length: 30,
            candidates: Candidates::TopN,
            null_aggregation: NullAggregation::Minimum,
            null_floor: None,
            only_above_null: false,
            null_in_list: false,
            fallback: Fallback::EmptyWord,
            decision: Decision::FirstEntry,
            null_score_diff_threshold: 0.0,
            nan_policy: NanPolicy::Raise,
        }
    }
}
