"""The oracle against facts marked [RUN] in SEMANTICS.md, its section 3 and data/README.md."""

from __future__ import annotations

import json
import math
import os
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oracle
from oracle import metrics, metrics_other
from oracle._common import rows
from real_data import SHARED

SQUAD = SHARED / "data/squad"
needs_data = pytest.mark.skipif(not SQUAD.is_dir(), reason="no shared data")


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def near(value: float) -> Any:
    return pytest.approx(value, abs=1e-9, rel=0)


# --------------------------------------------------------------------------- official numbers


@needs_data
@pytest.mark.parametrize(
    ("name", "exact", "f1"),
    [
        ("bert-ensemble.v1.1", 86.20624408703878, 92.19557978351145),
        ("logistic-regression.v1.1", 40.14191106906339, 50.98153647324461),
    ],
)
def test_squad_v1_numbers(name: str, exact: float, f1: float) -> None:
    scores = oracle.squad_v1(
        load(SQUAD / "dev-v1.1.json"), load(SQUAD / f"predictions/{name}.json")
    )
    assert scores == {"exact_match": near(exact), "f1": near(f1)}


@needs_data
@pytest.mark.parametrize(
    ("name", "exact", "f1"),
    [
        ("bert-single.v2.0", 78.74168280973637, 81.77528052374723),
        ("bidaf-elmo.v2.0", 65.70369746483618, 67.87648921451334),
    ],
)
def test_squad_v2_numbers(name: str, exact: float, f1: float) -> None:
    dataset, predictions = load(SQUAD / "dev-v2.0.json"), load(SQUAD / f"predictions/{name}.json")
    scores = oracle.squad_v2(dataset, predictions)
    assert (scores["exact"], scores["f1"], scores["total"]) == (near(exact), near(f1), 11873)
    assert list(scores) == [
        *("exact", "f1", "total", "HasAns_exact", "HasAns_f1", "HasAns_total"),
        *("NoAns_exact", "NoAns_f1", "NoAns_total"),
    ]
    assert scores["NoAns_total"] == 5945


@needs_data
def test_bidaf_best_scores_with_all_zero_probabilities() -> None:
    dataset = load(SQUAD / "dev-v2.0.json")
    predictions = load(SQUAD / "predictions/bidaf-elmo.v2.0.json")
    zeros = dict.fromkeys(predictions, 0.0)
    scores = oracle.squad_v2(dataset, predictions, zeros, curves=True)
    assert scores["best_exact"] == near(65.72054240714226)
    assert scores["best_f1"] == near(67.89333415681959)
    assert list(scores)[-7:] == [
        *("best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"),
        *("pr_exact_ap", "pr_f1_ap", "pr_oracle_ap"),
    ]
    assert oracle.squad_v2(dataset, predictions, flavour="squad_metrics") == {
        key: value for key, value in scores.items() if not key.startswith("pr_")
    }


# --------------------------------------------------------------------------- texts and metrics


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("U.S.A.", "usa"),
        ("a-b", "ab"),
        ("co-the-op", "cotheop"),
        ("“the” «a» 。", "“ ” « » 。"),
        ("x\u200by", "x\u200by"),
        ("x\u00a0y", "x y"),
        ("İ", "i̇"),
        ("Ａｎ", "ａｎ"),
        ("x\x1cy\x85z", "x y z"),
    ],
)
def test_normalize_answer(text: str, normal: str) -> None:
    assert oracle.normalize_answer(text) == normal


def test_f1_of_two_texts_without_tokens() -> None:
    assert oracle.f1_v1("the", "a") == 0
    assert oracle.compute_f1_v2("the", "a") == 1
    assert oracle.exact("the", "a") == 1
    assert oracle.compute_f1_v2("x", "") == 0


def reference(qid: str, *golds: str) -> dict[str, Any]:
    return {"id": qid, "answers": {"text": list(golds), "answer_start": [0] * len(golds)}}


