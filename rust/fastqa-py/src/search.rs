//! `fastqa._rust.search` and `match_ids`.
use fastqa_core::Error;
use fastqa_core::beam::Beam;
use fastqa_core::columns::{Extents, Integers};
use fastqa_core::logit::{HalfBits, Logits, RowSource};
use fastqa_core::mapping::{Windows, match_ids as match_ids_core};
use fastqa_core::params::{Candidates, Decision, Fallback, NanPolicy, NullAggregation, SpanParams};
use fastqa_core::positions::{MaxContext, NullPosition};
use fastqa_core::search::{NBest, Search};
use fastqa_core::span::WindowSource;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrays::{
    ExtentsArgument, IntegerArray, IntegerListColumn, OffsetsColumn, StringColumn, slice,
};
use crate::error::guard;
use crate::nbest::{Found, NBestStore};

/// The attributes of `fastqa.SpanParams` that the engine reads.
#[derive(FromPyObject)]
pub struct ParamsArgument {
    n_best_size: usize,
    entries_per_example: usize,
    max_answer_length: usize,
    candidates: String,
    null_aggregation: String,
    null_floor: Option<f64>,
    only_above_null: bool,
    null_in_list: bool,
    fallback: String,
    decision: String,
    null_score_diff_threshold: f64,
    nan_policy: String,
}

/// The value that `name` stands for.
pub fn choose<T: Copy>(parameter: &str, name: &str, values: &[(&str, T)]) -> PyResult<T> {
    values
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let known: Vec<_> = values
                .iter()
                .map(|(known, _)| format!("{known:?}"))
                .collect();
            PyValueError::new_err(format!(
                "{parameter} is {name:?}; expected one of {}",
                known.join(", ")
            ))
        })
}

impl ParamsArgument {
    fn into_params(self) -> PyResult<SpanParams> {
        Ok(SpanParams {
            n_best_size: self.n_best_size,
            entries_per_example: self.entries_per_example,
            max_answer_length: self.max_answer_length,
            candidates: choose(
                "candidates",
                &self.candidates,
                &[("top_n", Candidates::TopN), ("all", Candidates::All)],
            )?,
            null_aggregation: choose(
                "null_aggregation",
                &self.null_aggregation,
                &[
                    ("min", NullAggregation::Minimum),
                    ("max", NullAggregation::Maximum),
                ],
            )?,
            null_floor: self.null_floor,
            only_above_null: self.only_above_null,
            null_in_list: self.null_in_list,
            fallback: choose(
                "fallback",
                &self.fallback,
                &[
                    ("empty", Fallback::EmptyWord),
                    ("", Fallback::NoText),
                    ("beam_search", Fallback::BeamSearch),
                ],
            )?,
            decision: choose(
                "decision",
                &self.decision,
                &[
                    ("first_entry", Decision::FirstEntry),
                    ("score_difference", Decision::ScoreDifference),
                    ("score_above_null", Decision::ScoreAboveNull),
                ],
            )?,
            null_score_diff_threshold: self.null_score_diff_threshold,
            nan_policy: choose(
                "nan_policy",
                &self.nan_policy,
                &[
                    ("raise", NanPolicy::Raise),
                    ("ignore", NanPolicy::NegativeInfinity),
                ],
            )?,
        })
    }
}

