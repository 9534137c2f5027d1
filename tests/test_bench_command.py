"""`fastqa bench`, its made-up windows, and the NumPy search that it is compared with."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import fastqa
from fastqa import SpanParams, _rust, benchmark
from fastqa.cli import main
from fastqa.reference_numpy import BestSpans, best_spans, nbest_in_numpy
from fastqa.synthetic import QUESTION, SyntheticWindows, make_windows

from oracle import postprocessing as oracle

QUICK = ["bench", "--rounds", "2", "--scale", "0.02"]


def test_bench_shows_ratios_and_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(QUICK) == 0
    shown = capsys.readouterr().out
    for text in ("plain Python", "NumPy", "np.max", "quartiles", "the same answers everywhere"):
        assert text in shown
    assert f"{fastqa.num_threads()} threads" in shown
    assert f"fastqa {fastqa.__version__} (release)" in shown or "(debug)" in shown


def test_bench_as_json_holds_every_round(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["equal_answers"] is True
    assert result["rounds"] == 2
    assert result["numpy"] == np.__version__
    assert len(result["comparisons"]) == 8
    for comparison in result["comparisons"]:
        assert comparison["ratio"] > 0
        assert comparison["spread"][0] <= comparison["ratio"] <= comparison["spread"][1]
        assert len(comparison["seconds"]) == len(comparison["peer_seconds"]) == 2
        assert comparison["different"] == (None if comparison["peer"] == "np.max" else 0)


def test_bench_fails_when_answers_differ(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(*arguments: Any, **settings: Any) -> BestSpans:
        found = nbest_in_numpy(*arguments, **settings)
        found.start_token[0, 0] += 1
        return found

    monkeypatch.setattr(benchmark, "nbest_in_numpy", wrong)
    assert main(QUICK) == 1
    assert "3 answers differ" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--rounds", "0"], ["--scale", "-1"]])
def test_bench_refuses_senseless_sizes(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *wrong]) == 1
    assert "--rounds is a whole number above 0" in capsys.readouterr().err


def test_bench_needs_numpy_alone() -> None:
    code = f"""
import sys
for name in ("pyarrow", "datasets", "pandas", "torch", "transformers", "tqdm", "rich", "numba"):
    sys.modules[name] = None
from fastqa.cli import main
sys.exit(main({QUICK!r}))
"""
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=120, check=False
    )
    assert shown.returncode == 0, shown.stderr


def test_the_ratio_is_that_of_the_medians_and_its_spread_that_of_the_quartiles() -> None:
    comparison = benchmark.Comparison("w", "p", [1.0, 2.0, 3.0, 4.0, 9.0], [30.0, 10.0, 20.0])
    assert comparison.ratio == 20 / 3
    assert comparison.spread == (15 / 4, 25 / 2)
    assert benchmark.Comparison("w", "p", [2.0], [6.0]).spread == (3.0, 3.0)


def test_what_takes_turns_takes_all_of_them() -> None:
    order: list[str] = []
    works = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = benchmark.take_turns(works, 3)
    assert {name: len(taken) for name, taken in seconds.items()} == {"a": 3, "b": 3}
    # Once to see how long it takes; then each round once untimed, because it is short, and once.
    assert "".join(order) == "ab" + 3 * "aabb"


@pytest.fixture(scope="module", params=[(40, 1), (7, 5)])
def data(request: pytest.FixtureRequest) -> SyntheticWindows:
    examples, windows = request.param
    return make_windows(examples, windows, 64, overlap=16, texts=3, seed=5)


def test_made_up_windows_are_consistent(data: SyntheticWindows) -> None:
    assert data.start.dtype == data.end.dtype == np.float32
    assert (np.flatnonzero(data.context[0]) == np.arange(QUESTION, 63)).all()
    for example_id, offsets in zip(data.example_ids, data.offsets.tolist(), strict=True):
        context = data.examples["context"][data.examples["id"].index(example_id)]
        for start, end in offsets[QUESTION:63]:
            assert context[start:end].isalpha()
            assert context[end : end + 1] in ("", " ")
    for logits in (data.start, data.end):
        assert (np.diff(np.sort(logits, axis=1), axis=1) > 0).all()
    again = make_windows(len(data.examples["id"]), 1, 64, seed=5)
    assert (again.start == make_windows(len(data.examples["id"]), 1, 64, seed=5).start).all()


@pytest.mark.parametrize("entries", [1, 20])
@pytest.mark.parametrize("n_best_size", [1, 20, 100])
def test_numpy_finds_the_spans_of_the_engine_and_of_the_oracle(
    data: SyntheticWindows, n_best_size: int, entries: int
) -> None:
    in_numpy = nbest_in_numpy(
        data.start,
        data.end,
        data.context,
        data.example_of,
        entries=entries,
        n_best_size=n_best_size,
        max_answer_length=12,
    )
    params = SpanParams(n_best_size=n_best_size, entries_per_example=entries, max_answer_length=12)
    found = _rust.search(
        (data.start.ravel(), data.end.ravel(), data.start.shape),
        data.offsets_column(),
        data.example_of.astype(np.uint32),
        len(data.examples["id"]),
        params,
    )
    assert best_spans(found, entries).differences(in_numpy) == 0
    features = data.features() | {
        "offset_mapping": [
            [pair if pair[0] >= 0 else None for pair in offsets]
            for offsets in data.offsets.tolist()
        ]
    }
    expected = oracle.postprocess_qa_predictions(
        data.examples,
        features,
        (data.start, data.end),
        n_best_size=n_best_size,
        max_answer_length=12,
    )
    for row, entry in zip(in_numpy.score[:, 0], expected.nbest.values(), strict=True):
        if np.isfinite(row):
            assert row == np.float32(entry[0]["start_logit"]) + np.float32(entry[0]["end_logit"])
        else:
            assert entry[0]["text"] == "empty"


def test_equal_scores_may_come_in_any_order() -> None:
    def spans(scores: list[float], tokens: list[int]) -> BestSpans:
        columns = [np.array([tokens])] * 3
        return BestSpans(np.array([scores], dtype=np.float32), *columns)

    one = spans([3.0, 2.0, 2.0, 1.0, 0.0], [1, 2, 3, 4, 5])
    assert one.differences(spans([3.0, 2.0, 2.0, 1.0, 0.0], [1, 3, 2, 4, 5])) == 0
    assert one.differences(spans([3.0, 2.0, 2.0, 1.0, 0.0], [7, 2, 3, 8, 5])) == 2
    assert one.differences(spans([3.0, 2.0, 2.0, 1.0, 0.0], [1, 2, 3, 4, 9])) == 1
    assert one.differences(spans([3.0, 2.0, 1.5, 1.0, 0.0], [1, 2, 3, 4, 5])) == 1
