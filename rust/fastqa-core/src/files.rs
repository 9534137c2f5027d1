//! `predictions.json`, `nbest_predictions.json`, `null_odds.json`, as `utils_qa` writes them:
//! `json.dumps(..., indent=4)` and a newline.
//!
//! The text is made in parallel, in memory, and appears under its name only when it is complete:
//! it is written to a temporary file beside it which is then renamed. Memory is that of the text:
//! about that of the file. Examples stand in the order of their ids' first appearance, as in a
//! Python dict.
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;
use crate::columns::Strings;
use crate::json::{push_float, push_string};
use crate::lists::NBest;
use crate::logit::Logit;
use crate::nbest::{Entry, Kind, probabilities};
use crate::parallel::{Between, map_in_pool};

/// Examples to a task.
const PART: usize = 256;

/// What is written besides the lists.
pub struct Writer<'a> {
    /// Id of each example, as JSON key.
    pub ids: Strings<'a>,
    /// Context of each example.
    pub contexts: Strings<'a>,
    /// The examples that are written, in order: where ids repeat, a dict keeps the first place and
    /// the last value.
    pub order: Option<&'a [u32]>,
    /// Names of the two logits in the n-best file.
    pub logit_names: [&'a str; 2],
}

/// What a file holds of each example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The predicted text.
    Predictions,
    /// The list.
    NBest,
    /// The score difference.
    ScoreDifference,
    /// The null score.
    NullScore,
}

impl Writer<'_> {
    /// Write one file.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written; what [`NBest::text`] says; what `between`
    /// returned.
    pub fn write<T: Logit>(
        &self,
        found: &NBest<T>,
        content: Content,
        path: &Path,
        between: Between<'_>,
    ) -> Result<(), Error> {
        let examples: Vec<usize> = match self.order {
            None => (0..found.outcomes.len()).collect(),
            Some(order) => order.iter().map(|&example| example as usize).collect(),
        };
        let parts: Vec<_> = examples.chunks(PART).collect();
        let part = |(): &mut (), part: usize| -> Result<Vec<u8>, Error> {
            let mut out = Vec::new();
            for &example in parts.get(part).copied().unwrap_or_default() {
                out.extend_from_slice(b",\n    ");
                push_string(&mut out, self.ids.get(example)?);
                out.extend_from_slice(b": ");
                self.value(found, content, example, &mut out)?;
            }
            Ok(out)
        };
        let parts = map_in_pool(parts.len(), 2, between, || (), part)?;
        // The parts go to the file as they are: joining them would copy 50 MB and more. The first
        // element has no comma before it.
        let mut pieces: Vec<&[u8]> = vec![b"{"];
        pieces.extend(
            parts
                .iter()
                .enumerate()
                .map(|(place, part)| part.get(usize::from(place == 0)..).unwrap_or_default()),
        );
        pieces.push(if examples.is_empty() {
            b"}\n"
        } else {
            b"\n}\n"
        });
        write_whole(path, &pieces)
    }

    fn value<T: Logit>(
        &self,
        found: &NBest<T>,
        content: Content,
        example: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match content {
            Content::Predictions => {
                let text = found
                    .predicted(example)
                    .map(|entry| found.text(example, entry, &self.contexts));
                push_string(out, text.transpose()?.unwrap_or_default());
            }
            Content::ScoreDifference => {
                push_float(
                    out,
                    found
                        .outcomes
                        .get(example)
                        .map_or(0.0, |outcome| outcome.score_difference.to_f64()),
                );
            }
            Content::NullScore => push_float(out, found.null_score(example)),
            Content::NBest => {
                let list = found.list(example);
                let mut chances = Vec::with_capacity(list.len());
                probabilities(list, &mut chances);
                let mut logits = Repeated::default();
                out.push(b'[');
                for (place, (entry, &probability)) in list.iter().zip(&chances).enumerate() {
                    out.extend_from_slice(if place == 0 {
                        b"\n        {"
                    } else {
                        b",\n        {"
                    });
                    self.entry(
                        found.text(example, entry, &self.contexts)?,
                        entry,
                        probability,
                        &mut logits,
                        out,
                    );
                    out.extend_from_slice(b"\n        }");
                }
                out.extend_from_slice(if list.is_empty() { b"]" } else { b"\n    ]" });
            }
        }
        Ok(())
    }

    fn entry<T: Logit>(
        &self,
        text: &str,
        entry: &Entry<T>,
        probability: f64,
        logits: &mut Repeated,
        out: &mut Vec<u8>,
    ) {
        // The reference makes the stand-in entry with its text first, the others with it last. That
        // entry's logits keep their plain names in the beam-search file too.
        let text_first = entry.kind == Kind::Fallback;
        let [start_name, end_name] = if text_first {
            ["start_logit", "end_logit"]
        } else {
            self.logit_names
        };
        if text_first {
            out.extend_from_slice(b"\n            \"text\": ");
            push_string(out, text);
            out.push(b',');
        }
        out.extend_from_slice(b"\n            ");
        push_string(out, start_name);
        out.extend_from_slice(b": ");
        let [start, end] = [entry.start_logit, entry.end_logit].map(|logit| {
            let logit = logit.to_f64();
            // -1e-6 is a Python float there, and does not pass through float32.
            if text_first && logit != 0.0 {
                -1e-6
            } else {
                logit
            }
        });
        logits.push(out, start);
        out.extend_from_slice(b",\n            ");
        push_string(out, end_name);
        out.extend_from_slice(b": ");
        logits.push(out, end);
        if !text_first {
            out.extend_from_slice(b",\n            \"text\": ");
            push_string(out, text);
        }
        out.extend_from_slice(b",\n            \"probability\": ");
        push_float(out, probability);
    }
}

