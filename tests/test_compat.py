"""`fastqa.compat`: the metrics and processors that transformers 5 dropped.

Live beside transformers 4.57.6 where `transformers_457` finds one; always with made-up logits.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import fastqa
from fastqa.compat import squad, squad_metrics

import squad_metrics_cases
from real_data import SHARED, needs_shared
from small_models import word_piece
from transformers_457 import live, run_457

SAMPLE = Path(fastqa.__file__).parent / "sample" / "sample.json"
READER = SHARED / "models" / "minilm-squad2"


@live
@needs_shared
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_processors_and_metrics_are_those_of_457(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    monkeypatch.chdir(tmp_path)
    state = json.loads((READER / "tokenizer.json").read_text(encoding="utf-8"))
    words = state["model"]["vocab"]
    vocabulary, out = tmp_path / "vocab.txt", tmp_path / "out.json"
    vocabulary.write_text("\n".join(sorted(words, key=words.__getitem__)) + "\n", encoding="utf-8")
    run_457("squad_metrics_cases.py", vocabulary, SAMPLE.parent, SAMPLE.name, out)
    theirs = json.loads(out.read_text())
    module = SimpleNamespace(**{**vars(squad), **vars(squad_metrics)})
    tokenizer = AutoTokenizer.from_pretrained(READER)
    ours = squad_metrics_cases.run(module, tokenizer, str(SAMPLE.parent), SAMPLE.name)
    for name in ("train features", "scores", "gold scores"):
        assert ours[name] == theirs[name]
    # Unicode 15's goose: dropped by the slow tokenizer's Python, unknown to the fast one.
    differing = [a != b for a, b in zip(ours["dev features"], theirs["dev features"], strict=True)]
    assert sum(differing) <= 8
    for name in ("negative=False", "negative=True"):
        assert ours[name][0] == theirs[name][0]
        lists = [ours[name][1][key] != entries for key, entries in theirs[name][1].items()]
        assert sum(lists) <= 2
    assert ours["beam search"][:2] == theirs["beam search"][:2]
    assert ours["beam search"][3] == theirs["beam search"][3]
    pairs = [(ours["beam search"][2][key], own) for key, own in theirs["beam search"][2].items()]
    assert sum(mine != own for mine, own in pairs) <= 2


def test_a_squad_example_knows_its_words() -> None:
    example = squad.SquadExample("q", "Who?", "By Ann\u00a0Lee,\nin 1871.", "Ann\u00a0Lee", 3, "t")
    assert example.doc_tokens == ["By", "Ann\u00a0Lee,", "in", "1871."]
    assert (example.start_position, example.end_position) == (1, 1)
    assert example.char_to_word_offset[3:5] == [1, 1]


def test_windows_cover_every_token_and_one_of_them_has_its_maximum_context() -> None:
    context = " ".join(f"word{number}" for number in range(60))
    tokenizer = word_piece([context, "which"], size=200)
    example = squad.SquadExample("q", "which", context, None, None, "t")
    features = squad.squad_convert_examples_to_features([example], tokenizer, 40, 16, 8, False)
    assert all(len(feature.input_ids) == 40 for feature in features)
    seen = [
        feature.token_to_orig_map[token]
        for feature in features
        for token, best in feature.token_is_max_context.items()
        if best
    ]
    assert sorted(set(seen)) == list(range(60))
    assert features[0].unique_id == 1000000000


def test_predictions_and_scores_of_made_up_logits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tokenizer = word_piece([SAMPLE.read_text(encoding="utf-8")[:20000]], size=400)
    module = SimpleNamespace(**{**vars(squad), **vars(squad_metrics)})
    output = squad_metrics_cases.run(module, tokenizer, str(SAMPLE.parent), SAMPLE.name)
    assert output["gold scores"]["exact"] == 100.0
    predictions, nbest, odds = output["negative=True"]
    assert list(predictions) == list(nbest) == list(odds)
    for name, entries in nbest.items():
        assert (predictions[name] == "") == (odds[name] > 0.0)
        assert sum(entry["probability"] for entry in entries) == pytest.approx(1.0)
    predictions, written, nbest, odds = output["beam search"]
    assert predictions == written
    assert list(predictions) == list(nbest) == list(odds)
    for name, entries in nbest.items():
        texts = [entry["text"] for entry in entries]
        sums = [entry["start_log_prob"] + entry["end_log_prob"] for entry in entries]
        assert predictions[name] == texts[0]
        assert len(set(texts)) == len(texts)
        assert sums == sorted(sums, reverse=True)
        assert sum(entry["probability"] for entry in entries) == pytest.approx(1.0)


def test_final_text_is_the_part_of_the_words() -> None:
    final = squad_metrics.get_final_text
    assert final("steve smith", "Steve Smith's", True) == "Steve Smith"
    assert final("nothing", "Steve Smith's", True) == "Steve Smith's"
    assert final("cafe", "(Café)", True) == "Café"


def test_the_best_threshold_of_a_small_case_is_the_one_found_by_hand() -> None:
    predictions = {"a": "x", "b": "", "c": "y"}
    probabilities = {"a": 0.1, "b": 0.2, "c": 0.9}
    answerable = {"a": True, "b": False, "c": True}
    exact, f1 = {"a": 1.0, "b": 1.0, "c": 0.0}, {"a": 1.0, "b": 1.0, "c": 0.5}
    found: dict[str, float] = {}
    given = (predictions, exact, f1, probabilities, answerable)
    squad_metrics.find_all_best_thresh_v2(found, *given)
    assert found == {
        "best_exact": pytest.approx(200 / 3),
        "best_exact_thresh": 0.1,
        "best_f1": pytest.approx(250 / 3),
        "best_f1_thresh": 0.9,
        "has_ans_exact": 0.5,
        "has_ans_f1": 0.75,
    }
    without: dict[str, float] = {}
    squad_metrics.find_all_best_thresh(without, *given)
    assert without == {name: value for name, value in found.items() if "has_ans" not in name}


def test_examples_come_from_rows_and_features_go_into_a_tensor_dataset() -> None:
    rows = fastqa.load_qa_dataset("sample").select(range(3))
    processor = squad.SquadV2Processor()
    splits = {"train": rows, "validation": rows}
    train = processor.get_examples_from_dataset(splits)
    assert [example.answer_text for example in train] == [
        row["answers"]["text"][0] for row in rows if row["answers"]["text"]
    ]
    examples = processor.get_examples_from_dataset(splits, evaluate=True)
    assert [len(example.answers) for example in examples] == [
        len(row["answers"]["text"]) for row in rows
    ]
    tokenizer = word_piece(rows["context"][:], size=400)
    convert = squad.squad_convert_examples_to_features
    features, tensors = convert(train, tokenizer, 128, 32, 16, True, return_dataset="pt")
    columns = tensors.tensors
    assert len(columns) == 8
    assert columns[3].tolist() == [feature.start_position for feature in features]
    assert columns[7].tolist() == [float(feature.is_impossible) for feature in features]
    with pytest.raises(ValueError, match="expected False or 'pt'"):
        convert(train, tokenizer, 128, 32, 16, True, return_dataset="tf")
    with pytest.raises(ValueError, match="leaves no room for the context"):
        convert(train, tokenizer, 8, 32, 16, True)
    with pytest.raises(ValueError, match="should be instantiated via"):
        squad.SquadProcessor().get_train_examples("anywhere")


def test_a_question_without_a_prediction_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    golds = [{"text": "red", "answer_start": 0}]
    examples = [SimpleNamespace(qas_id=name, answers=golds) for name in ("a", "b")]
    assert squad_metrics.get_raw_scores(examples, {"a": "Red"}) == ({"a": 1}, {"a": 1.0})
    assert capsys.readouterr().out == "Missing prediction for b\n"
