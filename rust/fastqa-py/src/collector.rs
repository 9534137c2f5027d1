//! `fastqa._rust.CollectorStore`: the engine fed piece by piece.
//!
//! The interpreter is left before the lock is taken: a thread that waits holds nothing that another
//! needs. One update at a time, on all threads; it is merged whole or not at all. A child of a fork
//! that finds the lock held by a thread that it does not have gets an error.
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use fastqa_core::Error;
use fastqa_core::collector::{Collector, Known, alike};
use fastqa_core::mapping::Windows;
use fastqa_core::nbest::{Entry, Kind};
use fastqa_core::parallel::Between;
use fastqa_core::params::SpanParams;
use fastqa_core::search::Search;
use fastqa_core::span::WindowSource;
use numpy::{Element, IntoPyArray, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{OffsetsColumn, StringColumn, slice};
use crate::calls::{detached, guarded, interruptible};
use crate::error::to_pyerr;
use crate::nbest::NBestStore;
use crate::saved::{damaged, field, read_entries, save_entries};
use crate::source::{
    FloatArray, MaxContextArgument, NullArgument, ParamsArgument, Precision, SearchColumns,
    SourceArgument, Visitor,
};

/// A collector in the precision of the logits, which the first batch tells.
pub enum Collectors {
    Empty,
    F32(Collector<f32>),
    F64(Collector<f64>),
}

/// N-best lists that grow with every batch.
#[pyclass(frozen, module = "fastqa._rust")]
pub struct CollectorStore {
    examples: usize,
    params: SpanParams,
    // Taken only without the interpreter: a thread that waits here must not hold what another needs.
    state: Mutex<Collectors>,
    /// The process that took `state` last: after a fork a thread that is not there may hold it.
    holder: AtomicU32,
}

impl CollectorStore {
    /// Wait for other threads' updates with an ear for Ctrl-C.
    fn lock(&self, between: Between<'_>) -> Result<MutexGuard<'_, Collectors>, Error> {
        const WAIT: Duration = Duration::from_millis(1);
        let process = std::process::id();
        let mut waits = 0_u64;
        loop {
            match self.state.try_lock() {
                Ok(state) => {
                    self.holder.store(process, Ordering::Relaxed);
                    return Ok(state);
                }
                Err(TryLockError::Poisoned(_)) => {
                    return Err(Error::value(
                        "an earlier update of this collector broke off in the middle; make a new one",
                    ));
                }
                Err(TryLockError::WouldBlock) => {
                    // Another thread here notes itself at once; 50 looks later it has.
                    if waits > 50 && self.holder.load(Ordering::Relaxed) != process {
                        return Err(Error::value(
                            "this process was forked while another thread updated the collector, \
                             whose state is therefore unknown here; make a new one",
                        ));
                    }
                }
            }
            waits += 1;
            std::thread::sleep(WAIT);
            between(0)?;
        }
    }
}

/// Run the same generic code for either precision.
macro_rules! either {
    ($state:expr, $collector:ident => $body:expr, $empty:expr) => {
        match $state {
            Collectors::Empty => $empty,
            Collectors::F32($collector) => $body,
            Collectors::F64($collector) => $body,
        }
    };
}

#[pymethods]
impl CollectorStore {
    #[new]
    fn new(examples: usize, params: ParamsArgument) -> PyResult<Self> {
        guarded(|| {
            let params = params.into_params()?;
            // Refuse what no collector can do before the first batch.
            Collector::<f32>::new(params.clone(), 0).map_err(to_pyerr)?;
            Ok(Self {
                examples,
                params,
                state: Mutex::new(Collectors::Empty),
                holder: AtomicU32::new(0),
            })
        })
    }

    /// Add a batch: row `i` is window `numbers[i]` of example `example_of[i]`. Returns how many of
    /// them were seen before.
    #[pyo3(signature = (source, offsets, example_of, numbers, *, null_position=None, max_context=None, contexts=None, ids=None))]
    #[allow(clippy::too_many_arguments)]
    fn update(
        &self,
        py: Python<'_>,
        source: SourceArgument<'_>,
        offsets: OffsetsColumn<'_>,
        example_of: PyReadonlyArray1<'_, u32>,
        numbers: PyReadonlyArray1<'_, u32>,
        null_position: Option<NullArgument<'_>>,
        max_context: Option<MaxContextArgument<'_>>,
        contexts: Option<StringColumn<'_>>,
        ids: Option<StringColumn<'_>>,
    ) -> PyResult<usize> {
        guarded(|| {
            let columns = SearchColumns {
                offsets,
                null_position,
                max_context,
                contexts,
                ids,
            };
            let (example_of, numbers) = (slice(&example_of)?, slice(&numbers)?);
            let search = columns.view(self.params.clone(), Windows::default())?;
            let visitor = Update {
                py,
                store: self,
                search,
                example_of,
                numbers,
            };
            source.visit(py, &self.params, visitor)
        })
    }

    /// Add all that `other` has seen.
    fn merge(&self, py: Python<'_>, other: &Self) -> PyResult<()> {
        guarded(|| {
            if std::ptr::eq(self, other) {
                return Ok(());
            }
            interruptible(py, None, |between| {
                alike(
                    (&self.params, self.examples),
                    (&other.params, other.examples),
                )?;
                // Copied, not both locked: two threads could merge two collectors into each other.
                let more = {
                    match &*other.lock(between)? {
                        Collectors::Empty => return Ok(()),
                        Collectors::F32(collector) => Collectors::F32(collector.clone()),
                        Collectors::F64(collector) => Collectors::F64(collector.clone()),
                    }
                };
                let mut state = self.lock(between)?;
                match (&mut *state, more) {
                    (Collectors::F32(mine), Collectors::F32(more)) => mine.merge(&more),
                    (Collectors::F64(mine), Collectors::F64(more)) => mine.merge(&more),
                    (Collectors::Empty, more) => {
                        *state = more;
                        Ok(())
                    }
                    _ => Err(mixed()),
                }
            })
        })
    }

    /// The n-best lists of what was seen.
    fn finish(&self, py: Python<'_>) -> PyResult<NBestStore> {
        guarded(|| {
            let found = interruptible(py, None, |between| {
                Ok(match &*self.lock(between)? {
                    Collectors::Empty => {
                        f32::store(Collector::new(self.params.clone(), self.examples)?.finish())
                    }
                    Collectors::F32(collector) => f32::store(collector.finish()),
                    Collectors::F64(collector) => f64::store(collector.finish()),
                })
            })?;
            Ok(NBestStore::new(found))
        })
    }

    /// How many windows were seen, and the smallest number that was not.
    fn progress(&self, py: Python<'_>) -> PyResult<(usize, usize)> {
        guarded(|| {
            interruptible(py, None, |between| {
                Ok(either!(&*self.lock(between)?, collector => {
                    (collector.seen().count(), collector.seen().first_missing())
                }, (0, 0)))
            })
        })
    }

    /// Everything that is known, as arrays by name; nothing before the first batch.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        guarded(|| {
            let copy = interruptible(py, None, |between| {
                Ok(match &*self.lock(between)? {
                    Collectors::Empty => Collectors::Empty,
                    Collectors::F32(collector) => Collectors::F32(collector.clone()),
                    Collectors::F64(collector) => Collectors::F64(collector.clone()),
                })
            })?;
            either!(&copy, collector => state(py, collector), Ok(PyDict::new(py)))
        })
    }

    /// Take up what `state` returned.
    fn restore(&self, py: Python<'_>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        guarded(|| {
            if state.is_empty() {
                return Ok(());
            }
            let logits: FloatArray<'_> = field(state, "logits")?;
            let restored = match &logits {
                FloatArray::F32(logits) => self.restored(py, state, slice(logits)?)?,
                FloatArray::F64(logits) => self.restored(py, state, slice(logits)?)?,
                FloatArray::F16(_) => return Err(damaged("logits")),
            };
            interruptible(py, None, |between| {
                *self.lock(between)? = restored;
                Ok(())
            })
        })
    }
}