def test_squad_v1_policies() -> None:
    assert oracle.squad_v1([reference("1", "x"), reference("2", "y")], {"1": "x", "9": "z"}) == {
        "exact_match": 50.0,
        "f1": 50.0,
    }
    with pytest.raises(ValueError):
        oracle.squad_v1([reference("1")], {"1": "x"})
    with pytest.raises(AttributeError):
        oracle.squad_v1([reference("1", "x")], {"1": None})


def test_squad_v2_drops_a_missing_prediction_then_raises() -> None:
    with pytest.raises(KeyError):
        oracle.squad_v2([reference("1", "x"), reference("2", "y")], {"1": "x"})
    # Only the subsets raise; the overall mean silently leaves the question out.
    raw = oracle.raw_scores_v2([reference("1", "x"), reference("2", "y")], {"1": "x"})
    assert raw.exact == {"1": 1}


def test_squad_v2_records_are_scored_as_evaluate_does() -> None:
    records = [
        {"id": "1", "prediction_text": "x", "no_answer_probability": 0.1},
        {"id": "2", "prediction_text": "y", "no_answer_probability": 0.9},
    ]
    scores = oracle.squad_v2([reference("1", "x"), reference("2")], records)
    assert scores["best_exact"] == 100.0
    assert scores["best_exact_thresh"] == 0.10000000149011612
    assert scores["exact"] == 50.0
    thresholded = oracle.squad_v2([reference("1", "x"), reference("2")], records, None, 0.5)
    assert thresholded["exact"] == 100.0


def test_precision_recall_places_points_between_distinct_probabilities() -> None:
    scores = {"a": 1.0, "b": 0.0, "c": 1.0}
    curve = oracle.precision_recall(
        scores, {"a": 0.1, "b": 0.1, "c": 0.2}, 3, dict.fromkeys("abc", True)
    )
    assert curve.recalls == [0.0, 1 / 3, 2 / 3]
    assert curve.precisions == [1.0, 0.5, 2 / 3]
    assert curve.ap == near(100 * (0.5 / 3 + 2 / 3 * (2 / 3 - 1 / 3)))


def test_mlqa() -> None:
    assert oracle.mlqa_normalize("Die, «Katze»!", "de") == "katze"
    assert oracle.mlqa_tokens("在2008年 ok。", "zh") == ["在", "2008", "年", "ok"]
    assert oracle.mlqa_normalize("الكتاب والولد", "ar") == "كتاب و ولد"
    assert oracle.mlqa_normalize("los $5 gatos", "es") == "5 gatos"
    with pytest.raises(ValueError):
        oracle.mlqa_normalize("x", "fr")
    data = [{"paragraphs": [{"qas": [{"id": "1", "answers": [{"text": "la casa"}]}]}]}]
    assert oracle.mlqa(data, {"1": "casa"}, "es") == {"exact_match": 100.0, "f1": 100.0}


def test_cmrc() -> None:
    assert len(metrics_other.CMRC_MARKS) == 33
    assert metrics_other.cmrc_segments("A-b，中文 x y") == ["ab", "中", "文", "x", "y"]
    # Contiguous: of 一二 and 三四 only one counts.
    assert oracle.cmrc_f1("一二三四", "一二零三四") == near(2 * (2 / 5) * (2 / 4) / (2 / 5 + 2 / 4))
    data = [{"qas": [{"query_id": "1", "answers": ["一"]}, {"query_id": "2", "answers": ["二"]}]}]
    assert oracle.cmrc2018(data, {"1": "《一》"}) == {
        "AVERAGE": "50.000",
        "F1": "50.000",
        "EM": "50.000",
        "TOTAL": 2,
        "SKIP": 1,
    }


