//! Bootstrap sums, from Python: a matrix in C order in, one row of sums a resample out.
//!
//! The array of results is allocated by the core, which refuses what does not fit.
use fastqa_core::resample;
use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::calls::{guarded, interruptible};

/// Sums of the columns of `values` over rows drawn with replacement, one row a resample.
#[pyfunction]
pub fn resample_sums<'py>(
    py: Python<'py>,
    values: PyReadonlyArray2<'py, f64>,
    resamples: usize,
    seed: u64,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    guarded(|| {
        let columns = values.shape().get(1).copied().unwrap_or(0);
        // Of an array in Fortran order it would be the columns, one after the other.
        if !values.is_c_contiguous() {
            return Err(PyValueError::new_err("values are not in C order"));
        }
        let slice = values.as_slice()?;
        let sums = interruptible(py, None, |between| {
            resample::resample_sums(slice, columns, resamples, seed, between)
        })?;
        sums.into_pyarray(py).reshape([resamples, columns])
    })
}