impl CollectorStore {
    fn restored<T: Precision>(
        &self,
        py: Python<'_>,
        state: &Bound<'_, PyDict>,
        logits: &[T],
    ) -> PyResult<Collectors> {
        let counts: PyReadonlyArray1<'_, u32> = field(state, "counts")?;
        let places: PyReadonlyArray1<'_, u32> = field(state, "places")?;
        let seen: PyReadonlyArray1<'_, u64> = field(state, "seen_windows")?;
        let (counts, places, seen) = (slice(&counts)?, slice(&places)?, slice(&seen)?);
        if counts.len() != self.examples {
            return Err(PyValueError::new_err(format!(
                "the saved state is of {} examples, not {}",
                counts.len(),
                self.examples
            )));
        }
        detached(py, || {
            let mut entries = read_entries(logits, places);
            let mut examples = Vec::with_capacity(counts.len());
            for &count in counts {
                // From the top: number of spans, a null candidate follows, a window was seen.
                let (spans, has_null, seen) = (count >> 2, count >> 1 & 1 == 1, count & 1 == 1);
                let mut next = |kind| {
                    let entry = entries.next().ok_or_else(|| {
                        Error::value("the saved state of a collector is damaged: too short")
                    })?;
                    Ok::<_, Error>(Entry { kind, ..entry })
                };
                examples.push(Known {
                    entries: (0..spans)
                        .map(|_| next(Kind::Span))
                        .collect::<Result<_, _>>()?,
                    null: has_null.then(|| next(Kind::Null)).transpose()?,
                    seen,
                });
            }
            Collector::restore(self.params.clone(), examples, seen.to_vec()).map(T::collectors)
        })
    }
}

