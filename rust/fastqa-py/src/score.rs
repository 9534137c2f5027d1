//! Normalisation and per-question scores, from Python.
//!
//! Texts are borrowed from the Python strings (`text.rs`) and scored without the interpreter; fewer
//! than 512 stay on the calling thread. Unicode tables are asked for only if a text is not ASCII.
use fastqa_core::normalize::Normalized;
use fastqa_core::parallel::map_in_pool;
use fastqa_core::score::{self, Questions};
use fastqa_core::styles::Style;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrays::slice;
use crate::calls::{guarded, interruptible};
use crate::error::to_pyerr;
use crate::text::{Strings, Texts, tables};

/// Exact match, F1 and index of the best gold answer, one entry a question.
type Columns<'py> = (
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<i64>>,
);

/// Fewer texts than this are not worth the pool.
const SMALLEST: usize = 512;

/// Normalise each text as `style` does before comparing.
#[pyfunction]
#[pyo3(signature = (texts, style="squad1", language=None))]
pub fn normalize_answers(
    py: Python<'_>,
    mut texts: Texts<'_>,
    style: &str,
    language: Option<&str>,
) -> PyResult<Vec<String>> {
    guarded(|| {
        let style = Style::parse(style, language).map_err(to_pyerr)?;
        let (views, not_ascii) = texts.views()?;
        let tables = tables(
            py,
            not_ascii
                .iter()
                .filter_map(|&text| views.get(text).copied()),
        )?;
        interruptible(py, None, |between| {
            let one = |into: &mut Normalized, text: usize| {
                style.normalize(views.get(text).copied().unwrap_or_default(), &tables, into);
                Ok(into.to_text())
            };
            map_in_pool(views.len(), SMALLEST, between, Normalized::default, one)
        })
    })
}

/// Score predictions against gold answers; a missing prediction is `None` and gives NaN, NaN, -1.
#[pyfunction]
#[pyo3(signature = (predictions, golds, offsets, style="squad1", language=None))]
pub fn score_answers<'py>(
    py: Python<'py>,
    mut predictions: Strings<'py>,
    mut golds: Texts<'py>,
    offsets: PyReadonlyArray1<'py, i64>,
    style: &str,
    language: Option<&str>,
) -> PyResult<Columns<'py>> {
    guarded(|| {
        let style = Style::parse(style, language).map_err(to_pyerr)?;
        let offsets: Option<Vec<usize>> = slice(&offsets)?
            .iter()
            .map(|&offset| usize::try_from(offset).ok())
            .collect();
        let offsets =
            offsets.ok_or_else(|| PyValueError::new_err("offsets must not be negative"))?;
        let (predictions, hard_predictions) = predictions.views(Some(None))?;
        let (golds, hard_golds) = golds.views()?;
        let hard = hard_predictions
            .iter()
            .filter_map(|&text| predictions.get(text).copied().flatten())
            .chain(
                hard_golds
                    .iter()
                    .filter_map(|&text| golds.get(text).copied()),
            );
        let tables = tables(py, hard)?;
        let scores = interruptible(py, None, |between| {
            let questions = Questions {
                predictions: &predictions,
                golds: &golds,
                offsets: &offsets,
            };
            score::score(questions, style, &tables, between)
        })?;
        Ok((
            scores
                .iter()
                .map(|score| score.exact)
                .collect::<Vec<_>>()
                .into_pyarray(py),
            scores
                .iter()
                .map(|score| score.f1)
                .collect::<Vec<_>>()
                .into_pyarray(py),
            scores
                .iter()
                .map(|score| score.gold)
                .collect::<Vec<_>>()
                .into_pyarray(py),
        ))
    })
}
