"""The same answers from every form in which examples, features and logits come."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections import namedtuple
from pathlib import Path
from typing import Any

import datasets
import ml_dtypes
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fastqa

from cases import make_case

EXAMPLES, FEATURES, (START, END) = make_case(7, examples=30)
EXPECTED = fastqa.postprocess_qa_predictions(EXAMPLES, FEATURES, (START, END), True)
AT_CLS = fastqa.postprocess(EXAMPLES, FEATURES, (START, END), squad_v2=True, cls_token_id=101)


def answers(examples: Any = EXAMPLES, features: Any = FEATURES, logits: Any = (START, END)) -> Any:
    """The answers of both drop-ins, which must be the expected ones."""
    at_cls = fastqa.postprocess(examples, features, logits, squad_v2=True, cls_token_id=101)
    assert at_cls == AT_CLS
    return fastqa.postprocess_qa_predictions(examples, features, logits, True)


def as_dataset(rows: list[dict[str, Any]], features: Any = None) -> datasets.Dataset:
    return datasets.Dataset.from_list(rows, features=features)


def columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def with_padding(fill: Any) -> list[dict[str, Any]]:
    """Features whose tokens outside the context are written as `fill`."""
    return [
        {
            **row,
            "offset_mapping": [fill if pair is None else pair for pair in row["offset_mapping"]],
        }
        for row in FEATURES
    ]


def typed(rows: list[dict[str, Any]], offsets: pa.DataType, ids: pa.DataType) -> pa.Table:
    table = pa.Table.from_pylist(rows)
    for name, kind in [("example_id", ids), ("id", ids), ("offset_mapping", offsets)]:
        if name in table.column_names:
            place = table.column_names.index(name)
            values = pa.array([row[name] for row in rows], type=kind)
            table = table.set_column(place, name, values)
    return table


PAIR_TYPES = {
    "list of list of int64": pa.list_(pa.list_(pa.int64())),
    "large list of list of int32": pa.large_list(pa.list_(pa.int32())),
    "list of large list of uint16": pa.list_(pa.large_list(pa.uint16())),
    "list of fixed size lists": pa.list_(pa.list_(pa.int32(), 2)),
    "list views": pa.list_view(pa.list_view(pa.int64())),
}
TABLES = {
    "lists of dicts": lambda rows: rows,
    "tuples of dicts": tuple,
    "dicts of lists": columns,
    "a Dataset": as_dataset,
    "a Dataset in NumPy format": lambda rows: as_dataset(rows).with_format("numpy"),
    "a Dataset in torch format": lambda rows: as_dataset(rows).with_format("torch"),
    "a Dataset in pandas format": lambda rows: as_dataset(rows).with_format("pandas"),
    "a Dataset with an indices mapping": lambda rows: as_dataset(rows[::-1] + rows).select(
        [*range(len(rows) - 1, -1, -1)]
    ),
    "a Dataset in many chunks": lambda rows: datasets.concatenate_datasets(
        [as_dataset(rows[i : i + 3]) for i in range(0, len(rows), 3)]
    ),
    "a filtered Dataset": lambda rows: as_dataset([*rows, rows[0]]).filter(
        lambda _, index: index < len(rows), with_indices=True
    ),
    "a sorted and unsorted Dataset": lambda rows: (
        as_dataset([{**row, "order": -i} for i, row in enumerate(rows)])
        .sort("order")
        .sort("order", reverse=True)
    ),
    "dicts of Dataset columns": lambda rows: {
        name: as_dataset(rows)[name] for name in as_dataset(rows).column_names
    },
    "an Arrow table": pa.Table.from_pylist,
    "a sliced Arrow table": lambda rows: pa.Table.from_pylist([rows[0], *rows, rows[1]]).slice(
        1, len(rows)
    ),
    "an Arrow table of tiny and empty chunks": lambda rows: pa.concat_tables(
        [pa.Table.from_pylist(rows).slice(i, n) for i in range(len(rows)) for n in (0, 1)]
    ),
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    **{
        f"Arrow: {name}, {ids}": lambda rows, kind=kind, ids=ids: typed(rows, kind, ids)
        for name, kind in PAIR_TYPES.items()
        for ids in (pa.string(), pa.large_string(), pa.string_view())
    },
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("form", TABLES)
def test_tables(form: str) -> None:
    make = TABLES[form]
    examples = make(EXAMPLES)
    assert answers(examples=examples) == EXPECTED
    assert answers(examples=examples, features=make(FEATURES)) == EXPECTED


def test_a_saved_and_loaded_dataset(tmp_path: Path) -> None:
    as_dataset(FEATURES).save_to_disk(tmp_path)
    assert answers(features=datasets.load_from_disk(str(tmp_path))) == EXPECTED


@pytest.mark.parametrize("fill", [[], [0], (-1, -1), [-1, -1]])
@pytest.mark.parametrize("form", ["lists of dicts", "a Dataset", "polars"])
def test_spellings_of_not_context(fill: Any, form: str) -> None:
    if fill == [0] and form == "polars":
        fill = [0, 0, 0][:1]
    assert answers(features=TABLES[form](with_padding(fill))) == EXPECTED


def test_a_frame_whose_cells_arrow_cannot_type() -> None:
    assert answers(features=pd.DataFrame(FEATURES).assign(other=[object() for _ in FEATURES])) == (
        answers()
    )


def test_offsets_as_one_array() -> None:
    length = START.shape[1]
    offsets = np.full((len(FEATURES), length, 2), -1, dtype=np.int32)
    for row, feature in zip(offsets, FEATURES, strict=True):
        for token, pair in enumerate(feature["offset_mapping"]):
            row[token] = pair or (-1, -1)
    features = {
        "example_id": np.array([feature["example_id"] for feature in FEATURES]),
        "offset_mapping": offsets,
        "input_ids": np.full((len(FEATURES), length), 101),
    }
    assert fastqa.postprocess_qa_predictions(EXAMPLES, features, (START, END), True) == EXPECTED


def test_whole_number_ids_stay_numbers() -> None:
    number = {example["id"]: place for place, example in enumerate(EXAMPLES)}
    examples = [{**row, "id": number[row["id"]]} for row in EXAMPLES]
    features = [{**row, "example_id": number[row["example_id"]]} for row in FEATURES]
    expected = {number[key]: text for key, text in EXPECTED.items()}
    for make in (TABLES["lists of dicts"], as_dataset, pd.DataFrame):
        found = fastqa.postprocess_qa_predictions(
            make(examples), make(features), (START, END), True
        )
        assert found == expected
        assert {type(key) for key in found} == {int}


def test_ids_that_differ_only_in_a_trailing_nul_stay_apart() -> None:
    examples = [{**EXAMPLES[0], "id": "a"}, {**EXAMPLES[1], "id": "a\x00"}]
    own = {"q0": "a", "q1": "a\x00"}
    at = [i for i, row in enumerate(FEATURES) if row["example_id"] in own]
    features = [{**FEATURES[i], "example_id": own[FEATURES[i]["example_id"]]} for i in at]
    dataset = as_dataset(features).with_format("numpy")
    found = fastqa.postprocess_qa_predictions(examples, dataset, (START[at], END[at]), True)
    assert found == {"a": EXPECTED["q0"], "a\x00": EXPECTED["q1"]}


def strided(array: Any) -> Any:
    wide = np.zeros((array.shape[0], 2 * array.shape[1]), array.dtype)
    wide[:, ::2] = array
    return wide[:, ::2]


def read_only(array: Any) -> Any:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def misaligned(array: Any) -> Any:
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    view = buffer[1:].view(array.dtype).reshape(array.shape)
    view[:] = array
    assert not view.flags.aligned
    return view


def packed_field(array: Any) -> Any:
    record = np.zeros(array.shape, np.dtype([("logit", array.dtype), ("flag", "u1")]))
    record["logit"] = array
    return record["logit"]


def memory_mapped(array: Any) -> Any:
    path = Path("/tmp") / f"fastqa-{array.sum()}.npy"
    np.save(path, array)
    mapped = np.load(path, mmap_mode="r")
    path.unlink()
    return mapped


# Values that float16 and bfloat16 hold exactly, so that every form must give the same.
_RNG = np.random.default_rng(3)
EXACT = tuple(
    _RNG.permuted(np.tile(np.arange(24) / 4 - 2, (len(FEATURES), 1)), axis=1).astype("f4")
    for _ in "se"
)
PredictionOutput = namedtuple("PredictionOutput", ["predictions", "label_ids", "metrics"])
LOGITS = {
    "float16": lambda a: a.astype(np.float16),
    "float64": lambda a: a.astype(np.float64),
    "long double": lambda a: a.astype(np.longdouble),
    "big endian": lambda a: a.astype(">f4"),
    "big endian float16": lambda a: a.astype(">f2"),
    "Fortran order": np.asfortranarray,
    "every second column": strided,
    "reversed twice": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "read only": read_only,
    "misaligned": misaligned,
    "a field of packed records": packed_field,
    "memory mapped": memory_mapped,
    "np.matrix": lambda a: a.view(np.matrix),
    "ml_dtypes bfloat16": lambda a: a.astype(ml_dtypes.bfloat16),
    "torch float32": torch.from_numpy,
    "torch bfloat16": lambda a: torch.from_numpy(a).to(torch.bfloat16),
    "torch float16 that requires a gradient": lambda a: torch.from_numpy(a).half().requires_grad_(),
    "lists": lambda a: a.tolist(),
    "lists of rows": list,
    "lists of ragged rows": lambda a: [
        row[: len(feature["offset_mapping"])] for row, feature in zip(a, FEATURES, strict=True)
    ],
    "float rows in an object array": lambda a: a.astype(object),
}


@pytest.fixture(scope="module")
def exact() -> Any:
    return answers_of(EXACT)


def answers_of(logits: Any) -> tuple[Any, Any]:
    v2 = fastqa.postprocess_qa_predictions(EXAMPLES, FEATURES, logits, True)
    return v2, fastqa.postprocess(EXAMPLES, FEATURES, logits, squad_v2=True, cls_token_id=101)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("form", LOGITS)
def test_logits(form: str, exact: Any) -> None:
    make = LOGITS[form]
    if form == "lists of ragged rows":
        # Without the pads other positions reach the top n: compare with pads that never do.
        padded = tuple(a.copy() for a in EXACT)
        for array in padded:
            for row, feature in zip(array, FEATURES, strict=True):
                row[len(feature["offset_mapping"]) :] = -100
        assert answers_of(tuple(make(a) for a in EXACT)) == answers_of(padded)
        return
    logits = tuple(make(a) for a in EXACT)
    before = [np.array(a).tobytes() for a in EXACT]
    assert answers_of(logits) == exact
    assert [np.array(a).tobytes() for a in EXACT] == before
    mixed = (logits[0], EXACT[1])
    assert answers_of(mixed) == exact


def test_containers_of_two_arrays(exact: Any) -> None:
    start, end = EXACT
    assert answers_of([start, end]) == exact
    assert answers_of(np.stack([start, end])) == exact
    assert answers_of({"start_logits": start, "end_logits": end}) == exact
    assert answers_of(PredictionOutput((start, end), None, {})) == exact
    batches = [(start[i : i + 7], end[i : i + 7]) for i in range(0, len(start), 7)]
    assert answers_of(batches) == exact
    two = [(start[:9], end[:9]), (start[9:], end[9:])]
    assert answers_of(two) == exact


def test_extra_outputs_are_ignored_only_when_asked(exact: Any) -> None:
    outputs = (*EXACT, np.zeros((len(FEATURES), 4, 8)))
    with pytest.raises(ValueError, match=r"got 3; some models return more: pass predictions\[:2\]"):
        fastqa.postprocess(EXAMPLES, FEATURES, outputs)
    v2 = fastqa.postprocess_qa_predictions(
        EXAMPLES, FEATURES, outputs, True, ignore_extra_outputs=True
    )
    assert v2 == exact[0]


def test_contiguous_float32_logits_are_not_copied() -> None:
    from fastqa.logits import start_and_end

    start, end, rows = start_and_end((START, END))
    assert np.shares_memory(start, START)
    assert np.shares_memory(end, END)
    assert rows == START.shape


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.lists(
                st.one_of(st.none(), st.lists(st.integers(0, 9), min_size=2, max_size=2)),
                max_size=5,
            ),
        ).filter(lambda row: row is not None),
        max_size=8,
    ),
    st.integers(0, 8),
    st.integers(0, 8),
)
def test_sliced_arrow_offsets_read_as_python_lists(
    rows: list[Any], begin: int, length: int
) -> None:
    from fastqa.columns import Table

    column = pa.array(rows, type=pa.list_(pa.list_(pa.int64()))).slice(begin, length)
    table = Table({"offset_mapping": column}, "features", ("offset_mapping",))
    [(extents, tokens, validity, values)] = table.offsets("offset_mapping") or [
        ([0], [0], None, [])
    ]
    read = []
    for row in range(len(extents) - 1):
        here = []
        for token in range(extents[row], extents[row + 1]):
            valid = (
                validity is None
                or (validity[0][(validity[1] + token) // 8] >> (validity[1] + token) % 8) & 1
            )
            pair = list(values[tokens[token] : tokens[token + 1]])
            here.append(pair if valid else None)
        read.append(here)
    assert read == column.to_pylist()


def test_importing_fastqa_is_light() -> None:
    code = (
        "import sys, time, threading; import numpy; t = time.perf_counter(); import fastqa; "
        "t = time.perf_counter() - t; heavy = {'torch', 'transformers', 'datasets', 'pyarrow', "
        "'pandas', 'rich', 'tqdm', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy; assert threading.active_count() == 1; assert t < 0.3, t"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_arrays_alone_need_numpy_alone() -> None:
    code = """
import sys
for name in ("pyarrow", "datasets", "pandas", "torch", "transformers", "tqdm", "rich"):
    sys.modules[name] = None
import numpy as np, fastqa
examples = [{"id": "a", "context": "one two"}]
features = [{"example_id": "a", "offset_mapping": [None, (0, 3), (4, 7)]}]
logits = np.array([[0, 1, 2]], "f4"), np.array([[0, 1, 2]], "f4")
assert fastqa.postprocess(examples, features, logits) == {"a": "two"}
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_no_warning_is_given_for_good_input() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert answers() == EXPECTED
