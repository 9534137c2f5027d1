"""`fastqa answer`, and the pipeline under transformers' own name."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import transformers

import fastqa.transformers
from fastqa.cli import main

from small_models import save_reader

CONTEXT = "The tower stands in Paris. It was built by Gustave Eiffel. 埃菲尔铁塔位于巴黎。"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_reader(tmp_path_factory.mktemp("reader"), [CONTEXT]))


def test_an_answer_is_shown_in_its_context(reader: str, capsys: pytest.CaptureFixture[str]) -> None:
    for question in ("Who built the tower?", "铁塔在哪里?"):
        code = main(["answer", "--model", reader, "--question", question, "--context", CONTEXT])
        out = capsys.readouterr().out
        assert code == 0
        assert "[[" in out
        assert "]]" in out


def test_json_has_the_best_answer_at_the_top(
    reader: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "text.txt"
    file.write_text(CONTEXT, encoding="utf-8")
    call = ["answer", "--model", reader, "--question", "Who?", "--top-k", "3", "--json"]
    assert main([*call, "--context-file", str(file)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["answer"] == CONTEXT[result["start"] : result["end"]]
    assert len(result["answers"]) == 3
    assert main([*call, "--context-file", str(file), "--context", "Berlin"]) == 0
    documents = {one["document"] for one in json.loads(capsys.readouterr().out)["answers"]}
    assert documents <= {"context 1", str(file)}


def test_json_lines_and_standard_input(
    reader: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": str(n), "question": "Who?", "context": CONTEXT} for n in range(3)]
    lines = "\n".join(json.dumps(row) for row in rows)
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert main(["answer", "--model", reader, "--input", "-"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["id"] for row in found] == ["0", "1", "2"]
    assert all(row["answer"] for row in found)
    monkeypatch.setattr("sys.stdin", io.StringIO(CONTEXT))
    assert main(["answer", "--model", reader, "--question", "Who?"]) == 0
    assert "[[" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--question", "Who?", "--context", " "], "is empty"),
        (["--context", "x"], "pass --question"),
        (["--question", "q", "--input", "x.jsonl"], "leave out the others"),
    ],
)
def test_wrong_use_is_one_line(
    reader: str, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    assert main(["answer", "--model", reader, *arguments]) == 1
    error = capsys.readouterr().err.strip()
    assert text in error
    assert "\n" not in error


def test_what_is_no_reader_is_named(
    reader: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    call = ["answer", "--question", "Who?", "--context", CONTEXT, "--model"]
    assert main([*call, str(tmp_path / "nowhere")]) == 1
    error = capsys.readouterr().err.strip()
    assert "cannot load the model" in error
    assert "nowhere" in error
    assert "\n" not in error
    # An encoder has no weights for answering: it answers at random, and says so.
    encoder = tmp_path / "encoder"
    transformers.AutoTokenizer.from_pretrained(reader).save_pretrained(encoder)
    transformers.AutoModel.from_pretrained(reader).save_pretrained(encoder)
    capsys.readouterr()
    assert main([*call, str(encoder)]) == 0
    assert "no weights for qa_outputs.bias" in capsys.readouterr().err


def test_transformers_pipeline_knows_the_task_again(reader: str) -> None:
    pipe: Any = transformers.pipeline("question-answering", model=reader, device="cpu")
    assert isinstance(pipe, transformers.Pipeline)
    found = pipe(question="Who built the tower?", context=CONTEXT, top_k=2)
    ours = fastqa.pipeline(reader, device="cpu", top_k=2)
    assert found == ours(question="Who built the tower?", context=CONTEXT)
    old = transformers.pipeline("question-answering", model=reader, device="cpu", compat="4.57")
    assert set(old(question="Who?", context=CONTEXT)) == {"score", "start", "end", "answer"}


def test_a_file_of_questions_becomes_a_file_of_answers(
    reader: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    questions, answers = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    row = {"id": "1", "question": "Who?", "context": CONTEXT}
    questions.write_text(f"{json.dumps(row)}\n\n", encoding="utf-8")
    call = ["answer", "--model", reader, "--input", str(questions), "--output", str(answers)]
    assert main([*call, "--top-k", "2"]) == 0
    (found,) = map(json.loads, answers.read_text(encoding="utf-8").splitlines())
    assert found["id"] == "1"
    assert "context" not in found
    assert len(found["answers"]) == 2
    # A line that is wrong leaves the earlier file as it is.
    before = answers.read_bytes()
    for line, text in (("{", "line 3: not JSON"), ("[]", "line 3: expected an object")):
        questions.write_text(f"{json.dumps(row)}\n\n{line}\n", encoding="utf-8")
        capsys.readouterr()
        assert main(call) == 1
        error = capsys.readouterr().err.strip()
        assert f"{questions}, {text}" in error
        assert answers.read_bytes() == before


def test_several_questions_are_shown_with_their_names(
    reader: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["answer", "--model", reader, "--question", "Who?", "--question", "Where?"]
    assert main([*call, "--context", CONTEXT]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith("?")] == ["Who?", "Where?"]
