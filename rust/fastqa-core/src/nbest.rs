//! The n-best list of one example: entries in order, the null score, and what is predicted.
//!
//! Order: greater score first; equal scores keep the order in which they were found, which is
//! (window, rank of the start, rank of the end). The list never holds more than its capacity while
//! it is built: an entry that does not beat the last one of a full list could not enter it later.
use crate::logit::Logit;
use crate::params::{Decision, Fallback, NullAggregation, SpanParams};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Kind {
    /// A span of the context.
    #[default]
    Span = 0,
    /// The null answer: no text, the logits of the null position.
    Null = 1,
    /// What stands in for a missing answer; its text is "empty" or none, see [`Fallback`].
    Fallback = 2,
}

/// One candidate answer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Entry<T> {
    /// Sum of both logits.
    pub score: T,
    /// Logit of the first token.
    pub start_logit: T,
    /// Logit of the last token.
    pub end_logit: T,
    /// Window that it comes from.
    pub feature: u32,
    /// First token in that window.
    pub start_token: u32,
    /// Last token in that window.
    pub end_token: u32,
    /// First character in the context.
    pub start_char: u32,
    /// One past the last character in the context.
    pub end_char: u32,
    /// What it is.
    pub kind: Kind,
}

impl<T: Logit> Entry<T> {
    /// The entry's text is not empty.
    fn has_text(&self, fallback: Fallback) -> bool {
        match self.kind {
            Kind::Span => self.start_char < self.end_char,
            Kind::Null => false,
            Kind::Fallback => fallback == Fallback::EmptyWord,
        }
    }

    fn null(feature: u32, token: u32, start_logit: T, end_logit: T) -> Self {
        Self {
            score: start_logit.plus(end_logit),
            start_logit,
            end_logit,
            feature,
            start_token: token,
            end_token: token,
            kind: Kind::Null,
            ..Self::default()
        }
    }

    fn fallback(logit: f64) -> Self {
        let logit = T::from_f64(logit);
        Self {
            score: logit.plus(logit),
            start_logit: logit,
            end_logit: logit,
            kind: Kind::Fallback,
            ..Self::default()
        }
    }
}

/// What was decided for one example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome<T> {
    /// Number of entries.
    pub entries: u32,
    /// Place of the predicted entry in the list; `u32::MAX`: the empty answer.
    pub predicted: u32,
    /// The aggregated null score.
    pub null_score: T,
    /// How much better the null answer is than the best entry with text (the "null odds").
    pub score_difference: T,
    /// What is known of the context.
    pub ascii: Ascii,
}

/// The context is ASCII up to the end of each entry, as the search saw: its texts need no second look
/// at what stands before them. A hint, in which equal outcomes may differ.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ascii(pub bool);

impl PartialEq for Ascii {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The empty answer in [`Outcome::predicted`].
pub const NO_ANSWER: u32 = u32::MAX;

/// Collects the entries of one example; used again for the next.
pub struct Accumulator<T> {
    entries: Vec<Entry<T>>,
    capacity: usize,
    null: Option<Entry<T>>,
    null_score: Option<T>,
    ascii: Ascii,
}

impl<T: Logit> Accumulator<T> {
    /// An empty one.
    pub fn new(params: &SpanParams) -> Self {
        let mut fresh = Self {
            entries: Vec::new(),
            capacity: params.entries_per_example,
            null: None,
            null_score: None,
            ascii: Ascii::default(),
        };
        fresh.clear(params);
        fresh
    }

    /// Forget the last example.
    pub fn clear(&mut self, params: &SpanParams) {
        self.entries.clear();
        self.null = None;
        self.ascii = Ascii::default();
        self.null_score = params.null_floor.map(T::from_f64);
    }

    /// The score that a new entry must exceed to enter; `None` while there is room.
    #[inline(always)]
    pub fn score_to_beat(&self) -> Option<T> {
        if self.entries.len() < self.capacity {
            None
        } else {
            self.entries.last().map(|entry| entry.score)
        }
    }

    /// The null score so far.
    pub fn null_score(&self) -> Option<T> {
        self.null_score
    }

    /// Put `entry` behind all entries that score at least as much.
    #[inline(always)]
    pub fn insert(&mut self, entry: Entry<T>) {
        // One window's entries come best first, so most belong at the end.
        if self.entries.len() < self.capacity
            && self
                .entries
                .last()
                .is_none_or(|last| last.score >= entry.score)
        {
            self.entries.push(entry);
            return;
        }
        let place = self
            .entries
            .iter()
            .rposition(|other| other.score >= entry.score)
            .map_or(0, |at| at + 1);
        if place < self.capacity {
            if self.entries.len() >= self.capacity {
                self.entries.truncate(self.capacity - 1);
            }
            self.entries.insert(place, entry);
        }
    }

    /// Take one window's null candidate into account.
    pub fn add_null(
        &mut self,
        params: &SpanParams,
        feature: u32,
        token: u32,
        start_logit: T,
        end_logit: T,
    ) {
        let mut entry = Entry::null(feature, token, start_logit, end_logit);
        if entry.score.is_nan() {
            // inf - inf: the worst score, as for spans, so that the order of windows has no say.
            entry.score = T::NEGATIVE_INFINITY;
        }
        let better = match (self.null_score, params.null_aggregation) {
            (None, _) => true,
            (Some(known), NullAggregation::Minimum) => known > entry.score,
            (Some(known), NullAggregation::Maximum) => known < entry.score,
        };
        if better {
            self.null_score = Some(entry.score);
            self.null = Some(entry);
        }
    }

    /// Entries of the context found so far, best first.
    pub fn entries_mut(&mut self) -> &mut Vec<Entry<T>> {
        &mut self.entries
    }

