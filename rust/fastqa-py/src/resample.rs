//! Bootstrap sums, from Python.
use fastqa_core::resample;
use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::error::guard;

/// Sums of the columns of `values` over rows drawn with replacement, one row a resample.
#[pyfunction]
pub fn resample_sums<'py>(
    py: Python<'py>,
    values: PyReadonlyArray2<'py, f64>,
    resamples: usize,
    seed: u64,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let columns = values.shape().get(1).copied().unwrap_or(0);
    let slice = values.as_slice()?;
    let sums = guard(py, || {
        resample::resample_sums(slice, columns, resamples, seed)
    })?;
    sums.into_pyarray(py).reshape([resamples, columns])
}
