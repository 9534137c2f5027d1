//! `fastqa._rust.search`, `match_ids` and `IdIndex`.
//!
//! Every argument becomes slices first, while the interpreter is held; then the engine runs without
//! it, and Ctrl-C is looked for between rounds. The arrays outlive the call because their owners are
//! arguments; that nobody resizes them meanwhile is `fastqa/holding.py`'s work.
use fastqa_core::mapping::{IdIndex as CoreIdIndex, Matched, Windows, match_ids as match_ids_core};
use fastqa_core::search::Search;
use fastqa_core::span::WindowSource;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::arrays::{OffsetsColumn, StringColumn, slice};
use crate::calls::{detached, guarded, interruptible};
use crate::nbest::NBestStore;
use crate::source::{
    MaxContextArgument, NullArgument, ParamsArgument, Precision, SearchColumns, SourceArgument,
    Visitor,
};

/// Example index of each feature; and, where ids repeat, the examples a dict would keep.
type MatchedArrays<'py> = (Bound<'py, PyArray1<u32>>, Option<Bound<'py, PyArray1<u32>>>);

fn matched_arrays(py: Python<'_>, matched: Matched) -> MatchedArrays<'_> {
    (
        matched.example_of.into_pyarray(py),
        matched.distinct.map(|order| order.into_pyarray(py)),
    )
}

/// Example index of each feature, by id; and, where ids repeat, the examples a dict would keep.
#[pyfunction]
pub fn match_ids<'py>(
    py: Python<'py>,
    example_ids: StringColumn<'py>,
    feature_ids: StringColumn<'py>,
) -> PyResult<MatchedArrays<'py>> {
    guarded(|| {
        let (examples, features) = (example_ids.view()?, feature_ids.view()?);
        let matched = detached(py, || match_ids_core(&examples, &features))?;
        Ok(matched_arrays(py, matched))
    })
}

/// `match_ids` with the work on the examples done once.
#[pyclass(frozen, module = "fastqa._rust")]
pub struct IdIndex(CoreIdIndex);

#[pymethods]
impl IdIndex {
    #[new]
    fn new(py: Python<'_>, example_ids: StringColumn<'_>) -> PyResult<Self> {
        guarded(|| {
            let ids = example_ids.view()?;
            detached(py, || CoreIdIndex::new(&ids)).map(Self)
        })
    }

    /// `example_ids` are those that the index was made from.
    fn match_features<'py>(
        &self,
        py: Python<'py>,
        example_ids: StringColumn<'py>,
        feature_ids: StringColumn<'py>,
    ) -> PyResult<MatchedArrays<'py>> {
        guarded(|| {
            let (examples, features) = (example_ids.view()?, feature_ids.view()?);
            let matched = detached(py, || self.0.match_features(&examples, &features))?;
            Ok(matched_arrays(py, matched))
        })
    }
}

/// Search all windows.
#[pyfunction]
#[pyo3(signature = (source, offsets, example_of, examples, params, *, null_position=None, max_context=None, contexts=None, ids=None, progress=None))]
#[allow(clippy::too_many_arguments)]
pub fn search(
    py: Python<'_>,
    source: SourceArgument<'_>,
    offsets: OffsetsColumn<'_>,
    example_of: PyReadonlyArray1<'_, u32>,
    examples: usize,
    params: ParamsArgument,
    null_position: Option<NullArgument<'_>>,
    max_context: Option<MaxContextArgument<'_>>,
    contexts: Option<StringColumn<'_>>,
    ids: Option<StringColumn<'_>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<NBestStore> {
    guarded(|| {
        let example_of = slice(&example_of)?;
        let params = params.into_params()?;
        let windows = detached(py, || Windows::group(example_of, examples))?;
        let columns = SearchColumns {
            offsets,
            null_position,
            max_context,
            contexts,
            ids,
        };
        let search = columns.view(params, windows)?;
        let visitor = Run {
            py,
            search: &search,
            progress,
        };
        source.visit(py, &search.params, visitor)
    })
}

struct Run<'a, 'py> {
    py: Python<'py>,
    search: &'a Search<'a>,
    progress: Option<Py<PyAny>>,
}

impl Visitor for Run<'_, '_> {
    type Output = NBestStore;

    fn visit<S: WindowSource>(self, source: &S) -> PyResult<NBestStore>
    where
        S::Value: Precision,
    {
        let Self {
            py,
            search,
            progress,
        } = self;
        let (found, unread) = interruptible(py, progress, |between| {
            let found = search.run(source, between)?;
            Ok((found, search.unread(source)?))
        })?;
        Ok(NBestStore::of_search(S::Value::store(found), unread))
    }
}
