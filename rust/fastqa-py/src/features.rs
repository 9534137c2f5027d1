//! Features: windows and labels, from and to NumPy arrays.
//!
//! Token ids and offsets come as flat arrays with the places where each text begins; windows go back
//! as flat columns of the same kind, without a copy. Sizes that a caller types are bounded here.
use fastqa_core::labels::{self, LabelInput};
use fastqa_core::template::{Padding, Specials, Template};
use fastqa_core::windows::{self, Texts, WindowParams};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrays::slice;
use crate::calls::{detached, guarded};

/// Longer than any model reads. A slip of the pen must not ask for more memory than there is.
const MOST_PADDED: usize = 1 << 22;

/// Ids and type ids of the special tokens before, between and after the texts, the type ids of
/// question and context, and whether the context comes first.
type TemplateArgument = ([(Vec<i32>, Vec<i8>); 3], i8, i8, bool);

/// `input_ids, token_type_ids, attention_mask, offsets, starts, example, context_span` of the
/// windows, and how many questions were cut.
type WindowArrays<'py> = (
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<i8>>,
    Bound<'py, PyArray1<i8>>,
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    usize,
);

/// Windows of tokenized questions and contexts.
#[pyfunction]
#[pyo3(signature = (question_ids, question_starts, context_ids, context_starts, context_offsets,
    context_of, template, max_length, doc_stride, hop=None, max_question_length=None, padding=None))]
#[allow(clippy::too_many_arguments)]
pub fn assemble_windows<'py>(
    py: Python<'py>,
    question_ids: PyReadonlyArray1<'py, i32>,
    question_starts: PyReadonlyArray1<'py, i64>,
    context_ids: PyReadonlyArray1<'py, i32>,
    context_starts: PyReadonlyArray1<'py, i64>,
    context_offsets: PyReadonlyArray1<'py, i32>,
    context_of: PyReadonlyArray1<'py, i64>,
    template: TemplateArgument,
    max_length: usize,
    doc_stride: usize,
    hop: Option<usize>,
    max_question_length: Option<usize>,
    padding: Option<(i32, i8, bool)>,
) -> PyResult<WindowArrays<'py>> {
    guarded(|| {
        let questions = Texts {
            ids: slice(&question_ids)?,
            starts: slice(&question_starts)?,
        };
        let contexts = Texts {
            ids: slice(&context_ids)?,
            starts: slice(&context_starts)?,
        };
        let context_offsets = slice(&context_offsets)?;
        let context_of = slice(&context_of)?;
        let ([prefix, middle, suffix], question_type, context_type, context_first) = &template;
        let template = Template {
            prefix: Specials {
                ids: &prefix.0,
                type_ids: &prefix.1,
            },
            middle: Specials {
                ids: &middle.0,
                type_ids: &middle.1,
            },
            suffix: Specials {
                ids: &suffix.0,
                type_ids: &suffix.1,
            },
            question_type: *question_type,
            context_type: *context_type,
            context_first: *context_first,
        };
        if padding.is_some() && max_length > MOST_PADDED {
            return Err(PyValueError::new_err(format!(
                "max_length is {max_length} with padding; every window would have so many tokens: \
                 expected at most {MOST_PADDED}"
            )));
        }
        let padding = padding.map(|(id, type_id, left)| Padding { id, type_id, left });
        let params = WindowParams {
            max_length,
            doc_stride,
            hop,
            max_question_length,
            padding,
        };
        let built = detached(py, || {
            windows::assemble(
                questions,
                contexts,
                context_offsets,
                context_of,
                &template,
                &params,
            )
        })?;
        Ok((
            PyArray1::from_vec(py, built.input_ids),
            PyArray1::from_vec(py, built.type_ids),
            PyArray1::from_vec(py, built.attention_mask),
            PyArray1::from_vec(py, built.offsets),
            PyArray1::from_vec(py, built.starts),
            PyArray1::from_vec(py, built.example),
            PyArray1::from_vec(py, built.context_span),
            built.cut_questions,
        ))
    })
}

/// Start and end labels.
type LabelArrays<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// Start and end labels of windows.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn label_windows<'py>(
    py: Python<'py>,
    input_ids: PyReadonlyArray1<'py, i32>,
    offsets: PyReadonlyArray1<'py, i32>,
    starts: PyReadonlyArray1<'py, i64>,
    example: PyReadonlyArray1<'py, i64>,
    context_span: PyReadonlyArray1<'py, i64>,
    answer_start: PyReadonlyArray1<'py, i64>,
    answer_end: PyReadonlyArray1<'py, i64>,
    null_tokens: Vec<i32>,
) -> PyResult<LabelArrays<'py>> {
    guarded(|| {
        let input = LabelInput {
            input_ids: slice(&input_ids)?,
            offsets: slice(&offsets)?,
            starts: slice(&starts)?,
            context_span: slice(&context_span)?,
            example: slice(&example)?,
            answer_start: slice(&answer_start)?,
            answer_end: slice(&answer_end)?,
        };
        let (start, end) = detached(py, || labels::label_windows(&input, &null_tokens))?;
        Ok((PyArray1::from_vec(py, start), PyArray1::from_vec(py, end)))
    })
}
