"""The pieces of HTML that the page's script and style know."""

from __future__ import annotations

from fastqa.markup import Markup, as_html, escape

__all__ = ["bar", "link", "number", "section"]


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
