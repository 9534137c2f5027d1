//! A thread pool of our own that survives `fork()`.
//!
//! rayon's global pool hangs for ever in a forked child (its threads do not exist there) while a
//! batch of one still works, so smoke tests pass. Here the pool is kept with the process id that
//! made it: a child sees another id, leaks the dead pool (dropping it would join threads that are
//! not there) and builds its own. The cell is lock-free, so a fork in the middle of a call in
//! another thread cannot leave a locked lock behind. A call that finds its pool costs one atomic
//! load and handing the work over; a pool is built at the first call and when the number of
//! threads changes.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Error;

/// More threads than any machine has cores for; a slip of the pen must not start a million.
pub const MOST_THREADS: usize = 1024;

/// Called between rounds, on the thread that called, with the number of items done. An error stops
/// the work: it is here that Ctrl-C is heard.
pub type Between<'a> = &'a mut dyn FnMut(usize) -> Result<(), Error>;

/// Set by [`set_num_threads`]; 0 means "not set".
static REQUESTED: AtomicUsize = AtomicUsize::new(0);
/// Set by [`set_worker`].
static WORKER: AtomicBool = AtomicBool::new(false);
static POOL: ArcSwapOption<Owned> = ArcSwapOption::const_empty();

struct Owned {
    process: u32,
    threads: usize,
    pool: ThreadPool,
}

/// Fix the number of threads for all later calls of this process; 0 goes back to the default, and
/// more than [`MOST_THREADS`] count as so many.
pub fn set_num_threads(threads: usize) {
    REQUESTED.store(threads.min(MOST_THREADS), Ordering::Relaxed);
}

/// Say whether this process is one of several workers (of a data loader or a pool of processes) that
/// share the cores: its default is then one thread.
pub fn set_worker(worker: bool) {
    WORKER.store(worker, Ordering::Relaxed);
}

/// The number of threads that the next call uses: [`set_num_threads`], else `FASTQA_NUM_THREADS`,
/// else `RAYON_NUM_THREADS`, else one in a worker process ([`set_worker`]), else the cores this
/// process may use shared among the processes that `torchrun` started beside it
/// (`LOCAL_WORLD_SIZE`).
pub fn num_threads() -> usize {
    let requested = REQUESTED.load(Ordering::Relaxed);
    if requested > 0 {
        return requested;
    }
    for name in ["FASTQA_NUM_THREADS", "RAYON_NUM_THREADS"] {
        if let Some(threads) = positive_integer(name) {
            return threads.min(MOST_THREADS);
        }
    }
    if WORKER.load(Ordering::Relaxed) {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    (cores / positive_integer("LOCAL_WORLD_SIZE").unwrap_or(1)).max(1)
}

fn positive_integer(variable: &str) -> Option<usize> {
    let number = std::env::var(variable).ok()?.trim().parse().ok()?;
    (number > 0).then_some(number)
}

/// Run `work` inside the pool; inside a worker of the pool it runs in place. The only place where
/// rayon is entered: outside of a pool it would start its own, which no fork survives.
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
                    Error::Memory(format!(
                        "cannot start {threads} threads: {error}; ask for fewer with \
                         fastqa.set_num_threads or FASTQA_NUM_THREADS"
                    ))
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

/// `one(state, item)` of every item below `count`, in order, in the pool; at most `round` items at
/// a time, and then `between`. A single item is worked on in place.
///
/// # Errors
/// Of the items that failed the first one's error, in order of items and not of time; what
/// `between` returned; [`Error::Memory`] as [`with_pool`].
pub fn map_in_rounds<S, T: Send>(
    count: usize,
    round: usize,
    between: Between<'_>,
    state: impl Fn() -> S + Sync + Send,
    one: impl Fn(&mut S, usize) -> Result<T, Error> + Sync + Send,
) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    let mut first = 0;
    while first < count {
        let end = count.min(first.saturating_add(round.max(1)));
        let items: Vec<Result<T, Error>> = if end - first < 2 {
            let mut state = state();
            (first..end).map(|item| one(&mut state, item)).collect()
        } else {
            with_pool(|| {
                (first..end)
                    .into_par_iter()
                    .map_init(&state, &one)
                    .collect()
            })?
        };
        for item in items {
            found.push(item?);
        }
        first = end;
        between(first)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_keep_the_order_and_stop_where_they_are_told_to() {
        let double = |(): &mut (), item: usize| Ok(2 * item);
        let mut seen = Vec::new();
        let mut note = |done| {
            seen.push(done);
            Ok(())
        };
        let all = map_in_rounds(10, 4, &mut note, || (), double);
        assert_eq!(all, Ok((0..10).map(|item| 2 * item).collect()));
        assert_eq!(seen, [4, 8, 10]);
        let stop = || Error::value("stopped");
        let mut after_four = |done| if done < 8 { Ok(()) } else { Err(stop()) };
        assert_eq!(
            map_in_rounds(100, 4, &mut after_four, || (), double),
            Err(stop())
        );
        let odd = |(): &mut (), item: usize| match item % 2 {
            0 => Ok(item),
            _ => Err(Error::value(format!("{item}"))),
        };
        assert_eq!(
            map_in_rounds(1000, 500, &mut |_| Ok(()), || (), odd),
            Err(Error::value("1"))
        );
    }

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