/// Numbers that come again and again: the entries of a list share few starts and ends, and copying
/// digits is ten times cheaper than making them.
#[derive(Default)]
struct Repeated {
    /// The bits of a number, and where its digits are.
    written: Vec<(u64, Range<usize>)>,
}

impl Repeated {
    /// Append `value`; `out` is the same as in the calls before.
    fn push(&mut self, out: &mut Vec<u8>, value: f64) {
        let bits = value.to_bits();
        if let Some((_, digits)) = self.written.iter().find(|(known, _)| *known == bits) {
            return out.extend_from_within(digits.clone());
        }
        let begin = out.len();
        push_float(out, value);
        self.written.push((bits, begin..out.len()));
    }
}

/// Write `pieces` one after another to `path` so that a reader sees the old file or the whole new
/// one, also when the process is killed. A link stays one, and an older file's permissions are kept;
/// devices and pipes are written to directly. (Not synced to disk: that takes longer than everything
/// else together.)
///
/// # Errors
/// [`Error::Io`] with the path.
pub fn write_whole(path: &Path, pieces: &[&[u8]]) -> Result<(), Error> {
    // Threads of one process may write one file: each has a number of its own.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let cannot =
        |error: std::io::Error| Error::Io(format!("cannot write {}: {error}", path.display()));
    let fill = |mut file: fs::File| pieces.iter().try_for_each(|piece| file.write_all(piece));
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(&real).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return fs::OpenOptions::new()
            .write(true)
            .open(&real)
            .and_then(fill)
            .map_err(cannot);
    }
    // Names of up to 255 bytes are legal: the temporary one must not be longer.
    let name: String = real
        .file_name()
        .map(|name| name.to_string_lossy().chars().take(40).collect())
        .unwrap_or_default();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let temporary = real.with_file_name(format!(".{name}.{}.{number}.tmp", std::process::id()));
    let written = fs::File::create(&temporary)
        .and_then(fill)
        .and_then(|()| {
            old.map_or(Ok(()), |old| {
                fs::set_permissions(&temporary, old.permissions())
            })
        })
        .and_then(|()| fs::rename(&temporary, &real));
    written.map_err(|error| {
        // Nothing half-written stays behind; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        cannot(error)
    })
}
