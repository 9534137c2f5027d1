//! Entries of n-best lists as arrays and back: what is pickled and what a collector saves.
//!
//! Three floats and five numbers an entry, in the order of the lists, one pass each way. Readers check
//! that the arrays have whole entries; what the numbers say is for who restores them to check.
use fastqa_core::logit::Logit;
use fastqa_core::nbest::{Entry, Kind};
use numpy::{Element, IntoPyArray};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Put the entries into `arrays`: `logits`, three to an entry, and `places`, five to an entry.
pub fn save_entries<'a, T: Logit + Element>(
    py: Python<'_>,
    arrays: &Bound<'_, PyDict>,
    entries: impl Iterator<Item = &'a Entry<T>>,
) -> PyResult<()> {
    let (mut logits, mut places) = (Vec::new(), Vec::new());
    for entry in entries {
        logits.extend([entry.score, entry.start_logit, entry.end_logit]);
        places.extend([
            entry.feature,
            entry.start_token,
            entry.end_token,
            entry.start_char,
            entry.end_char,
        ]);
    }
    arrays.set_item("logits", logits.into_pyarray(py))?;
    arrays.set_item("places", places.into_pyarray(py))
}

/// What [`save_entries`] saved, every entry as a span.
pub fn read_entries<'a, T: Logit>(
    logits: &'a [T],
    places: &'a [u32],
) -> impl Iterator<Item = Entry<T>> + 'a {
    let rows = logits.chunks_exact(3).zip(places.chunks_exact(5));
    rows.filter_map(|pair| match pair {
        (
            &[score, start_logit, end_logit],
            &[feature, start_token, end_token, start_char, end_char],
        ) => Some(Entry {
            score,
            start_logit,
            end_logit,
            feature,
            start_token,
            end_token,
            start_char,
            end_char,
            kind: Kind::Span,
        }),
        _ => None,
    })
}

/// One array of a saved state.
pub fn field<'py, T>(state: &Bound<'py, PyDict>, name: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    let value = state.get_item(name)?.ok_or_else(|| damaged(name))?;
    value.extract().map_err(|_| damaged(name))
}

/// A part of a saved state is not as it was saved.
pub fn damaged(name: &str) -> PyErr {
    PyValueError::new_err(format!(
        "the saved state is damaged: {name:?} is missing or not as it was saved"
    ))
}
