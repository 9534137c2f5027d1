//! The engine's result: the lists of all examples, one after the other, and how they get there.
//!
//! Entries lie flat, `starts` says where each list begins, so a result of any size is three
//! vectors and its columns can be handed out without touching a row. Texts are not kept: an entry
//! has characters, and its text is cut out of the context when it is asked for. Parts come from
//! the tasks of a round in order of examples, whichever thread had them.
use crate::Error;
use crate::columns::Strings;
use crate::logit::Logit;
use crate::nbest::{Accumulator, Entry, Kind, Outcome};
use crate::params::Fallback;
use crate::text::{Context, slice_once};

/// Entries in the pieces in which they were found: each task's stay where its thread wrote them, so
/// that nothing is copied behind the last one (8 MB for SQuAD dev, a third of the whole search).
#[derive(Debug, Clone, Default)]
pub struct Entries<T> {
    /// Each with the number of entries before it; none is empty.
    pieces: Vec<(usize, Vec<Entry<T>>)>,
    count: usize,
}

impl<T> Entries<T> {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.count
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Append entries; a list must lie in one piece.
    pub fn push(&mut self, piece: Vec<Entry<T>>) {
        if !piece.is_empty() {
            let first = self.count;
            self.count += piece.len();
            self.pieces.push((first, piece));
        }
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<T>> + Clone {
        self.pieces.iter().flat_map(|(_, piece)| piece)
    }

    /// A run of entries that lies in one piece.
    pub fn get(&self, begin: usize, end: usize) -> Option<&[Entry<T>]> {
        let place = self.pieces.partition_point(|(first, _)| *first <= begin);
        let (first, piece) = self.pieces.get(place.checked_sub(1)?)?;
        piece.get(begin - first..end.checked_sub(*first)?)
    }
}

impl<T> From<Vec<Entry<T>>> for Entries<T> {
    fn from(entries: Vec<Entry<T>>) -> Self {
        let mut all = Self {
            pieces: Vec::new(),
            count: 0,
        };
        all.push(entries);
        all
    }
}

impl<T: PartialEq> PartialEq for Entries<T> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.iter().eq(other.iter())
    }
}

/// The result, list after list.
#[derive(Debug, Clone, PartialEq)]
pub struct NBest<T> {
    /// Entries of all examples, each list in order.
    pub entries: Entries<T>,
    /// Example `i` has the entries from `starts[i]` to `starts[i + 1]`.
    pub starts: Vec<usize>,
    /// One decision for each example.
    pub outcomes: Vec<Outcome<T>>,
    /// How many examples had no windows.
    pub without_windows: usize,
    /// Gives the text of [`Kind::Fallback`] entries.
    pub fallback: Fallback,
}

impl<T: Logit> NBest<T> {
    /// None yet.
    pub(crate) fn with_capacity(examples: usize, fallback: Fallback) -> Self {
        let mut starts = Vec::with_capacity(examples + 1);
        starts.push(0);
        Self {
            entries: Entries::default(),
            starts,
            outcomes: Vec::with_capacity(examples),
            without_windows: 0,
            fallback,
        }
    }

    /// Append the lists of further examples.
    pub(crate) fn push(&mut self, entries: Vec<Entry<T>>, outcomes: &[Outcome<T>]) {
        for outcome in outcomes {
            let begin = self.starts.last().copied().unwrap_or_default();
            self.starts.push(begin + outcome.entries as usize);
        }
        self.entries.push(entries);
        self.outcomes.extend_from_slice(outcomes);
    }

    /// The list of one example.
    pub fn list(&self, example: usize) -> &[Entry<T>] {
        match (self.starts.get(example), self.starts.get(example + 1)) {
            (Some(&begin), Some(&end)) => self.entries.get(begin, end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The entry that is predicted; `None` for the empty answer.
    pub fn predicted(&self, example: usize) -> Option<&Entry<T>> {
        self.list(example)
            .get(self.outcomes.get(example)?.predicted as usize)
    }

    /// The null score of one example. The stand-in of a beam search is a Python float in the
    /// reference, which never was a float32.
    pub fn null_score(&self, example: usize) -> f64 {
        match self.list(example) {
            [entry] if entry.kind == Kind::Fallback && self.fallback == Fallback::BeamSearch => {
                -2e-6
            }
            _ => self
                .outcomes
                .get(example)
                .map_or(0.0, |outcome| outcome.null_score.to_f64()),
        }
    }

    /// The context of one example, for [`Self::text`].
    ///
    /// # Errors
    /// [`Error::Value`] when it is missing.
    pub fn context<'c>(
        &self,
        example: usize,
        contexts: &Strings<'c>,
    ) -> Result<Context<'c>, Error> {
        contexts.bytes(example).map(Context::new)
    }

    /// The text of one entry of `example`, whose context is `context`.
    ///
    /// # Errors
    /// [`Error::Value`] when the context is shorter than the entry's offsets, or no text.
    pub fn text<'c>(
        &self,
        example: usize,
        entry: &Entry<T>,
        context: &Context<'c>,
    ) -> Result<&'c str, Error> {
        let cut = |start, end| context.slice(start, end);
        self.cut(entry, cut)
            .ok_or_else(|| too_short(example, entry, context))
    }

    /// The predicted text of one example, "" for the empty answer.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn predicted_text<'c>(
        &self,
        example: usize,
        contexts: &Strings<'c>,
    ) -> Result<&'c str, Error> {
        let Some(entry) = self.predicted(example) else {
            return Ok("");
        };
        let bytes = contexts.bytes(example)?;
        let known = self.outcomes.get(example).map(|outcome| outcome.ascii.0);
        let cut = |start, end| slice_once(bytes, start, end, known == Some(true));
        self.cut(entry, cut)
            .ok_or_else(|| too_short(example, entry, &Context::new(bytes)))
    }

    /// The text of an entry, that of a span by `slice`.
    fn cut<'c>(
        &self,
        entry: &Entry<T>,
        slice: impl FnOnce(usize, usize) -> Option<&'c str>,
    ) -> Option<&'c str> {
        match entry.kind {
            Kind::Span => slice(entry.start_char as usize, entry.end_char as usize),
            Kind::Fallback if self.fallback == Fallback::EmptyWord => Some("empty"),
            Kind::Null | Kind::Fallback => Some(""),
        }
    }
}

fn too_short<T>(example: usize, entry: &Entry<T>, context: &Context<'_>) -> Error {
    Error::value(match context.code_points() {
        Some(length) => format!(
            "example {example}: the answer ends at character {} of a context of {length}",
            entry.end_char
        ),
        None => format!("the context of example {example} is not UTF-8"),
    })
}

/// Completes one example's list: the list, the example, its number of windows, where entries go.
pub(crate) type Complete<'c, T, D> =
    dyn Fn(&mut Accumulator<T>, usize, usize, &mut Vec<Entry<T>>) -> D + Sync + 'c;

/// Where the parts of a round go.
pub(crate) trait Gather<T, D>: Sized {
    /// Take the parts of one round, in order of examples.
    fn gather(&mut self, parts: Vec<Part<T, D>>) -> Result<(), Error>;
}

impl<T: Logit> Gather<T, Outcome<T>> for NBest<T> {
    fn gather(&mut self, parts: Vec<Part<T, Outcome<T>>>) -> Result<(), Error> {
        for part in parts {
            self.push(part.entries, &part.done);
        }
        Ok(())
    }
}

/// What came of a task: entries, and one `D` for each example.
pub(crate) struct Part<T, D> {
    pub(crate) entries: Vec<Entry<T>>,
    pub(crate) done: Vec<D>,
}
