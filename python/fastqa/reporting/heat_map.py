"""The heat map of a sweep: two switches against a score, the others at their best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

SWITCHES = (
    "null_score_diff_threshold",
    "max_answer_length",
    "n_best_size",
    "null_aggregation",
)


def draw_heat_map(rows: Sequence[Mapping[str, Any]], metric: str = "f1") -> Callable[[Any], None]:
    """A function that draws the map on given axes.

    The switches with most values are the axes; a cell is the best of all rows that share its two.
    """
    values = {name: sorted({row[name] for row in rows if name in row}) for name in SWITCHES}
    across, down = sorted(SWITCHES, key=lambda name: -len(values[name]))[:2]
    cells = np.full((max(1, len(values[down])), max(1, len(values[across]))), np.nan)
    for row in rows:
        place = tuple(
            values[name].index(row[name]) if name in row else 0 for name in (down, across)
        )
        cells[place] = np.nanmax([cells[place], row[metric]])

    def draw(axes: Any) -> None:
        mesh = axes.pcolormesh(cells, cmap="viridis", edgecolors="face", linewidth=0.2)
        axes.figure.colorbar(mesh, ax=axes, label=metric.upper() if metric == "f1" else metric)
        axes.grid(visible=False)
        for set_ticks, name in ((axes.set_xticks, across), (axes.set_yticks, down)):
            labels = [_shown(value) for value in values[name]] or [""]
            # At most ten labels: more would lie on each other.
            step = -(-len(labels) // 10)
            set_ticks(np.arange(len(labels))[::step] + 0.5, labels[::step])
        axes.set(xlabel=across.replace("_", " "), ylabel=down.replace("_", " "))
        if cells.size <= 60:
            _write_values(axes, cells)

    return draw


def _write_values(axes: Any, cells: Any) -> None:
    middle = (np.nanmin(cells) + np.nanmax(cells)) / 2
    for (row, column), value in np.ndenumerate(cells):
        if not np.isnan(value):
            colour = "#000000" if value > middle else "#ffffff"
            place = (column + 0.5, row + 0.5)
            text = {"ha": "center", "va": "center", "fontsize": 7.5, "color": colour}
            axes.annotate(f"{value:.1f}", place, **text)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
