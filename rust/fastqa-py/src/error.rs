//! The one way from Rust results to Python exceptions.
//!
//! The core's errors carry their whole text; here they only get a type. `InternalError` is for bugs
//! of ours and is raised by `calls::guarded` alone.
use fastqa_core::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyKeyError, PyMemoryError, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

create_exception!(
    fastqa,
    InternalError,
    PyRuntimeError,
    "A bug in fastqa itself: please report it with the message."
);

/// Which Python exception a core error becomes.
pub fn to_pyerr(error: Error) -> PyErr {
    match error {
        Error::Value(text) => PyValueError::new_err(text),
        Error::Key(text) => PyKeyError::new_err(text),
        Error::Memory(text) => PyMemoryError::new_err(text),
        Error::Io(text) => PyOSError::new_err(text),
    }
}
