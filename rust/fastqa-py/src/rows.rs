//! Rows of dicts as columns. A comprehension over ten thousand rows costs more than their scores.
//!
//! Only exact dicts, lists and strings are read here, which run none of the caller's code; for
//! anything else the answer is None, and Python reads it the general way. One new reference a text.
use numpy::{IntoPyArray, PyArray1};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::calls::guarded;

/// Ids, the flat list of gold texts, and where the texts of each row start (and a last entry).
type GoldColumns<'py> = (
    Bound<'py, PyList>,
    Bound<'py, PyList>,
    Bound<'py, PyArray1<i64>>,
);

/// Columns of rows `{"id": str, "answers": {"text": [str, ...]}}`; None when a row is anything else,
/// which is then for Python to read or to refuse.
#[pyfunction]
pub fn gold_columns<'py>(rows: &Bound<'py, PyList>) -> PyResult<Option<GoldColumns<'py>>> {
    guarded(|| {
        let py = rows.py();
        let (id_name, answers_name, text_name) = (
            intern!(py, "id"),
            intern!(py, "answers"),
            intern!(py, "text"),
        );
        let (ids, golds) = (PyList::empty(py), PyList::empty(py));
        let mut offsets = Vec::with_capacity(rows.len() + 1);
        offsets.push(0);
        let mut total: i64 = 0;
        for row in rows {
            let Ok(row) = row.cast_exact::<PyDict>() else {
                return Ok(None);
            };
            let (Some(id), Some(answers)) = (row.get_item(id_name)?, row.get_item(answers_name)?)
            else {
                return Ok(None);
            };
            let Ok(answers) = answers.cast_exact::<PyDict>() else {
                return Ok(None);
            };
            let Some(texts) = answers.get_item(text_name)? else {
                return Ok(None);
            };
            let Ok(texts) = texts.cast_exact::<PyList>() else {
                return Ok(None);
            };
            if !id.is_exact_instance_of::<PyString>() {
                return Ok(None);
            }
            ids.append(id)?;
            for text in texts {
                golds.append(text)?;
                total += 1;
            }
            offsets.push(total);
        }
        Ok(Some((ids, golds, offsets.into_pyarray(py))))
    })
}
