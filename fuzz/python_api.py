"""Anything at all given to the Python API: a result or an honest error, never a crash.

    python fuzz/python_api.py -max_total_time=60 fuzz/corpus/python_api    # atheris: by coverage
    python fuzz/python_api.py --seconds 60 --seed 7                        # random bytes

An honest error is ValueError, TypeError, KeyError, OSError, OverflowError, MemoryError or
IndexError with a text. `InternalError` (a Rust panic that was caught), `PanicException` (one that
was not) and any other exception end the run, and the input that led there is saved.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import atheris
except ImportError:  # the same harness then runs on random bytes
    atheris = None

if atheris is not None and "--seconds" not in sys.argv:
    with atheris.instrument_imports(include=["fastqa"]):
        import fastqa
        from fastqa import _rust
else:
    import fastqa
    from fastqa import _rust

import numpy as np

HONEST = (
    *(ValueError, TypeError, KeyError, OSError, OverflowError, MemoryError, IndexError),
    # Strings with lone surrogates are refused by Python itself where they are encoded.
    UnicodeError,
)


class Bytes:
    """Values read off the input; zeros where it ends."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def byte(self) -> int:
        value = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        return value

    def below(self, bound: int) -> int:
        return self.byte() % bound

    def one_of(self, values: Any) -> Any:
        values = list(values)
        return values[self.below(len(values))]


INTEGERS = [0, 1, 2, 3, 7, 24, -1, -2, 2**31 - 1, 2**31, 2**32, 2**63 - 1, -(2**63), 2**64, 10**30]
FLOATS = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    1e-45,
    65504.0,
    1e38,
    1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
]
TEXTS = [
    "",
    "a",
    "one two",
    "é中😀",
    "\ud800",
    "a\x00b",
    "q0",
    "q1",
    "The",
    " ",
    "\u202e",
    "x" * 300,
]


def scalar(read: Bytes) -> Any:
    """Any small Python object."""
    kinds: list[Callable[[], Any]] = [
        lambda: read.one_of(INTEGERS),
        lambda: read.one_of(FLOATS),
        lambda: read.one_of(TEXTS),
        lambda: None,
        lambda: bool(read.below(2)),
        lambda: b"bytes",
        lambda: [],
        lambda: {},
        object,
        lambda: np.float16(1.5),
        lambda: np.int64(3),
        lambda: np.zeros(0),
        lambda: (-1, -1),
        lambda: [read.one_of(INTEGERS), read.one_of(INTEGERS)],
        lambda: 1j,
    ]
    return read.one_of(kinds)()


def mostly(read: Bytes, good: Any) -> Any:
    """`good`, or once in a while something else."""
    return scalar(read) if read.below(24) == 23 else good


def offset(read: Bytes) -> Any:
    at = read.below(12)
    return read.one_of([None, [], (at, at + 1), (at, at + 1), [at, at + 2], (-1, -1), [3]])


DTYPES = ["f4", "f4", "f8", "f2", ">f4", ">f2", "i4", "?", "O", "c8", "U3", "M8[s]", "g"]


def logits(read: Bytes, rows: int, width: int) -> Any:
    """An array of any dtype and layout."""
    values = np.array([read.below(17) - 8 for _ in range(max(0, rows * width))], "f4")
    try:
        array: Any = values.reshape(rows, width).astype(read.one_of(DTYPES))
    except (ValueError, TypeError):
        array = values.reshape(rows, width)
    layouts: list[Callable[[Any], Any]] = [
        lambda a: a,
        lambda a: a,
        lambda a: a,
        np.asfortranarray,
        lambda a: a[::-1],
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a.tolist(),
        list,
        lambda a: np.ma.masked_array(a, a == 0),
        lambda a: a.reshape(-1),
        lambda a: a[None],
        lambda a: np.broadcast_to(a[:1], a.shape) if len(a) else a,
        lambda a: a.astype(object) if a.dtype.kind == "f" else a,
        lambda a: [row[: read.below(width + 1)] for row in a],
    ]
    array = read.one_of(layouts)(array)
    if (
        isinstance(array, np.ndarray)
        and array.dtype.kind == "f"
        and array.size
        and read.below(4) == 3
    ):
        array = array.copy()
        array.flat[read.below(array.size)] = read.one_of(FLOATS)
    return array


