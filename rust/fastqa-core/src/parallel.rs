//! A thread pool of our own that survives `fork()`.
//!
//! rayon's global pool hangs for ever in a forked child (its threads do not exist there) while a
//! batch of one still works, so smoke tests pass. Here the pool is kept with the process id that
//! made it: a child sees another id, leaks the dead pool (dropping it would join threads that are
//! not there) and builds its own. The cell is lock-free, so a fork in the middle of a call in
//! another thread cannot leave a locked lock behind.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Error;

/// Set by [`set_num_threads`]; 0 means "not set".
static REQUESTED: AtomicUsize = AtomicUsize::new(0);
static POOL: ArcSwapOption<Owned> = ArcSwapOption::const_empty();

struct Owned {
    process: u32,
    threads: usize,
    pool: ThreadPool,
}

/// Fix the number of threads for all later calls of this process; 0 goes back to the default.
pub fn set_num_threads(threads: usize) {
    REQUESTED.store(threads, Ordering::Relaxed);
}

/// The number of threads that the next call uses: [`set_num_threads`], else `FASTQA_NUM_THREADS`,
/// else `RAYON_NUM_THREADS`, else the cores this process may use shared among the processes that
/// `torchrun` started beside it (`LOCAL_WORLD_SIZE`).
pub fn num_threads() -> usize {
    let requested = REQUESTED.load(Ordering::Relaxed);
    if requested > 0 {
        return requested;
    }
    for name in ["FASTQA_NUM_THREADS", "RAYON_NUM_THREADS"] {
        if let Some(threads) = positive_integer(name) {
            return threads;
        }
    }
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    (cores / positive_integer("LOCAL_WORLD_SIZE").unwrap_or(1)).max(1)
}

fn positive_integer(variable: &str) -> Option<usize> {
    let number = std::env::var(variable).ok()?.trim().parse().ok()?;
    (number > 0).then_some(number)
}

/// Run `work` inside the pool; with one thread, or when no thread can be started, on the caller's.
/// Inside a worker of the pool it runs in place.
///
/// # Errors
/// [`Error::Memory`] when the pool's threads cannot be started.
pub fn with_pool<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    let threads = num_threads();
    let process = std::process::id();
    let current = POOL.load_full();
    let owned = match current {
        Some(owned) if owned.process == process && owned.threads == threads => owned,
        stale => {
            let pool = ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|index| format!("fastqa-{index}"))
                .build()
                .map_err(|error| {
                    Error::Memory(format!("cannot start {threads} threads: {error}"))
                })?;
            let fresh = Arc::new(Owned {
                process,
                threads,
                pool,
            });
            POOL.store(Some(Arc::clone(&fresh)));
            if let Some(dead) = stale.filter(|owned| owned.process != process) {
                std::mem::forget(dead);
            }
            fresh
        }
    };
    Ok(owned.pool.install(work))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn the_requested_number_of_threads_is_used() {
        set_num_threads(3);
        assert_eq!(num_threads(), 3);
        let seen = with_pool(rayon::current_num_threads);
        assert_eq!(seen, Ok(3));
        set_num_threads(0);
        let sum: Result<u64, Error> = with_pool(|| (0..1000_u64).into_par_iter().sum());
        assert_eq!(sum, Ok(499_500));
    }
}
