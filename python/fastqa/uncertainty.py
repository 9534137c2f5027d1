"""How sure is a score, and is one system better than another?

Bootstrap over questions, or over whole contexts or articles: questions that share a paragraph are
not independent, and intervals that ignore it are too narrow. Seeded, in Rust, and the same to the
last bit for any number of threads.
"""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.scores import Scores

Floats = npt.NDArray[np.float64]
Cluster = Literal["context", "title"]


class Interval(NamedTuple):
    """A score (0 to 100), the ends of its interval, and the standard error."""

    value: float
    low: float
    high: float
    standard_error: float


class McNemar(NamedTuple):
    """Questions that only one of the two gets right, and the exact two-sided p-value."""

    only_first: int
    only_second: int
    p_value: float


class Difference(NamedTuple):
    """Second minus first, its bootstrap interval, and the two-sided bootstrap p-value."""

    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float


class Comparison(NamedTuple):
    """Two systems on the same questions."""

    metrics: dict[str, Difference]
    mcnemar: McNemar
    questions: int
    #: Ids by what happened: "both_right", "only_first", "only_second", "both_wrong" (exact match).
    ids: dict[str, list[str]]


def confidence_intervals(
    scores: Scores,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
    cluster: Cluster | None = None,
    seed: int = 0,
    no_answer_threshold: float = 1.0,
) -> dict[str, Interval]:
    """Percentile bootstrap intervals of every score of `Scores.summary`.

    Args:
        scores: From `fastqa.score`.
        resamples: How often the questions are drawn with replacement.
        confidence: Share of the resamples between the ends.
        cluster: Draw whole contexts or articles ("title") instead of single questions.
        seed: Same seed, same intervals.
        no_answer_threshold: As in `Scores.summary`.

    Returns:
        By the names of the summary (counts left out), 0 to 100.

    Raises:
        ValueError: `confidence` is not between 0 and 1, `resamples` < 1, no such clusters.
    """
    summary = scores.summary(no_answer_threshold)
    names, numerators, denominators = _columns(scores.at_threshold(no_answer_threshold), summary)
    sums = _resampled(numerators + denominators, _clusters(scores, cluster), resamples, seed)
    half = len(names)
    with np.errstate(invalid="ignore"):
        samples = 100.0 * sums[:, :half] / sums[:, half:]
    result = {}
    for index, name in enumerate(names):
        column = samples[:, index]
        low, high = _ends(column, confidence)
        result[name] = Interval(float(summary[name]), low, high, float(np.nanstd(column, ddof=1)))
    return result


def compare(
    first: Scores,
    second: Scores,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
    cluster: Cluster | None = None,
    seed: int = 0,
    no_answer_threshold: float = 1.0,
) -> Comparison:
    """Paired bootstrap of the differences, and McNemar's exact test on exact match.

    Both are drawn with the same questions in each resample. Arguments are as in
    `confidence_intervals`.

    Returns:
        Differences of exact match and F1, second minus first, in points (0 to 100).

    Raises:
        ValueError: The two do not cover the same questions in the same style.
    """
    if first.style != second.style or first.language != second.language:
        raise ValueError(
            f"the two are scored by different rules: {first.signature} and {second.signature}"
        )
    if first.ids != second.ids:
        different = set(first.ids) ^ set(second.ids)
        example = f", for example {min(different)!r}" if different else " in another order"
        raise ValueError(
            f"the two do not cover the same questions: {len(different)} are in one only{example}; "
            "score both against the same references with missing='zero'"
        )
    if not first.ids:
        raise ValueError("there is no question to compare")
    one, other = first.at_threshold(no_answer_threshold), second.at_threshold(no_answer_threshold)
    exact_name = "exact" if first.style == "squad2" else "exact_match"
    columns = [one.exact, other.exact, one.f1, other.f1]
    clusters = _clusters(first, cluster)
    if clusters is not None:
        columns.append(np.ones(len(first)))  # a resample of clusters has its own size
    sums = _resampled(columns, clusters, resamples, seed)
    means = 100.0 * sums[:, :4] / (len(first) if clusters is None else sums[:, 4:])
    metrics = {}
    for name, left, right, at in (
        (exact_name, one.exact, other.exact, 0),
        ("f1", one.f1, other.f1, 2),
    ):
        drawn = means[:, at + 1] - means[:, at]
        low, high = _ends(drawn, confidence)
        a, b = 100.0 * float(left.mean()), 100.0 * float(right.mean())
        metrics[name] = Difference(a, b, b - a, low, high, _p_value(drawn, b - a))
    return Comparison(
        metrics, mcnemar(one.exact, other.exact), len(first), _outcomes(first.ids, one, other)
    )


