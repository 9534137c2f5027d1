"""The page: one HTML file with its style, script, charts and data inside."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources

from fastqa import __version__
from fastqa.markup import Markup, escape
from fastqa.reporting.analysis import Analysis
from fastqa.reporting.charts import make_charts
from fastqa.reporting.data import embedded, page_data
from fastqa.reporting.drawing import page_svg
from fastqa.reporting.html import section
from fastqa.reporting.numbers import numbers_of
from fastqa.reporting.systems import possible_types
from fastqa.reporting.tables import (
    best_table,
    comparison_table,
    comparison_text,
    confusion_table,
    error_table,
    group_table,
    headline,
    scores_table,
)

#: In this order one script: each uses what is above it.
SCRIPTS = ("data.js", "measure.js", "list.js", "threshold.js", "question.js", "page.js")


def render(analysis: Analysis, *, entries: int = 10) -> str:
    """The whole page. Nothing in it asks the network: its own policy would not let it.

    Args:
        analysis: from `analyse`.
        entries: entries of each n-best list that are shown.

    Raises:
        ImportError: there are charts to draw and matplotlib is missing.
    """
    numbers = [numbers_of(analysis, index) for index in range(len(analysis.systems))]
    names = [system.name for system in analysis.systems]
    comparison = analysis.comparison
    compared = ""
    if comparison is not None:
        compared = Markup(
            comparison_text(comparison, names, analysis.confidence)
            + comparison_table(comparison, names)
        )
    groups = [group_table(one, analysis, numbers) for one in analysis.groupings]
    sections = [
        section(
            "scores",
            "Scores",
            headline(analysis, numbers),
            _sliders(analysis),
            Markup(
                f'<div class="side">{scores_table(analysis, numbers)}{best_table(analysis)}</div>'
            ),
        ),
        section("comparison", "Which system is better", compared),
        section(
            "errors",
            "Kinds of errors",
            Markup(
                f'<div class="side">{error_table(analysis, numbers)}'
                f"{confusion_table(analysis, numbers)}</div>"
            ),
        ),
        section("charts", "Charts", _charts(analysis)),
        section("groups", "Scores by kind of question", _folded(analysis, groups)),
        _browser(analysis),
    ]
    present = [part for part in sections if part]
    style, script = _asset("report.css"), "\n".join(_asset(name) for name in SCRIPTS)
    page = _asset("page.html").format(
        policy=_policy(script),
        title=escape(analysis.title),
        style=style,
        about=_about(analysis),
        links=" ".join(_link_to(part) for part in present),
        sections="\n".join(present),
        notes=_notes(analysis),
        version=escape(__version__),
        signature=escape(analysis.systems[0].scores.signature),
        data=embedded(page_data(analysis, entries)),
        script=script,
    )
    # Half of a UTF-16 pair in a title or a name; in the data it is an escape already.
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", page)


def _asset(name: str) -> str:
    return (resources.files("fastqa.reporting") / "assets" / name).read_text(encoding="utf-8")


def _link_to(part: str) -> str:
    name = part.split('id="', 1)[1].split('"', 1)[0]
    return f'<a href="#{name}">{name}</a>'


def _policy(script: str) -> str:
    """Only our own script runs, by its hash, and nothing is fetched: a second lock on the door."""
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _about(analysis: Analysis) -> str:
    questions = analysis.questions
    articles = len({title for title in questions.titles if title})
    parts = [f"{len(questions):,} questions", f"{len(questions.contexts):,} contexts"]
    if articles:
        parts.append(f"{articles:,} articles")
    names = " and ".join(system.name for system in analysis.systems)
    return escape(f"{names}: {', '.join(parts)}")


def _notes(analysis: Analysis) -> str:
    if not analysis.notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>" for note in analysis.notes)
    return f"<details><summary>Not shown, for want of data</summary><ul>{items}</ul></details>"


def _sliders(analysis: Analysis) -> Markup:
    return Markup(
        "".join(
            _asset("threshold.html").format(index=index, name=escape(system.name))
            for index, system in enumerate(analysis.systems)
            if system.answering is not None
        )
    )


def _charts(analysis: Analysis) -> Markup:
    figures = []
    for chart in make_charts(analysis):
        svg, frame = page_svg(chart)
        figures.append(
            f'<figure data-chart="{escape(chart.name)}" data-frame="{frame}">'
            f"<figcaption><strong>{escape(chart.title)}</strong> {escape(chart.summary)}"
            f"</figcaption>{svg}</figure>"
        )
    return Markup(f'<div class="charts">{"".join(figures)}</div>' if figures else "")


def _folded(analysis: Analysis, tables: list[Markup]) -> Markup:
    """Each table behind its name; the short ones open."""
    folded = "".join(
        f"<details{' open' if len(grouping.labels) <= 10 else ''}>"
        f"<summary>{escape(grouping.title)}</summary>{table}</details>"
        for grouping, table in zip(analysis.groupings, tables, strict=True)
    )
    width = " two" if len(analysis.systems) == 2 else ""
    return Markup(f'<div class="groups{width}">{folded}</div>' if folded else "")


def _browser(analysis: Analysis) -> str:
    options = [
        "".join(
            f'<option value="{escape(grouping.key)}:{code}">{escape(label)}</option>'
            for code, label in enumerate(grouping.labels)
        )
        for grouping in analysis.groupings
    ]
    groups = "".join(
        f'<optgroup label="{escape(grouping.title)}">{inside}</optgroup>'
        for grouping, inside in zip(analysis.groupings, options, strict=True)
    )
    possible = possible_types(analysis.systems, analysis.unreachable)
    types = "".join(
        f'<option value="{name}">{escape(label)}</option>' for name, label in possible.items()
    )
    names = [escape(system.name) for system in analysis.systems]
    outcome = ""
    if len(names) == 2:
        outcome = _OUTCOME.format(*names)
    of_first = f" of {names[0]}" if len(names) == 2 else ""
    sure = ""
    if analysis.systems[0].confidence is not None:
        sure = '<option value="sure">surest first</option><option value="unsure">least sure first'
        sure += "</option>"
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    return _asset("questions.html").format(
        groups=groups, types=types, outcome=outcome, sure=sure, heads=heads, of_first=of_first
    )


_OUTCOME = """<label>right or wrong <select name="outcome"><option value="">all</option>
<option value="both_right">both right</option><option value="only_first">only {0} right</option>
<option value="only_second">only {1} right</option><option value="both_wrong">both wrong</option>
</select></label>"""
