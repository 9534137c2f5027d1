"""What users get wrong, each with the error that it must give: one table for test and page.

`test_bad_input_table.py` makes every call; `tools/bad_inputs_page.py` writes `docs/bad-inputs.md`.
Files are made in the current folder, so that messages are the same everywhere.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import fastqa
from fastqa import SpanParams
from fastqa.cli import main
from fastqa.data import load_qa_dataset

CONTEXT = "The Danube is the second-longest river in Europe."
WORDS = [(0, 3), (4, 10), (11, 13), (14, 17), (18, 32), (33, 38), (39, 41), (42, 48), (48, 49)]


@dataclass(frozen=True)
class Bad:
    """One mistake: where it is made, what it is, the call, and the error."""

    where: str
    what: str
    call: Callable[[], Any]
    kind: type[BaseException]
    text: str


class CommandError(Exception):
    """A command that ended with an error: its one line on stderr."""


def examples(**changes: Any) -> list[dict[str, Any]]:
    """Two questions; `changes` are made to the second."""
    rows = [
        {"id": f"q{row}", "context": CONTEXT, "question": "Which river?", "answers": gold()}
        for row in range(2)
    ]
    rows[1] |= changes
    return rows


def gold(**changes: Any) -> dict[str, Any]:
    """One gold answer."""
    return {"text": ["Danube"], "answer_start": [4], **changes}


def features(**changes: Any) -> list[dict[str, Any]]:
    """A window for each question; `changes` are made to the second."""
    row = {"offset_mapping": [None, None, *WORDS, None], "input_ids": [101, 7, *range(10, 19), 102]}
    rows: list[dict[str, Any]] = [{"example_id": f"q{number}", **row} for number in range(2)]
    rows[1] |= changes
    return rows


def logits(**cells: float) -> Any:
    """Start and end logits `[2, 12]`; `start_1_5=x` sets one."""
    pair = {
        side: np.tile(np.arange(12, dtype=np.float32) % 7, (2, 1)) + place
        for place, side in enumerate(("start", "end"))
    }
    for name, value in cells.items():
        side, row, column = name.split("_")
        pair[side][int(row), int(column)] = value
    return pair["start"], pair["end"]


def postprocess(**changes: Any) -> Any:
    """`postprocess_qa_predictions` of good input but for `changes`."""
    good = {"examples": examples(), "features": features(), "predictions": logits()}
    return fastqa.postprocess_qa_predictions(**{**good, **changes})


def collector(**changes: Any) -> fastqa.SpanCollector:
    """A collector of good input but for `changes`."""
    return fastqa.SpanCollector(
        **{"examples": examples(), "features": features(), "params": None, **changes}
    )


def command(*arguments: str) -> None:
    """Run `fastqa ARGUMENTS`; its line on stderr as an exception."""
    errors, output = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(output):
        try:
            status = main(list(arguments))
        except SystemExit as ended:
            status = int(ended.code or 0)
    lines = [line for line in errors.getvalue().splitlines() if "error:" in line]
    if status:
        raise CommandError(f"exit {status}: {' / '.join(lines)}")


def file(name: str, content: Any) -> str:
    """Write a file: bytes or text as they are, anything else as JSON."""
    if isinstance(content, bytes):
        Path(name).write_bytes(content)
    else:
        text = content if isinstance(content, str) else json.dumps(content)
        Path(name).write_text(text, encoding="utf-8")
    return name


def squad(entry: Any = None, **changes: Any) -> dict[str, Any]:
    """A SQuAD file of one question; `changes` are made to it, or `entry` stands in its place."""
    question = {
        "id": "q0",
        "question": "Which river?",
        "answers": [{"text": "x", "answer_start": 0}],
    }
    qas = [{**question, **changes} if entry is None else entry]
    return {"data": [{"title": "t", "paragraphs": [{"context": "x y", "qas": qas}]}]}


def load(name: str, content: Any, **options: Any) -> Any:
    """`load_qa_dataset` of a file made for it."""
    return load_qa_dataset(file(name, content), **options)


def score_files(predictions: Any, *more: str, data: Any = None) -> None:
    """`fastqa score` of two files made for it."""
    names = file("gold.json", squad() if data is None else data), file("pred.json", predictions)
    command("score", *names, *more)


START, END = logits()


def two_precisions() -> None:
    """Two batches of different precision."""
    one = collector()
    one.update(START[:1], END[:1], [0])
    one.update(START[1:].astype(np.float64), END[1:].astype(np.float64), [1])


REFERENCES = {"q0": ["Danube"], "q1": ["Danube"]}
SEARCH, COLLECT, PARAMS = "postprocess_qa_predictions", "SpanCollector", "SpanParams"
SCORE, LOAD, SHELL = "score", "load_qa_dataset", "fastqa score"
OTHER = "other functions"

BAD = [
    # Logits
    Bad(SEARCH, "one array instead of two", lambda: postprocess(predictions=(START,)), ValueError, "two elements"),
    Bad(SEARCH, "a third output", lambda: postprocess(predictions=(START, END, END)), ValueError, r"predictions\[:2\]"),
    Bad(SEARCH, "a matrix", lambda: postprocess(predictions=START), ValueError, "expected two arrays"),
    Bad(SEARCH, "logits of other features", lambda: postprocess(predictions=(START[:1], END[:1])), ValueError, "Got 1 predictions and 2 features"),
    Bad(SEARCH, "logits narrower than the features", lambda: postprocess(predictions=(START[:, :8], END[:, :8])), fastqa.OrderMismatchError, "no logits were computed for"),
    Bad(SEARCH, "start and end of different width", lambda: postprocess(predictions=(START, END[:, 1:])), ValueError, "expected the same shape"),
    Bad(SEARCH, "argmax instead of logits", lambda: postprocess(predictions=(START.astype(int), END)), TypeError, "argmax"),
    Bad(SEARCH, "complex numbers", lambda: postprocess(predictions=(START * 1j, END)), TypeError, "complex64"),
    Bad(SEARCH, "a masked array", lambda: postprocess(predictions=(np.ma.masked_less(START, 1), END)), TypeError, "mask would be lost"),
    Bad(SEARCH, "NaN among the logits", lambda: postprocess(predictions=logits(start_1_5=np.nan)), ValueError, "start logits of feature 1 are NaN at position 5"),
    # Examples and features
    Bad(SEARCH, "a data set with its splits", lambda: postprocess(examples={"train": examples()}), KeyError, "no column 'id'"),
    Bad(SEARCH, "a generator", lambda: postprocess(features=iter(features())), TypeError, "is a stream"),
    Bad(SEARCH, "a file name", lambda: postprocess(examples="dev.json"), TypeError, "examples is a str"),
    Bad(SEARCH, "examples where features belong", lambda: postprocess(features=examples()), KeyError, "not cut into windows yet"),
    Bad(SEARCH, "no context", lambda: postprocess(examples=[{"id": "q0"}, {"id": "q1"}]), KeyError, "no column 'context'"),
    Bad(SEARCH, "a context that is None", lambda: postprocess(examples=examples(context=None)), TypeError, r"examples\[1\]\['context'\] is None"),
    Bad(SEARCH, "an id that is None", lambda: postprocess(examples=examples(id=None)), ValueError, "every row needs an id"),
    Bad(SEARCH, "a feature of another data set", lambda: postprocess(features=features(example_id="zz")), KeyError, "none of the 2 examples"),
    Bad(SEARCH, "offsets of another text", lambda: postprocess(examples=examples(context="Short.")), ValueError, "were the features made from this context"),
    Bad(SEARCH, "offsets that end before they start", lambda: postprocess(features=features(offset_mapping=[(5, 2)] * 12)), ValueError, "start <= end"),
    Bad(SEARCH, "offsets of words", lambda: postprocess(features=features(offset_mapping=[("a", "b")])), ValueError, "expected two integers"),
    Bad(SEARCH, "offsets that are beyond 64 bits", lambda: postprocess(features=features(offset_mapping=[(0, 2**70)] * 12)), ValueError, "expected two integers"),
    Bad(SEARCH, "half of a surrogate pair in a context", lambda: postprocess(examples=examples(context="\ud83d" * 60)), ValueError, "lone surrogate"),
    Bad(SEARCH, "max-context flags that are a list", lambda: postprocess(features=features(token_is_max_context=[True])), TypeError, "expected a dict"),
    Bad(SEARCH, "max-context flags by word", lambda: postprocess(features=features(token_is_max_context={"the": True})), ValueError, "expected token positions"),
    Bad(SEARCH, "max-context flags before the first token", lambda: postprocess(features=features(token_is_max_context={"-1": True})), ValueError, "negative"),
    Bad(SEARCH, "a folder that is not there", lambda: postprocess(output_dir="nowhere"), OSError, "nowhere is not a directory"),
    # Switches
    Bad(PARAMS, "no entries", lambda: SpanParams(n_best_size=0), ValueError, "expected at least 1"),
    Bad(PARAMS, "a fraction of an entry", lambda: SpanParams(n_best_size=2.5), TypeError, "whole number"),  # type: ignore[arg-type]
    Bad(PARAMS, "more entries than can be counted", lambda: SpanParams(n_best_size=10**30), ValueError, r"at most 2\*\*63 - 1"),
    Bad(PARAMS, "a threshold that is no number", lambda: SpanParams(null_score_diff_threshold="0"), TypeError, "expected a number"),  # type: ignore[arg-type]
    Bad(PARAMS, "a threshold that is NaN", lambda: SpanParams(null_score_diff_threshold=float("nan")), ValueError, "is nan"),
    Bad(PARAMS, "a name that is not one", lambda: SpanParams(candidates="best"), ValueError, "expected one of 'top_n', 'all'"),  # type: ignore[arg-type]
    Bad(PARAMS, "null answers at an unknown token", lambda: SpanParams(null_position="cls"), ValueError, "pass tokenizer=, cls_token_id="),
    Bad(PARAMS, "a token id that is a word", lambda: SpanParams(null_position="cls", cls_token_id="[CLS]"), TypeError, "cls_token_id is"),  # type: ignore[arg-type]
    Bad("set_num_threads", "fewer than none", lambda: fastqa.set_num_threads(-1), ValueError, "threads is -1"),
    Bad("set_num_threads", "a million", lambda: fastqa.set_num_threads(10**6), ValueError, "to 1024"),
    # Collector
    Bad(COLLECT, "a window that is not there", lambda: collector().update(START, END, [0, 9]), ValueError, "feature index 9 is not one of the 2"),
    Bad(COLLECT, "fewer indices than rows", lambda: collector().update(START, END, [0]), ValueError, "1 feature_indices for 2 rows"),
    Bad(COLLECT, "a result before all windows came", lambda: collector().result(), ValueError, "have had no logits yet"),
    Bad(COLLECT, "a batch without features", lambda: collector(features=None).update(START, END), ValueError, "pass update"),
    Bad(COLLECT, "float32 and float64 in one collector", two_precisions, ValueError, "float32 and float64"),
    Bad(COLLECT, "a merge with other examples", lambda: collector().merge(collector(examples=examples(id="q7"), features=None)), ValueError, "other examples"),
    Bad(COLLECT, "a file of something else", lambda: fastqa.SpanCollector.load(file("state.npz", "x"), examples()), ValueError, "holds no saved SpanCollector"),
    Bad(COLLECT, "a state of other switches", lambda: collector(params=SpanParams(n_best_size=3)).load_state_dict(collector().state_dict()), ValueError, "n_best_size=20, here 3"),
    # Scores
    Bad(SCORE, "predictions without ids", lambda: fastqa.score(["Danube"], REFERENCES), KeyError, "prediction 0 is str"),
    Bad(SCORE, "predictions in one string", lambda: fastqa.score("Danube", REFERENCES), TypeError, "predictions are str"),
    Bad(SCORE, "a prediction that is a number", lambda: fastqa.score({"q0": 3, "q1": ""}, REFERENCES), TypeError, "question 'q0' is int"),
    Bad(SCORE, "a prediction that is None", lambda: fastqa.score({"q0": None, "q1": ""}, REFERENCES), TypeError, "question 'q0' is None"),
    Bad(SCORE, "a gold answer that is a number", lambda: fastqa.score({"q0": "", "q1": ""}, {"q0": [1], "q1": ["x"]}), TypeError, "gold answer of question 'q0' is int"),
    Bad(SCORE, "an answerable style for a question without answer", lambda: fastqa.squad({"q0": ""}, {"q0": []}), ValueError, "use fastqa.squad_v2"),
    Bad(SCORE, "an unknown style", lambda: fastqa.score({"q0": ""}, {"q0": ["x"]}, style="squad3"), ValueError, "squad3"),
    Bad(SCORE, "an unknown policy", lambda: fastqa.score({"q0": ""}, {"q0": ["x"]}, missing="drop"), ValueError, "expected 'zero', 'skip' or 'error'"),  # type: ignore[arg-type]
    Bad(SCORE, "predictions of another data set", lambda: fastqa.score({"a": "x"}, REFERENCES, missing="error"), KeyError, "2 of 2 questions have no prediction"),
    Bad(SCORE, "nothing to score", lambda: fastqa.squad({}, {}), ValueError, "no question to score"),
    Bad(SCORE, "a probability that is a word", lambda: fastqa.with_null_odds({"q0": ""}, {"q0": "high"}), TypeError, "'q0' is 'high'"),  # type: ignore[dict-item]
    Bad(SCORE, "a probability that is NaN", lambda: fastqa.with_null_odds({"q0": ""}, {"q0": float("nan")}), ValueError, "'q0' is nan"),
    Bad(OTHER, "an interval of no resamples", lambda: fastqa.confidence_intervals(fastqa.score({"q0": "", "q1": ""}, REFERENCES), resamples=0), ValueError, "resamples is 0"),
    Bad(OTHER, "an interval of certainty", lambda: fastqa.confidence_intervals(fastqa.score({"q0": "", "q1": ""}, REFERENCES), confidence=1.0), ValueError, "between 0 and 1"),
    Bad(OTHER, "answers from an encoding without offsets", lambda: fastqa.decode(START, END, {"input_ids": [[1] * 12] * 2}, [CONTEXT] * 2), ValueError, "offset"),
    # Files
    Bad(LOAD, "a file that is not there", lambda: load_qa_dataset("no.json"), FileNotFoundError, "no such file: no.json"),
    Bad(LOAD, "a file that breaks off", lambda: load("cut.json", '{"data": [{"ti'), ValueError, "is the file complete"),
    Bad(LOAD, "an empty file", lambda: load("empty.json", ""), ValueError, "not valid JSON"),
    Bad(LOAD, "a binary file", lambda: load("binary.json", bytes(range(128, 160))), ValueError, "is not UTF-8 text"),
    Bad(LOAD, "a packed file that breaks off", lambda: load("cut.json.gz", gzip.compress(b"{}" * 99)[:-9]), ValueError, "cut.json.gz"),
    Bad(LOAD, "100,000 brackets", lambda: load("deep.json", "[" * 100_000), ValueError, "nested too deeply"),
    Bad(LOAD, "a number of 10,000 digits", lambda: load("huge.json", '{"data": ' + "9" * 10_000 + "}"), ValueError, "digits"),
    Bad(LOAD, "JSON of something else", lambda: load("other.json", {"loss": 0.5}), ValueError, "holds no questions"),
    Bad(LOAD, "a question without id", lambda: load("noid.json", squad({"question": "?"})), ValueError, r"qas\[0\]: 'id' is missing"),
    Bad(LOAD, "a question that is a list", lambda: load("list.json", squad(["?"])), ValueError, "must be an object"),
    Bad(LOAD, "an answer that is a number", lambda: load("number.json", squad(answers=[{"text": 5, "answer_start": 0}])), ValueError, "'text' must be a string"),
    Bad(LOAD, "an answer that starts at NaN", lambda: load("nan.json", squad(answers=[{"text": "x", "answer_start": float("nan")}])), ValueError, "'answer_start' must be an integer"),
    Bad(LOAD, "an answer that starts at 10^40", lambda: load("far.json", squad(answers=[{"text": "x", "answer_start": 10**40}])), ValueError, "'answer_start' must be from 0"),
    Bad(LOAD, "columns of other names", lambda: load("names.jsonl", '{"passage": "x", "query": "?"}\n'), ValueError, "Name yours with columns="),
    Bad(LOAD, "a CSV row with too few cells", lambda: load("few.csv", "question,context\nonly one\n"), ValueError, "fewer cells"),
    Bad(LOAD, "half of a surrogate pair", lambda: load("half.json", squad(question="\ud83d")), ValueError, "lone surrogate"),
    Bad(LOAD, "a split that is none", lambda: load("ok.json", squad(), split="dev[oops]"), ValueError, "split must look like"),
    # The command line
    Bad(SHELL, "predictions that break off", lambda: score_files('{"q0": "x"'), CommandError, "exit 1: .*pred.json is not valid JSON"),
    Bad(SHELL, "predictions nested without end", lambda: score_files('{"q0":' * 100_000), CommandError, "exit 1: .*nested too deeply"),
    Bad(SHELL, "a list of texts", lambda: score_files(["x"]), CommandError, "exit 1: .*prediction 0 is str"),
    Bad(SHELL, "a number as prediction", lambda: score_files({"q0": 1e999}), CommandError, "exit 1: .*question 'q0' is float"),
    Bad(SHELL, "a folder", lambda: command("score", file("gold.json", squad()), "."), CommandError, "exit 1: .*is a folder"),
    Bad(SHELL, "probabilities that are a list", lambda: score_files({"q0": "x"}, "-n", file("na.json", [1])), CommandError, "exit 1: .*expected an object from id to probability"),
    Bad(SHELL, "a probability that is a word", lambda: score_files({"q0": "x"}, "-n", file("na.json", {"q0": "high"})), CommandError, "exit 1: .*'q0' is 'high'"),
    Bad(SHELL, "null odds that are a number", lambda: score_files({"q0": "x"}, "--null-odds", file("odds.json", 5)), CommandError, "exit 1: .*odds.json"),
    Bad(SHELL, "n-best lists of another kind", lambda: score_files({"q0": "x"}, "--nbest", file("nbest.json", {"q0": "x"})), CommandError, "exit 1: .*q0"),
    Bad(SHELL, "a threshold that is a word", lambda: score_files({"q0": "x"}, "-t", "high"), CommandError, "exit 2: .*invalid float value: 'high'"),
    Bad(SHELL, "an output in a folder that is not there", lambda: score_files({"q0": "x"}, "-o", "nowhere/scores.json"), CommandError, "exit 1: .*there is no folder"),
    Bad("fastqa report", "a sweep of another kind", lambda: command("report", file("gold.json", squad()), file("pred.json", {"q0": "x"}), "--sweep", file("sweep.json", {"a": 1}), "--output", "page.html"), CommandError, "exit 1: .*a sweep is a list of rows"),
    Bad("fastqa report", "predictions that are no JSON", lambda: command("report", file("gold.json", squad()), file("pred.json", "<html>"), "--output", "page.html"), CommandError, "exit 1: .*pred.json is not valid JSON"),
    Bad("fastqa predict", "questions that are not there", lambda: command("predict", "--data", "no.jsonl", "--model", ".", "--output", "out.jsonl"), CommandError, "exit 1: .*no.jsonl"),
    Bad("fastqa train", "an unknown setting", lambda: command("train", file("settings.json", {"epohcs": 3})), CommandError, "exit 1: .*epohcs"),
    Bad("fastqa train", "settings that break off", lambda: command("train", file("settings.json", '{"epochs"')), CommandError, "exit 1: .*settings.json is not valid JSON"),
]  # fmt: skip


def attempt(bad: Bad) -> BaseException | None:
    """What the call raises, KeyError and SystemExit included; None: nothing."""
    try:
        bad.call()
    except BaseException as error:
        return error
    return None


def message(error: BaseException | None) -> str:
    """An error's text; that of a KeyError without its quotes."""
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(error)
