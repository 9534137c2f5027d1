//! Thread count, from Python. The pool itself is `fastqa_core::parallel`; nothing is built here.
use fastqa_core::parallel::{self, MOST_THREADS};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::calls::{guarded, note_process};

/// The number of threads that the next call uses.
#[pyfunction]
pub fn num_threads(py: Python<'_>) -> PyResult<usize> {
    guarded(|| {
        note_process(py);
        Ok(parallel::num_threads())
    })
}

/// Fix the number of threads; 0 goes back to the default.
#[pyfunction]
pub fn set_num_threads(threads: i64) -> PyResult<()> {
    guarded(|| {
        let wanted = usize::try_from(threads).ok();
        let wanted = wanted.filter(|&threads| threads <= MOST_THREADS);
        let wanted = wanted.ok_or_else(|| {
            PyValueError::new_err(format!(
                "threads is {threads}; expected 0 (the default: as many as there are cores) to \
                 {MOST_THREADS}"
            ))
        })?;
        parallel::set_num_threads(wanted);
        Ok(())
    })
}
