//! The one engine: all windows of all examples, in parallel over examples.
//!
//! Each example's windows are visited in feature order on one thread and its list depends on
//! nothing else, so the result is the same bytes for every number of threads. Work is handed out in
//! tasks of about 128 windows, in rounds of about 32,768, between which the caller may stop it.
use rayon::prelude::*;

use crate::Error;
use crate::alignment::{Unread, unread_windows};
use crate::columns::Strings;
use crate::lists::{Complete, Gather, NBest, Part};
use crate::logit::Logit;
use crate::mapping::Windows;
use crate::nbest::{Accumulator, Entry};
use crate::offsets::Offsets;
use crate::parallel::with_pool;
use crate::params::{Candidates, SpanParams};
use crate::positions::{MaxContext, NullPosition};
use crate::span::{Window, WindowSource};
use crate::text::{count_code_points, has_code_points};
use crate::tokens::Tokens;

const TASK_WINDOWS: usize = 128;
const ROUND_WINDOWS: usize = 32_768;
/// Examples whose entries go from tokens to characters together.
const TOGETHER: usize = 8;

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

/// What a thread uses again from example to example.
type State<S> = (
    <S as WindowSource>::Scratch,
    Vec<(Accumulator<<S as WindowSource>::Value>, usize)>,
    Tokens,
);

enum Stop {
    /// A kept entry has no or negative offsets: begin again, looking at the numbers of every candidate.
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
            NBest::with_capacity(examples, self.params.fallback)
        })?;
        found.without_windows = (0..examples)
            .filter(|&example| self.windows.of(example).next().is_none())
            .count();
        Ok(found)
    }

    /// Windows with context tokens that no logits were computed for.
    ///
    /// # Errors
    /// As [`unread_windows`].
    pub fn unread<S: WindowSource>(&self, source: &S) -> Result<Option<Unread>, Error> {
        unread_windows(source, &self.offsets)
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
        // All pairs cost up to thirty times as much.
        let round = match self.params.candidates {
            Candidates::TopN => ROUND_WINDOWS,
            Candidates::All => ROUND_WINDOWS / 32,
        };
        let mut next = 0;
        while next < examples {
            let round_end = self.advance(next, examples, round);
            let mut tasks = Vec::new();
            while next < round_end {
                let end = self.advance(next, round_end, TASK_WINDOWS);
                tasks.push(next..end);
                next = end;
            }
            let work = |state: &mut State<S>, task: &std::ops::Range<usize>| {
                self.task(source, look_inside, complete, task.clone(), state)
            };
            let state = || {
                (
                    S::Scratch::default(),
                    (0..TOGETHER)
                        .map(|_| (Accumulator::new(&self.params), 0))
                        .collect(),
                    Tokens::default(),
                )
            };
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
        (scratch, lists, tokens): &mut State<S>,
    ) -> Result<Part<S::Value, D>, Stop> {
        let mut part = Part {
            entries: Vec::with_capacity(examples.len() * self.params.entries_per_example.min(32)),
            done: Vec::with_capacity(examples.len()),
        };
        let mut next = examples.start;
        while next < examples.end {
            let together = next..examples.end.min(next + TOGETHER);
            let mut failed = None;
            let mut searched = 0;
            for (example, (list, windows)) in together.clone().zip(lists.iter_mut()) {
                list.clear(&self.params);
                match self.collect(source, look_inside, example, scratch, list) {
                    Ok(count) => *windows = count,
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
                searched += 1;
            }
            // An earlier example's error comes first.
            let lists = lists.get_mut(..searched).unwrap_or_default();
            self.resolve(next, lists, tokens)?;
            if let Some(error) = failed {
                return Err(error.into());
            }
            for (example, (list, windows)) in together.zip(lists) {
                part.done
                    .push(complete(list, example, *windows, &mut part.entries));
            }
            next += TOGETHER;
        }
        Ok(part)
    }

    /// Search the windows of one example; how many it has.
    fn collect<S: WindowSource>(
        &self,
        source: &S,
        look_inside: bool,
        example: usize,
        scratch: &mut S::Scratch,
        list: &mut Accumulator<S::Value>,
    ) -> Result<usize, Error> {
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
        Ok(windows)
    }

    /// From tokens to characters, for the entries that were kept.
    ///
    /// The offsets are the search's only reads that miss the cache. Of several lists together, each
    /// token once, in loops that do little else, a CPU has many of them under way at once: one entry
    /// after the other took 0.9 of 2.6 microseconds per window.
    fn resolve<T: Logit>(
        &self,
        first: usize,
        lists: &mut [(Accumulator<T>, usize)],
        tokens: &mut Tokens,
    ) -> Result<(), Stop> {
        tokens.clear();
        for (list, _) in lists.iter_mut() {
            for run in list.entries_mut().chunk_by(|a, b| a.feature == b.feature) {
                tokens.add(run);
            }
        }
        if !tokens.read(&self.offsets)? {
            return Err(Stop::LookInside);
        }
        let mut spans = tokens.spans();
        for (example, (list, _)) in (first..).zip(lists) {
            let ascii = self.place(example, list.entries_mut(), &mut spans)?;
            list.set_ascii(ascii);
        }
        Ok(())
    }

    /// Put the characters of one example's entries where they belong; whether the context is known to
    /// be ASCII as far as they reach.
    fn place<T: Logit>(
        &self,
        example: usize,
        entries: &mut [Entry<T>],
        spans: &mut impl Iterator<Item = (i64, i64)>,
    ) -> Result<bool, Stop> {
        let mut last = 0;
        for (entry, (start, end)) in entries.iter_mut().zip(spans) {
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
        let Some(contexts) = self.contexts.as_ref().filter(|_| last > 0) else {
            return Ok(false);
        };
        let number = self.windows.example_number(example);
        let context = contexts.bytes(number)?;
        let last = last as usize;
        if context.get(..last).is_some_and(<[u8]>::is_ascii) {
            return Ok(true);
        }
        // A text has at least a quarter as many code points as bytes.
        if last <= context.len() / 4 || has_code_points(context, last) {
            return Ok(false);
        }
        let text = format!(
            "offset_mapping reaches character {last} of a context of {} characters; \
             were the features made from this context?",
            count_code_points(contexts.get(number)?)
        );
        Err(self.name(example, Error::Value(text)).into())
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
