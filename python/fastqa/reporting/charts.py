"""The charts of a report: what each shows, drawn with matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fastqa.calibration import reliability, risk_coverage
from fastqa.reporting.analysis import Analysis
from fastqa.reporting.drawing import FIRST, INK, SECOND, Chart, Draw, drawn, thinned
from fastqa.reporting.groups import Grouping
from fastqa.reporting.heat_map import SWITCHES, draw_heat_map
from fastqa.reporting.systems import System
from fastqa.writing import save_figure

SYSTEM_COLOURS = (FIRST, SECOND)


def make_charts(analysis: Analysis) -> list[Chart]:
    """The charts that the analysis has data for."""
    asked = [system for system in analysis.systems if system.answering is not None]
    listed = [system for system in analysis.systems if system.confidence is not None]
    charts = []
    if any(system.scores.has_answer.any() for system in asked):
        charts += [_threshold_chart(asked, analysis), _precision_recall_chart(asked, analysis)]
    if listed:
        charts += [_reliability_chart(listed, analysis), _risk_chart(listed, analysis)]
    if analysis.sweep is not None:
        rows = analysis.sweep.rows
        best = analysis.sweep.best()
        summary = f"Best F1 {best['f1']:.2f} at " + ", ".join(
            f"{name} {value}" for name, value in best.items() if name in SWITCHES
        )
        charts.append(Chart("sweep", "Sweep of the settings", summary, draw_heat_map(rows)))
    return charts


def save_charts(analysis: Analysis, directory: str | Path) -> list[Path]:
    """Write every chart, and the F1 of each grouping, as PNG (200 dots an inch) and SVG.

    Returns:
        The paths written. ImportError: matplotlib is missing; the message names the extra.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    bars = [
        Chart(f"f1_by_{grouping.key}", f"F1 by {grouping.title.lower()}", "", draw)
        for grouping in analysis.groupings
        for draw in [_bars(grouping, analysis)]
    ]
    paths = []
    for chart in [*make_charts(analysis), *bars]:
        with drawn(chart) as figure:
            for ending in ("png", "svg"):
                paths.append(folder / f"{chart.name}.{ending}")
                metadata = {"Date": None} if ending == "svg" else None
                save_figure(figure, paths[-1], dpi=200, metadata=metadata)
    return paths


def _coloured(systems: list[System], analysis: Analysis) -> list[tuple[System, str, str]]:
    """Each system, its colour, and what it is called before a label: nothing if it is the one."""
    several = len(analysis.systems) > 1
    return [
        (system, colour, f"{system.name}: " if several else "")
        for system, colour in zip(analysis.systems, SYSTEM_COLOURS, strict=False)
        if system in systems
    ]


def _precision_recall_chart(systems: list[System], analysis: Analysis) -> Chart:
    curves = []
    for system, colour, label in _coloured(systems, analysis):
        scores = system.answering
        assert scores is not None
        for name, column, dashes in (("exact", scores.exact, "--"), ("F1", scores.f1, "-")):
            curve = scores.precision_recall(column)
            area = curve.average_precision
            curves.append((curve, colour, dashes, f"{label}{name}, area {area:.1f}"))

    def draw(axes: Any) -> None:
        for curve, colour, dashes, label in curves:
            points = thinned(curve.recall, curve.precision)
            axes.plot(*points, dashes, color=colour, label=label, linewidth=1.4)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(loc="lower left")

    summary = "Areas below the curves: " + "; ".join(label for *_, label in curves) + "."
    return Chart("precision_recall", "Precision and recall", summary, draw)


