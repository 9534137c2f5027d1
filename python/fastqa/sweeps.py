"""Every setting of post-processing, scored from a few cached passes of the engine.

One pass keeps deep n-best lists. A shorter `max_answer_length` only skips entries of them, and a
threshold only decides between the first entry and "", so a hundred settings cost a few passes and
one scoring of the spans that some setting chose.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fastqa._references import References
from fastqa.entries import SpanScores, contexts_of, positions_of, score_texts, style_for
from fastqa.nbest import NBest
from fastqa.params import SpanParams
from fastqa.searching import search
from fastqa.writing import save_figure

if TYPE_CHECKING:
    import pandas as pd

Integers = npt.NDArray[np.int64]
#: Entries kept of each example. Few lists need more for their best entry under any limit; those
#: that do are counted in the column `cut` of the table.
_DEPTH = 100


@dataclasses.dataclass(frozen=True)
class Sweep:
    """One row a setting: the four switches, `exact` and `f1` (0 to 100), with unanswerable
    questions also `HasAns_*` and `NoAns_*`; `cut` counts the questions whose list was too short."""

    rows: list[dict[str, Any]]

    def best(self, metric: str = "f1") -> dict[str, Any]:
        """The row with the highest score; the first of equals."""
        return max(self.rows, key=lambda row: row[metric])

    def to_pandas(self) -> "pd.DataFrame":
        """The rows as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def plot(self, path: str | Path, metric: str = "f1") -> Path:
        """Save a picture: the switch with most values along the axis, a line for the others."""
        from fastqa.plots import pyplot

        plt = pyplot()
        switches = ["null_score_diff_threshold", "max_answer_length", "n_best_size"]
        switches.append("null_aggregation")
        values = {name: sorted({row[name] for row in self.rows}) for name in switches}
        axis = max(switches[:3], key=lambda name: len(values[name]))
        others = [name for name in switches if name != axis and len(values[name]) > 1]
        figure, axes = plt.subplots()
        for chosen in product(*(values[name] for name in others)):
            settings = dict(zip(others, chosen, strict=True))
            line = [row for row in self.rows if all(row[k] == v for k, v in settings.items())]
            line.sort(key=lambda row: row[axis])
            label = ", ".join(f"{name} {value}" for name, value in settings.items())
            axes.plot([row[axis] for row in line], [row[metric] for row in line], label=label)
        axes.set(xlabel=axis, ylabel=metric)
        if others:
            axes.legend(fontsize="small")
        save_figure(figure, path)
        plt.close(figure)
        return Path(path)


class _Choice(NamedTuple):
    """What one pass answers under one limit of the length, before the threshold."""

    start: Integers
    end: Integers  # -1: no entry, the fallback text
    difference: npt.NDArray[Any]  # null score less the entry's
    cut: int