struct Update<'a, 'py> {
    py: Python<'py>,
    store: &'a CollectorStore,
    search: Search<'a>,
    example_of: &'a [u32],
    numbers: &'a [u32],
}

impl Visitor for Update<'_, '_> {
    type Output = usize;

    fn visit<S: WindowSource>(self, source: &S) -> PyResult<usize>
    where
        S::Value: Precision,
    {
        let Self {
            py,
            store,
            mut search,
            example_of,
            numbers,
        } = self;
        interruptible(py, None, |between| {
            let mut state = store.lock(between)?;
            if matches!(*state, Collectors::Empty) {
                let empty = Collector::new(store.params.clone(), store.examples)?;
                *state = S::Value::collectors(empty);
            }
            let collector = S::Value::collector(&mut state).ok_or_else(mixed)?;
            let seen = collector.seen();
            search.windows =
                Windows::part(example_of, numbers, |number| seen.contains(number as usize))?;
            let fresh = search.windows.before(search.windows.examples());
            collector.update(&search, source, between)?;
            Ok(numbers.len() - fresh)
        })
    }
}

fn mixed() -> Error {
    Error::value(
        "batches of float32 and float64 logits in one collector; convert all to one of them",
    )
}

fn state<'py, T: Precision + Element>(
    py: Python<'py>,
    collector: &Collector<T>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut counts = Vec::new();
    for known in collector.examples() {
        let flags = u32::from(known.null.is_some()) << 1 | u32::from(known.seen);
        counts.push((known.entries.len() as u32) << 2 | flags);
    }
    let arrays = PyDict::new(py);
    arrays.set_item("counts", counts.into_pyarray(py))?;
    save_entries(
        py,
        &arrays,
        collector
            .examples()
            .iter()
            .flat_map(|known| known.entries.iter().chain(&known.null)),
    )?;
    let seen = collector.seen().words().to_vec();
    arrays.set_item("seen_windows", seen.into_pyarray(py))?;
    Ok(arrays)
}
