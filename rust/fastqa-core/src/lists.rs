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
use crate::text::{count_code_points, slice_code_points};

/// The result, list after list.
#[derive(Debug, Clone, PartialEq)]
pub struct NBest<T> {
    /// Entries of all examples, each list in order.
    pub entries: Vec<Entry<T>>,
    /// Example `i` has `entries[starts[i]..starts[i + 1]]`.
    pub starts: Vec<usize>,
    /// One decision for each example.
    pub outcomes: Vec<Outcome<T>>,
    /// How many examples had no windows.
    pub without_windows: usize,
    /// Gives the text of [`Kind::Fallback`] entries.
    pub fallback: Fallback,
}

impl<T: Logit> NBest<T> {
    /// The list of one example.
    pub fn list(&self, example: usize) -> &[Entry<T>] {
        match (self.starts.get(example), self.starts.get(example + 1)) {
            (Some(&begin), Some(&end)) => self.entries.get(begin..end).unwrap_or_default(),
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

    /// The text of one entry of `example`.
    ///
    /// # Errors
    /// [`Error::Value`] when the context is missing or shorter than the entry's offsets.
    pub fn text<'c>(
        &self,
        example: usize,
        entry: &Entry<T>,
        contexts: &Strings<'c>,
    ) -> Result<&'c str, Error> {
        match entry.kind {
            Kind::Null => Ok(""),
            Kind::Fallback if self.fallback == Fallback::EmptyWord => Ok("empty"),
            Kind::Fallback => Ok(""),
            Kind::Span => {
                let context = contexts.get(example)?;
                slice_code_points(context, entry.start_char as usize, entry.end_char as usize)
                    .ok_or_else(|| {
                        Error::value(format!(
                            "example {example}: the answer ends at character {} of a context of {}",
                            entry.end_char,
                            count_code_points(context)
                        ))
                    })
            }
        }
    }
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
        let more: usize = parts.iter().map(|part| part.entries.len()).sum();
        self.entries
            .try_reserve(more)
            .map_err(|_| Error::Memory(format!("no memory for {more} more entries")))?;
        for part in &parts {
            for outcome in &part.done {
                let begin = self.starts.last().copied().unwrap_or_default();
                self.starts.push(begin + outcome.entries as usize);
            }
            self.entries.extend_from_slice(&part.entries);
            self.outcomes.extend_from_slice(&part.done);
        }
        Ok(())
    }
}

/// What came of a task: entries, and one `D` for each example.
pub(crate) struct Part<T, D> {
    pub(crate) entries: Vec<Entry<T>>,
    pub(crate) done: Vec<D>,
}
