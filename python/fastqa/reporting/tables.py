"""The tables of the page, with the numbers of the answers as they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fastqa.markup import Markup, escape, table
from fastqa.reporting.analysis import Analysis
from fastqa.reporting.groups import Grouping
from fastqa.reporting.html import bar, link, number
from fastqa.reporting.systems import possible_types
from fastqa.uncertainty import Comparison

Numbers = Sequence[Mapping[str, float]]

_MEANING = {
    "right": "equal to a gold answer",
    "boundary": "shares words with a gold answer",
    "wrong": "shares no word with a gold answer",
    "false_answer": "an answer where there is none",
    "false_no_answer": "no answer where there is one",
    "unreachable": "missed, and no span of whole tokens in a window gives the gold answer",
}


def headline(analysis: Analysis, numbers: Numbers) -> Markup:
    """Exact match and F1 of each system in large type."""
    several = len(analysis.systems) > 1
    items = []
    for index, system in enumerate(analysis.systems):
        for name in ("exact", "exact_match", "EM", "f1", "F1"):
            if name not in numbers[index]:
                continue
            interval = analysis.intervals[index].get(name)
            label = "F1" if name in ("f1", "F1") else "exact match"
            about = f"{system.name}, " if several else ""
            if interval:
                about += f"{interval.low:.2f} to {interval.high:.2f}"
            items.append(
                f"<li><strong>{number(index, name, numbers[index][name])}</strong>{label}"
                f"<span>{escape(about)}</span></li>"
            )
    return Markup(f'<ul class="headline">{"".join(items)}</ul>')


def scores_table(analysis: Analysis, numbers: Numbers) -> Markup:
    """The official scores with their intervals, and the differences of two systems."""
    columns = ["score"]
    for system in analysis.systems:
        columns += [system.name, f"{100 * analysis.confidence:g}% interval"]
    differences = analysis.comparison.metrics if analysis.comparison else {}
    if differences:
        columns += ["difference", "interval", "p"]
    rows = []
    for name in analysis.systems[0].scores.summary():
        row: list[object] = [name]
        for index in range(len(analysis.systems)):
            interval = analysis.intervals[index].get(name)
            ends = f"{interval.low:.2f} to {interval.high:.2f}" if interval else ""
            row += [number(index, name, numbers[index][name])]
            row += [Markup(f'<td class="interval">{ends}</td>')]
        if differences:
            found = differences.get(name)
            row += (
                [f"{found.difference:+.2f}", f"{found.low:+.2f} to {found.high:+.2f}"]
                if found
                else ["", ""]
            )
            row.append(shown_p(found.p_value) if found else "")
        rows.append(row)
    return table("Scores as the official script gives them", columns, rows, "numbers")


def shown_p(value: float) -> str:
    """A p-value with four digits, or its order of magnitude."""
    return f"{value:.4f}" if value >= 0.0001 else f"{value:.0e}"


def best_table(analysis: Analysis) -> Markup:
    """The best thresholds, and what the n-best lists hold; empty without either."""
    rows = []
    several = len(analysis.systems) > 1
    for system in analysis.systems:
        before = f"{system.name}: " if several else ""
        found: dict[str, float] = {}
        if system.answering is not None:
            found |= system.answering.best()
        found |= system.list_scores
        rows += [
            (before + _LABELS[name], f"{value:.4g}" if name in _SMALL else f"{value:.2f}")
            for name, value in found.items()
        ]
    if not rows:
        return Markup("")
    caption = "What other thresholds and other rankings would give"
    return table(caption, ["", "value"], rows, "numbers")


_LABELS = {
    "best_exact": "best exact over all thresholds",
    "best_exact_thresh": "its threshold",
    "best_f1": "best F1 over all thresholds",
    "best_f1_thresh": "its threshold (F1)",
    "oracle_exact": "exact of the best entry of each n-best list",
    "oracle_f1": "F1 of the best entry of each n-best list",
    "ece": "expected calibration error (0 to 1)",
    "aurc": "mean risk over all coverages (0 to 1)",
}
_SMALL = ("best_exact_thresh", "best_f1_thresh", "ece", "aurc")


def error_table(analysis: Analysis, numbers: Numbers) -> Markup:
    """How many answers there are of each kind."""
    total = len(analysis.questions)
    rows = []
    for name, label in possible_types(analysis.systems, analysis.unreachable).items():
        cells: list[object] = []
        for index, values in enumerate(numbers):
            value = values[f"type:{name}"]
            cells.append(bar(number(index, f"type:{name}", value), 100 * value / total))
        rows.append((link(label, f"type={name}"), *cells, Markup(f"<td>{_MEANING[name]}</td>")))
    names = [system.name for system in analysis.systems]
    return table("Answers by kind (questions)", ["kind", *names, "meaning"], rows)


def confusion_table(analysis: Analysis, numbers: Numbers) -> Markup:
    """Answered or not against answerable or not; empty when all questions have an answer."""
    if analysis.systems[0].scores.has_answer.all():
        return Markup("")
    several = len(analysis.systems) > 1
    columns = [""]
    for system in analysis.systems:
        before = f"{system.name}: " if several else ""
        columns += [f"{before}answered", f"{before}no answer"]
    rows = []
    for right, label in ((1, "has an answer"), (0, "has no answer")):
        cells = [
            number(index, f"confusion:{right}:{said}", values[f"confusion:{right}:{said}"])
            for index, values in enumerate(numbers)
            for said in (1, 0)
        ]
        rows.append((label, *cells))
    return table("Answer or no answer (questions)", columns, rows, "numbers")


def group_table(grouping: Grouping, analysis: Analysis, numbers: Numbers) -> Markup:
    """Exact and F1 of each group; a group's name filters the list."""
    several = len(analysis.systems) > 1
    columns = ["", "questions"]
    for system in analysis.systems:
        before = f"{system.name}: " if several else ""
        columns += [f"{before}exact", f"{before}F1"]
    counts = np.bincount(grouping.codes, minlength=len(grouping.labels)).tolist()
    rows = []
    for code, label in enumerate(grouping.labels):
        cells: list[object] = []
        for index, values in enumerate(numbers):
            exact, f1 = (f"{grouping.key}:{code}:{name}" for name in ("exact", "f1"))
            cells.append(number(index, exact, values[exact]))
            cells.append(bar(number(index, f1, values[f1]), values[f1]))
        filtered = link(label, f"group={grouping.key}:{code}")
        rows.append((filtered, f"{counts[code]:,}", *cells))
    return table(grouping.title, columns, rows, "numbers")


