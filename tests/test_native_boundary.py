"""What crosses between Python and Rust: guarded entries, references, pickles, text.

Races are in `test_racing_writers.py`, processes and signals in `test_processes.py`.
"""

from __future__ import annotations

import copy
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastqa
from fastqa import SpanParams, _rust

from cases import content, make_case

ROOT = Path(__file__).parents[1]
BINDING, CORE = ROOT / "rust/fastqa-py/src", ROOT / "rust/fastqa-core/src"
EXAMPLES, FEATURES, LOGITS = make_case(3)


def run(code: str) -> str:
    """What a fresh process prints."""
    path = os.pathsep.join([str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path, "RUST_BACKTRACE": "0"},
    )
    return done.stdout


def entry_points() -> dict[str, str]:
    """Name of each function and method that Python can call, and the start of its body."""
    found = {}
    for path in BINDING.glob("*.rs"):
        source = path.read_text(encoding="utf-8")
        blocks = re.findall(r"#\[pymethods\]\nimpl.*?\n}\n", source, re.DOTALL)
        places = [(r"\n    fn (\w+)", block) for block in blocks]
        functions = re.findall(r"#\[pyfunction\].*?\n}\n", source, re.DOTALL)
        places += [(r"\npub fn (\w+)", function) for function in functions]
        for pattern, text in places:
            for match in re.finditer(pattern + r"[^{]*?\{\s*([^\s]+)", text):
                found[f"{path.name}: {match[1]}"] = match[2]
    return found


def test_every_entry_point_is_guarded_against_panics() -> None:
    entries = entry_points()
    assert len(entries) > 30
    assert {name for name, body in entries.items() if not body.startswith("guarded(")} == set()


def test_threads_are_used_and_the_interpreter_is_entered_in_one_place() -> None:
    parallel = {
        path.name
        for path in [*CORE.glob("*.rs"), *BINDING.glob("*.rs")]
        if re.search(r"rayon::|par_iter|par_chunks", path.read_text(encoding="utf-8"))
    }
    # search.rs says what its tasks are; it enters the pool by `with_pool` alone.
    assert parallel <= {"parallel.rs", "search.rs"}
    search = (CORE / "search.rs").read_text(encoding="utf-8")
    assert search.count(".par_iter()") == search.count("with_pool(|| tasks.par_iter()")
    attach = [path.name for path in BINDING.glob("*.rs") if "attach(" in path.read_text()]
    assert attach == ["calls.rs"]


def test_inputs_keep_their_reference_counts_also_after_errors() -> None:
    start, end = (np.ascontiguousarray(side) for side in LOGITS)
    broken = start.copy()
    broken[1, 0] = np.nan
    ids, contexts = [row["id"] for row in EXAMPLES], [row["context"] for row in EXAMPLES]
    watched = [start, end, broken, ids, contexts, EXAMPLES, FEATURES, contexts[0], ids[1]]
    before = list(map(sys.getrefcount, watched))

    def calls() -> None:
        found = fastqa.search(EXAMPLES, FEATURES, (start, end))
        found.to_dict()
        assert found._store.texts(contexts)
        for bad in ((broken, end), (start, end[:1])):
            with pytest.raises(ValueError, match=r"NaN|shape"):
                fastqa.search(EXAMPLES, FEATURES, bad)
        with pytest.raises(ValueError, match="string 1 of 1 is missing"):
            found._store.texts(contexts[:1])

    for _ in range(20):
        calls()
    assert list(map(sys.getrefcount, watched)) == before


def test_memory_does_not_grow_with_the_number_of_calls() -> None:
    grown = run("""
import gc, resource
from process_calls import CALLS
from fastqa import _rust

def used():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

def calls(times):
    for _ in range(times):
        for call in CALLS.values():
            call()
        try:
            _rust._debug_panic(True)
        except RuntimeError:
            pass

calls(8)
before = used()
calls(40)
print(used() - before)
""")
    assert int(grown) < 6 * 2**20