@pytest.mark.skipif(not (SHARED / "data/cmrc2018").is_dir(), reason="no shared data")
def test_cmrc_gold_scores_full_marks() -> None:
    data = load(SHARED / "data/cmrc2018/cmrc2018_trial.json")
    golds = {question.id: question.golds[0] for question in metrics_other.questions(data)}
    scores = oracle.cmrc2018(data, golds)
    assert (scores["F1"], scores["EM"], scores["SKIP"]) == ("100.000", "100.000", 0)


def test_korquad_and_mrqa() -> None:
    assert oracle.korquad_normalize("《훈민정음》(the-책)") == "훈민정음 the책"
    assert metrics_other.korquad_f1("가나 다", "가나다라") == near(2 * 1.0 * 0.75 / 1.75)
    lines = [
        {"header": {}},
        {"qas": [{"qid": "1", "answers": ["the x"]}, {"qid": "2", "answers": ["y"]}]},
    ]
    answers = oracle.mrqa_answers(lines)
    assert oracle.mrqa(answers, {"1": "X"})["f1"] == 50.0
    assert oracle.mrqa(answers, {"1": "X"}, skip_no_answer=True)["f1"] == 100.0


def test_cuad() -> None:
    golds = {"q1": ["alpha beta"], "q2": [], "q3 Parties": ["acme"]}
    nbest = {
        "q1": [{"text": "alpha beta.", "probability": 0.9}, {"text": "", "probability": 0.1}],
        "q2": [{"text": "x", "probability": 0.95}, {"text": "x", "probability": 0.4}],
        "q3 Parties": [{"text": "the acme inc company of x", "probability": 0.5}],
    }
    # The last of equal texts counts, so the wrong "x" comes in late, when recall is 1 already.
    # Nothing is predicted above 0.9: that precision is NaN, and the envelope repairs it.
    assert oracle.cuad(golds, nbest) == {
        "aupr": 1.0,
        "prec_at_80_recall": 1.0,
        "prec_at_90_recall": 1.0,
    }
    nbest["q2"].reverse()
    assert oracle.cuad(golds, nbest) == {
        "aupr": near(2 / 3),
        "prec_at_80_recall": near(2 / 3),
        "prec_at_90_recall": near(2 / 3),
    }
    assert math.isnan(oracle.cuad_precision_recall({"q": ["a"]}, {"q": []})[0])
    assert oracle.cuad({"q": ["a"]}, {"q": []})["aupr"] == 0.0
    assert metrics_other.cuad_jaccard("a  b", "a b") == near(2 / 3)
    assert metrics_other.cuad_jaccard("a  b", "a b", None) == 1.0


# --------------------------------------------------------------------------- post-processing

CONTEXT = "zero one two three"
OFFSETS = [None, (0, 4), (5, 8), (9, 12), (13, 18), None]
ONE = ([{"id": "x", "context": CONTEXT}], [{"example_id": "x", "offset_mapping": OFFSETS}])


def logits(*values: float, dtype: Any = np.float32) -> Any:
    return np.array([values], dtype=dtype)


def test_rankings() -> None:
    row = np.array([1.0, 3.0, 3.0, math.nan, -math.inf, math.nan, math.inf], np.float32)
    assert oracle.best_indexes_stable(row, 20) == [3, 5, 6, 1, 2, 0, 4]
    assert oracle.best_indexes_stable(row, 0) == oracle.best_indexes_numpy(row, 0) == []
    tie_free = np.random.default_rng(0).normal(size=400).astype(np.float32)
    for n in (1, 20, 500):
        assert oracle.best_indexes_stable(tie_free, n) == oracle.best_indexes_numpy(tie_free, n)


