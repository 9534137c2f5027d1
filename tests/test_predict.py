"""Examples in, answers out: any container, `fastqa predict`, stopped and resumed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import transformers

import fastqa
from fastqa import cli
from fastqa.predicting import question_blocks, write_answers

from small_models import save_reader

SHAPE = {"max_length": 64, "doc_stride": 16}
FLAGS = ["--max-length", "64", "--doc-stride", "16", "--quiet"]


@pytest.fixture(scope="module")
def sample() -> Any:
    return fastqa.load_qa_dataset("sample").select(range(40))


@pytest.fixture(scope="module")
def reader(sample: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_reader(tmp_path_factory.mktemp("reader"), sample["context"]))


@pytest.fixture(scope="module")
def parquet(sample: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    for number in range(3):
        part = sample.select(range(number * 14, min(40, number * 14 + 14)))
        part.to_parquet(folder / f"part-{number}.parquet")
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("squad_v2", [False, True])
def test_answers_are_those_of_features_trainer_and_search(
    sample: Any, reader: str, tmp_path: Path, squad_v2: bool
) -> None:
    answer = fastqa.AnswerQuestions(reader, **SHAPE, squad_v2=squad_v2, batch_size=4)
    found = answer(sample[:])
    tokenizer = transformers.AutoTokenizer.from_pretrained(reader)
    features = fastqa.prepare_validation_features(sample, tokenizer, **SHAPE)
    trainer = fastqa.QuestionAnsweringTrainer(
        transformers.AutoModelForQuestionAnswering.from_pretrained(reader),
        transformers.TrainingArguments(
            str(tmp_path), report_to="none", disable_tqdm=True, use_cpu=True
        ),
        processing_class=tokenizer,
        squad_v2=squad_v2,
    )
    expected = trainer.predict(features, sample.remove_columns("answers")).answers
    assert dict(zip(found["id"], found["prediction_text"], strict=True)) == expected.to_dict()
    for context, text, start, end in zip(
        sample["context"], found["prediction_text"], found["start"], found["end"], strict=True
    ):
        assert (context[start:end] == text) if text else (start, end) in {(-1, -1), (start, start)}
    assert ("null_odds" in found) == squad_v2
    if squad_v2:
        np.testing.assert_allclose(found["null_odds"], expected.score_differences, atol=1e-4)
    assert ((found["probability"] >= 0) & (found["probability"] <= 1)).all()


def test_batches_may_be_dicts_frames_tables_and_datasets(sample: Any, reader: str) -> None:
    answer = fastqa.AnswerQuestions(reader, **SHAPE)
    expected = answer(sample[:8])
    frame = answer(sample.select(range(8)).to_pandas())
    assert isinstance(frame, pd.DataFrame)
    table = answer(sample.select(range(8)).with_format("arrow")[:])
    assert isinstance(table, pa.Table)
    mapped = sample.select(range(8)).map(
        answer,
        batched=True,
        batch_size=8,
        remove_columns=sample.column_names,
        new_fingerprint="answers",
    )
    arrays = {name: np.array(sample[name][:8], dtype=object) for name in ("id", "question")}
    numpy = answer({**arrays, "context": np.array(sample["context"][:8], dtype=object)})
    for name, values in expected.items():
        for other in (frame[name].tolist(), table[name].to_pylist(), mapped[name][:], numpy[name]):
            assert list(other) == list(values)
    assert mapped.column_names == list(expected)


def test_map_in_pandas_of_spark_is_a_loop_over_frames(sample: Any, reader: str) -> None:
    answer = fastqa.AnswerQuestions(reader, **SHAPE)

    def in_pandas(frames: Any) -> Any:
        for frame in frames:
            yield answer(frame)

    whole = sample.to_pandas()
    found = pd.concat(in_pandas([whole[:17], whole[17:18], whole[18:]]))
    assert found["id"].tolist() == sample["id"][:]


def test_blocks_are_the_same_however_the_source_is_cut(sample: Any, parquet: Path) -> None:
    expected = [sample[at : at + 9]["id"] for at in range(0, 40, 9)]
    wanted = sample.select_columns(["id", "question", "context"])
    for source in (parquet, sample, wanted.to_iterable_dataset(), iter(wanted.to_list())):
        blocks = list(question_blocks(source, 9))
        assert [block["id"] for block in blocks] == expected
        assert blocks[-1]["context"] == sample["context"][36:]
    renamed = sample.rename_column("context", "passage")
    blocks = list(question_blocks(renamed, 40, columns={"context": "passage"}))
    assert blocks[0]["context"] == sample["context"][:]
    for source in (renamed, iter(renamed.to_list())):
        with pytest.raises(ValueError, match="no column 'context'"):
            list(question_blocks(source, 9))


def test_predict_reads_parquet_files_and_other_sources_alike(
    reader: str, parquet: Path, sample: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample.to_json(tmp_path / "questions.jsonl")
    for name, data in (("a", parquet), ("b", tmp_path / "questions.jsonl")):
        command = ["predict", "--model", reader, "--data", str(data), "--block-size", "9"]
        command += ["--output", str(tmp_path / name), "--json", *FLAGS]
        assert cli.main(command) == 0
        assert json.loads(capsys.readouterr().out)["questions"] == 40
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert [line["id"] for line in lines(tmp_path / "a")] == sample["id"][:]
    assert not list(tmp_path.glob("*.partial*"))


def test_a_run_that_failed_goes_on_after_its_last_whole_block(
    sample: Any, reader: str, tmp_path: Path
) -> None:
    answer = fastqa.AnswerQuestions(reader, **SHAPE)
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    assert write_answers(question_blocks(sample, 9), answer, whole, 9) == (40, 0)
    calls = 0

    def fails(block: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("the power went")
        return answer(block)

    with pytest.raises(RuntimeError, match="the power went"):
        write_answers(question_blocks(sample, 9), fails, resumed, 9)
    assert not resumed.exists()
    with (tmp_path / "resumed.partial").open("ab") as file:
        file.write(b'{"id": "torn')
    other = sample.select(range(5, 40))
    with pytest.raises(ValueError, match="begun with other questions"):
        write_answers(question_blocks(other, 9), answer, resumed, 9)
    with pytest.raises(ValueError, match="block_size=9, this one 10"):
        write_answers(question_blocks(sample, 10), answer, resumed, 10)
    with pytest.raises(ValueError, match="more answers than there are questions"):
        write_answers(question_blocks(sample.select(range(9)), 9), answer, resumed, 9)
    assert write_answers(question_blocks(sample, 9), answer, resumed, 9) == (40, 18)
    assert resumed.read_bytes() == whole.read_bytes()


def test_a_killed_process_resumes_to_the_same_bytes(
    reader: str, parquet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", "--model", reader, "--data", str(parquet), "--block-size", "2", *FLAGS]
    assert cli.main([*command, "--output", str(tmp_path / "whole")]) == 0
    killed = tmp_path / "killed"
    # Killed by its own hand in the middle of the sixth block, as by the system: nothing is cleaned up.
    program = (
        "import os, signal, sys; from fastqa import answer_questions, cli\n"
        "call, count = answer_questions.AnswerQuestions.__call__, []\n"
        "def once_too_often(self, batch):\n"
        "    count.append(1)\n"
        "    if len(count) == 6: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return call(self, batch)\n"
        "answer_questions.AnswerQuestions.__call__ = once_too_often\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command, "--output", str(killed)],
        check=False,
        timeout=240,
    )
    assert done.returncode == -signal.SIGKILL
    assert not killed.exists()
    assert len(lines(tmp_path / "killed.partial")) == 10
    capsys.readouterr()
    assert cli.main([*command, "--output", str(killed), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answered_before"] == 10
    assert killed.read_bytes() == (tmp_path / "whole").read_bytes()


def test_wrong_calls_are_one_line_each(
    reader: str, parquet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = ["--output", str(tmp_path / "out")]
    for arguments, message in (
        (["--data", "/no/such.parquet"], "no such file: /no/such.parquet"),
        (["--data", str(parquet), "--block-size", "0"], "--block-size is 0; expected at least 1"),
        (["--data", str(parquet), "--columns", "context=text"], "no column 'text'"),
    ):
        assert cli.main(["predict", "--model", reader, *arguments, *output, *FLAGS]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
