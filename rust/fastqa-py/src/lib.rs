//! `fastqa._rust`: parses arguments, leaves the interpreter, calls `fastqa-core`, maps errors.
//! Registration only; one file per stage.
//!
//! Invariants of every file here: no rule of question answering is decided, no `unsafe`, every entry
//! point runs inside of `calls::guarded`.
#![deny(unsafe_code)]

mod arrays;
mod calls;
mod collector;
mod debug;
mod decode;
mod error;
mod features;
mod nbest;
mod pickled;
mod resample;
mod rows;
mod saved;
mod score;
mod search;
mod source;
mod text;
mod threads;

/// Private extension module of the Python package `fastqa`.
#[pyo3::pymodule(gil_used = false)]
mod _rust {
    use fastqa_core::styles::NAMES;
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_export]
    use crate::arrays::flatten_offsets;
    #[pymodule_export]
    use crate::collector::CollectorStore;
    #[pymodule_export]
    use crate::debug::_debug_panic;
    #[pymodule_export]
    use crate::decode::decode_windows;
    #[pymodule_export]
    use crate::error::InternalError;
    #[pymodule_export]
    use crate::features::{assemble_windows, label_windows};
    #[pymodule_export]
    use crate::nbest::{NBestStore, decode_strings};
    #[pymodule_export]
    use crate::pickled::restore_nbest;
    #[pymodule_export]
    use crate::resample::resample_sums;
    #[pymodule_export]
    use crate::rows::{gold_columns, prediction_columns};
    #[pymodule_export]
    use crate::score::{normalize_answers, score_answers};
    #[pymodule_export]
    use crate::search::{IdIndex, match_ids, search};
    #[pymodule_export]
    use crate::threads::{num_threads, set_num_threads};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::calls::keep_places_of_panics();
        crate::arrays::look_up_numpy(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("STYLES", PyTuple::new(module.py(), NAMES)?)?;
        // The benchmarks refuse to time a build without optimisation.
        module.add(
            "build_profile",
            if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
        )
    }
}
