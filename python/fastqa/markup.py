"""HTML from texts, for notebooks and reports. Whatever comes in as text goes out escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Markup", "as_html", "escape", "table"]


class Markup(str):
    """HTML that is ready; any other string is text."""

    __slots__ = ()


def as_html(value: object) -> str:
    """Markup as it is, everything else escaped; None is an empty cell."""
    if value is None:
        return ""
    return value if isinstance(value, Markup) else escape(str(value))


def table(
    caption: str, columns: Sequence[object], rows: Iterable[Sequence[object]], name: str = ""
) -> Markup:
    """A table whose first column names the row. Cells may be whole `<td>` elements."""
    head = "".join(f'<th scope="col">{as_html(column)}</th>' for column in columns)
    body = []
    for first, *others in rows:
        cells = "".join(
            cell
            if isinstance(cell, Markup) and cell.startswith("<td")
            else f"<td>{as_html(cell)}</td>"
            for cell in others
        )
        body.append(f'<tr><th scope="row">{as_html(first)}</th>{cells}</tr>')
    return Markup(
        f'<div class="wide"><table class="{name}"><caption>{as_html(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )
