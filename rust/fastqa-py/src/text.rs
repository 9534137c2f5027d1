//! Python strings and Arrow string buffers as `&str`, without copying, and the Unicode tables that
//! they need.
//!
//! CPython keeps a string's UTF-8 form with it: making it is O(length) once, later calls borrow it.
//! Strings with lone surrogates are copied, each surrogate as one character of the same kind. Tables
//! come from the running Python's Unicode database, a block of 256 characters when it is first seen, so
//! that normalisation follows its version.
use std::sync::Arc;

use fastqa_core::pystring::{Bits, Block, Tables};
use numpy::PyReadonlyArray1;
use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::slice;

/// Python strings, or `None` where one is missing. One tuple holds them all: taking a reference to
/// each and giving it back is a third of the time of scoring SQuAD dev.
pub struct Strings<'py> {
    held: Bound<'py, PyTuple>,
    /// Copies of the strings with lone surrogates, which UTF-8 does not have, and their positions.
    copies: Vec<(usize, String)>,
}

/// Borrowed texts, and the positions of those that are not ASCII.
pub type Views<T> = (Vec<T>, Vec<usize>);

impl<'py> FromPyObject<'_, 'py> for Strings<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let tuple = object.py().get_type::<PyTuple>();
        Ok(Self {
            held: tuple.call1((object,))?.cast_into()?,
            copies: Vec::new(),
        })
    }
}

impl Strings<'_> {
    /// Borrow every text. `missing` stands for `None`, which without it is refused.
    pub fn views<'a, T: Copy + From<&'a str>>(
        &'a mut self,
        missing: Option<T>,
    ) -> PyResult<Views<T>> {
        let Self { held, copies } = self;
        let (mut texts, mut not_ascii) = (Vec::with_capacity(held.len()), Vec::new());
        copies.clear();
        for (index, item) in held.iter_borrowed().enumerate() {
            if let (true, Some(missing)) = (item.is_none(), missing) {
                texts.push(missing);
                continue;
            }
            let text = match <&str>::extract(item) {
                Ok(text) => text,
                Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(item.py()) => {
                    copies.push((index, without_surrogates(&item)?));
                    ""
                }
                Err(error) if error.is_instance_of::<PyTypeError>(item.py()) => {
                    return Err(not_a_string(&item, index));
                }
                Err(error) => return Err(error),
            };
            if !text.is_ascii() {
                not_ascii.push(index);
            }
            texts.push(T::from(text));
        }
        for (index, copy) in copies.iter() {
            not_ascii.push(*index);
            if let Some(text) = texts.get_mut(*index) {
                *text = T::from(copy);
            }
        }
        Ok((texts, not_ascii))
    }
}

/// Lone surrogates become the last 2,048 private-use characters: one for one, and like a surrogate
/// these are neither letters nor spaces nor punctuation and have no case, so every score stays.
fn without_surrogates(string: &Bound<'_, PyAny>) -> PyResult<String> {
    let bytes: Vec<u8> = string
        .call_method1("encode", ("utf-32-le", "surrogatepass"))?
        .extract()?;
    let replaced = bytes.chunks_exact(4).map(|unit| {
        let point = unit
            .iter()
            .rev()
            .fold(0_u32, |point, &byte| point << 8 | u32::from(byte));
        char::from_u32(point).or_else(|| char::from_u32(0x10_f800 + (point & 0x7ff)))
    });
    replaced
        .collect::<Option<String>>()
        .ok_or_else(|| PyValueError::new_err("not a valid string"))
}

fn not_a_string(item: &Bound<'_, PyAny>, index: usize) -> PyErr {
    let kind = item
        .get_type()
        .name()
        .map_or_else(|_| "?".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("text {index} is {kind}, expected str"))
}

/// A column of texts: a list of `str`, or Arrow's UTF-8 bytes with offsets.
pub enum Texts<'py> {
    /// One Python string each.
    List(Strings<'py>),
    /// `bytes[offsets[i]..offsets[i + 1]]`.
    Arrow {
        /// UTF-8.
        bytes: PyReadonlyArray1<'py, u8>,
        /// Ascending, one entry more than there are texts.
        offsets: PyReadonlyArray1<'py, i64>,
    },
}

impl<'py> FromPyObject<'_, 'py> for Texts<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.extract() {
            Ok((bytes, offsets)) => Ok(Self::Arrow { bytes, offsets }),
            Err(_) => object.extract().map(Self::List),
        }
    }
}

impl Texts<'_> {
    /// Borrow every text; Arrow buffers are checked to be UTF-8 and in range.
    pub fn views(&mut self) -> PyResult<Views<&str>> {
        let (bytes, offsets) = match self {
            Self::List(strings) => return strings.views(None),
            Self::Arrow { bytes, offsets } => (slice(bytes)?, slice(offsets)?),
        };
        let text =
            std::str::from_utf8(bytes).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let view = |pair: &[i64]| -> Option<&str> {
            let [start, end] = pair else { return None };
            text.get(usize::try_from(*start).ok()?..usize::try_from(*end).ok()?)
        };
        let views: Option<Vec<&str>> = offsets.windows(2).map(view).collect();
        let views = views.ok_or_else(|| {
            PyValueError::new_err("text offsets do not fit the bytes that they point into")
        })?;
        let not_ascii =
            (0..views.len()).filter(|&index| !views.get(index).is_none_or(|text| text.is_ascii()));
        let not_ascii = not_ascii.collect();
        Ok((views, not_ascii))
    }
}

/// Bytes between two looks for Ctrl-C.
const ROUND: usize = 1 << 24;

/// The tables that `texts` need; blocks not seen before are asked of the interpreter.
pub fn tables<'a>(py: Python<'_>, texts: impl Iterator<Item = &'a str>) -> PyResult<Arc<Tables>> {
    let known = Tables::current();
    let mut wanted = Vec::new();
    let mut looked_at = 0_usize;
    for text in texts {
        known.missing(text, &mut wanted);
        looked_at += text.len();
        if looked_at > ROUND {
            py.check_signals()?;
            looked_at = 0;
        }
    }
    if wanted.is_empty() {
        return Ok(known);
    }
    let ask = py.import("fastqa._unicode")?.getattr("block")?;
    let mut fresh = Vec::new();
    let mut next = 0;
    // Lower case can reach into another block, so the list grows while it is worked through.
    while let Some(&index) = wanted.get(next) {
        next += 1;
        let block = block(&ask.call1((index,))?)?;
        block
            .lower
            .iter()
            .for_each(|(_, lowered)| known.missing(lowered, &mut wanted));
        fresh.push((index, Arc::new(block)));
    }
    Tables::install(&fresh);
    Ok(Tables::current())
}

/// The five columns of booleans and the lower-case pairs of `fastqa._unicode.block`.
type Answer = (
    Vec<bool>,
    Vec<bool>,
    Vec<bool>,
    Vec<bool>,
    Vec<bool>,
    Vec<(u8, String)>,
);

fn block(answer: &Bound<'_, PyAny>) -> PyResult<Block> {
    let (word, space, punctuation, cased, ignorable, lower): Answer = answer.extract()?;
    let bits =
        |holds: &[bool]| Bits::from_fn(|low| holds.get(usize::from(low)).copied().unwrap_or(false));
    Ok(Block {
        word: bits(&word),
        space: bits(&space),
        punctuation: bits(&punctuation),
        cased: bits(&cased),
        ignorable: bits(&ignorable),
        lower: lower
            .into_iter()
            .map(|(low, text)| (low, text.into_boxed_str()))
            .collect(),
    })
}
