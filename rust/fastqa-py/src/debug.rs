//! For the tests of the boundary alone: what no input should be able to do.
//!
//! It panics through the same calls as every entry point; nothing in `python/fastqa` calls it.
use fastqa_core::parallel::{Between, map_in_pool};
use pyo3::prelude::*;

use crate::calls::{guarded, interruptible};

/// Panic, on the calling thread or on one of the pool's.
#[pyfunction]
#[allow(clippy::panic)]
pub fn _debug_panic(py: Python<'_>, in_worker: bool) -> PyResult<()> {
    guarded(|| {
        if !in_worker {
            panic!("asked to panic");
        }
        let one = |(): &mut (), item: usize| {
            if item == 700 {
                panic!("asked to panic in a worker");
            }
            Ok(item)
        };
        let work = |between: Between<'_>| map_in_pool(1000, 2, between, || (), one);
        interruptible(py, None, work).map(drop)
    })
}
