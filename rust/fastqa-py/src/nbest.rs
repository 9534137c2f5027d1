//! `fastqa._rust.NBestStore`: the engine's result, read by column, by example, or into files.
use std::path::PathBuf;

use fastqa_core::Error;
use fastqa_core::files::{Content, Writer};
use fastqa_core::lists::NBest;
use fastqa_core::logit::Logit;
use fastqa_core::nbest::{Entry, Kind, NO_ANSWER, Outcome, probabilities};
use fastqa_core::params::Fallback;
use numpy::{Element, IntoPyArray, PyReadonlyArray1};
use pyo3::exceptions::{PyIndexError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::arrays::{StringColumn, slice};
use crate::calls::{detached, guarded, interruptible};
use crate::error::to_pyerr;
use crate::saved::{damaged, field, read_entries, save_entries};
use crate::source::{FloatArray, choose};

/// A result in either precision.
pub enum Found {
    F32(NBest<f32>),
    F64(NBest<f64>),
}

impl From<NBest<f32>> for Found {
    fn from(found: NBest<f32>) -> Self {
        Self::F32(found)
    }
}

impl From<NBest<f64>> for Found {
    fn from(found: NBest<f64>) -> Self {
        Self::F64(found)
    }
}

/// Run the same generic code for either precision.
macro_rules! either {
    ($store:expr, $found:ident => $body:expr) => {
        match &$store.found {
            Found::F32($found) => $body,
            Found::F64($found) => $body,
        }
    };
}

/// N-best lists of all examples.
#[pyclass(frozen, module = "fastqa._rust")]
pub struct NBestStore {
    found: Found,
}

impl NBestStore {
    pub fn new(found: Found) -> Self {
        Self { found }
    }

    fn length(&self) -> usize {
        either!(self, found => found.outcomes.len())
    }
}

#[pymethods]
impl NBestStore {
    /// Number of examples.
    fn __len__(&self) -> PyResult<usize> {
        guarded(|| Ok(self.length()))
    }

    /// Number of examples that had no windows.
    #[getter]
    fn without_windows(&self) -> PyResult<usize> {
        guarded(|| Ok(either!(self, found => found.without_windows)))
    }

    /// A column as a NumPy array.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        guarded(|| either!(self, found => column(py, found, name)))
    }

    /// The text of every entry, in order.
    fn entry_texts<'py>(
        &self,
        py: Python<'py>,
        contexts: StringColumn<'py>,
    ) -> PyResult<Bound<'py, PyList>> {
        guarded(|| {
            let contexts = contexts.view()?;
            either!(self, found => {
                let texts = detached(py, || {
                    let list = |example| found.list(example).iter().map(move |entry| (example, entry));
                    (0..found.outcomes.len())
                        .flat_map(list)
                        .map(|(example, entry)| found.text(example, entry, &contexts))
                        .collect::<Result<Vec<_>, Error>>()
                })?;
                PyList::new(py, texts)
            })
        })
    }

    /// The text of every entry of one example, in order.
    fn example_texts<'py>(
        &self,
        py: Python<'py>,
        example: usize,
        contexts: StringColumn<'py>,
    ) -> PyResult<Bound<'py, PyList>> {
        guarded(|| {
            let contexts = contexts.view()?;
            let texts = detached(py, || {
                either!(self, found => {
                    let text = |entry| found.text(example, entry, &contexts);
                    found.list(example).iter().map(text).collect::<Result<Vec<_>, Error>>()
                })
            })?;
            PyList::new(py, texts)
        })
    }

    /// The predicted text of every example, in order.
    fn texts<'py>(
        &self,
        py: Python<'py>,
        contexts: StringColumn<'py>,
    ) -> PyResult<Bound<'py, PyList>> {
        guarded(|| {
            let contexts = contexts.view()?;
            let texts = detached(
                py,
                || either!(self, found => predicted_texts(found, &contexts)),
            )?;
            PyList::new(py, texts)
        })
    }

    /// `{id: predicted text}` in order of the examples; of equal ids the last counts.
    fn to_dict<'py>(
        &self,
        py: Python<'py>,
        ids: StringColumn<'py>,
        contexts: StringColumn<'py>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guarded(|| {
            let contexts = contexts.view()?;
            let texts = detached(
                py,
                || either!(self, found => predicted_texts(found, &contexts)),
            )?;
            let ids = ids.view()?;
            let answers = PyDict::new(py);
            for (example, text) in texts.iter().enumerate() {
                let id = ids.get(example).map_err(to_pyerr)?;
                answers.set_item(PyString::new(py, id), PyString::new(py, text))?;
            }
            Ok(answers)
        })
    }

    /// Write one file; `content` is "predictions", "nbest", "score_difference" or "null_score".
    #[allow(clippy::too_many_arguments)]
    fn write(
        &self,
        py: Python<'_>,
        path: PathBuf,
        content: &str,
        ids: StringColumn<'_>,
        contexts: StringColumn<'_>,
        order: Option<PyReadonlyArray1<'_, u32>>,
        logit_names: (String, String),
    ) -> PyResult<()> {
        guarded(|| {
            let content = match content {
                "predictions" => Content::Predictions,
                "nbest" => Content::NBest,
                "score_difference" => Content::ScoreDifference,
                "null_score" => Content::NullScore,
                _ => return Err(PyKeyError::new_err(content.to_owned())),
            };
            let writer = Writer {
                ids: ids.view()?,
                contexts: contexts.view()?,
                order: order.as_ref().map(slice).transpose()?,
                logit_names: [&logit_names.0, &logit_names.1],
            };
            interruptible(
                py,
                None,
                |between| either!(self, found => writer.write(found, content, &path, between)),
            )
        })
    }

    /// For pickle and copy: everything as arrays, and how to read them.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        guarded(|| {
            let state = either!(self, found => state(py, found))?;
            let restore = py.import("fastqa._rust")?.getattr("restore_nbest")?;
            Ok((restore, (state,)))
        })
    }

    /// The place of an example's list in the entry columns.
    fn bounds(&self, example: usize) -> PyResult<(usize, usize)> {
        guarded(|| {
            let starts = either!(self, found => &found.starts);
            match (starts.get(example), starts.get(example.saturating_add(1))) {
                (Some(&begin), Some(&end)) => Ok((begin, end)),
                _ => Err(PyIndexError::new_err(format!(
                    "example {example} of {}",
                    self.length()
                ))),
            }
        })
    }
}