def sweep(
    examples: Any,
    features: Any,
    raw_predictions: Any,
    references: Any = None,
    *,
    params: SpanParams | None = None,
    n_best_size: Sequence[int] | None = None,
    max_answer_length: Sequence[int] | None = None,
    null_score_diff_threshold: Sequence[float] | None = None,
    null_aggregation: Sequence[Literal["min", "max"]] | None = None,
    style: str | None = None,
) -> Sweep:
    """Score all combinations of the given values.

    Args:
        examples: As for `fastqa.search`.
        features: As for `fastqa.search`.
        raw_predictions: As for `fastqa.search`.
        references: As for `fastqa.squad`; default: `examples`, if they have `answers`.
        params: The other switches and the values of the switches not swept; default:
            `SpanParams.utils_qa`, with null answers if some question has no answer.
        n_best_size: One pass of the engine each.
        max_answer_length: From the same pass.
        null_score_diff_threshold: From the same pass. For `decision="score_above_null"` (the
            notebook), whose own rule is threshold 0.0 with ties going to the null answer.
        null_aggregation: "min" or "max" over an example's windows; one pass each.
        style: As for `fastqa.score`; default "squad2" if some question has no answer.

    Returns:
        Rows in the order of `itertools.product` of the four, in the order above.
    """
    read, style = style_for(examples if references is None else references, style)
    params = params or SpanParams.utils_qa(version_2_with_negative=style == "squad2")
    sizes = n_best_size or [params.n_best_size]
    limits = max_answer_length or [params.max_answer_length]
    thresholds = null_score_diff_threshold or [params.null_score_diff_threshold]
    nulls = null_aggregation or [params.null_aggregation]
    choices: dict[tuple[int, str, int], _Choice] = {}
    for size, null in product(sizes, nulls):
        deep = dataclasses.replace(
            params,
            n_best_size=size,
            null_aggregation=null,
            max_answer_length=max(limits),
            entries_per_example=min(size * size, max(_DEPTH, size)),
        )
        nbest = search(examples, features, raw_predictions, deep)
        for limit in limits:
            choices[size, null, limit] = _choose(nbest, limit)
    positions = positions_of(nbest, read)
    scored = _score_choices(
        list(choices.values()), contexts_of(examples), params, positions, read, style
    )
    nothing = score_texts([""] * len(nbest), positions, read, style)
    has_answer = np.diff(read.offsets)[positions] > 0
    by_key = dict(zip(choices, scored, strict=True))
    rows = []
    for size, limit, threshold, null in product(sizes, limits, thresholds, nulls):
        choice, answer = choices[size, null, limit], by_key[size, null, limit]
        silent = _silent(choice, params, threshold)
        exact = np.where(silent, nothing.exact, answer.exact)
        f1 = np.where(silent, nothing.f1, answer.f1)
        row = {
            "n_best_size": size,
            "max_answer_length": limit,
            "null_score_diff_threshold": threshold,
            "null_aggregation": null,
            "exact": 100.0 * float(exact.mean()),
            "f1": 100.0 * float(f1.mean()),
        }
        if style == "squad2":
            for prefix, part in (("HasAns_", has_answer), ("NoAns_", ~has_answer)):
                if part.any():
                    row[f"{prefix}exact"] = 100.0 * float(exact[part].mean())
                    row[f"{prefix}f1"] = 100.0 * float(f1[part].mean())
        rows.append({**row, "cut": choice.cut})
    return Sweep(rows)


def _silent(choice: _Choice, params: SpanParams, threshold: float) -> npt.NDArray[Any]:
    """Where "" is predicted."""
    if params.decision == "first_entry":
        return np.zeros(len(choice.end), bool)
    if params.decision == "score_above_null":
        # A tie goes to the null answer there, to the answer in utils_qa.
        silent = choice.difference >= choice.difference.dtype.type(threshold)
    else:
        silent = choice.difference > choice.difference.dtype.type(threshold)
    return np.asarray(silent, bool)


def _choose(nbest: NBest, limit: int) -> _Choice:
    starts = nbest.column("list_start")
    fits = nbest.column("kind") == 0
    fits &= nbest.column("end_token") - nbest.column("start_token") < limit
    if nbest.params.decision == "score_difference":
        fits &= nbest.column("end_char") > nbest.column("start_char")  # an entry with text
    places = np.flatnonzero(fits)
    following = np.searchsorted(places, starts[:-1])
    first = np.append(places, starts[-1])[following]
    found = first < starts[1:]
    entry = np.where(found, first, 0)

    def of_entry(name: str, otherwise: Any) -> npt.NDArray[Any]:
        column = nbest.column(name)
        if not len(column):
            return np.full(len(found), otherwise, column.dtype)
        return np.where(found, column[entry], column.dtype.type(otherwise))

    # null - start - end in this order, as the reference: the last bit can decide.
    difference = nbest.null_scores - of_entry("start_logit", 0) - of_entry("end_logit", 0)
    if nbest.params.decision == "score_above_null":
        difference = nbest.null_scores - of_entry("score", 0)
    full = np.diff(starts) >= nbest.params.entries_per_example
    return _Choice(
        of_entry("start_char", 0), of_entry("end_char", -1), difference, int((~found & full).sum())
    )


def _score_choices(
    choices: list[_Choice],
    contexts: list[str],
    params: SpanParams,
    positions: Integers,
    references: References,
    style: str,
) -> Iterator[SpanScores]:
    """Scores of each choice; a span that several settings chose is scored once."""
    count = len(positions)
    spans = np.concatenate(
        [np.stack([np.arange(count), choice.start, choice.end], axis=1) for choice in choices]
    )
    distinct, inverse = np.unique(spans, axis=0, return_inverse=True)
    fallback = "" if params.fallback == "beam_search" else params.fallback
    texts = [
        contexts[example][start:end] if end >= 0 else fallback
        for example, start, end in distinct.tolist()
    ]
    scores = score_texts(texts, positions[distinct[:, 0]], references, style)
    for part in np.split(inverse.reshape(-1), len(choices)):
        yield SpanScores(scores.exact[part], scores.f1[part])
