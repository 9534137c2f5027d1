"""`fastqa check` finds each planted defect, repairs what has one repair, and leaves the rest."""

import json
from pathlib import Path
from typing import Any

import pytest

from fastqa import cli
from fastqa.doctor import KINDS, check
from fastqa.reading import read_examples
from scoring_data import SHARED

CONTEXT = "The golden tower of Paris was built, and Paris loved the tower for its golden light."


def planted() -> dict[str, list[Any]]:
    def answers(*pairs: tuple[str, int]) -> dict[str, list[Any]]:
        return {"text": [text for text, _ in pairs], "answer_start": [at for _, at in pairs]}

    rows = [
        ("fine", CONTEXT, "What?", answers(("golden tower", 4), ("Paris", 20))),
        ("none", CONTEXT, "What?", answers()),
        ("moved", CONTEXT, "What?", answers(("Paris", 38), ("tower", 11))),
        ("absent", CONTEXT, "What?", answers(("London", 5))),
        ("padded", CONTEXT, "What?", answers((" Paris", 19))),
        ("both", CONTEXT, "What?", answers((" tower ", 0))),
        ("empty answer", CONTEXT, "What?", answers(("", 0), ("Paris", 20))),
        ("no context", "  ", "What?", answers()),
        ("no question", CONTEXT, "", answers(("Paris", 20))),
        ("fine", CONTEXT, "What?", answers(("golden tower", 4), ("Paris", 20))),
        ("fine", CONTEXT, "Another?", answers(("built", 30))),
        ("inside", CONTEXT, "What?", answers(("gold", 4))),
        ("long", "word " * 40 + "end", "What?", answers(("word " * 34 + "word", 0))),
    ]
    names = ("id", "context", "question", "answers")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(SHARED / "models" / "minilm-squad2")


def test_every_planted_defect_is_found_and_nothing_else(tokenizer: Any) -> None:
    report = check(planted(), tokenizer, max_answer_length=30)
    found = {(finding.kind, finding.id, finding.answer) for finding in report.findings}
    assert found == {
        ("misaligned_answer", "moved", 0),
        ("answer_not_in_context", "absent", 0),
        ("padded_answer", "padded", 0),
        ("misaligned_answer", "both", 0),
        ("padded_answer", "both", 0),
        ("empty_answer", "empty answer", 0),
        ("empty_context", "no context", -1),
        ("empty_question", "no question", -1),
        ("duplicate_id", "fine", -1),
        ("between_tokens", "inside", 0),
        ("too_long", "long", 0),
    }
    assert report.counts["duplicate_id"] == 2
    assert list(report.counts) == list(KINDS)
    assert report.statistics["questions"] == 13
    assert report.statistics["windows"] == {1: 13}


def test_an_answer_that_no_window_holds_is_found(tokenizer: Any) -> None:
    examples = planted()
    report = check(examples, tokenizer, max_length=24, doc_stride=8)
    assert {f.id for f in report.findings if f.kind == "too_wide"} == {"long"}
    assert report.statistics["total_windows"] > 13
    with pytest.raises(ValueError, match="must be more than doc_stride 30"):
        check(examples, tokenizer, max_length=24, doc_stride=30)


def test_without_a_tokenizer_tokens_are_not_looked_at() -> None:
    report = check(planted())
    assert report.counts["between_tokens"] == report.counts["too_long"] == 0
    assert "windows" not in report.statistics


def test_the_repaired_copy_has_only_what_cannot_be_repaired() -> None:
    report = check(planted())
    columns, changes = report.fixed()
    again = check(columns)
    assert {kind for kind, count in again.counts.items() if count} == {"answer_not_in_context"}
    by_id = dict(zip(columns["id"], columns["answers"], strict=True))
    assert by_id["moved"] == {"text": ["Paris", "tower"], "answer_start": [41, 11]}
    assert by_id["padded"] == {"text": ["Paris"], "answer_start": [20]}
    assert by_id["both"] == {"text": ["tower"], "answer_start": [11]}
    assert by_id["empty answer"] == {"text": ["Paris"], "answer_start": [20]}
    assert by_id["fine-2"]["text"] == ["built"]
    assert columns["id"].count("fine") == 1
    assert {change.kind for change in changes} == {
        *("misaligned_answer", "padded_answer", "empty_answer", "empty_context"),
        *("empty_question", "duplicate_id"),
    }
    # The input is not touched.
    assert report.examples["answers"][2]["answer_start"] == [38, 11]


def test_the_command_reports_and_writes_a_copy_that_reads_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "planted.jsonl"
    examples = planted()
    rows = [dict(zip(examples, row, strict=True)) for row in zip(*examples.values(), strict=True)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("fixed.json", "fixed.jsonl"):
        fixed = tmp_path / name
        assert cli.main(["check", str(source), "--fix", str(fixed), "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["misaligned_answer"] == 2
        assert report["defects"] == len(report["findings"])
        columns = read_examples(fixed)
        assert check(columns).counts["misaligned_answer"] == 0
        changes = json.loads((tmp_path / f"{name}.changes.json").read_text())
        assert len(changes) == report["changes"] > 5
    assert cli.main(["check", str(source)]) == 0
    assert "misaligned_answer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("squad/dev-v1.1.json", {"between_tokens": 169, "too_long": 21}),
        ("squad/dev-v2.0.json", {"between_tokens": 82, "too_long": 16}),
        (
            "cmrc2018/cmrc2018_trial.json",
            {
                "empty_question": 2,
                "misaligned_answer": 5,
                "padded_answer": 3,
                "between_tokens": 2,
                "too_long": 332,
                "too_wide": 5,
            },
        ),
    ],
)
def test_the_shared_data_is_reported_as_it_is(
    name: str, expected: dict[str, int], tokenizer: Any
) -> None:
    report = check(read_examples(SHARED / "data" / name), tokenizer)
    assert {kind: count for kind, count in report.counts.items() if count} == expected
    if "v1.1" in name:
        assert report.statistics["total_windows"] == 10_784  # the notebook's own count


def test_missing_columns_and_slow_tokenizers_are_named() -> None:
    with pytest.raises(KeyError, match="no column 'context', only"):
        check({"id": [], "question": [], "answers": []})
    with pytest.raises(TypeError, match="object is not a fast tokenizer"):
        check(planted(), object())
