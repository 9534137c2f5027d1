"""The pictures in docs/screenshots: the report and `fastqa serve` as Chromium shows them.

Run from the repository: `python tools/screenshots.py`. It needs the data in ../shared (or
FASTQA_SHARED), Chromium with its driver, and the extras `[dev]`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from fastqa.answering import pipeline
from fastqa.cli import main
from fastqa.serving import build_page, launch

from browser import open_browser
from reader_files import report_arguments, save_reader_files
from real_data import SHARED

FOLDER = ROOT / "docs" / "screenshots"
OPEN_FIRST = "document.querySelector('#list a').click()"


def scroll_to(selector: str) -> str:
    """A script that brings an element to the top of the window."""
    return f"document.querySelector('{selector}').scrollIntoView()"


def shoot(name: str, address: str, *scripts: str, **window: Any) -> None:
    """Save one picture, after the scripts have run in the page."""
    with open_browser(**window) as driver:
        driver.get(address)
        time.sleep(2)
        for script in scripts:
            driver.execute_script(script)
            time.sleep(0.5)
        driver.save_screenshot(str(FOLDER / f"{name}.png"))
    size = (FOLDER / f"{name}.png").stat().st_size
    print(f"{name}.png {size / 1e3:.0f} kB")


def report_pictures(folder: Path) -> None:
    """The report, in both themes and at a phone's width. Pictures that show texts are of the sample
    in the package: other people's data stay out of the repository."""
    save_reader_files(SHARED, folder)
    page = folder / "report.html"
    arguments = report_arguments(SHARED, folder, "bert-single")
    names = ["--names", "MiniLM reader", "BERT single", "--title", "SQuAD 2.0 dev"]
    assert main([*arguments, *names, "-o", str(page), "--quiet"]) == 0
    address = f"file://{page}"
    wide = {"width": 1200, "height": 900}
    shoot("report-light", address, **wide)
    shoot("report-charts-dark", address, scroll_to("#charts"), **wide, dark=True)
    phone = {"width": 390, "height": 844}
    shoot("report-phone-light", address, **phone)
    sample = folder / "sample.html"
    assert main(["demo", "--report", str(sample), "--quiet"]) == 0
    address = f"file://{sample}"
    question = f"{address}#type=boundary&order=unsure"
    shoot("report-question-light", question, OPEN_FIRST, scroll_to("#questions"), **wide)
    shoot("report-phone-dark", address, OPEN_FIRST, scroll_to("#question"), **phone, dark=True)


def serve_picture() -> None:
    """`fastqa serve` after a question."""
    page = build_page(pipeline(SHARED / "models/minilm-squad2", device="cpu"))
    address = launch(page)
    ask = "document.querySelector('#ask').click()"
    shoot("serve", address, "0", "0", ask, "0", "0", "0", width=1200, height=640)
    page.close(verbose=False)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        report_pictures(Path(scratch))
    serve_picture()
