//! The one engine: all windows of all examples, in parallel over examples.
//!
//! Each example's windows are visited in feature order on one thread and its list depends on
//! nothing else, so the result is the same bytes for every number of threads. Work is handed out in
//! tasks of about 128 windows, in rounds of about 32,768, between which the caller may stop it.
use rayon::prelude::*;

use crate::Error;
use crate::columns::Strings;
use crate::lists::{Complete, Gather, NBest, Part};
use crate::logit::Logit;
use crate::mapping::Windows;
use crate::nbest::{Accumulator, Entry, Kind};
use crate::offsets::Offsets;
use crate::parallel::with_pool;
use crate::params::SpanParams;
use crate::positions::{MaxContext, NullPosition};
use crate::span::{Window, WindowSource};
use crate::text::count_code_points;

const TASK_WINDOWS: usize = 128;
const ROUND_WINDOWS: usize = 32_768;

/// What is searched, besides the logits.
pub struct Search<'a> {
    /// The switches.
    pub params: SpanParams,
    /// Which windows each example has.
    pub windows: Windows,
    /// Which tokens are context, and where.
    pub offsets: Offsets<'a>,
    /// Where the null answers are.
    pub null_position: NullPosition<'a>,
    /// `token_is_max_context`; `None`: no restriction.
    pub max_context: Option<MaxContext<'a>>,
    /// For bounds and error messages; may be absent.
    pub contexts: Option<Strings<'a>>,
    /// For error messages; may be absent.
    pub ids: Option<Strings<'a>>,
}

enum Stop {
    /// A kept entry has negative offsets: begin again, looking at the numbers of every candidate.
    LookInside,
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Search<'_> {
    /// Search all windows. `between` is called with the number of windows done after each round.
    ///
    /// # Errors
    /// What is wrong with the input, naming the first example or feature at fault; or what
    /// `between` returned.
    pub fn run<S: WindowSource>(
        &self,
        source: &S,
        between: &mut dyn FnMut(usize) -> Result<(), Error>,
    ) -> Result<NBest<S::Value>, Error> {
        let examples = self.windows.examples();
        let finish = |list: &mut Accumulator<S::Value>, _: usize, windows: usize, out: &mut _| {
            list.finish(&self.params, windows, out)
        };
        let mut found = self.each_example(source, &finish, between, || {
            let mut found = NBest {
                entries: Vec::new(),
                starts: vec![0],
                outcomes: Vec::new(),
                without_windows: 0,
                fallback: self.params.fallback,
            };
            found.starts.reserve(examples);
            found.outcomes.reserve(examples);
            found
        })?;
        found.without_windows = (0..examples)
            .filter(|&example| self.windows.of(example).next().is_none())
            .count();
        Ok(found)
    }

    /// Collect each example's list, hand it to `complete` with the example and its number of windows,
    /// and give what came of it to a store, round by round, in order of examples.
    pub(crate) fn each_example<S: WindowSource, D: Send, Store: Gather<S::Value, D>>(
        &self,
        source: &S,
        complete: &Complete<'_, S::Value, D>,
        between: &mut dyn FnMut(usize) -> Result<(), Error>,
        store: impl Fn() -> Store,
    ) -> Result<Store, Error> {
        self.validate(source.len())?;
        match self.attempt(source, false, complete, between, store()) {
            Ok(found) => Ok(found),
            Err(Stop::Error(error)) => Err(error),
            // Exact: had those candidates been dropped before, the others would stand as they do.
            Err(Stop::LookInside) => match self.attempt(source, true, complete, between, store()) {
                Ok(found) => Ok(found),
                Err(Stop::Error(error)) => Err(error),
                Err(Stop::LookInside) => {
                    Err(Error::value("offset_mapping changed during the call"))
                }
            },
        }
    }

    fn validate(&self, rows: usize) -> Result<(), Error> {
        let windows = self.windows.rows();
        for (name, length) in [("logits", rows), ("offset_mapping", self.offsets.len())] {
            if length != windows {
                return Err(Error::value(format!(
                    "{name} have {length} rows for {windows} features"
                )));
            }
        }
        if let Some(known) = &self.max_context
            && (known.width.checked_mul(windows) != Some(known.flags.len())
                || known.restricted.len() != windows)
        {
            return Err(Error::value(format!(
                "token_is_max_context has {} flags for {windows} features of {}",
                known.flags.len(),
                known.width
            )));
        }
        let examples = self.windows.examples();
        let last = examples
            .checked_sub(1)
            .map_or(0, |last| self.windows.example_number(last) + 1);
        for (name, strings) in [("context", &self.contexts), ("id", &self.ids)] {
            if let Some(strings) = strings
                && strings.len() < last
            {
                return Err(Error::value(format!(
                    "{} values of {name} for {last} examples",
                    strings.len()
                )));
            }
        }
        Ok(())
    }

