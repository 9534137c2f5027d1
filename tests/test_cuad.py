"""CUAD scoring: hand-checked cases, and the CUAD repository's numbers from the oracle."""

import math
import random
from typing import Any

import pytest

import fastqa
from fastqa.contracts import jaccard

from oracle import metrics as oracle

#: Two clauses to find, one contract without, one without and rightly left alone.
GOLDS = {
    "c1__Parties": ["Acme Corp"],
    "c1__Term": ["five years from the date", "ten years"],
    "c2__Term": [],
    "c3__Term": [],
}


def nbest(*entries: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"text": text, "probability": probability} for text, probability in entries]


def test_a_sweep_by_hand() -> None:
    predictions = {
        "c1__Parties": nbest(("the Acme Corp and others of this agreement", 0.9)),
        "c1__Term": nbest(("five years from date", 0.6), ("nothing here", 0.3), ("", 0.1)),
        "c2__Term": nbest(("a false alarm", 0.5)),
        "c3__Term": nbest(("", 0.99)),
    }
    # Above 0.9 nothing; 0.9: 1 of 3 found, none wrong; 0.6: 2 of 3; then two false alarms.
    scores = fastqa.cuad(predictions, GOLDS)
    # The curve is (0, 1), (1/3, 1), (2/3, 1), then recall rests while precision falls to 2/4.
    assert scores == {
        "aupr": pytest.approx(2 / 3),
        "prec_at_80_recall": 0.0,
        "prec_at_90_recall": 0.0,
    }
    predictions["c1__Term"].append({"text": "ten years", "probability": 0.2})
    scores = fastqa.cuad(predictions, GOLDS)
    assert scores["prec_at_80_recall"] == pytest.approx(3 / 5)
    # Up to recall 2/3 the precision is 1; from there the line to (1, 3/5).
    assert scores["aupr"] == pytest.approx(2 / 3 + (1 / 3) * (1 / 2 + 3 / 5) / 2, abs=0.02)


def test_lists_of_texts_by_hand() -> None:
    rows = [
        {"id": "c1__Parties", "prediction_text": ["Acme Corp and others"]},
        {"id": "c1__Term", "prediction_text": ["Ten years!", "nonsense"]},
        {"id": "c2__Term", "prediction_text": ["a false alarm"]},
        {"id": "c3__Term", "prediction_text": []},
    ]
    references = [
        {"id": id_, "answers": {"text": texts, "answer_start": [0] * len(texts)}}
        for id_, texts in GOLDS.items()
    ]
    scores = fastqa.cuad(rows, references)
    # Parties: P 1, R 1, no exact match; Term: "ten years!" is not "ten years" but shares "ten"
    # only, a Jaccard index of 1/3, so P 0, R 0 and yet an exact match; a false alarm: 0; nothing
    # to find and nothing found: right.
    assert scores["f1"] == pytest.approx(100 * (1 + 0 + 0 + 1) / 4)
    assert scores["exact_match"] == pytest.approx(100 * (0 + 1 + 0 + 1) / 4)
    assert not any(math.isnan(value) for value in scores.values())
    assert list(scores) == [
        "exact_match",
        "f1",
        "aupr",
        "prec_at_80_recall",
        "prec_at_90_recall",
    ]
    assert math.isnan(fastqa.cuad(rows, references, compat="evaluate")["f1"])


def test_the_documented_example_of_evaluate() -> None:
    predictions = [
        {
            "id": "LohaCompanyltd_20191209_F-1_EX-10.16_Supply Agreement__Parties",
            "prediction_text": ["The seller:", "The buyer/End-User: Shenzhen LOHAS Supply Chain"],
        }
    ]
    references = [
        {
            "id": predictions[0]["id"],
            "answers": {
                "text": ["The buyer/End-User: Shenzhen LOHAS Supply Chain", "The seller:"],
                "answer_start": [143, 49],
            },
        }
    ]
    for compat in (None, "evaluate"):
        scores = fastqa.cuad(predictions, references, compat=compat)  # type: ignore[arg-type]
        # One point is no curve: aupr is 0.0 there too.
        assert scores == {
            "exact_match": 100.0,
            "f1": 100.0,
            "aupr": 0.0,
            "prec_at_80_recall": 1.0,
            "prec_at_90_recall": 1.0,
        }


@pytest.mark.parametrize("seed", range(40))
def test_the_repositorys_numbers_are_reproduced(seed: int) -> None:
    generator = random.Random(seed)
    words = ["term", "of", "five", "years", "Acme", "Corp.", "a/b", "", "shall", "party;"]

    def text() -> str:
        return " ".join(generator.choices(words, k=generator.randrange(1, 6)))

    golds = {
        f"{index}__{generator.choice(['Parties', 'Term'])}": [
            text() or "x" for _ in range(generator.randrange(3))
        ]
        for index in range(12)
    }
    golds = {id_: [gold for gold in texts if gold.strip()] for id_, texts in golds.items()}
    predictions = {
        id_: nbest(
            *((generator.choice([*texts, text()]), round(generator.random(), 2)) for _ in range(4))
        )
        for id_, texts in golds.items()
    }
    if not any(golds.values()):
        golds["0"] = ["x"]
        predictions["0"] = nbest(("x", 0.5))
    for category in (None, "Term"):
        expected = oracle.cuad(golds, predictions, category)
        got = fastqa.cuad(predictions, golds, category=category, compat="cuad")
        assert got == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_jaccard_is_cuads() -> None:
    assert jaccard("Five years, from/date;", "five YEARS from") == 3 / 4
    assert jaccard("a  b", "a b") == 2 / 3  # two spaces make "" a word


def test_what_cannot_be_scored_says_why() -> None:
    with pytest.raises(ValueError, match="question 'q' has an empty gold answer"):
        fastqa.cuad({"q": ["x"]}, {"q": [""]})
    with pytest.raises(ValueError, match=r"no question to score \(category 'Term'\)"):
        fastqa.cuad({"q": ["x"]}, {"q": ["x"]}, category="Term")
    with pytest.raises(ValueError, match="question 'r' has no n-best list"):
        fastqa.cuad({"q": nbest(("x", 1.0))}, {"q": ["x"], "r": []}, compat="cuad")
