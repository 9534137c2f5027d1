"""The scripts in `examples`, each from its command line to its output, on small data.

`onnx_runtime.py`, `ray_cluster.py` and the notebook are run by test files of their own.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fastqa

from documentation import ROOT
from documentation_files import FACTS, LEASE, rows, squad_json

EXAMPLES = ROOT / "examples"
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.usefixtures("single_thread"),
]
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a script in an empty folder and returns what it prints."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, *arguments: Any) -> str:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_the_list_of_examples_is_complete() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        if path.suffix in (".py", ".ipynb"):
            assert f"| `{path.name}` |" in listed


def test_fine_tuning_ends_in_a_reader_its_answers_and_a_report(named_files: Path, run: Run) -> None:
    arguments = ("--model", named_files / "bert-base-uncased", "--data", named_files / "squad_v2")
    printed = run("train_and_report.py", "out", *arguments, "--epochs", "1")
    assert "exact: " in printed and "HasAns_f1: " in printed
    answers = json.loads(Path("out/predictions.json").read_text(encoding="utf-8"))
    assert set(answers) == {row["id"] for row in rows()}
    assert Path("out/model.safetensors").exists()
    assert "Who is the tenant?" in Path("out/report.html").read_text(encoding="utf-8")


def test_contracts_are_searched_window_by_window(
    named_files: Path, run: Run, tmp_path: Path
) -> None:
    contract = " ".join([LEASE, "The parties keep a copy of it. " * 12])
    asked = [
        (contract if context == LEASE else context, question, answer)
        for context, question, answer in FACTS
        if context == LEASE
    ]
    data = tmp_path / "contracts.json"
    data.write_text(json.dumps(squad_json(rows(asked))), encoding="utf-8")
    shape = ("--max-length", "64", "--doc-stride", "16", "--batch-size", "3")
    printed = run(
        "long_contracts.py", data, "nbest.json", "--model", named_files / "reader", *shape
    )
    questions, windows = (int(word) for word in printed.split() if word.isdigit())
    assert (questions, windows > 2 * questions) == (4, True)
    lists = json.loads(Path("nbest.json").read_text(encoding="utf-8"))
    # Streamed or not, the lists are those of one search.
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(named_files / "reader")
    model = AutoModelForQuestionAnswering.from_pretrained(named_files / "reader")
    dataset = fastqa.load_qa_dataset(str(data))
    features = fastqa.prepare_validation_features(dataset, tokenizer, 64, 16)
    start, end = [], []
    import torch

    for row in features.remove_columns(["example_id", "offset_mapping"]):
        with torch.no_grad():
            output = model(**{name: torch.tensor([value]) for name, value in row.items()})
        start.append(output.start_logits[0])
        end.append(output.end_logits[0])
    params = fastqa.SpanParams.utils_qa(True, max_answer_length=200)
    found = fastqa.search(dataset, features, (start, end), params)
    for name, entries in lists.items():
        assert entries[0]["text"] == found.nbest(name)[0]["text"]
    assert f"aupr: {fastqa.cuad(lists, dataset)['aupr']:.4f}" in printed


def test_chinese_questions_are_answered_and_scored_as_cmrc_does(
    named_files: Path, run: Run
) -> None:
    data = named_files / "cmrc2018_dev.json"
    printed = run("chinese_cmrc.py", data, "predictions.json", "--model", named_files / "reader")
    answers = json.loads(Path("predictions.json").read_text(encoding="utf-8"))
    assert set(answers.values()) == {"上海", "6300余公里", "北京", "1420年"}
    assert "上海  （标准答案：上海）" in printed
    assert "EM: 100.000" in printed and "F1: 100.000" in printed


def test_two_models_are_compared_and_shown_side_by_side(named_files: Path, run: Run) -> None:
    models = (named_files / "reader", named_files / "bert-base-uncased")
    printed = run(
        "compare_models.py", *models, "--data", named_files / "squad", "--report", "both.html"
    )
    assert "100.00 and " in printed and "McNemar's test on exact match: p = 0.000" in printed
    assert Path("both.html").stat().st_size > 50_000
