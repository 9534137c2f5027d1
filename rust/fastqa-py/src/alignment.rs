//! `fastqa._rust.unread_windows`.
use fastqa_core::alignment::{Unread, unread_windows as unread_windows_core};
use fastqa_core::offsets::Offsets;
use fastqa_core::span::WindowSource;
use pyo3::prelude::*;

use crate::arrays::OffsetsColumn;
use crate::calls::{detached, guarded};
use crate::source::{ParamsArgument, Precision, SourceArgument, Visitor};

/// How many windows have context tokens without logits; the first of them, its number of tokens and
/// the width of its logits. `None`: no window has.
#[pyfunction]
pub fn unread_windows(
    py: Python<'_>,
    source: SourceArgument<'_>,
    offsets: OffsetsColumn<'_>,
    params: ParamsArgument,
) -> PyResult<Option<(usize, usize, usize, usize)>> {
    guarded(|| {
        let offsets = offsets.view()?;
        let visitor = Look {
            py,
            offsets: &offsets,
        };
        let found = source.visit(py, &params.into_params()?, visitor)?;
        Ok(found.map(|unread| (unread.windows, unread.feature, unread.tokens, unread.width)))
    })
}

struct Look<'a, 'py> {
    py: Python<'py>,
    offsets: &'a Offsets<'a>,
}

impl Visitor for Look<'_, '_> {
    type Output = Option<Unread>;

    fn visit<S: WindowSource>(self, source: &S) -> PyResult<Self::Output>
    where
        S::Value: Precision,
    {
        detached(self.py, || unread_windows_core(source, self.offsets))
    }
}
