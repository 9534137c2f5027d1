//! A result to arrays and back, for pickle and copy.
//!
//! O(entries) each way. What comes back is untrusted: lengths, list borders, kinds and places are
//! checked before a store is made of them, and anything else is a `ValueError`.
use fastqa_core::lists::NBest;
use fastqa_core::logit::Logit;
use fastqa_core::nbest::{Ascii, Entry, Kind, NO_ANSWER, Outcome};
use numpy::{Element, IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::slice;
use crate::calls::guarded;
use crate::nbest::{NBestStore, column};
use crate::saved::{damaged, field, read_entries, save_entries};
use crate::source::{FALLBACKS, FloatArray, choose};

/// Everything of a result as arrays, and how to read them.
pub fn state<'py, T: Logit + Element>(
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
                ascii: Ascii::default(),
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
