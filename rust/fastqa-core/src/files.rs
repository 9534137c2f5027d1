//! `predictions.json`, `nbest_predictions.json`, `null_odds.json`, as `utils_qa` writes them:
//! `json.dumps(..., indent=4)` and a newline.
//!
//! The text is made in parallel and written while more of it is made: to a temporary file beside
//! its place, which is then renamed. Memory is that of a few parts, unless the disk is slower than
//! the CPU. Examples stand in the order of their ids' first appearance, as in a Python dict.
use std::ops::Range;
use std::path::Path;

use crate::Error;
use crate::columns::Strings;
use crate::json::{push_float, push_string};
use crate::lists::NBest;
use crate::logit::Logit;
use crate::nbest::{Entry, Kind, probabilities};
use crate::output::{InOrder, write_whole};
use crate::parallel::{Between, map_in_pool};

/// Examples to a part: its text (300 kB with lists of 20) stays in the cache until it is written.
const PART: usize = 64;

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
        let count = self.order.map_or(found.outcomes.len(), <[u32]>::len);
        let example = |place: usize| match self.order {
            None => Some(place),
            Some(order) => order.get(place).map(|&example| example as usize),
        };
        let names = Names::new(self.logit_names);
        let part = |part: usize, out: &mut Vec<u8>| -> Result<(), Error> {
            for place in part * PART..count.min((part + 1) * PART) {
                let Some(example) = example(place) else {
                    continue;
                };
                out.extend_from_slice(if place == 0 { b"{\n    " } else { b",\n    " });
                push_string(out, self.ids.get(example)?);
                out.extend_from_slice(b": ");
                self.value(found, content, example, &names, out)?;
            }
            Ok(())
        };
        let parts = count.div_ceil(PART);
        write_whole(path, |file| {
            let file = InOrder::new(file, path);
            let one = |(): &mut (), _| {
                file.next(part);
                Ok(())
            };
            map_in_pool(parts, 2, between, || (), one)?;
            file.end(if count == 0 { b"{}\n" } else { b"\n}\n" })
        })
    }

    fn value<T: Logit>(
        &self,
        found: &NBest<T>,
        content: Content,
        example: usize,
        names: &Names,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match content {
            Content::Predictions => {
                push_string(out, found.predicted_text(example, &self.contexts)?);
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
                let context = found.context(example, &self.contexts)?;
                out.push(b'[');
                for (place, (entry, &probability)) in list.iter().zip(&chances).enumerate() {
                    out.extend_from_slice(if place == 0 {
                        b"\n        {"
                    } else {
                        b",\n        {"
                    });
                    let text = found.text(example, entry, &context)?;
                    push_entry(out, entry, text, probability, names, &mut logits);
                    out.extend_from_slice(b"\n        }");
                }
                out.extend_from_slice(if list.is_empty() { b"]" } else { b"\n    ]" });
            }
        }
        Ok(())
    }
}

/// The two logits' names as they stand before their values.
struct Names {
    given: [Vec<u8>; 2],
    /// The stand-in entry's logits keep these in the beam-search file too.
    plain: [Vec<u8>; 2],
}

impl Names {
    fn new(given: [&str; 2]) -> Self {
        let keys = |names: [&str; 2]| {
            let mut place = 0;
            names.map(|name| {
                let before: &[u8] = if place == 0 { b"" } else { b"," };
                place += 1;
                let mut key = [before, b"\n            "].concat();
                push_string(&mut key, name);
                key.extend_from_slice(b": ");
                key
            })
        };
        Self {
            given: keys(given),
            plain: keys(["start_logit", "end_logit"]),
        }
    }
}

/// One entry of a list, without its braces.
fn push_entry<T: Logit>(
    out: &mut Vec<u8>,
    entry: &Entry<T>,
    text: &str,
    probability: f64,
    names: &Names,
    logits: &mut Repeated,
) {
    // The reference makes the stand-in entry with its text first, the others with it last.
    let stand_in = entry.kind == Kind::Fallback;
    if stand_in {
        out.extend_from_slice(b"\n            \"text\": ");
        push_string(out, text);
        out.push(b',');
    }
    let [start_name, end_name] = if stand_in { &names.plain } else { &names.given };
    let logit = |logit: T| match logit.to_f64() {
        // -1e-6 is a Python float there, and does not pass through float32.
        logit if stand_in && logit != 0.0 => -1e-6,
        logit => logit,
    };
    out.extend_from_slice(start_name);
    logits.push(out, logit(entry.start_logit));
    out.extend_from_slice(end_name);
    logits.push(out, logit(entry.end_logit));
    if !stand_in {
        out.extend_from_slice(b",\n            \"text\": ");
        push_string(out, text);
    }
    out.extend_from_slice(b",\n            \"probability\": ");
    push_float(out, probability);
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