def _threshold_chart(systems: list[System], analysis: Analysis) -> Chart:
    """Scores over the share of questions that a threshold answers."""
    curves, words = [], []
    for system, colour, label in _coloured(systems, analysis):
        scores = system.answering
        assert scores is not None
        order = np.argsort(scores.probabilities(), kind="stable")
        answered = np.arange(len(order) + 1) / len(order)
        for name, column, dashes in (("exact", scores.exact, "--"), ("F1", scores.f1, "-")):
            steps = np.where(scores.has_answer, column, column - 1.0)[order]
            total = np.concatenate([[0.0], np.cumsum(steps)]) + np.count_nonzero(~scores.has_answer)
            curves.append((answered, 100 * total / len(order), colour, dashes, f"{label}{name}"))
        best = scores.best()
        words.append(
            f"{label}best F1 {best['best_f1']:.2f} at the threshold {best['best_f1_thresh']:.4g}"
        )

    def draw(axes: Any) -> None:
        for answered, values, colour, dashes, label in curves:
            points = thinned(100 * answered, values)
            axes.plot(*points, dashes, color=colour, label=label, linewidth=1.4)
        axes.set(xlabel="questions answered (%)", ylabel="score", xlim=(0, 100))
        axes.legend(loc="lower center")

    return Chart("threshold", "Scores over the threshold", "; ".join(words) + ".", draw)


def _reliability_chart(systems: list[System], analysis: Analysis) -> Chart:
    curves = []
    for system, colour, label in _coloured(systems, analysis):
        found = reliability(system.confidence, system.scores.exact)
        text = f"{label}calibration error {100 * found.ece:.1f} points"
        curves.append((found, colour, text))

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        for found, colour, text in curves:
            filled = found.questions > 0
            points = (found.confidence[filled], found.accuracy[filled])
            axes.plot(*points, color=colour, linewidth=1.2, label=text)
            sizes = 12 + 120 * found.questions[filled] / found.questions.max()
            axes.scatter(*points, s=sizes, color=colour, alpha=0.75, linewidths=0)
        axes.set(xlabel="probability that the reader gives", ylabel="share of right answers")
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        if len(curves) > 1:
            axes.legend(loc="upper left")

    summary = "; ".join(text for *_, text in curves) + ". Larger dots are more questions."
    return Chart("reliability", "Reliability", summary, draw)


def _risk_chart(systems: list[System], analysis: Analysis) -> Chart:
    curves = []
    for system, colour, label in _coloured(systems, analysis):
        found = risk_coverage(system.confidence, system.scores.exact)
        curves.append((found, colour, f"{label}mean risk {100 * found.aurc:.1f}%"))

    def draw(axes: Any) -> None:
        for found, colour, text in curves:
            points = thinned(100 * found.coverage, 100 * found.risk)
            axes.plot(*points, color=colour, linewidth=1.4, label=text)
        axes.set(xlabel="surest questions answered (%)", ylabel="wrong answers among them (%)")
        axes.set(xlim=(0, 100), ylim=(0, None))
        if len(curves) > 1:
            axes.legend(loc="upper left")

    best = "; ".join(
        f"{text}, in a perfect order {100 * f.oracle_aurc:.1f}%" for f, _, text in curves
    )
    return Chart("risk_coverage", "Risk and coverage", best + ".", draw)


def _bars(grouping: Grouping, analysis: Analysis) -> Draw:
    def draw(axes: Any) -> None:
        count = len(grouping.labels)
        axes.figure.set_size_inches(5.6, max(1.8, 0.32 * count * len(analysis.systems) + 0.9))
        height = 0.8 / len(analysis.systems)
        for index, (system, colour) in enumerate(
            zip(analysis.systems, SYSTEM_COLOURS, strict=False)
        ):
            means = [
                100.0 * float(system.scores.f1[grouping.codes == code].mean())
                for code in range(count)
            ]
            places = np.arange(count) + index * height
            axes.barh(places, means, height=0.9 * height, color=colour, label=system.name)
        middle = np.arange(count) + height * (len(analysis.systems) - 1) / 2
        axes.set_yticks(middle, [label[:40] for label in grouping.labels])
        axes.invert_yaxis()
        axes.set(xlabel="F1", xlim=(0, 100), title=grouping.title)
        axes.grid(visible=False, axis="y")
        axes.margins(y=0.02)
        if len(analysis.systems) > 1:
            axes.figure.legend(loc="outside lower center", ncols=2)

    return draw