    fn attempt<S: WindowSource, D: Send, Store: Gather<S::Value, D>>(
        &self,
        source: &S,
        look_inside: bool,
        complete: &Complete<'_, S::Value, D>,
        between: &mut dyn FnMut(usize) -> Result<(), Error>,
        mut store: Store,
    ) -> Result<Store, Stop> {
        let examples = self.windows.examples();
        let mut next = 0;
        while next < examples {
            let round_end = self.advance(next, examples, ROUND_WINDOWS);
            let mut tasks = Vec::new();
            while next < round_end {
                let end = self.advance(next, round_end, TASK_WINDOWS);
                tasks.push(next..end);
                next = end;
            }
            let work = |state: &mut (S::Scratch, Accumulator<S::Value>),
                        task: &std::ops::Range<usize>| {
                self.task(source, look_inside, complete, task.clone(), state)
            };
            let state = || (S::Scratch::default(), Accumulator::new(&self.params));
            let parts: Vec<Result<Part<S::Value, D>, Stop>> = if tasks.len() < 2 {
                let mut state = state();
                tasks.iter().map(|task| work(&mut state, task)).collect()
            } else {
                with_pool(|| tasks.par_iter().map_init(state, work).collect())?
            };
            // The first failure in order of examples, not in order of time.
            let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
            store.gather(parts)?;
            between(self.windows.before(next))?;
        }
        Ok(store)
    }

    /// The end of a run of examples from `first` that has about `windows` windows.
    fn advance(&self, first: usize, examples: usize, windows: usize) -> usize {
        let begin = self.windows.before(first);
        let mut end = first + 1;
        // Examples without windows cost something too, hence the second bound.
        while end < examples
            && self.windows.before(end) - begin < windows
            && end - first < 4 * windows
        {
            end += 1;
        }
        end
    }

    fn task<S: WindowSource, D>(
        &self,
        source: &S,
        look_inside: bool,
        complete: &Complete<'_, S::Value, D>,
        examples: std::ops::Range<usize>,
        (scratch, list): &mut (S::Scratch, Accumulator<S::Value>),
    ) -> Result<Part<S::Value, D>, Stop> {
        let mut part = Part {
            entries: Vec::new(),
            done: Vec::with_capacity(examples.len()),
        };
        for example in examples {
            list.clear(&self.params);
            let mut windows = 0;
            for row in self.windows.of(example) {
                let feature = self.windows.feature_number(row);
                let window = Window {
                    row,
                    feature,
                    offsets: self.offsets.row(row)?,
                    look_inside,
                    max_context: self.max_context.as_ref().and_then(|known| known.of(row)),
                    null_token: self.null_position.of(row, feature)?,
                };
                source
                    .collect(&window, &self.params, scratch, list)
                    .map_err(|error| self.name(example, error))?;
                windows += 1;
            }
            self.resolve(example, list.entries_mut())?;
            part.done
                .push(complete(list, example, windows, &mut part.entries));
        }
        Ok(part)
    }

    /// From tokens to characters, for the entries that were kept.
    fn resolve<T: Logit>(&self, example: usize, entries: &mut [Entry<T>]) -> Result<(), Stop> {
        let mut last = 0;
        for entry in entries.iter_mut().filter(|entry| entry.kind == Kind::Span) {
            let row = self.offsets.row(entry.feature as usize)?;
            let start = row.characters(entry.start_token).map(|(start, _)| start);
            let end = row.characters(entry.end_token).map(|(_, end)| end);
            let (Some(start), Some(end)) = (start, end) else {
                return Err(Error::value("offset_mapping changed during the call").into());
            };
            if start < 0 || end < 0 {
                return Err(Stop::LookInside);
            }
            match (u32::try_from(start), u32::try_from(end)) {
                (Ok(start_char), Ok(end_char)) if start_char <= end_char => {
                    (entry.start_char, entry.end_char) = (start_char, end_char);
                    last = last.max(end_char);
                }
                _ => {
                    let text = format!(
                        "offset_mapping of feature {} puts tokens {} to {} at characters {start} to {end}: \
                         expected start <= end < 2^32",
                        self.windows.feature_number(entry.feature as usize),
                        entry.start_token,
                        entry.end_token
                    );
                    return Err(self.name(example, Error::Value(text)).into());
                }
            }
        }
        if let Some(contexts) = &self.contexts
            && last > 0
        {
            let context = contexts.get(self.windows.example_number(example))?;
            // A text has at least a quarter as many code points as bytes.
            if last as usize > context.len() / 4 {
                let length = count_code_points(context);
                if last as usize > length {
                    let text = format!(
                        "offset_mapping reaches character {last} of a context of {length} characters; \
                         were the features made from this context?"
                    );
                    return Err(self.name(example, Error::Value(text)).into());
                }
            }
        }
        Ok(())
    }

    /// Put the example's id before an error's text.
    fn name(&self, example: usize, error: Error) -> Error {
        let number = self.windows.example_number(example);
        let id = self.ids.as_ref().and_then(|ids| ids.get(number).ok());
        match (error, id) {
            (Error::Value(text), Some(id)) => Error::Value(format!("example {id:?}: {text}")),
            (error, _) => error,
        }
    }
}