def mcnemar(first: Floats, second: Floats) -> McNemar:
    """McNemar's exact (binomial) two-sided test on two columns of right (1.0) and wrong (0.0)."""
    only_first = int(np.count_nonzero((first == 1.0) & (second != 1.0)))
    only_second = int(np.count_nonzero((first != 1.0) & (second == 1.0)))
    n, k = only_first + only_second, min(only_first, only_second)
    # Twice the lower tail of Binomial(n, 1/2), in logarithms: 0.5 ** n underflows from 1,075 on.
    logs = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(k + 1)]
    largest = max(logs)
    tail = math.exp(largest - n * math.log(2.0)) * sum(math.exp(log - largest) for log in logs)
    return McNemar(only_first, only_second, min(1.0, 2.0 * tail))


def _columns(
    scores: Scores, summary: Mapping[str, float]
) -> tuple[list[str], list[Floats], list[Floats]]:
    """Numerator and denominator of each score as columns, one entry a question."""
    everything = np.ones(len(scores))
    parts = {
        "": everything,
        "HasAns_": scores.has_answer.astype(np.float64),
        "NoAns_": (~scores.has_answer).astype(np.float64),
    }
    names, numerators, denominators = [], [], []
    for prefix, part in parts.items():
        for suffix, column in (
            ("exact_match", scores.exact),
            ("exact", scores.exact),
            ("EM", scores.exact),
            ("f1", scores.f1),
            ("F1", scores.f1),
        ):
            if prefix + suffix in summary:
                names.append(prefix + suffix)
                numerators.append(column * part)
                denominators.append(part)
    return names, numerators, denominators


def _clusters(scores: Scores, cluster: Cluster | None) -> npt.NDArray[np.int64] | None:
    if cluster is None:
        return None
    if cluster not in scores.references.clusters:
        raise ValueError(
            f"the references do not tell the {cluster} of their questions, only "
            f"{sorted(scores.references.clusters) or 'nothing'}; SQuAD JSON and data sets with a "
            f"column {cluster!r} do"
        )
    return scores.cluster(cluster)


def _resampled(
    columns: list[Floats], clusters: npt.NDArray[np.int64] | None, resamples: int, seed: int
) -> Floats:
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}, expected at least 1")
    if clusters is not None:
        _, inverse = np.unique(clusters, return_inverse=True)
        columns = [np.bincount(inverse, weights=column).astype(np.float64) for column in columns]
    values = np.ascontiguousarray(np.stack(columns, axis=1), np.float64)
    return _rust.resample_sums(values, resamples, seed)


def _ends(samples: Floats, confidence: float) -> tuple[float, float]:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}, expected a share between 0 and 1")
    tail = (1.0 - confidence) / 2.0
    low, high = np.nanquantile(samples, [tail, 1.0 - tail])
    return float(low), float(high)


def _p_value(differences: Floats, observed: float) -> float:
    """Share of resamples that, moved to a true difference of 0, are as far from it as observed."""
    far = np.abs(differences - observed) >= abs(observed)
    # The sample itself counts as one resample: a p-value of 0 would claim more than was drawn.
    return float((np.count_nonzero(far) + 1) / (len(differences) + 1))


def _outcomes(ids: list[str], first: Scores, second: Scores) -> dict[str, list[str]]:
    names = {
        (True, True): "both_right",
        (True, False): "only_first",
        (False, True): "only_second",
        (False, False): "both_wrong",
    }
    result: dict[str, list[str]] = {name: [] for name in names.values()}
    for id_, one, other in zip(ids, first.exact == 1.0, second.exact == 1.0, strict=True):
        result[names[bool(one), bool(other)]].append(id_)
    return result
