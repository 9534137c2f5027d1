"""`fastqa show`, `evaluate` and `train` from end to end, and their errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

import fastqa.reading
from fastqa.cli import main

from small_models import save_reader

pytest.importorskip("torch")
pytest.importorskip("transformers")
datasets = pytest.importorskip("datasets")

SHAPE = ["--max_length", "128", "--doc_stride", "32"]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    datasets.disable_progress_bars()
    contexts = fastqa.load_qa_dataset("sample")["context"]
    return str(save_reader(tmp_path_factory.mktemp("reader"), contexts))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Forty questions to train on and ten to evaluate on, as files."""
    folder = tmp_path_factory.mktemp("questions")
    dataset = fastqa.load_qa_dataset("sample")
    answered = [row for row, answers in enumerate(dataset["answers"]) if answers["text"]]
    paths = folder / "train.jsonl", folder / "validation.jsonl"
    for path, rows in zip(paths, (answered[:40], answered[40:50]), strict=True):
        dataset.select(rows).to_json(path, force_ascii=False)
    return [str(path) for path in paths]


def test_show_prints_random_rows_with_the_answer_marked(capsys):
    assert main(["show", "sample", "-n", "3", "--seed", "1"]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) == 4
    assert "[[" in text
    assert main(["show", "sample", "-n", "2", "--seed", "1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["examples"]
    assert len(shown) == 2
    examples = fastqa.reading.read_examples("sample")
    for row in shown:
        context = examples["context"][examples["id"].index(row["id"])]
        part = (row["before"] + row["answer"] + row["after"]).strip("…")
        assert part in context


def test_show_random_elements_is_html_in_a_notebook_and_escapes_it():
    data = {
        "id": ["1"],
        "question": ["<b>?</b>"],
        "context": ["a < b & c"],
        "answers": [{"text": ["b & c"], "answer_start": [4]}],
    }
    shown = fastqa.show_random_elements(data, 1)
    assert "<mark>b &amp; c</mark>" in shown._repr_html_()
    assert "<b>" not in shown._repr_html_()
    assert repr(shown) == "<b>?</b>  (1)\n    a < [[b & c]]"
    with pytest.raises(ValueError, match="can show 1 to 1 of 1 rows, got 2"):
        fastqa.show_random_elements(data, 2)
    with pytest.raises(ValueError, match=r"need 'context'; these have 'question'"):
        fastqa.show_random_elements({"question": ["q"]}, 1)


def test_evaluate_prints_scores_and_writes_the_prediction_files(reader, files, tmp_path, capsys):
    command = ["evaluate", "--model", reader, "--data", files[1], "--quiet"]
    command += ["--max-length", "128", "--doc-stride", "32"]
    assert main([*command, "--json", "--output-dir", str(tmp_path)]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert {"exact_match", "f1", "loss"} <= set(scores)
    assert {path.name for path in tmp_path.iterdir()} == {
        "eval_predictions.json",
        "eval_nbest_predictions.json",
        "eval_results.json",
    }
    assert main(["score", files[1], str(tmp_path / "eval_predictions.json"), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["f1"] == scores["f1"]
    assert again["exact_match"] == scores["exact_match"]
    assert main([*command, "--squad-v2", "--limit", "3"]) == 0
    assert "HasAns_f1" in capsys.readouterr().out


@pytest.mark.slow
def test_train_writes_everything_and_returns_no_worse_a_model(reader, files, tmp_path, capsys):
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        f"model_name_or_path: {reader}\ntrain_file: {files[0]}\nvalidation_file: {files[1]}\n"
        "learning_rate: 1e-3\nmax_length: 128\ndoc_stride: 32\nuse_cpu: true\n"
    )
    output = tmp_path / "out"
    command = ["train", str(settings), "--num_train_epochs", "2", "--output_dir", str(output)]
    assert main([*command, "--json", "--disable_tqdm", "false"]) == 0  # bars do not disturb
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["f1"] >= result["start"]["eval_f1"]
    assert "scored first, and kept if training is no better" in printed.err
    assert printed.err.count("evaluation loss") >= 2  # a line each epoch, not a dict
    assert "{" not in printed.err
    assert {
        "model.safetensors",
        "tokenizer.json",
        "README.md",
        "training.png",
        "all_results.json",
        "eval_predictions.json",
        "eval_nbest_predictions.json",
    } <= {path.name for path in output.iterdir()}
    card = (output / "README.md").read_text()
    assert f"| f1 | {result['f1']:.2f} |" in card
    assert "| learning_rate | 0.001 |" in card
    evaluate = ["evaluate", "--model", str(output), "--data", files[1], "--quiet", "--json"]
    assert main([*evaluate, "--max-length", "128", "--doc-stride", "32"]) == 0
    assert json.loads(capsys.readouterr().out)["f1"] == pytest.approx(result["f1"])


@pytest.mark.parametrize(
    "command, code, message",
    [
        (["evaluate", "--model", "{reader}", "--data", "nowhere.json"], 1, "no such file"),
        (["evaluate", "--model", "./nowhere", "--data", "sample"], 1, "holds no model"),
        (["evaluate", "--model", "{reader}", "--data", "{other}"], 1, "no column 'context'"),
        (["evaluate", "--data", "sample"], 2, "required: --model"),
        (["show", "sample", "--flag"], 2, "unrecognized arguments: --flag"),
        (["show", "sample", "--columns", "id"], 2, "expected NAME=YOURS"),
        (["train", "--flag"], 2, "unrecognized arguments: --flag"),
        (["train", "--num_train_epochs", "many"], 2, "invalid float value: 'many'"),
        (["train", "nowhere.yaml"], 1, "no such settings file: nowhere.yaml"),
        (
            ["train", "{unknown}"],
            1,
            "unknown setting 'learning_rat' .*did you mean 'learning_rate'",
        ),
        (["train", "{broken}"], 1, "is not valid YAML"),
        (["train", "--train_file", "{other}"], 1, "name a model to start from"),
        (["train", "--model", "{reader}"], 1, "name questions to train on"),
        (["train", "--model", "{reader}", "--train_file", "nowhere.csv"], 1, "no such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(reader, tmp_path, capfd, command, code, message):
    names = {"reader": reader}
    for name, text in {
        "other": '[{"question": "q", "passage": "p"}]',
        "unknown": "learning_rat: 1e-3",
        "broken": "a: [",
    }.items():
        path = tmp_path / f"{name}.{'json' if name == 'other' else 'yaml'}"
        path.write_text(text)
        names[name] = str(path)
    assert main([word.format(**names) for word in command]) == code
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert re.search(message, lines[0]), lines[0]


def test_a_missing_extra_is_said_in_one_line():
    script = (
        "import sys; sys.modules['transformers'] = None\n"
        "from fastqa.cli import main\n"
        "codes = [main(['train']), main(['evaluate', '--model', 'm', '--data', 'sample'])]\n"
        "assert codes == [1, 1], codes\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 2
    assert all(
        'transformers, which is not installed: pip install "fastqa[train]"' in x for x in lines
    )


def test_without_validation_questions_every_tenth_context_is_held_out():
    from fastqa.commands.train import hold_out

    dataset = fastqa.load_qa_dataset("sample")
    train, held_out = hold_out(dataset)
    assert sorted([*train["id"], *held_out["id"]]) == sorted(dataset["id"])
    contexts = list(dict.fromkeys(dataset["context"]))
    assert set(held_out["context"]) == set(contexts[9::10])
    assert not set(held_out["context"]) & set(train["context"])