def test_utils_qa_entry_and_files(tmp_path: Path) -> None:
    starts, ends = logits(0.1, 0, 5, 0, 0, 0), logits(0.1, 0, 0, 4, 0, 0)
    result = oracle.postprocess_qa_predictions(
        *ONE, (starts, ends), True, output_dir=tmp_path, prefix="p"
    )
    assert result.predictions == {"x": "one two"}
    null = result.nbest["x"][[entry["text"] for entry in result.nbest["x"]].index("")]
    assert null["start_logit"] == 0.10000000149011612
    assert list(null) == ["start_logit", "end_logit", "text", "probability"]
    assert result.null_odds is not None
    written = (tmp_path / "p_null_odds.json").read_text()
    assert written == json.dumps(result.null_odds, indent=4) + "\n"
    assert sorted(os.listdir(tmp_path)) == [
        "p_nbest_predictions.json",
        "p_null_odds.json",
        "p_predictions.json",
    ]
    with pytest.raises(OSError):
        oracle.postprocess_qa_predictions(*ONE, (starts, ends), output_dir=tmp_path / "no")


def test_utils_qa_empty_entry_is_float64_and_can_win() -> None:
    nothing = ([{"id": "x", "context": "c"}], [{"example_id": "x", "offset_mapping": [None, []]}])
    pair = (logits(-0.1, 0), logits(-0.1, 0))
    result = oracle.postprocess_qa_predictions(*nothing, pair, True)
    assert result.predictions == {"x": "empty"}
    first, second = result.nbest["x"]
    assert list(first) == ["text", "start_logit", "end_logit", "probability"]
    assert first["probability"] == 1 / (1 + np.exp(np.float64(np.float32(-0.1) * 2)))
    assert second["text"] == ""
    assert oracle.postprocess_qa_predictions(*nothing, pair).nbest["x"] == [
        {"text": "empty", "start_logit": 0.0, "end_logit": 0.0, "probability": 1.0}
    ]


def test_utils_qa_threshold_is_compared_in_the_logits_dtype() -> None:
    # null - s - e is float32(0.1) here, which is greater than 0.1 only as float64.
    pair = (logits(0.1, 0, -1, -1, -1, -1), logits(0, 0, -1, -1, -1, -1))
    result = oracle.postprocess_qa_predictions(*ONE, pair, True, null_score_diff_threshold=0.1)
    assert result.predictions == {"x": "zero"}
    assert result.null_odds == {"x": float(np.float32(0.1))}


def test_utils_qa_generations() -> None:
    examples, features = ONE
    short = (logits(0, 1), logits(0, 1))
    lists = [{"example_id": "x", "offset_mapping": [[], [0, 4]]}]
    assert oracle.postprocess_qa_predictions(examples, lists, short).predictions == {"x": "zero"}
    with pytest.raises(IndexError):
        oracle.postprocess_qa_predictions(examples, lists, short, generation="B")
    for generation, error in (("A", AssertionError), ("B", ValueError), ("C", ValueError)):
        for bad in (short[:1], (np.zeros((2, 2)), np.zeros((2, 2)))):
            with pytest.raises(error):
                oracle.postprocess_qa_predictions(examples, lists, bad, generation=generation)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        oracle.postprocess_qa_predictions([{"id": "y", "context": ""}], features, short)


def test_utils_qa_all_texts_empty_raises() -> None:
    features = [{"example_id": "x", "offset_mapping": [(3, 3), (4, 4)]}]
    pair = (logits(0, 1), logits(0, 1))
    with pytest.raises(IndexError):
        oracle.postprocess_qa_predictions(ONE[0], features, pair, True, max_answer_length=1)


def test_utils_qa_example_without_windows() -> None:
    examples = [{"id": "no", "context": "c"}, *ONE[0]]
    pair = (logits(0, 1, 1, 1, 1, 0), logits(0, 1, 1, 1, 1, 0))
    result = oracle.postprocess_qa_predictions(examples, ONE[1], pair, True)
    assert list(result.predictions.items()) == [("no", ""), ("x", "zero")]
    assert result.nbest["no"] == [
        {"text": "", "start_logit": 0.0, "end_logit": 0.0, "probability": 1.0}
    ]
    assert result.null_odds is not None and result.null_odds["no"] == 0.0


