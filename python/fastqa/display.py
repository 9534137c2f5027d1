"""What a notebook shows of a result: small tables, every text escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastqa.markup import Markup, table

if TYPE_CHECKING:
    from fastqa._predictions import Predictions
    from fastqa.nbest import NBest
    from fastqa.scores import Scores

#: Rows shown of a long result.
ROWS = 5


def nbest_html(nbest: NBest) -> str:
    """The first examples: answer, its probability and the next best."""
    rows = []
    predicted = nbest.column("predicted")[:ROWS].tolist()
    for example, (id_, place) in enumerate(zip(nbest.ids[:ROWS], predicted, strict=True)):
        entries = nbest[example]
        answer = entries[place] if place >= 0 else None
        others = [entry["text"] or "(no answer)" for entry in entries if entry is not answer]
        text = answer["text"] if answer is not None else ""
        probability = "" if answer is None else f"{100 * answer['probability']:.1f}%"
        rows.append((id_, text or _nothing(), probability, " | ".join(others[:3])))
    caption = f"{len(nbest):,} examples, {len(nbest.column('score')):,} entries"
    columns = ["id", "answer", "probability", "next best"]
    return table(_more(caption, len(nbest)), columns, rows)


def scores_html(scores: Scores) -> str:
    """The official scores, and what makes them reproducible."""
    rows = [
        (name, f"{value:,.0f}" if name.lower().endswith(("total", "skip")) else f"{value:.2f}")
        for name, value in (scores.summary() if len(scores) else {}).items()
    ]
    return table(scores.signature, ["score", "value"], rows)


def predictions_html(predictions: Predictions) -> str:
    """The first predictions, with no-answer probabilities where there are some."""
    known: dict[str, float] = {}
    if predictions.no_answer_ids is not None and predictions.no_answer_values is not None:
        values = predictions.no_answer_values.tolist()
        known = dict(zip(predictions.no_answer_ids, values, strict=True))
    rows = [
        (id_, text or _nothing(), f"{known[id_]:.4g}" if id_ in known else "")
        for id_, text in list(predictions.texts.items())[:ROWS]
    ]
    caption = _more(f"{len(predictions.texts):,} predictions", len(predictions.texts))
    columns = ["id", "prediction", *(["no-answer probability"] if known else [])]
    return table(caption, columns, [row[: len(columns)] for row in rows])


def _nothing() -> Markup:
    return Markup("<em>no answer</em>")


def _more(caption: str, count: int) -> str:
    return f"{caption}; the first {ROWS}" if count > ROWS else caption
