"""Every number that the page shows for a system and that a threshold changes, by name.

`numbersOf` in `assets/measure.js` makes the same ones for other thresholds, from the scores of the
questions that are embedded in the page.
"""

from __future__ import annotations

from collections import Counter

from fastqa.reporting.analysis import Analysis
from fastqa.reporting.systems import ERROR_TYPES


def numbers_of(analysis: Analysis, index: int) -> dict[str, float]:
    """The numbers of one system.

    Returns:
        The official scores by their names (0 to 100, and counts), `{grouping}:{code}:exact` and
        `:f1` (0 to 100), `type:{error type}` (questions) and
        `confusion:{has answer}:{is answered}` (questions).
    """
    system = analysis.systems[index]
    scores = system.scores
    numbers: dict[str, float] = {
        name: value if isinstance(value, int) else float(value)  # not NumPy's, for its repr
        for name, value in scores.summary().items()
    }
    for grouping in analysis.groupings:
        for code in range(len(grouping.labels)):
            inside = grouping.codes == code
            for name, column in (("exact", scores.exact), ("f1", scores.f1)):
                numbers[f"{grouping.key}:{code}:{name}"] = 100.0 * float(column[inside].mean())
    types = Counter(analysis.error_types[index])
    numbers |= {f"type:{name}": types[name] for name in ERROR_TYPES}
    answered = Counter(
        (int(has_answer), int(bool(text)))
        for has_answer, text in zip(scores.has_answer.tolist(), scores.predictions, strict=True)
    )
    return numbers | {
        f"confusion:{right}:{said}": answered[right, said] for right in (0, 1) for said in (0, 1)
    }