def test_tables_of_every_kind_give_the_same_rows() -> None:
    as_rows = [{"id": "1", "v": 2}, {"id": "3", "v": 4}]
    assert rows(as_rows) == rows({"id": ["1", "3"], "v": [2, 4]}) == as_rows
    datasets = pytest.importorskip("datasets")
    assert rows(datasets.Dataset.from_list(as_rows)) == as_rows


def test_beam_search() -> None:
    one = np.float32
    arrays = (
        np.array([[-0.5, -1.0]], one),
        np.array([[2, 1]]),
        np.array([[-0.25, -3.0, -2.0, -0.5]], one),
        np.array([[3, 1, 1, 2]]),
        np.array([0.75], one),
    )
    options = {"start_n_top": 2, "end_n_top": 2}
    result = oracle.postprocess_qa_predictions_with_beam_search(*ONE, arrays, True, **options)
    assert result.predictions == {"x": "one two"}
    assert result.null_odds == {"x": 0.75}
    assert [entry["text"] for entry in result.nbest["x"]] == ["one two", "zero one", "zero"]
    assert list(result.nbest["x"][0]) == ["start_log_prob", "end_log_prob", "text", "probability"]
    arrays[1][:] = 0
    empty = oracle.postprocess_qa_predictions_with_beam_search(*ONE, arrays, True, **options)
    assert (empty.predictions, empty.null_odds) == ({"x": ""}, {"x": -2e-6})
    assert empty.nbest["x"] == [
        {"text": "", "start_logit": -1e-6, "end_logit": -1e-6, "probability": 1.0}
    ]


def test_notebook_ties_and_maximum() -> None:
    features = [{**ONE[1][0], "input_ids": [101, 5, 6, 7, 8, 102]}]
    tie = (logits(1, 1, 0, 0, 0, 0), logits(1, 1, 0, 0, 0, 0))
    answer = oracle.postprocess_notebook(ONE[0], features, tie, squad_v2=True, cls_token_id=101)
    assert answer == {"x": ""}
    assert oracle.postprocess_notebook(ONE[0], features, tie) == {"x": "zero"}
    with pytest.raises(ValueError):
        oracle.postprocess_notebook(ONE[0], features, tie, squad_v2=True, cls_token_id=9)
    # Two windows, nulls 4 and 0: the greater one counts here, the smaller one in utils_qa.
    two = tuple(np.array([[2, 1.5, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]], np.float32) for _ in range(2))
    assert oracle.postprocess_notebook(
        ONE[0], features * 2, two, squad_v2=True, cls_token_id=101
    ) == {"x": ""}
    assert oracle.postprocess_qa_predictions(ONE[0], features * 2, two, True).predictions == {
        "x": "zero"
    }


def test_course_and_euroeval() -> None:
    pair = (logits(9, 0, 5, 0, 0, 0), logits(9, 0, 0, 4, 0, 0))
    assert oracle.postprocess_course(*ONE, pair) == {"x": "one two"}
    with pytest.raises(IndexError):
        oracle.postprocess_course(*ONE, (np.zeros((1, 7)), np.zeros((1, 7))))
    offsets = [(-1, -1) if offset is None else offset for offset in OFFSETS]
    window = {"id": "x", "offset_mapping": offsets, "input_ids": [101, 5, 6, 7, 8, 102]}
    arrays = [np.zeros((2, 6), np.float32) for _ in range(3)]
    arrays[0][:, 2] = arrays[1][:, 3] = 2.0  # "one two" scores 4 in both windows
    assert oracle.postprocess_euroeval(ONE[0], [window, window], arrays, cls_token_id=101) == {
        "x": "one two"
    }
    # The later window's null of 6 comes too late for the first window, in time the other way.
    arrays[0][1, 0] = arrays[1][1, 0] = 3.0
    assert oracle.postprocess_euroeval(ONE[0], [window, window], arrays, cls_token_id=101) == {
        "x": "one two"
    }
    flipped = [array[::-1] for array in arrays]
    assert oracle.postprocess_euroeval(ONE[0], [window, window], flipped, cls_token_id=101) == {
        "x": ""
    }
    # Nothing at or below zero is ever an answer.
    below = [np.full((1, 6), -1.0, np.float32)] * 2
    assert oracle.postprocess_euroeval(ONE[0], [window], below, cls_token_id=101) == {"x": ""}


