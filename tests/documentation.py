"""Pages of the documentation as programs: their blocks of code, run one after another.

Every fenced block of Python and bash runs, in the order of the page, Python in one namespace. What
surrounds a block says what is expected of it:

    ```text title="prints"         what the block before prints, to the letter
    ```text title="ValueError"     the block before raises this (or warns), with this text
    <!-- run ... -->               code between blocks that a reader needs not see
    <!-- not run: REASON -->       the next block does not run; reasons are few and listed
"""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import shlex
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastqa import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").rglob("*.md"))]

_PIECES = re.compile(
    r"^<!-- run\n(?P<hidden>.*?)^-->$"
    r"|^<!-- not run: (?P<reason>.*?) -->$"
    r"|^(?P<indent> *)```(?P<language>[\w-]*)(?P<options>[^\n]*)\n(?P<code>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass
class Block:
    """One block of code and what is expected of it."""

    page: Path
    line: int
    language: str
    code: str
    expected: str | None = None
    error: str | None = None
    not_run: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, each with the output that the page shows for it."""
    text = page.read_text(encoding="utf-8")
    blocks: list[Block] = []
    reason: str | None = None
    for piece in _PIECES.finditer(text):
        line = text.count("\n", 0, piece.start()) + 1
        if piece["reason"] is not None:
            reason = piece["reason"]
            continue
        if piece["hidden"] is not None:
            blocks.append(Block(page, line, "python", piece["hidden"]))
            continue
        title = re.search(r'title="([^"]*)"', piece["options"])
        code = re.sub(rf"^{piece['indent']}", "", piece["code"], flags=re.MULTILINE)
        shown = title[1] if title else ""
        if piece["language"] == "text" and (
            shown == "prints" or shown.endswith(("Error", "Warning"))
        ):
            blocks[-1].expected = code.strip()
            blocks[-1].error = None if shown == "prints" else shown
        elif code.startswith("--8<--"):
            pass  # a file of `examples`, shown here and run by its own test
        elif piece["language"] != "text":
            blocks.append(Block(page, line, piece["language"], code, not_run=reason))
        reason = None
    return blocks


@dataclass
class Runner:
    """Runs the blocks of one page in the current folder."""

    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})

    def run(self, block: Block) -> None:
        """Run it; an assertion says what the page shows and what came instead."""
        output = io.StringIO()
        run = {"python": self._python, "bash": self._bash}[block.language]
        with (
            warnings.catch_warnings(record=True) as caught,
            contextlib.redirect_stdout(output),
        ):
            warnings.simplefilter("always", UserWarning)
            try:
                run(block)
            except Exception as error:
                if block.error is None:
                    error.add_note(f"in {block}, which printed:\n{output.getvalue()}")
                    raise
                self._check_error(block, error)
                return
        if block.error is not None and block.error.endswith("Warning"):
            texts = [
                str(one.message) for one in caught if type(one.message).__name__ == block.error
            ]
            assert block.expected in texts, f"{block}: the page shows {block.expected!r}: {texts}"
        elif block.error is not None:
            raise AssertionError(f"{block}: no {block.error} came")
        elif block.expected is not None:
            printed = output.getvalue().strip()
            assert printed == block.expected, (
                f"{block} prints:\n{printed}\n-- not:\n{block.expected}"
            )

    def _check_error(self, block: Block, error: Exception) -> None:
        text = error.args[0] if isinstance(error, KeyError) else str(error)
        found = f"{type(error).__name__}: {text}"
        assert type(error).__name__ == block.error, f"{block}: {found}"
        assert text == block.expected, f"{block}: the page shows {block.expected!r}: {found}"

    def _python(self, block: Block) -> None:
        # Empty lines in front, so that a traceback's line is the page's.
        code = "\n" * block.line + block.code
        exec(compile(code, str(block.page), "exec"), self.names)

    def _bash(self, block: Block) -> None:
        for words in commands_of(block.code):
            _run_command(words, block)


class CommandError(Exception):
    """A command of a page said what is wrong."""


def commands_of(code: str) -> Iterator[list[str]]:
    """The commands of a block of bash: one a line, or joined by `&&`."""
    for line in code.replace("\\\n", " ").splitlines():
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            if words:
                yield words


def _run_command(words: list[str], block: Block) -> None:
    """Run `fastqa` and Python scripts inside this process: starting one for each takes seconds."""
    if words[0] == "pip":
        return  # which extras it names is tested on its own
    path = words[words.index(">") + 1] if ">" in words else None
    words = words[: words.index(">")] if path else words
    if words[:3] == ["python", "-m", "fastqa"]:
        words = words[2:]
    with contextlib.ExitStack() as stack:
        if path is not None:
            file = stack.enter_context(Path(path).open("w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(file))
        if words[0] == "fastqa":
            said = stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
            if cli.main(words[1:]):
                raise CommandError(said.getvalue().strip())
        elif words[0] == "python" and words[1].endswith(".py"):
            _run_script(words[1:])
        else:
            raise AssertionError(f"{block}: no way to run {words[0]!r} here")


def _run_script(words: list[str]) -> None:
    script = ROOT / words[0] if words[0].startswith("examples/") else Path(words[0])
    before, sys.argv = sys.argv, [str(script), *words[1:]]
    try:
        runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv = before
