//! Rows of dicts as columns. A comprehension over ten thousand rows costs more than their scores.
//!
//! Only exact dicts, lists and strings are read here, which run none of the caller's code; for
//! anything else the answer is None, and Python reads it the general way. One new reference a text.
use numpy::{IntoPyArray, PyArray1};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyList, PyString};

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

/// The texts by id, and the no-answer probabilities if the rows have them.
type PredictionColumns<'py> = (Bound<'py, PyDict>, Option<Bound<'py, PyArray1<f64>>>);

/// Columns of rows `{"id": str, "prediction_text": ...}`, perhaps with `"no_answer_probability":
/// float`, each id once; None when a row is anything else. Probabilities are rounded to float32, the
/// type of `evaluate`'s column; those that it cannot hold are for Python.
#[pyfunction]
pub fn prediction_columns<'py>(
    rows: &Bound<'py, PyList>,
) -> PyResult<Option<PredictionColumns<'py>>> {
    guarded(|| {
        let py = rows.py();
        let (id_name, text_name, probability_name) = (
            intern!(py, "id"),
            intern!(py, "prediction_text"),
            intern!(py, "no_answer_probability"),
        );
        let texts = PyDict::new(py);
        let mut probabilities: Option<Vec<f64>> = None;
        for (index, row) in rows.iter().enumerate() {
            let Ok(row) = row.cast_exact::<PyDict>() else {
                return Ok(None);
            };
            if index == 0 && row.contains(probability_name)? {
                probabilities = Some(Vec::with_capacity(rows.len()));
            }
            let (Some(id), Some(text)) = (row.get_item(id_name)?, row.get_item(text_name)?) else {
                return Ok(None);
            };
            if !id.is_exact_instance_of::<PyString>() {
                return Ok(None);
            }
            texts.set_item(id, text)?;
            let Some(probabilities) = &mut probabilities else {
                continue;
            };
            let Some(probability) = row.get_item(probability_name)? else {
                return Ok(None);
            };
            let rounded = match probability.cast_exact::<PyFloat>() {
                Ok(probability) => probability.value() as f32,
                Err(_) => return Ok(None),
            };
            if !rounded.is_finite() {
                return Ok(None);
            }
            probabilities.push(f64::from(rounded));
        }
        if texts.len() != rows.len() {
            return Ok(None);
        }
        Ok(Some((
            texts,
            probabilities.map(|column| column.into_pyarray(py)),
        )))
    })
}