fn predicted_texts<'c, T: Logit>(
    found: &NBest<T>,
    contexts: &fastqa_core::columns::Strings<'c>,
) -> Result<Vec<&'c str>, Error> {
    (0..found.outcomes.len())
        .map(|example| match found.predicted(example) {
            Some(entry) => found.text(example, entry, contexts),
            None => Ok(""),
        })
        .collect()
}

fn column<'py, T: Logit + Element>(
    py: Python<'py>,
    found: &NBest<T>,
    name: &str,
) -> PyResult<Bound<'py, PyAny>> {
    fn array<'py, E: Element>(
        py: Python<'py>,
        values: impl Iterator<Item = E>,
    ) -> Bound<'py, PyAny> {
        values.collect::<Vec<_>>().into_pyarray(py).into_any()
    }
    let entries = |read: fn(&Entry<T>) -> i64| array(py, found.entries.iter().map(read));
    let logits = |read: fn(&Entry<T>) -> T| array(py, found.entries.iter().map(read));
    let outcomes = |read: fn(&Outcome<T>) -> T| array(py, found.outcomes.iter().map(read));
    Ok(match name {
        "score" => logits(|entry| entry.score),
        "start_logit" => logits(|entry| entry.start_logit),
        "end_logit" => logits(|entry| entry.end_logit),
        "feature_index" => entries(|entry| entry.feature.into()),
        "start_token" => entries(|entry| entry.start_token.into()),
        "end_token" => entries(|entry| entry.end_token.into()),
        "start_char" => entries(|entry| entry.start_char.into()),
        "end_char" => entries(|entry| entry.end_char.into()),
        "kind" => array(py, found.entries.iter().map(|entry| entry.kind as u8)),
        "probability" => {
            let (mut all, mut list) = (Vec::with_capacity(found.entries.len()), Vec::new());
            for example in 0..found.outcomes.len() {
                probabilities(found.list(example), &mut list);
                all.append(&mut list);
            }
            all.into_pyarray(py).into_any()
        }
        "list_start" => array(py, found.starts.iter().map(|&start| start as i64)),
        "predicted" => array(
            py,
            found.outcomes.iter().map(|outcome| {
                if outcome.predicted == NO_ANSWER {
                    -1
                } else {
                    i64::from(outcome.predicted)
                }
            }),
        ),
        "null_score" if found.fallback == Fallback::BeamSearch => array(
            py,
            (0..found.outcomes.len()).map(|example| found.null_score(example)),
        ),
        "null_score" => outcomes(|outcome| outcome.null_score),
        "score_difference" => outcomes(|outcome| outcome.score_difference),
        _ => return Err(PyKeyError::new_err(name.to_owned())),
    })
}

