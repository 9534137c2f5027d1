//! `fastqa._rust.decode_windows`: spans of windows by probability, for the pipeline.
//!
//! Arguments to slices, `fastqa_core::decode` without the interpreter, arrays back. Copies only what
//! it returns.
use fastqa_core::columns::Extents;
use fastqa_core::decode::{DecodeParams, Decoded, Scoring, decode};
use fastqa_core::logit::{HalfBits, Logits, RowSource};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrays::{ExtentsArgument, slice};
use crate::calls::{guarded, interruptible};
use crate::source::{FloatArray, choose};

/// Where each window's spans begin, their first and last tokens and scores; null scores and
/// logarithms of the partition functions of the windows.
type DecodedArrays<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
);

/// The best spans of every window.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn decode_windows<'py>(
    py: Python<'py>,
    start: FloatArray<'py>,
    end: FloatArray<'py>,
    rows: ExtentsArgument<'py>,
    allowed: PyReadonlyArray1<'py, u8>,
    null_position: PyReadonlyArray1<'py, i64>,
    top_k: usize,
    max_answer_length: usize,
    scoring: &str,
) -> PyResult<DecodedArrays<'py>> {
    guarded(|| {
        let params = DecodeParams {
            top_k,
            max_answer_length,
            scoring: choose(
                "scoring",
                scoring,
                &[
                    ("logits", Scoring::Logits),
                    ("window_softmax", Scoring::WindowSoftmax),
                ],
            )?,
        };
        let rows = rows.view()?;
        let (allowed, null) = (slice(&allowed)?, slice(&null_position)?);
        let decoded = match (&start, &end) {
            (FloatArray::F32(start), FloatArray::F32(end)) => {
                run(py, slice(start)?, slice(end)?, rows, allowed, null, params)?
            }
            (FloatArray::F64(start), FloatArray::F64(end)) => {
                run(py, slice(start)?, slice(end)?, rows, allowed, null, params)?
            }
            (FloatArray::F16(start), FloatArray::F16(end)) => {
                let (start, end) = (HalfBits(slice(start)?), HalfBits(slice(end)?));
                run(py, start, end, rows, allowed, null, params)?
            }
            _ => {
                return Err(PyValueError::new_err(
                    "start and end logits have different dtypes",
                ));
            }
        };
        let mut begins = vec![0_i64];
        let mut total = 0_i64;
        for window in &decoded {
            total += window.spans.len() as i64;
            begins.push(total);
        }
        let spans = || decoded.iter().flat_map(|window| &window.spans);
        let column = |value: fn(&Decoded) -> f64| -> Bound<'py, PyArray1<f64>> {
            decoded
                .iter()
                .map(value)
                .collect::<Vec<_>>()
                .into_pyarray(py)
        };
        Ok((
            begins.into_pyarray(py),
            spans()
                .map(|span| span.start)
                .collect::<Vec<_>>()
                .into_pyarray(py),
            spans()
                .map(|span| span.end)
                .collect::<Vec<_>>()
                .into_pyarray(py),
            spans()
                .map(|span| span.score)
                .collect::<Vec<_>>()
                .into_pyarray(py),
            column(|window| window.null),
            column(|window| window.log_partition),
        ))
    })
}

fn run<S: RowSource + Send>(
    py: Python<'_>,
    start: S,
    end: S,
    rows: Extents<'_>,
    allowed: &[u8],
    null_position: &[i64],
    params: DecodeParams,
) -> PyResult<Vec<Decoded>> {
    let logits = Logits { start, end, rows };
    interruptible(py, None, |between| {
        decode(&logits, allowed, null_position, params, between)
    })
}
