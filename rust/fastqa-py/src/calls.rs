//! How an entry point runs: guarded against panics, without the interpreter, with an ear for Ctrl-C.
//!
//! Every function and method that Python can call wraps its whole body in [`guarded`]
//! (`tests/test_native_boundary.py` reads the sources and sees to it).
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwapOption;
use fastqa_core::Error;
use fastqa_core::parallel::{Between, set_worker};
use pyo3::prelude::*;

use crate::error::{InternalError, to_pyerr};

/// Where the last panic was.
static PLACE: ArcSwapOption<String> = ArcSwapOption::const_empty();

/// Run the body of an entry point. A panic anywhere in it, also in a worker thread, becomes
/// [`InternalError`], never `PanicException`, which `except Exception` would miss.
pub fn guarded<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let place = PLACE
            .load_full()
            .map_or_else(String::new, |place| format!(" ({place})"));
        Err(InternalError::new_err(format!(
            "internal error in fastqa {}, please report it with what you called: {}{place}",
            env!("CARGO_PKG_VERSION"),
            panic_text(&*panic)
        )))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic without a message")
}

/// Keep the place of a panic for the error's text instead of printing it; with `RUST_BACKTRACE` set
/// it is printed as well. This changes nothing outside of this library: each has hooks of its own.
pub fn keep_places_of_panics() {
    let print = take_hook();
    set_hook(Box::new(move |panic| {
        PLACE.store(panic.location().map(|place| Arc::new(place.to_string())));
        if std::env::var("RUST_BACKTRACE").is_ok_and(|wanted| wanted != "0") {
            print(panic);
        }
    }));
}

/// Run `work` without the interpreter: other Python threads go on, and the pool's threads never wait
/// for one that holds it.
pub fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    note_process(py);
    py.detach(work).map_err(to_pyerr)
}

/// [`detached`]; now and then Python handles Ctrl-C and shows progress.
pub fn interruptible<T: Send>(
    py: Python<'_>,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(Between<'_>) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let mut raised = None;
    let found = detached(py, || {
        work(&mut |done| {
            Python::attach(|py| {
                let shown = progress
                    .as_ref()
                    .map_or(Ok(()), |show| show.call1(py, (done,)).map(drop));
                shown.and_then(|()| py.check_signals())
            })
            .map_err(|error| {
                raised = Some(error);
                Error::value("stopped")
            })
        })
    });
    raised.map_or(found, Err)
}

/// Find out, once in each process, whether it is a worker of a pool or of a data loader, which share
/// the cores: `multiprocessing` calls these daemons.
pub fn note_process(py: Python<'_>) {
    static NOTED: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id();
    if NOTED.swap(process, Ordering::Relaxed) == process {
        return;
    }
    let is_worker = |module: &str| -> PyResult<bool> {
        let modules = py.import("sys")?.getattr("modules")?;
        let current = modules.get_item(module)?.call_method0("current_process")?;
        current.getattr("daemon")?.is_truthy()
    };
    // `datasets` uses a fork of `multiprocessing`. Where neither was imported, it is no worker.
    let names = ["multiprocessing.process", "multiprocess.process"];
    set_worker(names.iter().any(|name| is_worker(name).unwrap_or(false)));
}