def boxed(read: Bytes, rows: list[dict[str, Any]]) -> Any:
    """The rows in some container."""
    kind = read.below(8)
    if kind == 0 and rows:
        return {name: [row.get(name) for row in rows] for name in rows[0]}
    if kind == 1:
        return tuple(rows)
    if kind == 2:
        import pyarrow as pa

        try:
            return pa.Table.from_pylist(rows)
        except (pa.ArrowException, UnicodeError, OverflowError, TypeError, ValueError):
            return rows
    return mostly(read, rows)


def tables(read: Bytes) -> tuple[Any, Any, Any]:
    examples, features = [], []
    for number in range(read.below(4)):
        context = read.one_of(["one two three", "é中😀 " * 4, "", mostly(read, "abc")])
        examples.append({"id": mostly(read, f"q{number}"), "context": context})
    width = read.below(9)
    for _ in range(read.below(5)):
        length = mostly(read, max(0, width + read.one_of([0, 0, 0, -1, 1])))
        offsets = [
            mostly(read, offset(read))
            for _ in range(length if type(length) is int and 0 <= length < 20 else 3)
        ]
        feature: dict[str, Any] = {
            "example_id": mostly(read, f"q{read.below(4)}"),
            "offset_mapping": mostly(read, offsets),
            "input_ids": mostly(read, [101] + [7] * max(0, width - 1)),
        }
        if read.below(4) == 0:
            feature["token_is_max_context"] = mostly(
                read, {str(read.below(9)): True, mostly(read, "3"): scalar(read)}
            )
        if read.below(24) == 23:
            feature.pop(read.one_of(list(feature)))
        features.append(feature)
    rows = max(0, len(features) + read.one_of([0, 0, 0, 0, 1, -1]))
    pair: Any = (logits(read, rows, width), logits(read, rows, width))
    pairs = [
        pair,
        pair,
        pair,
        pair,
        list(pair),
        {"start_logits": pair[0], "end_logits": pair[1]},
        pair[:1],
        (*pair, pair[0]),
        [pair, pair],
        None,
        pair[0],
    ]
    return boxed(read, examples), boxed(read, features), read.one_of(pairs)


def params(read: Bytes) -> Any:
    values: dict[str, Any] = {
        "n_best_size": read.one_of([1, 3, 20, scalar(read)]),
        "max_answer_length": read.one_of([1, 5, 30, scalar(read)]),
        "entries_per_example": read.one_of([0, 1, 20, scalar(read)]),
        "candidates": mostly(read, read.one_of(["top_n", "all"])),
        "null_position": mostly(read, read.one_of(["first", "cls"])),
        "cls_token_id": mostly(read, 101),
        "null_aggregation": mostly(read, read.one_of(["min", "max"])),
        "null_floor": mostly(read, read.one_of([None, 0.0])),
        "only_above_null": mostly(read, bool(read.below(2))),
        "null_in_list": mostly(read, bool(read.below(2))),
        "fallback": mostly(read, read.one_of(["empty", "", "beam_search"])),
        "decision": mostly(
            read, read.one_of(["first_entry", "score_difference", "score_above_null"])
        ),
        "null_score_diff_threshold": mostly(read, 0.0),
        "nan_policy": mostly(read, read.one_of(["raise", "ignore"])),
    }
    return fastqa.SpanParams(**values)


def drop_in(read: Bytes) -> None:
    sizes = (mostly(read, 20), mostly(read, 30))
    data = tables(read)
    if read.below(2):
        fastqa.postprocess_qa_predictions(*data, mostly(read, bool(read.below(2))), *sizes)
    else:
        cls = {"squad_v2": bool(read.below(2)), "cls_token_id": mostly(read, 101)}
        fastqa.postprocess(*data, *sizes, **cls, null_position=mostly(read, "cls"))


def search(read: Bytes) -> None:
    switches = params(read)
    found = fastqa.search(*tables(read), switches)
    found.to_dict()
    found.to_arrow()
    for example_id in found.ids:
        found.nbest(example_id)
    for column in (*fastqa.nbest.ENTRY_COLUMNS, "kind", "predicted", "null_score"):
        found.column(column)
    with tempfile.TemporaryDirectory() as folder:
        found.save(folder)


