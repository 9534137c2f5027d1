//! The one way from Rust results to Python exceptions.
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

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

/// Run `work` without the interpreter. A panic becomes [`InternalError`], never `PanicException`,
/// which `except Exception` would miss.
pub fn guard<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    match py.detach(|| catch_unwind(AssertUnwindSafe(work))) {
        Ok(result) => result.map_err(to_pyerr),
        Err(panic) => Err(InternalError::new_err(format!(
            "internal error in fastqa, please report it: {}",
            panic_text(&*panic)
        ))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic without a message")
}
