//! `fastqa._rust.NBestStore`: the engine's result, read by column, by example, or into files.
//!
//! Entries stay in Rust; a column is one pass over them, an example's list is O(its length), a file is
//! written by all threads without the interpreter. Texts are cut out of the contexts that the caller
//! gives again: the store keeps no reference into Python's memory.
use std::path::PathBuf;

use fastqa_core::Error;
use fastqa_core::alignment::Unread;
use fastqa_core::columns::Strings;
use fastqa_core::files::{Content, Writer};
use fastqa_core::lists::NBest;
use fastqa_core::logit::Logit;
use fastqa_core::nbest::{Entry, NO_ANSWER, Outcome, probabilities};
use fastqa_core::params::Fallback;
use numpy::{Element, IntoPyArray, PyReadonlyArray1};
use pyo3::exceptions::{PyIndexError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::arrays::{StringColumn, slice};
use crate::calls::{detached, guarded, interruptible};
use crate::error::to_pyerr;
use crate::pickled::state;

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
    unread: Option<Unread>,
}

impl NBestStore {
    pub fn new(found: Found) -> Self {
        Self::of_search(found, None)
    }

    pub fn of_search(found: Found, unread: Option<Unread>) -> Self {
        Self { found, unread }
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

    /// How many windows have context tokens without logits; the first of them, its number of tokens
    /// and the width of its logits. None: no window has, or it was not looked at.
    #[getter]
    fn unread(&self) -> PyResult<Option<(usize, usize, usize, usize)>> {
        guarded(|| {
            let told = |found: &Unread| (found.windows, found.feature, found.tokens, found.width);
            Ok(self.unread.as_ref().map(told))
        })
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
                    let mut texts = Vec::with_capacity(found.entries.len());
                    for example in 0..found.outcomes.len() {
                        example_texts(found, example, &contexts, &mut texts)?;
                    }
                    Ok(texts)
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
                let mut texts = Vec::new();
                either!(self, found => example_texts(found, example, &contexts, &mut texts))?;
                Ok(texts)
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

/// Append the texts of one example's entries.
fn example_texts<'c, T: Logit>(
    found: &NBest<T>,
    example: usize,
    contexts: &Strings<'c>,
    texts: &mut Vec<&'c str>,
) -> Result<(), Error> {
    let list = found.list(example);
    if !list.is_empty() {
        let context = found.context(example, contexts)?;
        for entry in list {
            texts.push(found.text(example, entry, &context)?);
        }
    }
    Ok(())
}

fn predicted_texts<'c, T: Logit>(
    found: &NBest<T>,
    contexts: &Strings<'c>,
) -> Result<Vec<&'c str>, Error> {
    (0..found.outcomes.len())
        .map(|example| found.predicted_text(example, contexts))
        .collect()
}

pub fn column<'py, T: Logit + Element>(
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
