"""README and docs: every block of code runs, every name, file and link is there, the site builds."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import evaluate_modules
import fastqa
import fastqa.compat
from fastqa.cli import COMMANDS

from documentation import PAGES, ROOT, Runner, blocks_of

datasets = pytest.importorskip("datasets")
evaluate = pytest.importorskip("evaluate")

#: Why a block may stay unexecuted. Each line is a promise that nobody checks: keep the list short.
REASONS = {
    "needs transformers 4, which has an environment of its own in tests/transformers_457.py",
    "needs haystack-ai",
    "needs a Spark installation",
    "needs a Ray cluster; tests/test_ray.py runs Ray on this machine",
    "starts several processes; tests/test_training.py does so",
    "opens a page and waits; tests/test_serve.py opens it",
    "is itself a test or a benchmark",
    "this is how the project is installed",
}
#: More than this many blocks, and the pages are no longer what they claim to be.
MOST_NOT_RUN = 24

BLOCKS = {page: blocks_of(page) for page in PAGES}


@pytest.fixture
def page_folder(
    named_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A copy of the files to work in, and what old code imports, restated by `tests/oracle`."""
    folder = tmp_path / "page"
    datasets.disable_progress_bars()
    shutil.copytree(named_files, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    metrics = {"squad": evaluate_modules.Squad, "squad_v2": evaluate_modules.SquadV2}
    monkeypatch.setattr(evaluate, "load", lambda name: metrics[name](cache_dir=str(tmp_path)))
    monkeypatch.setattr(datasets, "load_dataset", datasets.load_from_disk)
    yield folder
    sys.modules.pop("utils_qa", None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("single_thread")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_a_page_runs_in_order(page: Path, page_folder: Path) -> None:
    runner = Runner()
    for block in BLOCKS[page]:
        if block.not_run is None and block.language in ("python", "bash"):
            runner.run(block)


def test_blocks_that_do_not_run_are_few_and_say_why() -> None:
    left_out = [block for blocks in BLOCKS.values() for block in blocks if block.not_run]
    assert {block.not_run for block in left_out} <= REASONS
    assert len(left_out) <= MOST_NOT_RUN
    languages = {block.language: str(block) for blocks in BLOCKS.values() for block in blocks}
    # A block without a language would be neither run nor noticed.
    assert set(languages) <= {"python", "bash", "json", "yaml"}, languages


def _words_of(pattern: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for found in re.findall(pattern, page.read_text(encoding="utf-8")):
            yield page, found


def test_extras_that_pages_tell_to_install_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(_words_of(r'pip install (?:-e )?"?(?:fastqa|\.)\[([\w,]+)\]'))
    assert len(wanted) > 5
    for page, extras in wanted:
        assert set(extras.split(",")) <= set(project["optional-dependencies"]), page


def test_files_that_pages_name_exist() -> None:
    pattern = r"(?:^|[\s`(])((?:tests|bench|tools|examples|python|rust|docs)/[\w/.-]+\.\w+)"
    named = list(_words_of(pattern))
    assert len(named) > 20
    for page, path in named:
        assert (ROOT / path).exists(), f"{page}: {path}"


def test_names_that_pages_use_exist() -> None:
    named = list(_words_of(r"`fastqa\.([A-Za-z_][\w.]*)"))
    assert len(named) > 50
    for page, dotted in named:
        found: Any = fastqa
        for part in dotted.rstrip(".").split("."):
            if not hasattr(found, part):
                importlib.import_module(f"{found.__name__}.{part}")
            found = getattr(found, part)
        assert found is not None, f"{page}: fastqa.{dotted}"


def test_commands_that_pages_use_exist() -> None:
    for page, command in _words_of(r"(?:^|`)fastqa ([a-z]+)\b"):
        assert command in COMMANDS, f"{page}: fastqa {command}"


def test_every_public_name_is_in_the_reference() -> None:
    reference = "".join(
        page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs/reference").glob("*.md"))
    )
    shown = set(re.findall(r"^::: fastqa\.(\w+)$", reference, flags=re.MULTILINE))
    assert set(fastqa.__all__) - {"__version__"} <= shown
    for name in fastqa.compat.__all__:
        assert f"::: fastqa.compat.{name}\n" in reference


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readme_is_short_and_every_link_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text.count("\n") < 150
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / target).exists(), target


class _Links(HTMLParser):
    """What a browser would fetch to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("img", "script", "iframe", "source", "video"):
            self.fetched.append(values.get("src") or "")
        if tag == "link" and values.get("rel") not in ("canonical", "prev", "next"):
            self.fetched.append(values.get("href") or "")


def test_the_site_builds_without_a_warning_and_fetches_nothing_from_the_network(
    tmp_path: Path,
) -> None:
    # With --quiet there are no warnings that --strict could count.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        links = _Links()
        links.feed(page.read_text(encoding="utf-8"))
        outside = [link for link in links.fetched if re.match(r"(https?:)?//", link)]
        assert not outside, f"{page.name}: {outside}"
    for style in tmp_path.rglob("*.css"):
        assert not re.search(r"url\(\"?(https?:)?//", style.read_text(encoding="utf-8")), style