    /// Note what is known of the context.
    pub fn set_ascii(&mut self, ascii: bool) {
        self.ascii = Ascii(ascii);
    }

    /// The null candidate found so far.
    pub fn null(&self) -> Option<Entry<T>> {
        self.null
    }

    /// Take up entries and a null candidate that were found earlier, for [`Self::finish`].
    pub fn restore(&mut self, params: &SpanParams, entries: &[Entry<T>], null: Option<Entry<T>>) {
        self.clear(params);
        self.entries.extend_from_slice(entries);
        if let Some(null) = null {
            self.null_score = Some(null.score);
            self.null = Some(null);
        }
    }

    /// Complete the list, append it to `out`, and decide. `windows` is the number of windows seen.
    pub fn finish(
        &mut self,
        params: &SpanParams,
        windows: usize,
        out: &mut Vec<Entry<T>>,
    ) -> Outcome<T> {
        if windows == 0 && params.fallback != Fallback::BeamSearch {
            // The references crash or reuse the last example's null score here (SEMANTICS 2.1 m).
            out.push(Entry {
                kind: Kind::Null,
                ..Entry::default()
            });
            return Outcome {
                entries: 1,
                predicted: NO_ANSWER,
                null_score: T::default(),
                score_difference: T::default(),
                ascii: Ascii::default(),
            };
        }
        if params.null_in_list
            && let Some(null) = self.null
        {
            self.insert(null);
            if !self
                .entries
                .iter()
                .any(|entry| (entry.start_char, entry.end_char) == (0, 0))
            {
                self.entries.push(null);
            }
        }
        let mut null_score = self.null_score.unwrap_or_default();
        match params.fallback {
            Fallback::EmptyWord => {
                let only_empty = matches!(self.entries.as_slice(), [] | [_])
                    && !self
                        .entries
                        .iter()
                        .any(|entry| entry.has_text(params.fallback));
                if only_empty {
                    self.entries.insert(0, Entry::fallback(0.0));
                }
            }
            Fallback::NoText if self.entries.is_empty() => self.entries.push(Entry::fallback(0.0)),
            Fallback::BeamSearch if self.entries.is_empty() => {
                self.entries.push(Entry::fallback(-1e-6));
                null_score = T::from_f64(-2e-6);
            }
            Fallback::NoText | Fallback::BeamSearch => {}
        }
        let (predicted, score_difference) = self.decide(params, null_score);
        out.extend_from_slice(&self.entries);
        Outcome {
            entries: u32::try_from(self.entries.len()).unwrap_or(u32::MAX),
            predicted,
            null_score,
            score_difference,
            ascii: self.ascii,
        }
    }

    fn decide(&self, params: &SpanParams, null_score: T) -> (u32, T) {
        let first_with_text = (0_u32..)
            .zip(self.entries.iter().copied())
            .find(|(_, entry)| entry.has_text(params.fallback));
        let (place, best) = match (params.decision, first_with_text) {
            (Decision::ScoreDifference, Some(found)) => found,
            // All texts empty: the reference runs off the list here; the empty answer is meant.
            _ => (0, self.entries.first().copied().unwrap_or_default()),
        };
        match params.decision {
            Decision::FirstEntry => (place, null_score.minus(best.score)),
            Decision::ScoreDifference => {
                let difference = null_score.minus(best.start_logit).minus(best.end_logit);
                let null_wins = difference > T::from_f64(params.null_score_diff_threshold);
                (
                    if null_wins || first_with_text.is_none() {
                        NO_ANSWER
                    } else {
                        place
                    },
                    difference,
                )
            }
            Decision::ScoreAboveNull => (
                if best.score > null_score {
                    place
                } else {
                    NO_ANSWER
                },
                null_score.minus(best.score),
            ),
        }
    }
}

/// Softmax of the scores of one list, in the precision of the logits; in double precision where the
/// word "empty" stands in the list, because its Python-float score makes NumPy choose float64.
pub fn probabilities<T: Logit>(entries: &[Entry<T>], out: &mut Vec<f64>) {
    out.clear();
    if entries.iter().any(|entry| entry.kind == Kind::Fallback) {
        softmax(entries.iter().map(|entry| entry.score.to_f64()), out);
    } else {
        softmax(entries.iter().map(|entry| entry.score), out);
    }
}

fn softmax<T: Logit>(scores: impl Iterator<Item = T> + Clone, out: &mut Vec<f64>) {
    let greatest = scores.clone().fold(T::NEGATIVE_INFINITY, |most, score| {
        if score > most { score } else { most }
    });
    let exponential = |score: T| score.minus(greatest).exponential();
    let terms: Vec<T> = scores.map(exponential).collect();
    let sum = pairwise_sum(&terms);
    out.extend(terms.iter().map(|term| term.over(sum).to_f64()));
}

/// The sum in NumPy's order: eight sums side by side, halves above 128 terms. In float32 another order
/// moves the sixth digit.
fn pairwise_sum<T: Logit>(terms: &[T]) -> T {
    let add = |sum: T, &term: &T| sum.plus(term);
    if terms.len() > 128 {
        let half = terms.len() / 2;
        let (left, right) = terms.split_at(half - half % 8);
        return pairwise_sum(left).plus(pairwise_sum(right));
    }
    let (eights, rest) = terms.as_chunks::<8>();
    let Some((first, others)) = eights.split_first() else {
        return rest.iter().fold(T::default(), add);
    };
    let mut sums = *first;
    for eight in others {
        for (sum, term) in sums.iter_mut().zip(eight) {
            *sum = sum.plus(*term);
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let left = a.plus(b).plus(c.plus(d));
    let right = e.plus(f).plus(g.plus(h));
    rest.iter().fold(left.plus(right), add)
}
