"""What commands print: tables and highlighted answers on a terminal, plain text in a pipe."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

__all__ = [
    "Passage",
    "highlighted",
    "is_terminal",
    "print_json",
    "print_line",
    "print_note",
    "print_table",
]

_quiet = False


class Passage(NamedTuple):
    """A cell of a table: an answer ("" for none) in its context, marked."""

    before: str
    answer: str
    after: str

    def __str__(self) -> str:
        marked = f"[[{self.answer}]]" if self.answer else "(no answer) "
        return self.before + marked + self.after


def set_quiet(quiet: bool) -> None:
    """Leave out everything but results."""
    global _quiet  # noqa: PLW0603 - one switch for the process, set by the command line
    _quiet = quiet


def is_terminal() -> bool:
    """Standard output is a terminal and rich is there to draw on it."""
    if not sys.stdout.isatty():
        return False
    try:
        import rich  # noqa: F401
    except ImportError:
        return False
    return True


def print_json(value: Any) -> None:
    """One JSON object, and nothing else, on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_line(text: str = "") -> None:
    """One line of a result."""
    print(text)


def print_note(text: str) -> None:
    """One line that is not part of the result, on standard error; silent with --quiet."""
    if not _quiet:
        print(text, file=sys.stderr)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str | None = None,
    ruled: bool = False,
) -> None:
    """A table: drawn on a terminal, aligned columns of plain text in a pipe.

    Numbers are aligned right; None is shown as an empty cell. `ruled`: lines between the rows of a
    drawn table, for cells of several lines.
    """
    values = [list(row) for row in rows]
    # Digits of one column below each other: four where one of its numbers is not whole.
    whole = [
        all(not isinstance(row[place], float) or row[place].is_integer() for row in values)
        for place in range(len(columns))
    ]
    materialised = [
        [_cell(value, integral) for value, integral in zip(row, whole, strict=True)]
        for row in values
    ]
    numeric = [all(_is_number(row[place]) for row in materialised) for place in range(len(columns))]
    if is_terminal():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = Console()
        if title:
            # As a title of the table it would be broken at the table's width.
            console.print(Text(title, style="italic"))
        table = Table(header_style="bold", show_lines=ruled)
        for name, right in zip(columns, numeric, strict=True):
            table.add_column(name, justify="right" if right else "left", overflow="fold")
        for row, cells in zip(values, materialised, strict=True):
            table.add_row(
                *(
                    _marked(value) if isinstance(value, Passage) else Text(cell)
                    for value, cell in zip(row, cells, strict=True)
                )
            )
        console.print(table)
        return
    if title:
        print(title)
    widths = [
        max([_width(name), *(_width(row[place]) for row in materialised)])
        for place, name in enumerate(columns)
    ]
    for row in [list(columns), *materialised]:
        cells = [
            " " * (width - _width(cell)) + cell if right else cell + " " * (width - _width(cell))
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        print("  ".join(cells).rstrip())


def highlighted(context: str, start: int, end: int) -> str:
    """`context` with the characters `start:end` marked: green on a terminal, [[ ]] in a pipe."""
    before, answer, after = context[:start], context[start:end], context[end:]
    if not answer:
        return context
    if sys.stdout.isatty():
        return f"{before}\x1b[1;32m{answer}\x1b[0m{after}"
    return f"{before}[[{answer}]]{after}"


def _marked(passage: Passage) -> Any:
    """The passage as rich draws it."""
    from rich.text import Text

    answer, style = (passage.answer, "bold green") if passage.answer else ("(no answer) ", "dim")
    return Text.assemble(passage.before, (answer, style), passage.after)


def _cell(value: Any, whole: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if whole else f"{value:.4f}"
    # A line break in a text would break the table.
    return " ".join(str(value).split())


def _is_number(cell: str) -> bool:
    try:
        float(cell.rstrip("x%").replace(",", "") or "0")
    except ValueError:
        return False
    return True


def _width(text: str) -> int:
    """Columns that a terminal needs: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if wide in "WF" else 1
        for character in text
        for wide in [unicodedata.east_asian_width(character)]
    )