def test_squad_metrics_null_and_empty() -> None:
    pair = (logits(1, 0, 5, 0, 0, 0), logits(1, 0, 0, 4, 0, 0))
    result = oracle.postprocess_squad_metrics(*ONE, pair, True)
    assert result.predictions == {"x": "one two"}
    assert list(result.nbest["x"][0]) == ["text", "probability", "start_logit", "end_logit"]
    assert result.null_odds == {"x": -7.0}
    nothing = [{"example_id": "x", "offset_mapping": [None] * 6}]
    null = oracle.postprocess_squad_metrics(ONE[0], nothing, pair, True)
    assert [entry["text"] for entry in null.nbest["x"]] == ["empty", ""]
    assert null.null_odds == {"x": 2.0}
    assert oracle.postprocess_squad_metrics(ONE[0], nothing, pair).predictions == {"x": "empty"}


def test_squad_metrics_against_transformers_4(tmp_path: Path) -> None:
    """Live comparison where a transformers that still has squad_metrics is installed."""
    live = pytest.importorskip("transformers.data.metrics.squad_metrics")
    for seed in range(200):
        compare_squad_metrics(live, seed, tmp_path)


def compare_squad_metrics(live: Any, seed: int, tmp_path: Path) -> None:
    random = np.random.default_rng(seed)
    negatives, n_best = bool(seed % 2), int(random.choice([1, 3, 20]))
    words = [str(word) for word in random.choice(["ant", "bee", "cat", "dog"], 12)]
    length = len(words) + 3
    ends_at = np.cumsum([len(word) + 1 for word in words])
    spans = [
        (int(end) - len(word) - 1, int(end) - 1) for word, end in zip(words, ends_at, strict=True)
    ]
    offsets = [None, None, *spans, None]
    features, live_features, results = [], [], []
    tables = [], []
    for number in range(2):
        kept = {i: bool(random.random() < 0.8) for i in range(2, length - 1)}
        row = [random.normal(size=length).astype(np.float32).tolist() for _ in range(2)]
        if seed % 3 == 0:
            row = [[float(round(value)) for value in side] for side in row]
        tables[0].append(row[0])
        tables[1].append(row[1])
        features.append(
            {"example_id": "x", "offset_mapping": offsets, "token_is_max_context": kept}
        )
        live_features.append(
            types.SimpleNamespace(
                example_index=0,
                unique_id=number,
                tokens=["[CLS]", "[SEP]", *words, "[SEP]"],
                token_to_orig_map={i: i - 2 for i in range(2, length - 1)},
                token_is_max_context=kept,
            )
        )
        results.append(
            types.SimpleNamespace(unique_id=number, start_logits=row[0], end_logits=row[1])
        )
    example = types.SimpleNamespace(qas_id="x", doc_tokens=words)
    tokenizer = types.SimpleNamespace(convert_tokens_to_string=" ".join)
    names = [str(tmp_path / name) for name in ("predictions", "nbest", "null_odds")]
    live.compute_predictions_logits(
        [example], live_features, results, n_best, 5, True, *names, False, negatives, 0.5, tokenizer
    )
    mine = oracle.postprocess_squad_metrics(
        [{"id": "x", "context": " ".join(words)}], features, tables, negatives, n_best, 5, 0.5
    )
    for name, value in zip(names, mine, strict=True):
        if value is not None:
            assert json.dumps(value, indent=4) + "\n" == Path(name).read_text()


