"""Each bad input gives one clear exception that names what came, what was expected and where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest

import fastqa
from fastqa import SpanParams, _rust

from cases import make_case

EXAMPLES, FEATURES, (START, END) = make_case(9, examples=4)
GOOD: dict[str, Any] = {
    "examples": EXAMPLES,
    "features": FEATURES,
    "predictions": (START, END),
}


def changed(rows: list[dict[str, Any]], place: int, **values: Any) -> list[dict[str, Any]]:
    return [{**row, **values} if i == place else row for i, row in enumerate(rows)]


def without(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != name} for row in rows]


def with_nan(array: Any, row: int, column: int) -> Any:
    copy = array.copy()
    copy[row, column] = np.nan
    return copy


def all_tokens(pair: Any) -> list[Any]:
    return [pair] * START.shape[1]


ROWS = len(FEATURES)
BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "one array": ({"predictions": (START,)}, ValueError, "two elements .* got 1"),
    "three arrays": ({"predictions": (START, END, END)}, ValueError, "got 3; .* predictions..2"),
    "no arrays": ({"predictions": ()}, ValueError, "got 0"),
    "a number": ({"predictions": 5}, TypeError, "predictions are a int; expected a pair"),
    "a matrix": ({"predictions": START}, ValueError, r"one array of shape .* expected two"),
    "other keys": ({"predictions": {"logits": START}}, ValueError, "keys .'logits'.; expected"),
    "three dimensions": (
        {"predictions": (START[..., None], END[..., None])},
        ValueError,
        "start logits have shape .* expected .n_features, sequence_length.",
    ),
    "fewer rows": (
        {"predictions": (START[1:], END[1:])},
        ValueError,
        f"Got {ROWS - 1} predictions and {ROWS} features.",
    ),
    "rows differ": ({"predictions": (START, END[1:])}, ValueError, "expected the same shape"),
    "widths differ": ({"predictions": (START, END[:, 1:])}, ValueError, "expected the same shape"),
    "integers": ({"predictions": (START.astype(int), END)}, TypeError, "are integers .* argmax"),
    "booleans": ({"predictions": (START > 0, END)}, TypeError, "have dtype bool; expected float16"),
    "complex": ({"predictions": (START * 1j, END)}, TypeError, "have dtype complex64; expected"),
    "strings": ({"predictions": (START.astype(str), END)}, TypeError, "have dtype <U32; expected"),
    "a masked array": (
        {"predictions": (np.ma.masked_less(START, 0), END)},
        TypeError,
        "masked array, whose mask would be lost",
    ),
    "NaN in start": (
        {"predictions": (with_nan(START, 2, 5), END)},
        ValueError,
        "example .q..: the start logits of feature 2 are NaN at position 5 .* nan_policy",
    ),
    "NaN in end": (
        {"predictions": (START, with_nan(END, ROWS - 1, 0))},
        ValueError,
        f"example .q3.: the end logits of feature {ROWS - 1} are NaN at position 0",
    ),
    "an unknown example": (
        {"features": changed(FEATURES, 1, example_id="zzz")},
        KeyError,
        "feature 1 has example_id .*zzz.* none of the 4 examples has",
    ),
    "ids of another type": (
        {"features": [{**row, "example_id": 7} for row in FEATURES]},
        KeyError,
        "feature 0 has example_id .*7",
    ),
    "no id": (
        {"examples": without(EXAMPLES, "id")},
        KeyError,
        "examples has no column 'id'; it has",
    ),
    "no context": (
        {"examples": without(EXAMPLES, "context")},
        KeyError,
        r"examples has no column 'context'; it has \['id', 'question'\]",
    ),
    "no example_id": (
        {"features": without(FEATURES, "example_id")},
        KeyError,
        "no column .*example_id.*; it has .*prepare_validation_features",
    ),
    "features not cut into windows": ({"features": EXAMPLES}, KeyError, "cut into windows"),
    "a key missing in one row": (
        {"features": [FEATURES[0], {"example_id": "q0"}, *FEATURES[2:]]},
        KeyError,
        r"features\[1\] has no key 'offset_mapping'",
    ),
    "an id that is None": (
        {"examples": changed(EXAMPLES, 2, id=None)},
        ValueError,
        r"examples\[2\]\['id'\] is None",
    ),
    "a context that is None": (
        {"examples": changed(EXAMPLES, 2, context=None)},
        TypeError,
        r"examples\[2\]\['context'\] is None .* expected a string",
    ),
    "a context that is None in Arrow": (
        {"examples": pa.Table.from_pylist(changed(EXAMPLES, 2, context=None))},
        ValueError,
        r"examples\['context'\] is None in row 2",
    ),
    "contexts that are numbers": (
        {"examples": pa.Table.from_pylist([{**row, "context": 1} for row in EXAMPLES])},
        TypeError,
        "has the Arrow type int64; expected strings",
    ),
    "a lone surrogate": (
        {"examples": changed(EXAMPLES, 1, context="\ud800" * 200)},
        ValueError,
        "string 1 holds a lone surrogate",
    ),
    "offsets past the context": (
        {"features": changed(FEATURES, 0, offset_mapping=all_tokens((0, 9999)))},
        ValueError,
        "example .q0.: offset_mapping reaches character 9999 of a context of",
    ),
    "reversed offsets": (
        {"features": changed(FEATURES, 0, offset_mapping=all_tokens((5, 2)))},
        ValueError,
        "example .q0.: offset_mapping of feature 0 .* expected start <= end",
    ),
    "huge offsets": (
        {"features": changed(FEATURES, 0, offset_mapping=all_tokens((2**40, 2**41)))},
        ValueError,
        "example .q0.: offset_mapping of feature 0 .* expected start <= end",
    ),
    "offsets that are words": (
        {"features": changed(FEATURES, 1, offset_mapping=[("a", "b")])},
        ValueError,
        r"offset_mapping of feature 1 holds \('a', 'b'\) for token 0; expected two integers",
    ),
    "offsets that are floats": (
        {"features": changed(FEATURES, 1, offset_mapping=[(0.5, 1.5)])},
        ValueError,
        "offset_mapping of feature 1 holds .* expected two integers",
    ),
    "offsets that are flat": (
        {"features": changed(FEATURES, 1, offset_mapping=[3, 4])},
        ValueError,
        "offset_mapping of feature 1 holds 3 for token 0; expected two integers",
    ),
    "offsets of a wrong shape": (
        {
            "features": {
                "example_id": ["q0"] * ROWS,
                "offset_mapping": np.zeros((ROWS, 4), np.int64),
            }
        },
        ValueError,
        "has shape .* expected .n_features, sequence_length, 2.",
    ),
    "offsets that are strings in Arrow": (
        {"features": pa.table({"example_id": ["q0"] * ROWS, "offset_mapping": ["x"] * ROWS})},
        TypeError,
        "is not a list of pairs for each feature",
    ),
    "n_best_size 0": ({"n_best_size": 0}, ValueError, "n_best_size is 0; expected at least 1"),
    "n_best_size negative": ({"n_best_size": -3}, ValueError, "n_best_size is -3"),
    "n_best_size a float": (
        {"n_best_size": 2.5},
        TypeError,
        "n_best_size is 2.5; expected a whole",
    ),
    "n_best_size a bool": ({"n_best_size": True}, TypeError, "n_best_size is True"),
    "max_answer_length 0": ({"max_answer_length": 0}, ValueError, "max_answer_length is 0"),
    "no such directory": (
        {"output_dir": "/no/such/directory"},
        OSError,
        "/no/such/directory is not a directory",
    ),
    "an unknown nan_policy": (
        {"nan_policy": "x"},
        ValueError,
        "nan_policy is 'x'; expected one of 'raise', 'ignore'",
    ),
    "splits": (
        {"examples": datasets.DatasetDict({"train": datasets.Dataset.from_list(EXAMPLES)})},
        TypeError,
        r"examples holds the splits \['train'\]; pass one of them",
    ),
    "a stream": (
        {"examples": datasets.Dataset.from_list(EXAMPLES).to_iterable_dataset()},
        TypeError,
        "examples is a stream",
    ),
    "a generator": ({"features": (row for row in FEATURES)}, TypeError, "features is a stream"),
    "a string": ({"examples": "squad"}, TypeError, "examples is a str; expected a Dataset"),
    "a path": ({"examples": Path("x")}, TypeError, "examples is a PosixPath; expected a Dataset"),
    "None": ({"features": None}, TypeError, "features is a NoneType; expected a Dataset"),
    "lists of lists": ({"features": [[1, 2]]}, TypeError, "features is a list of list; expected"),
    "columns of different lengths": (
        {"examples": {"id": ["a"], "context": ["b", "c"]}},
        ValueError,
        "examples has columns of different lengths",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str) -> None:
    arguments, kind, text = BAD[name]
    with pytest.raises(kind) as caught:
        fastqa.postprocess_qa_predictions(**{**GOOD, **arguments})
    assert type(caught.value) is kind
    assert re.search(text, str(caught.value)), str(caught.value)
    # Nothing was broken by it.
    assert len(fastqa.postprocess_qa_predictions(**GOOD)) == 4


def test_a_missing_cls_token_is_named() -> None:
    features = changed(FEATURES, 2, input_ids=[5, 6, 7])
    with pytest.raises(ValueError, match=r"input_ids of feature 2 have no token 101 .* null_pos"):
        fastqa.postprocess(EXAMPLES, features, (START, END), squad_v2=True, cls_token_id=101)
    with pytest.raises(ValueError, match="pass tokenizer=, cls_token_id=, or null_position"):
        fastqa.postprocess(EXAMPLES, features, (START, END), squad_v2=True)
    first = fastqa.postprocess(
        EXAMPLES, features, (START, END), squad_v2=True, null_position="first"
    )
    assert list(first) == [example["id"] for example in EXAMPLES]


def test_the_first_of_several_faults_is_reported_for_every_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    examples = [{"id": str(i), "context": "ab"} for i in range(5000)]
    features = [{"example_id": str(i), "offset_mapping": [(0, 1), (1, 2)]} for i in range(5000)]
    start = rng.normal(size=(5000, 2)).astype(np.float32)
    start[[1234, 4321], 1] = np.nan
    for threads in (1, 2, 8):
        fastqa.set_num_threads(threads)
        with pytest.raises(ValueError, match="example .1234.: .* feature 1234"):
            fastqa.postprocess(examples, features, (start, start))
    fastqa.set_num_threads(0)


def test_huge_sizes_cost_nothing() -> None:
    limit = 2**60
    found = fastqa.postprocess_qa_predictions(
        EXAMPLES, FEATURES, (START, END), True, n_best_size=limit, max_answer_length=limit
    )
    length = START.shape[1]
    assert found == fastqa.postprocess_qa_predictions(
        EXAMPLES, FEATURES, (START, END), True, n_best_size=length**2, max_answer_length=length
    )


def test_unknown_switches_are_refused() -> None:
    for name in ("candidates", "null_aggregation", "fallback", "decision"):
        params = SpanParams()
        object.__setattr__(params, name, "nonsense")
        with pytest.raises(ValueError, match=f'{name} is "nonsense"; expected one of'):
            fastqa.search(EXAMPLES, FEATURES, (START, END), params)


def test_damaged_buffers_give_an_error_and_no_crash() -> None:
    """What the front end never hands over, Rust refuses all the same."""
    params = SpanParams()
    example_of = np.zeros(1, np.uint32)
    logits = (np.zeros(4, np.float32), np.zeros(4, np.float32), (1, 4))
    rows = np.array([0, 4], np.int32)
    values = np.zeros(8, np.int32)

    def search(**bad: Any) -> Any:
        chunk = (
            bad.get("rows", rows),
            bad.get("tokens", np.arange(0, 9, 2, dtype=np.int64)),
            bad.get("validity"),
            bad.get("values", values),
        )
        return _rust.search(
            bad.get("source", logits), [chunk], bad.get("example_of", example_of), 1, params
        )

    assert len(search()) == 1
    empty = np.zeros(0, np.uint8)
    assert search(validity=(empty, 3)).column("kind").tolist() == [2]
    # The first token's pair begins inside of the values, wherever it says that it ends.
    assert search(tokens=np.array([0, 99, -5, 2, 2])).column("kind").tolist() == [2, 0]
    for bad in (
        {"rows": np.array([0, 4, 4], np.int32)},
        {"rows": np.array([4, 0], np.int32)},
        {"rows": (2**62, 2**62)},
        {"values": values[:1]},
        {"example_of": np.array([7], np.uint32)},
        {"source": (logits[0][:3], logits[1], (1, 4))},
        {"source": (logits[0], logits[1].astype("f8"), (1, 4))},
        {"source": (np.zeros(8, "f4")[::2], logits[1], (1, 4))},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            search(**bad)
