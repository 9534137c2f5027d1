"""What notebooks show of results and examples: tables and marks, never the texts' own markup."""

from __future__ import annotations

import fastqa
from fastqa.demo import load_sample

HOSTILE = "<script>alert(1)</script>&<b>"


def test_nbest_scores_and_predictions_draw_tables() -> None:
    sample = load_sample()
    params = fastqa.SpanParams.utils_qa(version_2_with_negative=True)
    nbest = fastqa.search(sample.examples, sample.features, sample.logits, params)
    shown = nbest._repr_html_()
    assert shown.count("<tr>") == 6
    assert "308 examples" in shown
    assert nbest.texts[0] in shown
    scores = fastqa.score(nbest.to_dict(), sample.examples, style="squad2")
    assert f"{scores.summary()['f1']:.2f}" in scores._repr_html_()
    assert scores.signature in scores._repr_html_()
    predictions = fastqa.with_null_odds(nbest.to_dict(), nbest.null_odds)
    assert "308 predictions; the first 5" in predictions._repr_html_()
    assert "no-answer probability" in predictions._repr_html_()


def test_empty_results_are_shown_too() -> None:
    assert "0 predictions" in fastqa.Predictions({})._repr_html_()
    assert "squad2" in fastqa.score({}, {}, style="squad2")._repr_html_()


def test_texts_are_escaped() -> None:
    for shown in (
        fastqa.Predictions({HOSTILE: HOSTILE})._repr_html_(),
        fastqa.show({"question": HOSTILE, "context": HOSTILE}, HOSTILE)._repr_html_(),
    ):
        assert "<script" not in shown
        assert "<b>" not in shown
        assert "&lt;script&gt;" in shown


def test_show_marks_gold_answer_and_prediction() -> None:
    example = {
        "question": " Which city? ",
        "context": "From Vienna to old Vienna town.",
        "answers": {"text": ["Vienna", "Vienna"], "answer_start": [19, 19]},
    }
    shown = fastqa.show(example, "old Vienna")
    assert shown.spans == ((19, 25, "gold"), (15, 25, "prediction"))
    assert repr(shown) == "Which city?\n    From Vienna to <<old [[Vienna]]>> town."
    assert shown._repr_html_().count("<mark") == 2
    assert fastqa.show(example, "Berlin").spans == ((19, 25, "gold"),)
    assert fastqa.show({"question": "?", "context": "x"}).spans == ()
