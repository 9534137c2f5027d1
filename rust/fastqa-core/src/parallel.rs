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
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Error;

/// More threads than any machine has cores for; a slip of the pen must not start a million.
pub const MOST_THREADS: usize = 1024;

/// How long the calling thread waits between two looks for Ctrl-C.
const PAUSE: Duration = Duration::from_millis(50);

/// Called now and then, on the thread that called, with the number of items done. An error stops the
/// work: it is here that Ctrl-C is heard.
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

/// Run `work` inside the pool; inside a worker of the pool it runs in place.
///
/// # Errors
/// [`Error::Memory`] when the pool's threads cannot be started.
pub fn with_pool<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    Ok(pool()?.pool.install(work))
}

/// The pool of this process. Everything that runs in parallel goes through here: outside of a pool
/// rayon would start its own, which no fork survives.
fn pool() -> Result<Arc<Owned>, Error> {
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
    Ok(owned)
}

/// `one(state, item)` of every item below `count`, in order, in the pool. The calling thread runs
/// `between` every [`PAUSE`] while it waits, and once at the end; its error stops the work after the
/// items that are under way. Fewer items than `smallest` are worked on in place.
///
/// # Errors
/// What `between` returned, or of the items that failed the first one's error, in order of items and
/// not of time; [`Error::Memory`] as [`with_pool`].
pub fn map_in_pool<S, T: Send>(
    count: usize,
    smallest: usize,
    between: Between<'_>,
    state: impl Fn() -> S + Sync + Send,
    one: impl Fn(&mut S, usize) -> Result<T, Error> + Sync + Send,
) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    if count < smallest.max(2) || rayon::current_thread_index().is_some() {
        let (mut state, mut last) = (state(), Instant::now());
        for item in 0..count {
            found.push(one(&mut state, item)?);
            if last.elapsed() >= PAUSE {
                between(item + 1)?;
                last = Instant::now();
            }
        }
    } else {
        let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
        let one = |state: &mut S, item: usize| {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::value("stopped"));
            }
            let found = one(state, item);
            done.fetch_add(1, Ordering::Relaxed);
            found
        };
        let work = || -> Vec<Result<T, Error>> {
            (0..count)
                .into_par_iter()
                .with_min_len(smallest / 8)
                .map_init(&state, &one)
                .collect()
        };
        let items = wait_for(&pool()?.pool, work, || {
            let told = between(done.load(Ordering::Relaxed));
            stop.fetch_or(told.is_err(), Ordering::Relaxed);
            told
        })?;
        found
            .try_reserve_exact(items.len())
            .map_err(|_| Error::Memory(format!("no memory for {count} results")))?;
        for item in items {
            found.push(item?);
        }
    }
    between(count)?;
    Ok(found)
}

/// The result of `work`, which runs in the pool while this thread waits and runs `between` every
/// [`PAUSE`] until it returns an error, which then is the result.
fn wait_for<T: Send>(
    pool: &ThreadPool,
    work: impl FnOnce() -> T + Send,
    mut between: impl FnMut() -> Result<(), Error>,
) -> Result<T, Error> {
    let (sender, receiver) = channel();
    // A panic of `work` drops the sender, and goes on here at the end of the scope.
    pool.in_place_scope(|scope| {
        scope.spawn(move |_| {
            let _ = sender.send(work());
        });
        let mut stopped = None;
        loop {
            match receiver.recv_timeout(PAUSE) {
                Ok(found) => return stopped.map_or(Ok(found), Err),
                Err(RecvTimeoutError::Timeout) if stopped.is_none() => stopped = between().err(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::value("the work broke off"));
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slowly(_: &mut (), item: usize) -> Result<usize, Error> {
        std::thread::sleep(Duration::from_millis(1));
        Ok(2 * item)
    }

    #[test]
    fn items_keep_their_order_in_the_pool_and_in_place() {
        let expected: Vec<usize> = (0..300).map(|item| 2 * item).collect();
        for smallest in [0, 1000] {
            let mut seen = Vec::new();
            let mut note = |done| {
                seen.push(done);
                Ok(())
            };
            let found = map_in_pool(300, smallest, &mut note, || (), slowly);
            assert_eq!(found.as_ref(), Ok(&expected));
            assert!(seen.is_sorted() && seen.last() == Some(&300) && seen.len() > 1);
        }
    }

    #[test]
    fn an_error_between_stops_the_work() {
        for smallest in [0, usize::MAX] {
            let begin = Instant::now();
            let mut stop = |_| Err(Error::value("enough"));
            let found = map_in_pool(100_000, smallest, &mut stop, || (), slowly);
            assert_eq!(found, Err(Error::value("enough")));
            assert!(begin.elapsed() < Duration::from_secs(20));
        }
    }

    #[test]
    fn the_first_error_in_order_of_items_is_reported() {
        let odd = |(): &mut (), item: usize| match item % 2 {
            0 => Ok(item),
            _ => Err(Error::value(format!("{item}"))),
        };
        for smallest in [0, usize::MAX] {
            let found = map_in_pool(10_000, smallest, &mut |_| Ok(()), || (), odd);
            assert_eq!(found, Err(Error::value("1")));
        }
    }

    #[test]
    fn a_panic_in_the_pool_arrives_at_the_caller() {
        let boom = |(): &mut (), item: usize| {
            assert!(item < 700, "boom");
            Ok(item)
        };
        let caught =
            std::panic::catch_unwind(|| map_in_pool(1000, 0, &mut |_| Ok(()), || (), boom));
        assert!(caught.is_err());
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