def comparison_table(comparison: Comparison, names: list[str]) -> Markup:
    """Wins and losses of two systems, and what the tests say."""
    labels = {
        "both_right": "both right",
        "only_first": f"only {names[0]} right",
        "only_second": f"only {names[1]} right",
        "both_wrong": "both wrong",
    }
    rows = [
        (link(labels[name], f"outcome={name}"), f"{len(ids):,}")
        for name, ids in comparison.ids.items()
    ]
    return table("Exact match, question by question", ["", "questions"], rows, "numbers")


def comparison_text(comparison: Comparison, names: list[str], confidence: float) -> Markup:
    """The comparison in words."""
    lines = []
    for name, found in comparison.metrics.items():
        better = names[1] if found.difference > 0 else names[0]
        sure = found.low > 0 or found.high < 0
        lines.append(
            f"{name}: {better} is {abs(found.difference):.2f} points better "
            f"({100 * confidence:g}% interval of the difference {found.low:+.2f} to "
            f"{found.high:+.2f}, p = {shown_p(found.p_value)}): "
            + ("more than chance." if sure else "this may be chance.")
        )
    mcnemar = comparison.mcnemar
    lines.append(f"McNemar's exact test on exact match: p = {shown_p(mcnemar.p_value)}.")
    return Markup("".join(f"<p>{escape(line)}</p>" for line in lines))
