"""Reading questions from every kind of source, and from damaged ones."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys

import pytest

import fastqa
from fastqa.reading import read_examples

datasets = pytest.importorskip("datasets")

QUESTIONS = {
    "id": ["q1", "q2", "q3"],
    "title": ["Ada", "Ada", "雪"],
    "context": ["Ada wrote it.", "Ada wrote it.", "雪は白い。😀"],
    "question": ["Who?", "When?", "何色？"],
    "answers": [
        {"text": ["Ada", "Ada wrote"], "answer_start": [0, 0]},
        {"text": [], "answer_start": []},
        {"text": ["白い"], "answer_start": [2]},
    ],
}


FORMATS = ("squad", "records", "columns", "data_field", "jsonl", "lines_called_json", "packed")
FORMATS += ("csv_of_json", "csv_of_python", "parquet", "saved")


def records() -> list[dict]:
    return [dict(zip(QUESTIONS, row, strict=True)) for row in zip(*QUESTIONS.values(), strict=True)]


def nested() -> dict:
    def paragraph(rows: list[dict]) -> dict:
        asked = []
        for row in rows:
            answers = row["answers"]
            golds = zip(answers["text"], answers["answer_start"], strict=True)
            asked.append(
                {
                    "id": row["id"],
                    "question": row["question"],
                    "answers": [{"text": text, "answer_start": start} for text, start in golds],
                }
            )
        return {"context": rows[0]["context"], "qas": asked}

    rows = records()
    articles = [
        {"title": "Ada", "paragraphs": [paragraph(rows[:2])]},
        {"title": "雪", "paragraphs": [paragraph(rows[2:])]},
    ]
    return {"version": "v2.0", "data": articles}


def write_files(folder) -> dict:
    import pandas

    paths = {
        "squad": folder / "squad.json",
        "records": folder / "records.json",
        "columns": folder / "columns.json",
        "data_field": folder / "data_field.json",
        "jsonl": folder / "lines.jsonl",
        "lines_called_json": folder / "lines.json",
        "packed": folder / "squad.json.gz",
        "csv_of_json": folder / "json.csv",
        "csv_of_python": folder / "python.csv",
        "parquet": folder / "table.parquet",
        "saved": folder / "saved",
    }
    paths["squad"].write_text(json.dumps(nested()), encoding="utf-8")
    paths["records"].write_text(json.dumps(records(), ensure_ascii=False), encoding="utf-8")
    paths["columns"].write_text(json.dumps(QUESTIONS), encoding="utf-8")
    paths["data_field"].write_text(json.dumps({"data": records()}), encoding="utf-8")
    lines = "\n".join(json.dumps(record) for record in records())
    paths["jsonl"].write_text(lines + "\n\n", encoding="utf-8")
    paths["lines_called_json"].write_text("\ufeff" + lines, encoding="utf-8")
    with gzip.open(paths["packed"], "wt", encoding="utf-8") as file:
        json.dump(nested(), file)
    with paths["csv_of_json"].open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(QUESTIONS))
        writer.writeheader()
        writer.writerows({**row, "answers": json.dumps(row["answers"])} for row in records())
    dataset = datasets.Dataset.from_dict(QUESTIONS)
    pandas.DataFrame(records()).to_csv(paths["csv_of_python"], index=False)
    dataset.to_parquet(paths["parquet"])
    dataset.save_to_disk(paths["saved"])
    return paths


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    datasets.disable_progress_bars()
    return write_files(tmp_path_factory.mktemp("sources"))


@pytest.mark.parametrize(
    "kind",
    FORMATS,
)
def test_every_file_gives_the_same_questions(files, kind):
    assert read_examples(files[kind]) == QUESTIONS
    dataset = fastqa.load_qa_dataset(files[kind])
    assert dataset[:] == QUESTIONS
    assert dataset.features["answers"]["answer_start"].feature.dtype == "int32"


def test_data_in_memory_gives_the_same_questions():
    import pandas

    dataset = datasets.Dataset.from_dict(QUESTIONS)
    sources = [QUESTIONS, records(), pandas.DataFrame(records()), dataset]
    sources += [dataset.with_format("numpy"), dataset.add_column("more", [1, 2, 3])]
    for source in sources:
        assert fastqa.load_qa_dataset(source)[:] == QUESTIONS
    splits = datasets.DatasetDict({"train": dataset, "test": dataset.select([1])})
    assert fastqa.load_qa_dataset(splits, split="test")["id"][:] == ["q2"]
    assert set(fastqa.load_qa_dataset(splits)) == {"train", "test"}


def test_columns_are_mapped_by_name():
    flat = {
        "qid": [7, 8, 9],
        "passage": QUESTIONS["context"],
        "query": QUESTIONS["question"],
        "gold": ["Ada", "", "白い"],
        "start": [0.0, float("nan"), 2.0],
    }
    flat["start"][1] = None
    columns = {"id": "qid", "context": "passage", "question": "query"}
    columns |= {"answer_text": "gold", "answer_start": "start"}
    dataset = fastqa.load_qa_dataset(flat, columns=columns)
    assert dataset["id"][:] == ["7", "8", "9"]
    assert dataset["answers"][:] == [
        {"text": ["Ada"], "answer_start": [0]},
        {"text": [], "answer_start": []},
        {"text": ["白い"], "answer_start": [2]},
    ]
    del columns["answer_start"], flat["start"]
    found = fastqa.load_qa_dataset(flat, columns=columns)
    assert found["answers"][:] == dataset["answers"][:]


@pytest.mark.parametrize(
    "answers, expected",
    [
        (None, ([], [])),
        ([{"text": "it", "answer_start": 10}], (["it"], [10])),
        (["it", "Ada"], (["it", "Ada"], [10, 0])),
        ("it", (["it"], [10])),
        ({"text": "it", "answer_start": 10}, (["it"], [10])),
        (["absent"], (["absent"], [-1])),
    ],
)
def test_every_form_of_answers_is_understood(answers, expected):
    data = {"context": ["Ada wrote it."], "question": ["What?"], "answers": [answers]}
    got = fastqa.load_qa_dataset(data)["answers"][0]
    assert (got["text"], got["answer_start"]) == expected


def test_ids_titles_and_answers_may_be_missing():
    dataset = fastqa.load_qa_dataset([{"question": "q", "context": "c"}] * 2)
    assert dataset[1] == {
        "id": "1",
        "title": "",
        "context": "c",
        "question": "q",
        "answers": {"text": [], "answer_start": []},
    }


@pytest.mark.parametrize(
    "split, ids",
    [
        ("validation", ["q1", "q2", "q3"]),
        ("train[:2]", ["q1", "q2"]),
        ("train[-1:]", ["q3"]),
        ("[:34%]", ["q1"]),
        ("train[2:1]", []),
    ],
)
def test_a_file_is_one_split_that_can_be_sliced(files, split, ids):
    assert fastqa.load_qa_dataset(files["squad"], split=split)["id"][:] == ids


def test_a_split_that_is_not_there_is_named_with_those_that_are(tmp_path):
    splits = datasets.DatasetDict({name: datasets.Dataset.from_dict(QUESTIONS) for name in "ab"})
    splits.save_to_disk(tmp_path / "both")
    assert len(read_examples(tmp_path / "both", split="b")["id"]) == 3
    for read in (read_examples, fastqa.load_qa_dataset):
        with pytest.raises(ValueError, match=r"has the splits a, b: .* got 'c'$"):
            read(tmp_path / "both", split="c")
    with pytest.raises(ValueError, match="split must look like"):
        fastqa.load_qa_dataset(QUESTIONS, split="a[")


def one_row(answers: object) -> str:
    return json.dumps([{"question": "q", "context": "c", "answers": answers}])


DAMAGED = {
    "empty": ("", "is not valid JSON"),
    "truncated": (json.dumps(nested())[:-40], r"is not valid JSON: .* \(is the file complete\?\)"),
    "deep": ("[" * 100_000, "is nested too deeply"),
    "number": ("3", "holds no questions: .*got int"),
    "no questions": ("[]", "holds no questions"),
    "predictions": ('{"q1": "Ada"}', "holds no questions: .*got an object with 'q1'"),
    "no paragraphs": (
        '{"data": [{"paragraphs": []}, {"title": "x"}]}',
        r"data\[1\]: 'paragraphs' is missing; it has 'title'",
    ),
    "paragraphs of a wrong type": (
        '{"data": [{"paragraphs": 3}]}',
        r"data\[0\]: 'paragraphs' must be a list, got int 3",
    ),
    "context of a wrong type": (
        '{"data": [{"paragraphs": [{"context": null, "qas": []}]}]}',
        r"data\[0\].paragraphs\[0\]: 'context' must be a string, got NoneType None",
    ),
    "question of a wrong type": (
        '{"data": [{"paragraphs": [{"context": "c", "qas": [7]}]}]}',
        r"paragraphs\[0\].qas\[0\] must be an object with 'id', got int 7",
    ),
    "start of a wrong type": (
        one_row([{"text": "c", "answer_start": "x"}]),
        "row 0: 'answer_start' must be an integer, got str 'x'",
    ),
    "start out of range": (
        one_row({"text": ["c"], "answer_start": [2**40]}),
        "row 0: 'answer_start' must be from 0",
    ),
    "lengths that differ": (
        one_row({"text": ["c"], "answer_start": [0, 1]}),
        "row 0: 'answers' has 1 'text' and 2 'answer_start' values",
    ),
    "columns of different lengths": ('{"question": ["a"], "context": []}', "different lengths"),
    "missing column": ('[{"question": "q", "text": "c"}]', "no column 'context'; it has 'quest"),
    "a list of numbers": ("[1, 2]", "row 0 must be an object"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_one_clear_line(tmp_path, damage):
    text, message = DAMAGED[damage]
    path = tmp_path / "damaged.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        read_examples(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_and_broken_archives_are_one_clear_line(tmp_path):
    contents = {
        "latin.json": '{"data": "é"}'.encode("latin-1"),
        "broken.json.gz": gzip.compress(json.dumps(nested()).encode())[:60],
        "no.json.gz": b"not packed",
        "no.parquet": b"PAR1 not really",
        "quotes.csv": b'question,context\n"a,b',
        "cells.csv": b"question,context\na\n",
        "line.jsonl": b'{"question": "q", "context": "c"}\n{"question": ',
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"not UTF-8|cannot be read|cells than|line 2|Parquet"
        ) as caught:
            read_examples(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_half_a_surrogate_pair_is_one_clear_line(tmp_path):
    path = tmp_path / "surrogate.json"
    path.write_text(r'[{"question": "\ud83d", "context": "c"}]')
    with pytest.raises(ValueError, match="lone surrogate"):
        fastqa.load_qa_dataset(path)


def test_what_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file: .*nowhere\.json$"):
        fastqa.load_qa_dataset(tmp_path / "nowhere.json")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_examples("nowhere.csv")
    with pytest.raises(ValueError, match="no file is called 'nowhere', and no dataset") as caught:
        fastqa.load_qa_dataset("nowhere")
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="not the folder of a saved dataset"):
        fastqa.load_qa_dataset(tmp_path)


def test_the_sample_is_in_the_package():
    examples = read_examples("sample")
    assert len(examples["id"]) == len(set(examples["id"])) > 100
    assert fastqa.load_qa_dataset("sample", split="validation[:5]")["id"][:] == examples["id"][:5]


@pytest.mark.parametrize(
    "file, questions",
    [
        ("squad/dev-v1.1.json", 10_570),
        ("squad/dev-v2.0.json", 11_873),
        ("xquad/xquad.zh.json", 1_190),
        ("cmrc2018/cmrc2018_trial.json", 1_002),
    ],
)
def test_the_real_files_are_read_whole(shared, file, questions):
    examples = read_examples(shared / "data" / file)
    assert len(set(examples["id"])) == questions


def test_without_datasets_files_are_read_and_the_extra_is_named(files):
    script = (
        "import sys; sys.modules['datasets'] = None\n"
        "import fastqa, fastqa.reading\n"
        f"assert len(fastqa.reading.read_examples({str(files['squad'])!r})['id']) == 3\n"
        f"try: fastqa.load_qa_dataset({str(files['squad'])!r})\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        'this needs datasets, which is not installed: pip install "fastqa[train]"\n'
    )
