"""What commands show: drawn tables and marked answers on a terminal, a bar for what takes long."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import fastqa
from fastqa import searching, terminal
from fastqa.cli import main
from fastqa.progress import progress_bar


def pretend_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output says that it is a terminal."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")


def test_a_table_is_drawn_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend_terminal(monkeypatch)
    passage = terminal.Passage("from ", "Vienna", " on")
    rows = [("one", 1.0, passage), ("two", None, terminal.Passage("", "", "nothing"))]
    terminal.print_table(["name", "score", "where"], rows, title="Scores", ruled=True)
    shown = capsys.readouterr().out
    assert "Scores" in shown
    assert "│" in shown
    assert "from \x1b[1;32mVienna\x1b[0m on" in shown
    assert "\x1b[2m(no answer) \x1b[0mnothing" in shown


def test_a_table_in_a_pipe_is_aligned_text(capsys: pytest.CaptureFixture[str]) -> None:
    passage = terminal.Passage("from ", "Vienna", " on")
    terminal.print_table(["name", "n", "where"], [("one", 1, passage), ("二", 20, passage)])
    assert capsys.readouterr().out.splitlines() == [
        "name   n  where",
        "one    1  from [[Vienna]] on",
        "二    20  from [[Vienna]] on",
    ]


def test_an_answer_is_green_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_terminal(monkeypatch)
    assert terminal.highlighted("from Vienna on", 5, 11) == "from \x1b[1;32mVienna\x1b[0m on"
    assert terminal.highlighted("from Vienna on", 5, 5) == "from Vienna on"


def test_a_bar_counts_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar(True, "Answering", "questions", total=3) as more:
        assert more is not None
        more(3)
    shown = capsys.readouterr()
    assert "Answering" in shown.err
    assert "3/3" in shown.err
    assert not shown.out
    with progress_bar(False, "Answering", "questions") as more:
        assert more is None


def test_a_long_search_shows_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(searching, "_PROGRESS_AFTER_SECONDS", 0.0)
    windows = 100_001
    features = {
        "example_id": ["q"] * windows,
        "offset_mapping": np.tile(np.array([[0, 1], [1, 2]]), (windows, 1, 1)),
    }
    logits = np.zeros((2, windows, 2), np.float32)
    logits[:, -1, 1] = 1.0
    examples = {"id": ["q"], "context": ["ab"]}
    assert fastqa.search(examples, features, tuple(logits)).to_dict() == {"q": "b"}
    shown = capsys.readouterr().err
    assert "Searching" in shown
    assert f"{windows}/{windows}" in shown
    fastqa.search(examples, features, tuple(logits), progress=False)
    assert not capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_trains_a_reader_that_learns_the_sample(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("transformers")
    assert main(["demo", "--train", "--epochs", "3", "--json"]) == 0
    shown = capsys.readouterr()
    lines = [line.split() for line in shown.err.splitlines() if line.startswith("epoch ")]
    losses, scores = ([float(line[place]) for line in lines] for place in (3, 5))
    assert len(lines) == 3
    assert losses[2] < losses[1] < losses[0]
    result = json.loads(shown.out)
    assert [row["epoch"] for row in result["epochs"]] == [1, 2, 3]
    assert result["f1"] == pytest.approx(scores[-1], abs=0.06)
    assert len(result["answers"]) == result["total"]
    assert "by heart" in shown.err


@pytest.mark.slow
def test_the_trained_demo_ends_like_the_other_one(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    assert main(["demo", "--train", "--epochs", "1", "-n", "2"]) == 0
    shown = capsys.readouterr().out
    assert "epoch  1  loss" in shown
    assert "trained in" in shown
    assert "with an answer" in shown