/// Flat logits; float16 as its bits.
#[derive(FromPyObject)]
pub enum FloatArray<'py> {
    F32(PyReadonlyArray1<'py, f32>),
    F64(PyReadonlyArray1<'py, f64>),
    F16(PyReadonlyArray1<'py, u16>),
}

/// Logits or log probabilities with the token positions that they belong to.
type Indexed<'py> = (FloatArray<'py>, PyReadonlyArray1<'py, i64>);

/// What the candidates come from: start logits, end logits and their rows; or the five arrays of a
/// beam-search head with `start_n_top` and `end_n_top`.
#[derive(FromPyObject)]
pub enum SourceArgument<'py> {
    Logits((FloatArray<'py>, FloatArray<'py>, ExtentsArgument<'py>)),
    Beam((Indexed<'py>, Indexed<'py>, FloatArray<'py>, (usize, usize))),
}

/// Where the null answers are: nothing (position 0), a position for each feature, or a token id with
/// the `input_ids` column.
#[derive(FromPyObject)]
pub enum NullArgument<'py> {
    Token((i64, IntegerListColumn<'py>)),
    Given(IntegerArray<'py>),
}

/// Example index of each feature, by id; and, where ids repeat, the examples a dict would keep.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub fn match_ids<'py>(
    py: Python<'py>,
    example_ids: StringColumn<'py>,
    feature_ids: StringColumn<'py>,
) -> PyResult<(Bound<'py, PyArray1<u32>>, Option<Bound<'py, PyArray1<u32>>>)> {
    let (examples, features) = (example_ids.view()?, feature_ids.view()?);
    let matched = guard(py, || match_ids_core(&examples, &features))?;
    Ok((
        matched.example_of.into_pyarray(py),
        matched.distinct.map(|order| order.into_pyarray(py)),
    ))
}

/// Search all windows.
#[pyfunction]
#[pyo3(signature = (source, offsets, example_of, examples, params, *, null_position=None, max_context=None, contexts=None, ids=None, progress=None))]
#[allow(clippy::too_many_arguments)]
pub fn search(
    py: Python<'_>,
    source: SourceArgument<'_>,
    offsets: OffsetsColumn<'_>,
    example_of: PyReadonlyArray1<'_, u32>,
    examples: usize,
    params: ParamsArgument,
    null_position: Option<NullArgument<'_>>,
    max_context: Option<(usize, PyReadonlyArray1<'_, u8>, PyReadonlyArray1<'_, u8>)>,
    contexts: Option<StringColumn<'_>>,
    ids: Option<StringColumn<'_>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<NBestStore> {
    let example_of = slice(&example_of)?;
    let params = params.into_params()?;
    let windows = guard(py, || Windows::group(example_of, examples))?;
    let search = Search {
        params,
        windows,
        offsets: offsets.view()?,
        null_position: match &null_position {
            None => NullPosition::First,
            Some(NullArgument::Given(positions)) => NullPosition::Given(positions.view()?),
            Some(NullArgument::Token((token, chunks))) => {
                NullPosition::Token(*token, input_ids(chunks)?)
            }
        },
        max_context: match &max_context {
            None => None,
            Some((width, flags, restricted)) => Some(MaxContext {
                width: *width,
                flags: slice(flags)?,
                restricted: slice(restricted)?,
            }),
        },
        contexts: contexts.as_ref().map(StringColumn::view).transpose()?,
        ids: ids.as_ref().map(StringColumn::view).transpose()?,
    };
    match source {
        SourceArgument::Logits((start, end, rows)) => {
            let rows = rows.view()?;
            match (&start, &end) {
                (FloatArray::F32(start), FloatArray::F32(end)) => {
                    logits(py, &search, slice(start)?, slice(end)?, rows, progress)
                        .map(NBestStore::from)
                }
                (FloatArray::F64(start), FloatArray::F64(end)) => {
                    logits(py, &search, slice(start)?, slice(end)?, rows, progress)
                        .map(NBestStore::from)
                }
                (FloatArray::F16(start), FloatArray::F16(end)) => {
                    let (start, end) = (HalfBits(slice(start)?), HalfBits(slice(end)?));
                    logits(py, &search, start, end, rows, progress).map(NBestStore::from)
                }
                _ => Err(PyValueError::new_err(
                    "start and end logits have different dtypes",
                )),
            }
        }
        SourceArgument::Beam((
            (start, start_index),
            (end, end_index),
            cls,
            (start_n_top, end_n_top),
        )) => {
            let (start_index, end_index) = (slice(&start_index)?, slice(&end_index)?);
            match (&start, &end, &cls) {
                (FloatArray::F32(start), FloatArray::F32(end), FloatArray::F32(cls)) => {
                    let (start_log_probs, end_log_probs, cls_logits) =
                        (slice(start)?, slice(end)?, slice(cls)?);
                    let beam = Beam {
                        start_log_probs,
                        start_index,
                        end_log_probs,
                        end_index,
                        cls_logits,
                        start_n_top,
                        end_n_top,
                    };
                    guard(py, || beam.validate())?;
                    run(py, &search, &beam, progress).map(NBestStore::from)
                }
                _ => Err(PyValueError::new_err("beam-search outputs must be float32")),
            }
        }
    }
}

fn input_ids<'a>(
    chunks: &'a IntegerListColumn<'_>,
) -> PyResult<Vec<(usize, Extents<'a>, Integers<'a>)>> {
    let mut first = 0;
    chunks
        .iter()
        .map(|(rows, values)| {
            let rows = rows.view()?;
            let chunk = (first, rows, values.view()?);
            first += rows.count();
            Ok(chunk)
        })
        .collect()
}

fn logits<S: RowSource>(
    py: Python<'_>,
    search: &Search<'_>,
    start: S,
    end: S,
    rows: Extents<'_>,
    progress: Option<Py<PyAny>>,
) -> PyResult<NBest<S::Value>> {
    let logits = Logits { start, end, rows };
    guard(py, || logits.validate())?;
    run(py, search, &logits, progress)
}

/// Search, and between rounds of windows let Python handle Ctrl-C and show progress.
fn run<S: WindowSource>(
    py: Python<'_>,
    search: &Search<'_>,
    source: &S,
    progress: Option<Py<PyAny>>,
) -> PyResult<NBest<S::Value>> {
    let mut raised = None;
    let found = guard(py, || {
        search.run(source, &mut |windows| {
            Python::attach(|py| {
                let shown = progress
                    .as_ref()
                    .map_or(Ok(()), |show| show.call1(py, (windows,)).map(drop));
                shown.and_then(|()| py.check_signals())
            })
            .map_err(|error| {
                raised = Some(error);
                Error::value("stopped")
            })
        })
    });
    raised.map_or(found, Err)
}

/// Where [`Found`] gets its variants from.
impl<T> From<NBest<T>> for NBestStore
where
    Found: From<NBest<T>>,
{
    fn from(found: NBest<T>) -> Self {
        Self::new(found.into())
    }
}
