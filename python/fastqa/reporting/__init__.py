"""A report: one HTML file that shows what a reader does. See `docs/report.md`.

Data goes one way: `analysis` (numbers) -> `data`, `tables`, `charts` (shown) -> `page` (HTML).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastqa.reporting.analysis import Analysis, analyse
from fastqa.writing import write_text

__all__ = ["Report", "report"]


@dataclass(frozen=True)
class Report:
    """A finished report: `analysis` has its numbers, `html` is the page."""

    analysis: Analysis
    html: str

    def __repr__(self) -> str:
        names = " and ".join(repr(system.name) for system in self.analysis.systems)
        size = len(self.html.encode()) / 1e6
        return f"Report({names}, {len(self.analysis.questions)} questions, {size:.1f} MB)"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page; it appears whole or not at all."""
        write_text(path, self.html)
        return Path(path)

    def save_plots(self, directory: str | os.PathLike[str]) -> list[Path]:
        """Write each chart as PNG and SVG into `directory`, which is made if need be."""
        from fastqa.reporting.charts import save_charts

        return save_charts(self.analysis, Path(directory))


def report(
    examples: Any,
    predictions: Any,
    second: Any = None,
    *,
    path: str | os.PathLike[str] | None = None,
    plots: str | os.PathLike[str] | None = None,
    entries: int = 10,
    **options: Any,
) -> Report:
    """Make a page to look at: scores, errors, charts, and every question with its answers.

    Args:
        examples: questions with `answers`: a path, SQuAD JSON, a `Dataset`, a table, rows, columns.
        predictions: as for `fastqa.score`, or an `NBest`, which brings its lists and null odds.
        second: another system's predictions for the same questions, to stand beside the first.
        path: write the page there.
        plots: write each chart as PNG and SVG into this folder.
        entries: entries of each n-best list that the page shows.
        names: `("A", "B")`: what the systems are called.
        nbest: an `NBest` or the contents of `nbest_predictions.json`; `second_nbest` of the second.
        null_odds: contents of `null_odds.json`; `second_null_odds` of the second. Without them
            probabilities of `evaluate` records are taken, if there are some.
        no_answer_threshold: predict "" above this no-answer probability (default 1.0: as given).
        features: windows (`example_id`, `offset_mapping`), for the number of windows of a question
            and for gold answers that no span can give.
        max_answer_length: the longest answer in tokens that was searched (default 30).
        sweep: a `fastqa.sweep`, or its rows, for the heat map.
        style, lang, missing: as for `fastqa.score`; with two systems a missing prediction is wrong.
        resamples, confidence, cluster, seed: as for `fastqa.confidence_intervals`.
        title: of the page.

    Returns:
        The report: `html`, `analysis`, `save(path)`, `save_plots(directory)`.

    Raises:
        ImportError: matplotlib is missing; the message names the extra.
        KeyError, TypeError, ValueError: as `fastqa.score`.
    """
    from fastqa.reporting.page import render

    analysis = analyse(examples, predictions, second, **options)
    made = Report(analysis, render(analysis, entries=entries))
    if path is not None:
        made.save(path)
    if plots is not None:
        made.save_plots(plots)
    return made