const FALLBACKS: [(&str, Fallback); 3] = [
    ("empty", Fallback::EmptyWord),
    ("", Fallback::NoText),
    ("beam_search", Fallback::BeamSearch),
];

fn state<'py, T: Logit + Element>(
    py: Python<'py>,
    found: &NBest<T>,
) -> PyResult<Bound<'py, PyDict>> {
    let state = PyDict::new(py);
    save_entries(py, &state, found.entries.iter())?;
    let fallback = FALLBACKS.iter().find(|(_, known)| *known == found.fallback);
    state.set_item("fallback", fallback.map_or("", |(name, _)| name))?;
    state.set_item("without_windows", found.without_windows)?;
    for name in ["kind", "list_start", "predicted", "score_difference"] {
        state.set_item(name, column(py, found, name)?)?;
    }
    let null_scores = found.outcomes.iter().map(|outcome| outcome.null_score);
    state.set_item(
        "null_score",
        null_scores.collect::<Vec<_>>().into_pyarray(py),
    )?;
    Ok(state)
}

/// What `NBestStore.__reduce__` saved.
#[pyfunction]
pub fn restore_nbest(state: &Bound<'_, PyDict>) -> PyResult<NBestStore> {
    guarded(|| match field(state, "logits")? {
        FloatArray::F32(logits) => {
            let outcomes = (
                field(state, "null_score")?,
                field(state, "score_difference")?,
            );
            restored(state, slice(&logits)?, outcomes).map(|found| NBestStore::new(found.into()))
        }
        FloatArray::F64(logits) => {
            let outcomes = (
                field(state, "null_score")?,
                field(state, "score_difference")?,
            );
            restored(state, slice(&logits)?, outcomes).map(|found| NBestStore::new(found.into()))
        }
        FloatArray::F16(_) => Err(damaged("logits")),
    })
}

fn restored<T: Logit + Element>(
    state: &Bound<'_, PyDict>,
    logits: &[T],
    (null_scores, score_differences): (PyReadonlyArray1<'_, T>, PyReadonlyArray1<'_, T>),
) -> PyResult<NBest<T>> {
    let places: PyReadonlyArray1<'_, u32> = field(state, "places")?;
    let kinds: PyReadonlyArray1<'_, u8> = field(state, "kind")?;
    let starts: PyReadonlyArray1<'_, i64> = field(state, "list_start")?;
    let predicted: PyReadonlyArray1<'_, i64> = field(state, "predicted")?;
    let entries = read_entries(logits, slice(&places)?).zip(slice(&kinds)?);
    let entries = entries.map(|(entry, &kind)| {
        let kinds = [Kind::Span, Kind::Null, Kind::Fallback];
        let kind = *kinds.get(usize::from(kind))?;
        Some(Entry { kind, ..entry })
    });
    let entries: Option<Vec<_>> = entries.collect();
    let entries = entries.ok_or_else(|| damaged("kind"))?;
    let starts: Option<Vec<_>> = slice(&starts)?
        .iter()
        .map(|&start| usize::try_from(start).ok())
        .collect();
    let starts = starts.ok_or_else(|| damaged("list_start"))?;
    let outcomes: Vec<_> = slice(&predicted)?
        .iter()
        .zip(slice(&null_scores)?)
        .zip(slice(&score_differences)?)
        .zip(starts.windows(2))
        .map(
            |(((&predicted, &null_score), &score_difference), bounds)| Outcome {
                entries: match bounds {
                    &[begin, end] => end.saturating_sub(begin) as u32,
                    _ => 0,
                },
                predicted: u32::try_from(predicted).unwrap_or(NO_ANSWER),
                null_score,
                score_difference,
            },
        )
        .collect();
    if !starts.is_sorted()
        || starts.len() != outcomes.len() + 1
        || starts.last() != Some(&entries.len())
    {
        return Err(damaged("list_start"));
    }
    let name: String = field(state, "fallback")?;
    Ok(NBest {
        entries: entries.into(),
        starts,
        outcomes,
        without_windows: field(state, "without_windows")?,
        fallback: choose("fallback", &name, &FALLBACKS)?,
    })
}

/// The strings of a column.
#[pyfunction]
pub fn decode_strings<'py>(
    py: Python<'py>,
    column: StringColumn<'py>,
) -> PyResult<Bound<'py, PyList>> {
    guarded(|| {
        let strings = column.view()?;
        let decoded = (0..strings.len())
            .map(|index| strings.get(index))
            .collect::<Result<Vec<_>, Error>>();
        PyList::new(py, decoded.map_err(to_pyerr)?)
    })
}
