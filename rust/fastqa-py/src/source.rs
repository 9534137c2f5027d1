//! What a search is given from Python: parameters, candidates, columns.
//!
//! The types of the arrays are told apart once, here: a visitor gets one of the core's sources
//! (logits in four precisions, best logits, beams), and everything behind it is generic. Nothing is
//! copied but parameters.
use fastqa_core::beam::Beam;
use fastqa_core::collector::Collector;
use fastqa_core::columns::{Extents, Integers};
use fastqa_core::lists::NBest;
use fastqa_core::logit::{HalfBits, Logit, Logits, RowSource};
use fastqa_core::mapping::Windows;
use fastqa_core::params::{Candidates, Decision, Fallback, NanPolicy, NullAggregation, SpanParams};
use fastqa_core::positions::{MaxContext, NullPosition};
use fastqa_core::search::Search;
use fastqa_core::span::WindowSource;
use fastqa_core::top_logits::TopLogits;
use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrays::{
    ExtentsArgument, IntegerArray, IntegerListColumn, OffsetsColumn, StringColumn, slice,
};
use crate::calls::detached;
use crate::collector::Collectors;
use crate::nbest::Found;

/// What Python calls each stand-in for a missing answer.
pub const FALLBACKS: [(&str, Fallback); 3] = [
    ("empty", Fallback::EmptyWord),
    ("", Fallback::NoText),
    ("beam_search", Fallback::BeamSearch),
];

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
    pub fn into_params(self) -> PyResult<SpanParams> {
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
            fallback: choose("fallback", &self.fallback, &FALLBACKS)?,
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

/// The best logits of each window with their tokens.
type Top<'py> = (FloatArray<'py>, IntegerArray<'py>);

/// What the candidates come from: start logits, end logits and their rows; the five arrays of
/// `topk_logits` with their width; or the five arrays of a beam-search head with `start_n_top` and
/// `end_n_top`.
#[derive(FromPyObject)]
pub enum SourceArgument<'py> {
    Logits((FloatArray<'py>, FloatArray<'py>, ExtentsArgument<'py>)),
    Top((Top<'py>, Top<'py>, FloatArray<'py>, usize)),
    Beam((Indexed<'py>, Indexed<'py>, FloatArray<'py>, (usize, usize))),
}

/// Where the null answers are: nothing (position 0), a position for each feature, or a token id with
/// the `input_ids` column.
#[derive(FromPyObject)]
pub enum NullArgument<'py> {
    Token((i64, IntegerListColumn<'py>)),
    Given(IntegerArray<'py>),
}

/// Does something with a source of candidates, whatever its type.
pub trait Visitor {
    type Output;
    fn visit<S: WindowSource>(self, source: &S) -> PyResult<Self::Output>
    where
        S::Value: Precision;
}

/// The precisions that scores are computed in.
pub trait Precision: Logit {
    fn store(found: NBest<Self>) -> Found;
    fn collector(collectors: &mut Collectors) -> Option<&mut Collector<Self>>;
    fn collectors(collector: Collector<Self>) -> Collectors;
}

macro_rules! implement_precision {
    ($float:ty, $variant:ident) => {
        impl Precision for $float {
            fn store(found: NBest<Self>) -> Found {
                Found::$variant(found)
            }
            fn collector(collectors: &mut Collectors) -> Option<&mut Collector<Self>> {
                match collectors {
                    Collectors::$variant(collector) => Some(collector),
                    _ => None,
                }
            }
            fn collectors(collector: Collector<Self>) -> Collectors {
                Collectors::$variant(collector)
            }
        }
    };
}
implement_precision!(f32, F32);
implement_precision!(f64, F64);

impl SourceArgument<'_> {
    pub fn visit<V: Visitor>(
        &self,
        py: Python<'_>,
        params: &SpanParams,
        visitor: V,
    ) -> PyResult<V::Output> {
        match self {
            Self::Logits((start, end, rows)) => {
                let rows = rows.view()?;
                match (start, end) {
                    (FloatArray::F32(start), FloatArray::F32(end)) => {
                        logits(py, visitor, slice(start)?, slice(end)?, rows)
                    }
                    (FloatArray::F64(start), FloatArray::F64(end)) => {
                        logits(py, visitor, slice(start)?, slice(end)?, rows)
                    }
                    (FloatArray::F16(start), FloatArray::F16(end)) => {
                        let (start, end) = (HalfBits(slice(start)?), HalfBits(slice(end)?));
                        logits(py, visitor, start, end, rows)
                    }
                    _ => Err(different_dtypes()),
                }
            }
            Self::Top(((start, start_tokens), (end, end_tokens), null, n)) => {
                let tokens = (start_tokens.view()?, end_tokens.view()?);
                match (start, end, null) {
                    (FloatArray::F32(start), FloatArray::F32(end), FloatArray::F32(null)) => {
                        let arrays = (slice(start)?, slice(end)?, slice(null)?);
                        top(py, params, visitor, arrays, tokens, *n)
                    }
                    (FloatArray::F64(start), FloatArray::F64(end), FloatArray::F64(null)) => {
                        let arrays = (slice(start)?, slice(end)?, slice(null)?);
                        top(py, params, visitor, arrays, tokens, *n)
                    }
                    _ => Err(different_dtypes()),
                }
            }
            Self::Beam(((start, start_index), (end, end_index), cls, (start_n_top, end_n_top))) => {
                match (start, end, cls) {
                    (FloatArray::F32(start), FloatArray::F32(end), FloatArray::F32(cls)) => {
                        let beam = Beam {
                            start_log_probs: slice(start)?,
                            start_index: slice(start_index)?,
                            end_log_probs: slice(end)?,
                            end_index: slice(end_index)?,
                            cls_logits: slice(cls)?,
                            start_n_top: *start_n_top,
                            end_n_top: *end_n_top,
                        };
                        detached(py, || beam.validate())?;
                        visitor.visit(&beam)
                    }
                    _ => Err(PyValueError::new_err("beam-search outputs must be float32")),
                }
            }
        }
    }
}

fn different_dtypes() -> PyErr {
    PyValueError::new_err("start and end logits have different dtypes")
}

fn logits<V: Visitor, S: RowSource>(
    py: Python<'_>,
    visitor: V,
    start: S,
    end: S,
    rows: Extents<'_>,
) -> PyResult<V::Output>
where
    S::Value: Precision,
{
    let logits = Logits { start, end, rows };
    detached(py, || logits.validate())?;
    visitor.visit(&logits)
}

fn top<V: Visitor, T: Precision>(
    py: Python<'_>,
    params: &SpanParams,
    visitor: V,
    (start, end, null): (&[T], &[T], &[T]),
    (start_tokens, end_tokens): (Integers<'_>, Integers<'_>),
    n: usize,
) -> PyResult<V::Output> {
    let top = TopLogits {
        start,
        start_tokens,
        end,
        end_tokens,
        null,
        n,
    };
    detached(py, || top.validate(params))?;
    visitor.visit(&top)
}

/// `token_is_max_context`: width, flags, and which features have any.
pub type MaxContextArgument<'py> = (usize, PyReadonlyArray1<'py, u8>, PyReadonlyArray1<'py, u8>);

/// The columns that a search reads.
pub struct SearchColumns<'py> {
    pub offsets: OffsetsColumn<'py>,
    pub null_position: Option<NullArgument<'py>>,
    pub max_context: Option<MaxContextArgument<'py>>,
    pub contexts: Option<StringColumn<'py>>,
    pub ids: Option<StringColumn<'py>>,
}

impl SearchColumns<'_> {
    pub fn view(&self, params: SpanParams, windows: Windows) -> PyResult<Search<'_>> {
        Ok(Search {
            params,
            windows,
            offsets: self.offsets.view()?,
            null_position: match &self.null_position {
                None => NullPosition::First,
                Some(NullArgument::Given(positions)) => NullPosition::Given(positions.view()?),
                Some(NullArgument::Token((token, chunks))) => {
                    NullPosition::Token(*token, input_ids(chunks)?)
                }
            },
            max_context: match &self.max_context {
                None => None,
                Some((width, flags, restricted)) => Some(MaxContext {
                    width: *width,
                    flags: slice(flags)?,
                    restricted: slice(restricted)?,
                }),
            },
            contexts: self.contexts.as_ref().map(StringColumn::view).transpose()?,
            ids: self.ids.as_ref().map(StringColumn::view).transpose()?,
        })
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
