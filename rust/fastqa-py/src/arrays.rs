//! Columns from Python. The front end hands over one-dimensional, contiguous, aligned, native-endian
//! arrays (`fastqa/columns.py` sees to it); anything else is refused here rather than misread.
use fastqa_core::columns::{Bitmap, Extents, Integers, Strings, Utf8Chunk};
use fastqa_core::offsets::{Offsets, OffsetsChunk};
use numpy::{Element, IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyList, PyString};

use crate::calls::guarded;

/// The array's values, if they lie in memory as Rust needs them.
pub fn slice<'a, T: Element>(array: &'a PyReadonlyArray1<'_, T>) -> PyResult<&'a [T]> {
    array.as_slice().map_err(|_| {
        PyValueError::new_err(
            "array is not contiguous and aligned; pass numpy.require(array, requirements=['C', 'A'])",
        )
    })
}

/// Find NumPy's functions at import. They are found when they are first used, and a Ctrl-C just then
/// would be a panic before any guard is entered.
pub fn look_up_numpy(py: Python<'_>) -> PyResult<()> {
    PyArray1::<f32>::zeros(py, 0, false).try_readonly()?;
    Ok(())
}

/// Signed integers of 32 or 64 bits.
#[derive(FromPyObject)]
pub enum IntegerArray<'py> {
    I32(PyReadonlyArray1<'py, i32>),
    I64(PyReadonlyArray1<'py, i64>),
}

impl IntegerArray<'_> {
    pub fn view(&self) -> PyResult<Integers<'_>> {
        Ok(match self {
            Self::I32(array) => Integers::I32(slice(array)?),
            Self::I64(array) => Integers::I64(slice(array)?),
        })
    }
}

/// List extents: an array of offsets, or `(count, width)`.
#[derive(FromPyObject)]
pub enum ExtentsArgument<'py> {
    Fixed((usize, usize)),
    Offsets(IntegerArray<'py>),
}

impl ExtentsArgument<'_> {
    pub fn view(&self) -> PyResult<Extents<'_>> {
        Ok(match self {
            &Self::Fixed((count, width)) => Extents::Fixed { count, width },
            Self::Offsets(offsets) => Extents::Offsets(offsets.view()?),
        })
    }
}

/// A column of lists of integers: chunks of `(extents, values)`.
pub type IntegerListColumn<'py> = Vec<(ExtentsArgument<'py>, IntegerArray<'py>)>;

/// Lists of token offsets, flattened: `(row offsets, token offsets, values)`. A token that is `None`
/// becomes an empty list.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub fn flatten_offsets<'py>(
    py: Python<'py>,
    column: &Bound<'py, PyAny>,
) -> PyResult<(
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
)> {
    guarded(|| {
        let (mut rows, mut tokens, mut values) = (vec![0_i64], vec![0_i64], Vec::new());
        for (feature, row) in column.try_iter()?.enumerate() {
            for (index, token) in row?.try_iter()?.enumerate() {
                let token = token?;
                if !token.is_none() {
                    let wrong = |error: PyErr| {
                        PyValueError::new_err(format!(
                            "offset_mapping of feature {feature} holds {token} for token {index}; \
                         expected two integers, [] or None ({error})"
                        ))
                    };
                    for value in token.try_iter().map_err(wrong)? {
                        values.push(value?.extract::<i64>().map_err(wrong)?);
                    }
                }
                tokens.push(values.len() as i64);
            }
            rows.push(tokens.len() as i64 - 1);
        }
        Ok((
            rows.into_pyarray(py),
            tokens.into_pyarray(py),
            values.into_pyarray(py),
        ))
    })
}

/// A string column: a list of `str`, or Arrow chunks `(bytes, offsets)`.
pub enum StringColumn<'py> {
    Chunks(Vec<(PyReadonlyArray1<'py, u8>, IntegerArray<'py>)>),
    List(Vec<PyBackedStr>),
}

impl<'a, 'py> FromPyObject<'a, 'py> for StringColumn<'py> {
    type Error = PyErr;

    fn extract(column: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let list = column.cast::<PyList>()?;
        if !list
            .get_item(0)
            .is_ok_and(|first| first.is_instance_of::<PyString>())
        {
            return column.extract().map(Self::Chunks);
        }
        let strings = list.iter().enumerate().map(|(index, string)| {
            PyBackedStr::try_from(string.cast_into::<PyString>()?).map_err(|error| {
                PyValueError::new_err(format!(
                    "string {index} holds a lone surrogate, which is no character; clean it with \
                     text.encode(errors='replace').decode() ({error})"
                ))
            })
        });
        strings.collect::<PyResult<_>>().map(Self::List)
    }
}

impl StringColumn<'_> {
    pub fn view(&self) -> PyResult<Strings<'_>> {
        match self {
            Self::List(strings) => Ok(Strings::Slices(
                strings.iter().map(|string| &**string).collect(),
            )),
            Self::Chunks(chunks) => chunks
                .iter()
                .map(|(bytes, offsets)| {
                    Ok(Utf8Chunk {
                        bytes: slice(bytes)?,
                        offsets: offsets.view()?,
                    })
                })
                .collect::<PyResult<_>>()
                .map(Strings::from_chunks),
        }
    }
}

/// An Arrow validity bitmap and the bits to skip in it.
type BitmapArgument<'py> = (PyReadonlyArray1<'py, u8>, usize);

/// One chunk of `offset_mapping`: rows, tokens, validity of tokens, values.
type OffsetsChunkArgument<'py> = (
    ExtentsArgument<'py>,
    ExtentsArgument<'py>,
    Option<BitmapArgument<'py>>,
    IntegerArray<'py>,
);

/// The `offset_mapping` column.
#[derive(FromPyObject)]
#[pyo3(transparent)]
pub struct OffsetsColumn<'py>(Vec<OffsetsChunkArgument<'py>>);

impl OffsetsColumn<'_> {
    pub fn view(&self) -> PyResult<Offsets<'_>> {
        self.0
            .iter()
            .map(view_chunk)
            .collect::<PyResult<Vec<_>>>()
            .map(Offsets::new)
    }
}

fn view_chunk<'a>(
    (rows, tokens, validity, values): &'a OffsetsChunkArgument<'_>,
) -> PyResult<OffsetsChunk<'a>> {
    let validity = match validity {
        None => None,
        Some((bytes, offset)) => Some(Bitmap {
            bytes: slice(bytes)?,
            offset: *offset,
        }),
    };
    Ok(OffsetsChunk {
        rows: rows.view()?,
        tokens: tokens.view()?,
        validity,
        values: values.view()?,
    })
}