def collector(read: Bytes) -> None:
    switches = params(read)
    examples, features, pair = tables(read)
    fed = fastqa.SpanCollector(examples, features, switches)
    for _ in range(read.below(4)):
        numbers = [mostly(read, read.below(6)) for _ in range(read.below(5))]
        try:
            fed.update(*(side[: len(numbers)] for side in pair[:2]), mostly(read, numbers))
        except HONEST:
            continue
    fed.result()


def beam(read: Bytes) -> None:
    examples, features, _ = tables(read)
    rows, starts, ends = read.below(5), read.below(4), read.below(4)
    outputs = [
        logits(read, rows, starts),
        np.array([read.one_of([0, 1, 5, -1, 2**40]) for _ in range(rows * starts)]).reshape(
            rows, starts
        ),
        logits(read, rows, starts * ends),
        np.array([read.below(9) for _ in range(rows * starts * ends)]).reshape(rows, starts * ends),
        logits(read, rows, 1),
    ]
    outputs[read.below(5)] = mostly(read, outputs[read.below(5)])
    fastqa.postprocess_qa_predictions_with_beam_search(
        examples,
        features,
        outputs,
        bool(read.below(2)),
        mostly(read, 20),
        30,
        mostly(read, starts),
        mostly(read, ends),
    )


def scores(read: Bytes) -> None:
    ids = ["q0", "q1", "q2", 7]
    predictions: Any = {mostly(read, key): mostly(read, read.one_of(TEXTS)) for key in ids}
    references: Any = [
        {
            "id": mostly(read, key),
            "answers": mostly(
                read,
                read.one_of(
                    [
                        {"text": [mostly(read, read.one_of(TEXTS))], "answer_start": [0]},
                        [{"text": mostly(read, read.one_of(TEXTS))}],
                        [],
                    ]
                ),
            ),
        }
        for key in ids
    ]
    if read.below(2):
        predictions = [
            {"id": key, "prediction_text": value, "no_answer_probability": mostly(read, 0.5)}
            for key, value in predictions.items()
        ]
    predictions, references = mostly(read, predictions), mostly(read, references)
    style = mostly(
        read, read.one_of(["squad1", "squad2", "mlqa", "korquad", "cmrc2018", "mrqa", "characters"])
    )
    match read.below(3):
        case 0:
            fastqa.squad(predictions, references)
        case 1:
            fastqa.squad_v2(predictions, references, mostly(read, 0.5))
        case _:
            lang = mostly(read, read.one_of([None, "en", "zh", "ar", "ko", "th"]))
            found = fastqa.score(
                predictions, references, style=style, lang=lang, missing=mostly(read, "skip")
            )
            found.summary()
    fastqa.normalize_answer(mostly(read, read.one_of(TEXTS)))


def array(read: Bytes, dtype: Any, most: int = 9) -> Any:
    """A one-dimensional array: of the dtype mostly, contiguous mostly, any values."""
    chosen = (
        np.dtype(dtype) if read.below(16) else np.dtype(read.one_of(["i4", "i8", "f4", "u1", "O"]))
    )
    values: list[Any] = []
    for _ in range(read.below(most + 1)):
        value = read.one_of(INTEGERS[:13]) if read.below(4) == 0 else read.below(9)
        values.append(value)
    wide = np.array(values, object)
    try:
        made = wide.astype(chosen)
    except (OverflowError, ValueError, TypeError):
        made = np.array([v % 100 for v in values]).astype(chosen)
    match read.below(24):
        case 0:
            return np.repeat(made, 2)[::2]
        case 1:
            return made[::-1]
        case 2 if chosen.kind != "O":
            buffer = np.zeros(made.nbytes + 1, np.uint8)
            view = buffer[1:].view(chosen)
            view[:] = made
            return view
        case 3:
            return made.reshape(1, -1)
        case 4:
            return made.astype(chosen.newbyteorder()) if chosen.kind != "O" else made
        case 5:
            return scalar(read)
    return made


def extents(read: Bytes) -> Any:
    if read.below(3) == 0:
        return (read.one_of([0, 1, 3, 2**40, 2**63, -1]), read.one_of([0, 2, 5, 2**62]))
    return array(read, read.one_of(["i4", "i8"]))


