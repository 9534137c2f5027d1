//! The engine fed piece by piece: windows in any order, in any batches, in any process.
//!
//! What is kept of the windows seen so far is each example's list, its null candidate, and one bit
//! for each window; logits are not: O(examples * entries + windows / 8) bytes, whatever their
//! length. The order in a list is total and can be read off its entries (score; then window, rank
//! of the start, rank of the end, where ranks are order by logit, then by token), so "the best n
//! of all windows" does not depend on how they were grouped: merging is commutative and
//! associative, and the result has the bytes of one search over everything. A window that comes
//! twice counts once, and an update that fails leaves everything as it was.
use std::cmp::Ordering;

use crate::Error;
use crate::lists::{Gather, NBest, Part};
use crate::logit::Logit;
use crate::memory::filled;
use crate::nbest::{Accumulator, Entry};
use crate::params::{Candidates, NullAggregation, SpanParams};
use crate::search::Search;
use crate::span::{WindowSource, index32};

/// Examples whose lists lie together in a result.
const PIECE_EXAMPLES: usize = 4096;

/// What is known of one example.
#[derive(Debug, Clone, PartialEq)]
pub struct Known<T> {
    /// The best spans so far, in order.
    pub entries: Vec<Entry<T>>,
    /// The null candidate so far.
    pub null: Option<Entry<T>>,
    /// A window of it was seen.
    pub seen: bool,
}

/// Collects the n-best lists of all examples.
#[derive(Debug, Clone, PartialEq)]
pub struct Collector<T> {
    params: SpanParams,
    examples: Vec<Known<T>>,
    seen: Bits,
}

impl<T: Logit> Collector<T> {
    /// An empty one.
    ///
    /// # Errors
    /// [`Error::Value`] for parameters under which the order of windows matters; [`Error::Memory`]
    /// for more examples than fit.
    pub fn new(params: SpanParams, examples: usize) -> Result<Self, Error> {
        if params.only_above_null {
            return Err(Error::value(
                "only_above_null depends on the order of windows, which a collector does not know; \
                 use search() over all windows",
            ));
        }
        let empty = Known {
            entries: Vec::new(),
            null: None,
            seen: false,
        };
        Ok(Self {
            params,
            examples: filled(empty, examples, "examples")?,
            seen: Bits::default(),
        })
    }

    /// Take up what was saved: each example's state, and the words of the seen windows.
    ///
    /// # Errors
    /// [`Error::Value`] when a list is longer than the parameters allow or not in order.
    pub fn restore(
        params: SpanParams,
        examples: Vec<Known<T>>,
        seen: Vec<u64>,
    ) -> Result<Self, Error> {
        for (example, known) in examples.iter().enumerate() {
            let in_order = known
                .entries
                .is_sorted_by(|a, b| compare(&params, a, b) == Ordering::Less);
            if known.entries.len() > params.entries_per_example || !in_order {
                return Err(Error::value(format!(
                    "the saved list of example {example} is damaged"
                )));
            }
        }
        let mut restored = Self::new(params, 0)?;
        restored.examples = examples;
        restored.seen = Bits(seen);
        Ok(restored)
    }

    /// The switches.
    pub fn params(&self) -> &SpanParams {
        &self.params
    }

    /// What is known of each example.
    pub fn examples(&self) -> &[Known<T>] {
        &self.examples
    }

    /// Bits of the windows that were seen, by number.
    pub fn seen(&self) -> &Bits {
        &self.seen
    }

    /// Add the windows of `search`, whose `windows` are a part: examples and windows by their numbers
    /// (see [`crate::mapping::Windows::part`], which leaves out those that were seen).
    ///
    /// # Errors
    /// As [`Search::run`]; nothing was added then.
    pub fn update<S: WindowSource<Value = T>>(
        &mut self,
        search: &Search<'_>,
        source: &S,
        between: &mut dyn FnMut(usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let windows = &search.windows;
        let last = windows
            .examples()
            .checked_sub(1)
            .map(|last| windows.example_number(last));
        if last.is_some_and(|last| last >= self.examples.len()) {
            return Err(Error::value("a window of an example that is not there"));
        }
        let complete =
            |list: &mut Accumulator<T>, example: usize, _: usize, out: &mut Vec<Entry<T>>| {
                let number = |entry: &mut Entry<T>| {
                    entry.feature = index32(windows.feature_number(entry.feature as usize));
                };
                let mut null = list.null();
                null.iter_mut().for_each(number);
                list.entries_mut().iter_mut().for_each(number);
                out.extend_from_slice(list.entries_mut());
                Found {
                    example: windows.example_number(example),
                    entries: list.entries_mut().len(),
                    null,
                }
            };
        let Gathered(parts) = search.each_example(source, &complete, between, Gathered::default)?;
        for example in 0..windows.examples() {
            for row in windows.of(example) {
                self.seen.insert(windows.feature_number(row))?;
            }
        }
        for part in parts {
            let mut rest = part.entries.as_slice();
            for found in part.done {
                let (entries, others) = rest.split_at_checked(found.entries).unwrap_or_default();
                rest = others;
                if let Some(known) = self.examples.get_mut(found.example) {
                    join(&self.params, known, entries, found.null);
                }
            }
        }
        Ok(())
    }

    /// Add all that another collector of the same examples and parameters has seen. Windows that both
    /// saw count once.
    ///
    /// # Errors
    /// [`Error::Value`] when examples or parameters differ; nothing was added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        alike(
            (&self.params, self.examples.len()),
            (&other.params, other.examples.len()),
        )?;
        for (known, more) in self.examples.iter_mut().zip(&other.examples) {
            if more.seen {
                join(&self.params, known, &more.entries, more.null);
            }
        }
        self.seen.union(&other.seen);
        Ok(())
    }

    /// The result so far; what one search over the windows seen would return.
    pub fn finish(&self) -> NBest<T> {
        let mut found = NBest::with_capacity(self.examples.len(), self.params.fallback);
        let mut list = Accumulator::new(&self.params);
        for piece in self.examples.chunks(PIECE_EXAMPLES) {
            let mut entries = Vec::new();
            let mut outcomes = Vec::with_capacity(piece.len());
            for known in piece {
                list.restore(&self.params, &known.entries, known.null);
                let windows = usize::from(known.seen);
                outcomes.push(list.finish(&self.params, windows, &mut entries));
                found.without_windows += 1 - windows;
            }
            found.push(entries, &outcomes);
        }
        found
    }
}

