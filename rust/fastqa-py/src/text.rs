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
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyString;

use crate::arrays::slice;

/// One text that outlives the interpreter being left.
pub enum Text {
    /// The UTF-8 form that the Python string itself keeps.
    Backed(PyBackedStr),
    /// A copy, for a string with lone surrogates, which UTF-8 does not have.
    Owned(String),
}

impl Text {
    /// The text of item `index` of a column, whose reference is taken over (a second one and its end
    /// are a tenth of the time of scoring SQuAD dev); `not_ascii` is told if it is not.
    fn of(item: Bound<'_, PyAny>, index: usize, not_ascii: &mut Vec<usize>) -> PyResult<Self> {
        let string = item
            .cast_into::<PyString>()
            .map_err(|error| not_a_string(&error.into_inner(), index))?;
        let text = match string.to_str() {
            Ok(_) => Self::Backed(PyBackedStr::try_from(string)?),
            Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(string.py()) => {
                Self::Owned(without_surrogates(&string)?)
            }
            Err(error) => return Err(error),
        };
        if !text.as_str().is_ascii() {
            not_ascii.push(index);
        }
        Ok(text)
    }

    /// As Rust sees it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Backed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

/// Lone surrogates become the last 2,048 private-use characters: one for one, and like a surrogate
/// these are neither letters nor spaces nor punctuation and have no case, so every score stays.
fn without_surrogates(string: &Bound<'_, PyString>) -> PyResult<String> {
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

/// A column of texts: a list of `str`, or Arrow's UTF-8 bytes with offsets.
pub enum Texts<'py> {
    /// One Python string each, and which of them are not ASCII.
    List(Vec<Text>, Vec<usize>),
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
        if let Ok((bytes, offsets)) = object.extract() {
            return Ok(Self::Arrow { bytes, offsets });
        }
        let mut not_ascii = Vec::new();
        let texts = object
            .try_iter()?
            .enumerate()
            .map(|(index, item)| Text::of(item?, index, &mut not_ascii));
        let texts = texts.collect::<PyResult<_>>()?;
        Ok(Self::List(texts, not_ascii))
    }
}

fn not_a_string(item: &Bound<'_, PyAny>, index: usize) -> PyErr {
    let kind = item
        .get_type()
        .name()
        .map_or_else(|_| "?".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("text {index} is {kind}, expected str"))
}

impl Texts<'_> {
    /// Borrow every text; Arrow buffers are checked to be UTF-8 and in range.
    pub fn views(&self) -> PyResult<Vec<&str>> {
        match self {
            Self::List(texts, _) => Ok(texts.iter().map(Text::as_str).collect()),
            Self::Arrow { bytes, offsets } => {
                let (bytes, offsets) = (slice(bytes)?, slice(offsets)?);
                let text = std::str::from_utf8(bytes)
                    .map_err(|error| PyValueError::new_err(error.to_string()))?;
                let view = |pair: &[i64]| -> Option<&str> {
                    let [start, end] = pair else { return None };
                    text.get(usize::try_from(*start).ok()?..usize::try_from(*end).ok()?)
                };
                let views: Option<Vec<&str>> = offsets.windows(2).map(view).collect();
                views.ok_or_else(|| {
                    PyValueError::new_err("text offsets do not fit the bytes that they point into")
                })
            }
        }
    }
}

impl Texts<'_> {
    /// Those of `views` that need more than the table of ASCII, and perhaps others.
    pub fn not_ascii<'a>(&'a self, views: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
        let (chosen, others) = match self {
            Self::List(_, not_ascii) => (not_ascii.as_slice(), &[][..]),
            Self::Arrow { .. } => (&[][..], views),
        };
        let chosen = chosen.iter().filter_map(|&index| views.get(index));
        chosen.chain(others).copied()
    }
}

/// Texts of which some may be missing (`None`), and which are not ASCII.
pub struct OptionalTexts(Vec<Option<Text>>, Vec<usize>);

impl<'py> FromPyObject<'_, 'py> for OptionalTexts {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let mut not_ascii = Vec::new();
        let texts = object.try_iter()?.enumerate().map(|(index, item)| {
            let item = item?;
            if item.is_none() {
                return Ok(None);
            }
            Text::of(item, index, &mut not_ascii).map(Some)
        });
        let texts = texts.collect::<PyResult<_>>()?;
        Ok(Self(texts, not_ascii))
    }
}

impl OptionalTexts {
    /// Borrow every text.
    pub fn views(&self) -> Vec<Option<&str>> {
        self.0
            .iter()
            .map(|text| text.as_ref().map(Text::as_str))
            .collect()
    }

    /// Those that need more than the table of ASCII.
    pub fn not_ascii(&self) -> impl Iterator<Item = &str> {
        let chosen = self
            .1
            .iter()
            .filter_map(|&index| self.0.get(index)?.as_ref());
        chosen.map(Text::as_str)
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