def rust(read: Bytes) -> None:
    """The extension itself, which the Python layer protects."""
    match read.below(6):
        case 0:
            chunks = [
                (
                    extents(read),
                    extents(read),
                    read.one_of([None, (array(read, "u1"), read.below(9))]),
                    array(read, "i8", 20),
                )
                for _ in range(read.below(3))
            ]
            source = (array(read, "f4", 30), array(read, "f4", 30), extents(read))
            texts = [(array(read, "u1", 20), array(read, "i8"))]
            store = _rust.search(
                source,
                chunks,
                array(read, "u4"),
                read.below(5),
                params(read),
                null_position=read.one_of(
                    [None, array(read, "i8"), (101, [(extents(read), array(read, "i8", 20))])]
                ),
                max_context=read.one_of(
                    [None, (read.one_of([0, 2, 2**62]), array(read, "u1", 20), array(read, "u1"))]
                ),
                contexts=read.one_of([None, texts, ["one", "two two two two", "é"] * 2]),
                ids=read.one_of([None, ["a", "b", "c", "d", "e"]]),
            )
            store.texts(["one two three"] * len(store))
            store.column("probability")
            store.bounds(read.one_of([0, 1, 2**40]))
            store.example_texts(read.one_of([0, 1, 2**40]), texts)
        case 1:
            _rust.assemble_windows(
                array(read, "i4", 20),
                array(read, "i8", 4),
                array(read, "i4", 30),
                array(read, "i8", 4),
                array(read, "i4", 60),
                array(read, "i8", 4),
                ([([101], [0])] * 3, 0, 1, bool(read.below(2))),
                read.one_of([0, 4, 20, 2**20, 2**64 - 1]),
                read.one_of([0, 4, 2**64 - 1]),
                read.one_of([None, 0, 5, 2**64 - 1]),
                read.one_of([None, 0, 5, 2**64 - 1]),
                None,
            )
        case 2:
            _rust.label_windows(
                array(read, "i4", 20),
                array(read, "i4", 40),
                array(read, "i8"),
                array(read, "i8"),
                array(read, "i8", 18),
                array(read, "i8"),
                array(read, "i8"),
                [101, 2],
            )
        case 3:
            _rust.decode_windows(
                array(read, "f4", 30),
                array(read, "f4", 30),
                extents(read),
                array(read, "u1", 30),
                array(read, "i8"),
                read.one_of([0, 3, 2**64 - 1]),
                read.one_of([0, 3, 2**64 - 1]),
                mostly(read, read.one_of(["logits", "window_softmax"])),
            )
        case 4:
            store_ = _rust.CollectorStore(read.below(4), params(read))
            state = {
                "logits": array(read, "f4", 12),
                "counts": array(read, "u4", 4),
                "places": array(read, "u4", 20),
                "seen_windows": array(read, "u8", 3),
            }
            store_.restore(state)
            store_.state()
            store_.merge(store_)
            store_.finish().column("score")
        case _:
            texts = [(array(read, "u1", 20), array(read, "i8")) for _ in range(read.below(3))]
            _rust.match_ids(texts, ["a", "b"])
            _rust.decode_strings(texts)
            _rust.score_answers(
                ["a", None, "é"], (array(read, "u1", 9), array(read, "i8")), array(read, "i8", 5)
            )
            _rust.resample_sums(array(read, "f8"), read.one_of([0, 3]), read.below(9))


ENTRIES: list[Callable[[Bytes], None]] = [drop_in, search, collector, beam, scores, rust, rust]


def one(data: bytes) -> None:
    """One input; an exception that is not honest ends the run."""
    read = Bytes(data)
    entry = read.one_of(ENTRIES)
    try:
        entry(read)
    except fastqa.InternalError:
        raise
    except HONEST as error:
        if not str(error):
            raise AssertionError(f"{entry.__name__}: an error without a text") from error


def random_bytes(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    deadline, done = time.monotonic() + given.seconds, 0
    while time.monotonic() < deadline:
        rng = np.random.default_rng((given.seed, done))
        data = rng.bytes(int(rng.integers(4, 400)))
        try:
            one(data)
        except BaseException:
            path = Path(tempfile.gettempdir()) / f"python_api-{given.seed}-{done}"
            path.write_bytes(data)
            print(f"python_api: execution {done}, input saved as {path}")
            raise
        done += 1
    print(f"python_api: {done} executions, no crash, no panic, no exception but honest ones")
    return 0


def main() -> int:
    warnings.simplefilter("ignore")
    if atheris is None or "--seconds" in sys.argv:
        return random_bytes(sys.argv[1:])
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
