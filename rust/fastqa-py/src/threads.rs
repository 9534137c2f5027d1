//! Thread count, from Python.
use fastqa_core::parallel;
use pyo3::prelude::*;

/// The number of threads that the next call uses.
#[pyfunction]
pub fn num_threads() -> usize {
    parallel::num_threads()
}

/// Fix the number of threads; 0 goes back to the default.
#[pyfunction]
pub fn set_num_threads(threads: usize) {
    parallel::set_num_threads(threads);
}
