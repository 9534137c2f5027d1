"""Small pieces of HTML. Whatever comes in as text goes out escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["bar", "escape", "link", "number", "section", "table"]


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


def number(system: int, name: str, value: float) -> Markup:
    """A number that the page's script may change; the exact value is in the attribute."""
    counts = name.startswith(("type:", "confusion:")) or name.lower().endswith(("total", "skip"))
    shown = f"{value:,.0f}" if counts else f"{value:.2f}"
    attributes = f'data-system="{system}" data-number="{escape(name)}" value="{value!r}"'
    return Markup(f"<data {attributes}>{shown}</data>")


def bar(content: Markup, share: float) -> Markup:
    """A cell with a bar behind its number; `share` in percent."""
    return Markup(f'<td class="bar" style="--share:{share:.2f}%">{content}</td>')


def link(label: object, address: str) -> Markup:
    """A link that filters the list of questions; `address` is what follows the #."""
    target = escape(address)
    return Markup(f'<a href="#{target}" data-filter="{target}">{as_html(label)}</a>')


def section(name: str, title: str, *parts: str) -> Markup:
    """A part of the page with a heading; empty if it has nothing to show."""
    inside = "".join(as_html(part) for part in parts)
    if not inside:
        return Markup("")
    return Markup(
        f'<section id="{name}" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{escape(title)}</h2>{inside}</section>'
    )