OBJECTS: dict[str, Any] = {
    "NBest": fastqa.search(EXAMPLES, FEATURES, LOGITS, SpanParams.utils_qa(True)),
    "NBest of float64": fastqa.search(EXAMPLES, FEATURES, [a.astype("f8") for a in LOGITS]),
    "SpanParams": SpanParams(n_best_size=7),
    "Scores": fastqa.score({"a": "x"}, {"a": ["x"]}),
    "prepare_train_features": fastqa.prepare_train_features,
    "prepare_validation_features": fastqa.prepare_validation_features,
    "search": fastqa.search,
    "InternalError": fastqa.InternalError,
    "set_num_threads": fastqa.set_num_threads,
}


@pytest.mark.parametrize("name", OBJECTS)
def test_public_objects_pickle_small_and_to_the_same_bytes(name: str) -> None:
    pickled = pickle.dumps(OBJECTS[name])
    back = pickle.loads(pickled)
    assert pickle.dumps(back) == pickled
    if isinstance(back, fastqa.NBest):
        assert content(back) == content(OBJECTS[name])
        assert back.to_dict() == OBJECTS[name].to_dict()
        assert list(copy.deepcopy(back)) == list(OBJECTS[name])
    else:
        # What `datasets.map` sends to each of its processes.
        assert len(pickled) < 10_000


def test_a_collector_pickles_with_what_it_has_seen() -> None:
    start, end = LOGITS
    collector = fastqa.SpanCollector(EXAMPLES, FEATURES)
    collector.update(start[:3], end[:3])
    back = pickle.loads(pickle.dumps(collector))
    for each in (collector, back):
        each.update(start[3:], end[3:])
    assert content(back.result()) == content(collector.result())


@pytest.mark.parametrize("name", ["logits", "places", "kind", "list_start", "fallback"])
def test_a_damaged_pickle_is_an_error(name: str) -> None:
    restore, (state,) = OBJECTS["NBest"]._store.__reduce__()
    for bad in (None, "x", np.zeros(1, "i1"), state[name][:-1]):
        with pytest.raises(ValueError, match=r"the saved state is damaged|expected one of"):
            restore({**state, name: bad})
    with pytest.raises(ValueError, match="is missing"):
        restore({key: value for key, value in state.items() if key != name})


def test_switches_have_the_same_fingerprint_in_every_process() -> None:
    code = (
        "import fastqa; from datasets.fingerprint import Hasher; "
        "print(Hasher.hash([fastqa.SpanParams(n_best_size=7), fastqa.prepare_train_features]))"
    )
    assert run(code) == run(code)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), st.data())
def test_texts_are_cut_by_code_points(context: str, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(context) - 1))
    last = data.draw(st.integers(first + 1, len(context)))
    examples = [{"id": "a\x00", "context": context}]
    features = [{"example_id": "a\x00", "offset_mapping": [(first, last)]}]
    logits = np.zeros((1, 1), "f4")
    found = fastqa.search(examples, features, (logits, logits))
    [entry, *_] = found[0]
    assert (entry["text"], entry["start_char"], entry["end_char"]) == (
        context[first:last],
        first,
        last,
    )
    assert found.to_dict() == {"a\x00": context[first:last]}


def test_importing_changes_nothing_in_the_process() -> None:
    output = run("""
import logging, os, signal, sys, threading, warnings
import numpy
tasks, environment = len(os.listdir("/proc/self/task")), dict(os.environ)
handler, filters = signal.getsignal(signal.SIGINT), list(warnings.filters)
import fastqa
assert len(os.listdir("/proc/self/task")) == tasks
assert dict(os.environ) == environment
assert signal.getsignal(signal.SIGINT) is handler and list(warnings.filters) == filters
assert not logging.root.handlers and threading.active_count() == 1
print("ok")
""")
    assert output == "ok\n"


def test_windows_padded_to_a_length_that_no_model_has_are_refused() -> None:
    one = ([1], [0])
    ids, starts = np.zeros(4, np.int32), np.array([0, 4])
    texts = (ids, starts, ids, starts, np.arange(8, dtype=np.int32), np.zeros(1, np.int64))
    template = ([one, one, one], 0, 1, False)
    with pytest.raises(ValueError, match="max_length is 1000000000000 with padding; .* at most"):
        _rust.assemble_windows(*texts, template, 10**12, 2, padding=(0, 0, False))