@needs_data
def test_squad_v2_against_transformers_4() -> None:
    live = pytest.importorskip("transformers.data.metrics.squad_metrics")
    dataset = load(SQUAD / "dev-v2.0.json")
    predictions = load(SQUAD / "predictions/bidaf-elmo.v2.0.json")
    random = np.random.default_rng(0)
    probabilities = {qid: float(round(random.random(), 2)) for qid in predictions}
    examples = [
        types.SimpleNamespace(
            qas_id=question.id, answers=[{"text": gold} for gold in question.golds]
        )
        for question in metrics.questions(dataset)
    ]
    for probs in (None, probabilities):
        theirs = live.squad_evaluate(examples, predictions, probs, 0.7)
        mine = oracle.squad_v2(dataset, predictions, probs, 0.7, flavour="squad_metrics")
        assert list(mine.items()) == list(theirs.items())
    raw = oracle.raw_scores_v2(dataset, predictions)
    answerable = metrics.has_answer(dataset)
    best = live.find_best_thresh_v2(predictions, raw.f1, probabilities, answerable)
    assert best == (
        *oracle.find_best_thresh(predictions, raw.f1, probabilities, answerable),
        metrics.has_ans_mean(raw.f1, probabilities, answerable),
    )


# --------------------------------------------------------------------------- features


def test_labels_walk() -> None:
    offsets = [(0, 0), (0, 3), (0, 0), (0, 4), (5, 8), (0, 0), (0, 0)]
    sequences = [None, 0, None, 1, 1, None, None]
    assert oracle.label_positions(offsets, sequences, 1, 0, 4) == (3, 3)
    assert oracle.label_positions(offsets, sequences, 1, 0, 8) == (3, 4)
    assert oracle.label_positions(offsets, sequences, 1, 0, 9) is None
    # The published walk runs off the context when the answer starts in its last token.
    assert oracle.label_positions(offsets, sequences, 1, 5, 8) == (6, 4)
    assert oracle.label_positions(offsets, sequences, 1, 5, 8, stay_in_context=True) == (4, 4)
    with pytest.raises(IndexError):
        oracle.label_positions(offsets, [None] * 7, 1, 5, 8)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(SHARED / "models/minilm-squad2")


@needs_data
def test_train_features(tokenizer: Any) -> None:
    context = "one two three four five six seven eight nine ten"
    examples = {
        "id": ["1", "2"],
        "question": ["   which?", "none?"],
        "context": [context] * 2,
        "answers": [
            {"text": ["nine"], "answer_start": [context.index("nine")]},
            {"text": [], "answer_start": []},
        ],
    }
    for side in ("right", "left"):
        tokenizer.padding_side = side
        features = oracle.prepare_train_features(examples, tokenizer, 12, 2)
        labelled = zip(
            features["input_ids"],
            features["start_positions"],
            features["end_positions"],
            strict=True,
        )
        answers = [
            tokenizer.decode(ids[start : end + 1])
            for ids, start, end in labelled
            if ids[start] != tokenizer.cls_token_id
        ]
        assert answers == ["nine"]
        validation = oracle.prepare_validation_features(examples, tokenizer, 12, 2)
        assert validation["input_ids"] == features["input_ids"]
        assert validation["example_id"] == sorted(validation["example_id"])
        words = [context[o[0] : o[1]] for o in validation["offset_mapping"][0] if o is not None]
        assert words == context.split()[: len(words)] and len(words) > 3
    tokenizer.padding_side = "right"
    no_cls = types.SimpleNamespace(cls_token_id=-1, bos_token_id=7)
    assert oracle.features._null_label([5, 7], no_cls, "run_qa") == 1
    assert oracle.features._null_label([5, 6], no_cls, "run_qa") == 0
    with pytest.raises(ValueError):
        oracle.features._null_label([5, 7], no_cls, "notebook")
