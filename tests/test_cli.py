"""The commands, called as a user and as a script call them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import fastqa
from fastqa.cli import COMMANDS, main

from cases import make_case, read_json


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fastqa", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name}" in shown for name in COMMANDS)
    assert main([]) == 2
    assert main(["--version"]) == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"usage: fastqa {name}" in capsys.readouterr().out


def test_wrong_usage_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    assert "invalid choice: 'nonsense'" in capsys.readouterr().err
    assert main(["score"]) == 2
    assert main(["demo", "--no-such-flag"]) == 2


def test_demo_prints_answers_scores_and_speed() -> None:
    shown = run("demo", "-n", "4")
    assert shown.returncode == 0, shown.stderr
    assert shown.stderr == ""
    for text in ("4 of 308 questions", "gold answers", "exact match", "the same answers"):
        assert text in shown.stdout
    assert "\x1b" not in shown.stdout


def test_demo_as_json_holds_scores_at_the_top_level(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["equal_answers"] is True
    assert result["questions"] == result["total"] == 308
    assert (round(result["exact"], 2), round(result["f1"], 2)) == (70.13, 76.93)
    assert len(result["answers"]) == 308
    assert result["speedup"] > 1


def test_demo_needs_numpy_alone() -> None:
    code = """
import sys
for name in ("pyarrow", "datasets", "pandas", "torch", "transformers", "tqdm", "rich"):
    sys.modules[name] = None
