"""How a chart becomes a picture: matplotlib's settings, files, and SVG in the page's colours.

One drawing for both. On paper the colours are fixed; in the page each is a CSS variable, so that
the same drawing is light or dark.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastqa.plots import pyplot

#: Colours on paper -> names of the page's CSS variables.
COLOURS = {"#1d232b": "ink", "#c9ced6": "line", "#2563b0": "first", "#c2571a": "second"}
INK, LINE, FIRST, SECOND = COLOURS
#: More points than pixels only make the file larger.
_POINTS = 400

Draw = Callable[[Any], None]


@dataclass(frozen=True)
class Chart:
    """A chart: `draw(axes)` draws it. `summary` says in words what it shows."""

    name: str
    title: str
    summary: str
    draw: Draw


def page_svg(chart: Chart) -> tuple[str, str]:
    """The chart as an `<svg>` element in the page's colours and type, and where its axes lie in it:
    left, right, top and bottom."""
    with drawn(chart) as figure, warnings.catch_warnings():
        # The browser has the letters that matplotlib's own type lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        box, points = figure.axes[0].get_position(), 72 * figure.get_size_inches()
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, name in COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    # Groups are numbered alike in every drawing: ids that nothing points to, twice in one page.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: (\S+) [^\";]*", r"font: \1 var(--type)", svg)
    across = [box.x0 * points[0], box.x1 * points[0]]
    places = [*across, (1 - box.y1) * points[1], (1 - box.y0) * points[1]]
    frame = " ".join(f"{place:.1f}" for place in places)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1), frame


@contextmanager
def drawn(chart: Chart) -> Iterator[Any]:
    """The figure of a chart, closed afterwards."""
    plt = pyplot()
    style = {
        "svg.fonttype": "none",  # text stays text: small, and the page's own type
        "svg.hashsalt": chart.name,  # the same bytes on every run, other ids in every chart
        "text.parse_math": False,  # a $ in a name is a $
        "font.size": 10.5,
        "figure.figsize": (4.6, 3.3),
        "figure.constrained_layout.use": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": LINE,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        "axes.edgecolor": INK,
    }
    with plt.rc_context(style):
        figure, axes = plt.subplots()
        axes.set_axisbelow(True)
        try:
            chart.draw(axes)
            yield figure
        finally:
            plt.close(figure)


def thinned(*columns: Any) -> list[Any]:
    """The same few points of each column, both ends kept."""
    count = len(columns[0])
    places = np.unique(np.linspace(0, count - 1, min(count, _POINTS)).round().astype(int))
    return [np.asarray(column)[places] for column in columns]