/// Check that two collectors, each given by its parameters and number of examples, can be merged.
///
/// # Errors
/// [`Error::Value`] that says how they differ.
pub fn alike(mine: (&SpanParams, usize), other: (&SpanParams, usize)) -> Result<(), Error> {
    if mine.0 != other.0 {
        return Err(Error::value(format!(
            "collectors with different parameters cannot be merged: {:?} and {:?}",
            mine.0, other.0
        )));
    }
    if mine.1 != other.1 {
        return Err(Error::value(format!(
            "a collector of {} examples cannot be merged with one of {}",
            mine.1, other.1
        )));
    }
    Ok(())
}

/// What one batch adds to an example.
struct Found<T> {
    example: usize,
    entries: usize,
    null: Option<Entry<T>>,
}

struct Gathered<T>(Vec<Part<T, Found<T>>>);

impl<T> Default for Gathered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Gather<T, Found<T>> for Gathered<T> {
    fn gather(&mut self, mut parts: Vec<Part<T, Found<T>>>) -> Result<(), Error> {
        self.0.append(&mut parts);
        Ok(())
    }
}

/// Add entries (in order) and a null candidate to what is known of an example.
fn join<T: Logit>(
    params: &SpanParams,
    known: &mut Known<T>,
    entries: &[Entry<T>],
    null: Option<Entry<T>>,
) {
    known.seen = true;
    if known.entries.is_empty() {
        known.entries = entries.to_vec();
    } else {
        let room = params.entries_per_example;
        let mut merged = Vec::with_capacity(room.min(known.entries.len() + entries.len()));
        let (mut left, mut right) = (known.entries.as_slice(), entries);
        while merged.len() < room {
            let order = match (left.first(), right.first()) {
                (Some(a), Some(b)) => compare(params, a, b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let (next, rest_left, rest_right) = match order {
                Ordering::Less => (left.first(), left.get(1..), Some(right)),
                Ordering::Greater => (right.first(), Some(left), right.get(1..)),
                // A window that both saw.
                Ordering::Equal => (left.first(), left.get(1..), right.get(1..)),
            };
            merged.extend(next.copied());
            (left, right) = (
                rest_left.unwrap_or_default(),
                rest_right.unwrap_or_default(),
            );
        }
        known.entries = merged;
    }
    known.null = match (known.null, null) {
        (Some(a), Some(b)) => {
            let order = a.score.partial_cmp(&b.score).unwrap_or(Ordering::Equal);
            let order = match params.null_aggregation {
                NullAggregation::Minimum => order,
                NullAggregation::Maximum => order.reverse(),
            };
            Some(if order.then(a.feature.cmp(&b.feature)).is_le() {
                a
            } else {
                b
            })
        }
        (a, b) => a.or(b),
    };
}

/// The place of two entries of one example: the order in which one search over all windows finds
/// entries, after the score.
fn compare<T: Logit>(params: &SpanParams, a: &Entry<T>, b: &Entry<T>) -> Ordering {
    let descending = |a: T, b: T| b.partial_cmp(&a).unwrap_or(Ordering::Equal);
    let found = descending(a.score, b.score).then(a.feature.cmp(&b.feature));
    let tokens = |a: &Entry<T>, b: &Entry<T>| {
        (a.start_token.cmp(&b.start_token)).then(a.end_token.cmp(&b.end_token))
    };
    match params.candidates {
        Candidates::All => found.then_with(|| tokens(a, b)),
        Candidates::TopN => found
            .then_with(|| descending(a.start_logit, b.start_logit))
            .then_with(|| a.start_token.cmp(&b.start_token))
            .then_with(|| descending(a.end_logit, b.end_logit))
            .then_with(|| a.end_token.cmp(&b.end_token)),
    }
}

/// A set of numbers below 2^32, one bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// The words; the last one is not zero.
    pub fn words(&self) -> &[u64] {
        &self.0
    }

    /// `number` is in the set.
    pub fn contains(&self, number: usize) -> bool {
        self.0
            .get(number / 64)
            .is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The smallest number that is not in the set.
    pub fn first_missing(&self) -> usize {
        let full = self.0.iter().take_while(|&&word| word == u64::MAX).count();
        let tail = self.0.get(full).map_or(0, |word| word.trailing_ones());
        64 * full + tail as usize
    }

    fn insert(&mut self, number: usize) -> Result<(), Error> {
        let word = number / 64;
        if word >= self.0.len() {
            let more = word + 1 - self.0.len();
            self.0
                .try_reserve(more)
                .map_err(|_| Error::Memory(format!("no memory to note feature {number}")))?;
            self.0.resize(word + 1, 0);
        }
        if let Some(slot) = self.0.get_mut(word) {
            *slot |= 1 << (number % 64);
        }
        Ok(())
    }

    fn union(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }
}