from fastqa.cli import main
sys.exit(main(["demo", "-n", "2"]))
"""
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=120, check=False
    )
    assert shown.returncode == 0, shown.stderr


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Any]:
    """A case in files, and its answers."""
    examples, features, (start, end) = make_case(21, examples=12)
    for example in examples:
        example["answers"] = {"text": [], "answer_start": []}
    (tmp_path / "examples.jsonl").write_text("\n".join(map(json.dumps, examples)), "utf-8")
    pyarrow.parquet.write_table(pa.Table.from_pylist(features), tmp_path / "features.parquet")
    np.savez(tmp_path / "logits.npz", start=start, end=end)
    np.save(tmp_path / "logits.npy", np.stack([start, end]))
    return tmp_path, (examples, features, (start, end))


@pytest.mark.parametrize("logits", ["logits.npz", "logits.npy"])
def test_postprocess_writes_what_the_function_writes(
    files: tuple[Path, Any], logits: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, case = files
    inputs = [
        *("--examples", str(folder / "examples.jsonl")),
        *("--features", str(folder / "features.parquet"), "--logits", str(folder / logits)),
    ]
    out = folder / "new" / "out"
    assert main(["postprocess", *inputs, "--squad-v2", "--output-dir", str(out), "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert answers == fastqa.postprocess_qa_predictions(*case, True, output_dir=folder)
    for name in ("predictions", "nbest_predictions", "null_odds"):
        assert (out / f"{name}.json").read_bytes() == (folder / f"{name}.json").read_bytes()
    assert (
        main(["score", str(folder / "examples.jsonl"), str(out / "predictions.json"), "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["total"] == 12
    notebook = ["--style", "notebook", "--squad-v2", "--cls-token-id", "101", "--n-best-size", "3"]
    assert main(["postprocess", *inputs, *notebook, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == fastqa.postprocess(
        *case, 3, squad_v2=True, cls_token_id=101
    )


def test_a_flag_may_be_spelt_as_in_run_qa(
    files: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = files
    inputs = [
        *("--examples", str(folder / "examples.jsonl")),
        *("--features", str(folder / "features.parquet"), "--logits", str(folder / "logits.npz")),
    ]
    for flags in (
        ["--squad-v2", "--n-best-size", "3", "--max-answer-length=4"],
        ["--version_2_with_negative", "--n_best_size", "3", "--max_answer_length=4"],
    ):
        assert main(["postprocess", *inputs, *flags, "--json"]) == 0
    first, second = capsys.readouterr().out.split("}\n{")
    assert first + "}\n" == "{" + second


def test_every_command_prints_json_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "--json print one JSON object and nothing else" in said, name


def test_errors_are_one_line_with_exit_code_1(
    files: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = files
    examples = ["--examples", str(folder / "examples.jsonl")]
    features = ["--features", str(folder / "features.parquet")]
    np.savez(folder / "wrong.npz", a=np.zeros(3))
    (folder / "broken.npz").write_bytes(b"nonsense")
    np.savez(folder / "short.npz", start=np.zeros((1, 4)), end=np.zeros((1, 4)))
    for arguments, text in (
        ([*examples, *features, "--logits", "missing.npz", "--json"], "no such file: missing.npz"),
        ([*examples, *features, "--logits", "missing.npz"], "give --output-dir or --json"),
        ([*examples, "--features", "none", "--logits", "x", "--json"], "no such file: none"),
        (
            [*examples, *features, "--logits", str(folder / "wrong.npz"), "--json"],
            "has the arrays ['a']; expected start and end",
        ),
        (
            [*examples, *features, "--logits", str(folder / "broken.npz"), "--json"],
            "is not a NumPy file",
        ),
        (
            [*examples, *features, "--logits", str(folder / "short.npz"), "--json"],
            "Got 1 predictions and",
        ),
    ):
        assert main(["postprocess", *arguments]) == 1
        error = capsys.readouterr().err
        assert error.startswith("fastqa postprocess: error: ")
        assert text in error
        assert error.count("\n") == 1


def test_a_shell_completes_commands_and_flags() -> None:
    script = run("--print-completion", "bash")
    assert script.returncode == 0, script.stderr
    ask = """
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
{function} 2> /dev/null; echo "${{COMPREPLY[@]}}"
"""
    function = next(
        line.split()[-2] for line in script.stdout.splitlines() if line.startswith("complete ")
    )
    for words, expected in (("fastqa rep", "report"), ("fastqa score --null", "--null-odds")):
        shown = subprocess.run(
            ["bash", "-c", script.stdout + ask.format(words=words, function=function)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert expected in shown.stdout.split(), shown.stderr


def test_an_error_of_ours_points_to_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("fastqa.commands.show.read_source", fail)
    assert main(["show", "sample"]) == 1
    error = capsys.readouterr().err
    assert error == (
        "fastqa show: error: division by zero (ZeroDivisionError: --debug shows where)\n"
    )


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "none.json", "none.json", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_not_an_error_message() -> None:
    command = f"{sys.executable} -m fastqa demo --all | head -n 1"
    shown = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False
    )
    assert shown.stderr == ""
    assert shown.stdout.startswith("308 of 308")


def test_the_score_of_published_predictions(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    squad = shared / "data/squad"
    for data, predictions, expected in (
        ("dev-v1.1", "bert-ensemble.v1.1", (86.20624408703878, 92.19557978351145)),
        ("dev-v1.1", "logistic-regression.v1.1", (40.14191106906339, 50.98153647324461)),
        ("dev-v2.0", "bert-single.v2.0", (78.74168280973637, 81.77528052374723)),
        ("dev-v2.0", "bidaf-elmo.v2.0", (65.70369746483618, 67.87648921451334)),
    ):
        paths = [str(squad / f"{data}.json"), str(squad / f"predictions/{predictions}.json")]
        assert main(["score", *paths, "--json"]) == 0
        scores = json.loads(capsys.readouterr().out)
        exact = scores["exact_match" if data == "dev-v1.1" else "exact"]
        assert (exact, scores["f1"]) == pytest.approx(expected, abs=1e-9)


def test_a_saved_file_is_read_back_whole(tmp_path: Path) -> None:
    (tmp_path / "predictions.json").write_text("old", "utf-8")
    fastqa.postprocess_qa_predictions(*make_case(2), output_dir=tmp_path)
    assert len(read_json(tmp_path / "predictions.json")) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "nbest_predictions.json",
        "predictions.json",
    ]
