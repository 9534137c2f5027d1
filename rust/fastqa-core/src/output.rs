//! A file that appears whole or not at all, made by many threads in order.
//!
//! Parts are numbered, and whoever makes one takes the next number, so that parts that are made at
//! the same time stand beside each other in the file. A finished part is left to the thread that is
//! writing, if one is: nobody waits for the disk but one thread, and buffers are used again. (Made
//! first and written afterwards, the 50 MB of SQuAD dev's lists were page faults for 50 MB and one
//! thread's work for the write.)
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Error;

/// The parts of one file.
pub struct InOrder<'p> {
    path: &'p Path,
    /// The number of the next part to be made.
    made: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    /// `None`: a thread is writing, or nothing more is to be written.
    file: Option<fs::File>,
    /// The number of the next part to be written.
    written: usize,
    /// Parts that wait for those before them.
    waiting: BTreeMap<usize, Vec<u8>>,
    /// Buffers of parts that were written.
    spare: Vec<Vec<u8>>,
    /// The first error in order of parts.
    failed: Option<(usize, Error)>,
}

impl<'p> InOrder<'p> {
    /// Nothing is written yet.
    pub fn new(file: fs::File, path: &'p Path) -> Self {
        Self {
            path,
            made: AtomicUsize::new(0),
            state: Mutex::new(State {
                file: Some(file),
                written: 0,
                waiting: BTreeMap::new(),
                spare: Vec::new(),
                failed: None,
            }),
        }
    }

    /// Make the next part with `make`, which is given its number and an empty buffer. Errors are told
    /// at the end.
    pub fn next(&self, make: impl FnOnce(usize, &mut Vec<u8>) -> Result<(), Error>) {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let mut part = self.state().spare.pop().unwrap_or_default();
        let made = make(number, &mut part);
        let mut state = self.state();
        if let Err(error) = made {
            state.fail(number, error);
        }
        state.waiting.insert(number, part);
        let Some(mut file) = state.file.take() else {
            // Whoever is writing comes to this part when its turn has come.
            return;
        };
        loop {
            let next = state.written;
            let Some(mut part) = state.waiting.remove(&next) else {
                break;
            };
            drop(state);
            let written = file.write_all(&part);
            part.clear();
            state = self.state();
            state.spare.push(part);
            state.written += 1;
            if let Err(error) = written {
                state.fail(next, cannot_write(self.path)(error));
                // Without the file nobody writes on.
                return;
            }
        }
        state.file = Some(file);
    }

    /// Put `last` behind all parts.
    ///
    /// # Errors
    /// The first part's that failed; [`Error::Io`].
    pub fn end(self, last: &[u8]) -> Result<(), Error> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, error)) = state.failed {
            return Err(error);
        }
        state
            .file
            .ok_or_else(|| Error::value("the file was given up"))?
            .write_all(last)
            .map_err(cannot_write(self.path))
    }

    /// No panic happens while this is held; one in `make` leaves it as it was.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fail(&mut self, number: usize, error: Error) {
        if self
            .failed
            .as_ref()
            .is_none_or(|(first, _)| number < *first)
        {
            self.failed = Some((number, error));
        }
    }
}

fn cannot_write(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::Io(format!("cannot write {}: {error}", path.display()))
}

/// Write `path` with `fill` so that a reader sees the old file or the whole new one, also when the
/// process is killed. A link stays one, and an older file's permissions are kept; devices and pipes
/// are written to directly. (Not synced to disk: that takes longer than everything else together.)
///
/// # Errors
/// What `fill` returned; [`Error::Io`] with the path.
pub fn write_whole(
    path: &Path,
    fill: impl FnOnce(fs::File) -> Result<(), Error>,
) -> Result<(), Error> {
    // Threads of one process may write one file: each has a number of its own.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(&real).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        let file = fs::OpenOptions::new().write(true).open(&real);
        return fill(file.map_err(cannot_write(path))?);
    }
    // Names of up to 255 bytes are legal: the temporary one must not be longer.
    let name: String = real
        .file_name()
        .map(|name| name.to_string_lossy().chars().take(40).collect())
        .unwrap_or_default();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let temporary = real.with_file_name(format!(".{name}.{}.{number}.tmp", std::process::id()));
    let file = fs::File::create(&temporary).map_err(cannot_write(path))?;
    let written = fill(file).and_then(|()| {
        old.map_or(Ok(()), |old| {
            fs::set_permissions(&temporary, old.permissions())
        })
        .and_then(|()| fs::rename(&temporary, &real))
        .map_err(cannot_write(path))
    });
    written.inspect_err(|_| {
        // Nothing half-written stays behind; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::map_in_pool;

    fn written(
        parts: usize,
        make: impl Fn(usize) -> Result<String, Error> + Sync,
    ) -> (Result<(), Error>, Option<String>) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let folder = std::env::temp_dir().join(format!(
            "fastqa-output-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        ));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("file");
        let done = write_whole(&path, |file| {
            let file = InOrder::new(file, &path);
            let part = |number: usize, out: &mut Vec<u8>| {
                assert!(out.is_empty());
                out.extend_from_slice(make(number)?.as_bytes());
                Ok(())
            };
            let one = |(): &mut (), _| {
                file.next(part);
                Ok(())
            };
            map_in_pool(parts, 2, &mut |_| Ok(()), || (), one)?;
            file.end(b"end")
        });
        let text = fs::read_to_string(&path).ok();
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            usize::from(text.is_some())
        );
        fs::remove_dir_all(&folder).unwrap();
        (done, text)
    }

    #[test]
    fn parts_stand_in_order_however_long_each_took() {
        for parts in [0, 1, 2, 300] {
            let (done, text) = written(parts, |number| {
                std::thread::sleep(std::time::Duration::from_micros((number % 7) as u64 * 50));
                Ok(format!("{number} "))
            });
            let expected: String = (0..parts).map(|number| format!("{number} ")).collect();
            assert_eq!((done, text), (Ok(()), Some(expected + "end")));
        }
    }

    #[test]
    fn of_parts_that_fail_the_first_one_is_told_and_no_file_stays() {
        let (done, text) = written(100, |number| match number {
            60 | 30 => Err(Error::value(format!("part {number}"))),
            _ => Ok(String::from("x")),
        });
        assert_eq!((done, text), (Err(Error::value("part 30")), None));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let path = Path::new("/no/such/folder/file");
        let done = write_whole(path, |_| Ok(()));
        assert!(matches!(done, Err(Error::Io(text)) if text.contains("/no/such/folder/file")));
    }
}
