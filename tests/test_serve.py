"""`fastqa serve`, used in a browser: ask, and see the answer marked in the text."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

import fastqa
from fastqa.cli import main
from fastqa.serving import ask, marked

from browser import console, open_browser, requests
from small_models import save_reader

CONTEXT = "The tower stands in Paris. <b>It</b> was built by Gustave Eiffel 🙂 in 1889."

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_reader(tmp_path_factory.mktemp("reader"), [CONTEXT]))


@pytest.fixture(scope="module")
def address(reader: str) -> Iterator[str]:
    """The address that the command printed; at the end Ctrl-C stops it."""
    command = [sys.executable, "-m", "fastqa", "serve", "--model", reader, "--json", "--device"]
    server = subprocess.Popen(
        [*command, "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    try:
        lines = [server.stdout.readline() for _ in range(3)]
        yield json.loads("".join(lines))["url"]
        server.send_signal(signal.SIGINT)
        _, error = server.communicate(timeout=30)
        assert server.returncode == 130, error
        assert "Traceback" not in error
    finally:
        server.kill()
        server.communicate()


@pytest.fixture(scope="module")
def driver(address: str) -> Iterator[Any]:
    with open_browser() as opened:
        requests(opened)
        opened.get(address)
        WebDriverWait(opened, 60).until(
            lambda page: page.find_elements(By.CSS_SELECTOR, "#ask, #ask button")
        )
        yield opened


def write(driver: Any, selector: str, text: str) -> None:
    area = driver.find_element(By.CSS_SELECTOR, f"{selector} textarea, {selector} input")
    area.send_keys(Keys.CONTROL, "a")
    # The driver types no emoji; this is what a paste does.
    driver.execute_script(
        "const [area, text] = arguments;"
        "const kind = Object.getPrototypeOf(area);"
        "Object.getOwnPropertyDescriptor(kind, 'value').set.call(area, text);"
        "area.dispatchEvent(new Event('input', { bubbles: true }))",
        area,
        text,
    )


def texts(driver: Any, selector: str) -> list[str]:
    found = driver.find_elements(By.CSS_SELECTOR, selector)
    return [one.get_attribute("textContent").strip() for one in found]


def test_a_question_is_asked_and_the_answer_marked(driver: Any, reader: str) -> None:
    write(driver, "#context", CONTEXT)
    write(driver, "#asked", "Who built the tower?")
    driver.find_element(By.CSS_SELECTOR, "#ask").click()
    expected = ask(fastqa.pipeline(reader, device="cpu"), "Who built the tower?", CONTEXT)
    WebDriverWait(driver, 30).until(lambda page: texts(page, "#marked .highlighted"))
    assert texts(driver, "#marked .highlighted") == [expected[0]["answer"]]
    whole = "".join(texts(driver, "#marked .textfield")).split()
    assert "".join(whole) == "".join(CONTEXT.split())
    assert driver.find_elements(By.CSS_SELECTOR, "#marked .textfield b") == []
    # gradio keeps a hidden copy of the table; the shown one is a grid.
    answers = '#answers [role="row"] [data-col="1"]'
    wanted = [one["answer"] for one in expected]
    WebDriverWait(driver, 30).until(lambda page: texts(page, answers) == wanted)
    driver.find_elements(By.CSS_SELECTOR, answers)[2].click()
    WebDriverWait(driver, 30).until(lambda page: texts(page, "#marked .highlighted") == [wanted[2]])


def test_an_empty_question_is_said_not_crashed(driver: Any) -> None:
    write(driver, "#asked", " ")
    driver.find_element(By.CSS_SELECTOR, "#ask").click()
    WebDriverWait(driver, 30).until(
        lambda page: "ask a question" in page.find_element(By.TAG_NAME, "body").text
    )


def test_the_page_asks_nobody_else_and_says_nothing(driver: Any, address: str) -> None:
    assert [
        url for url in requests(driver) if not url.startswith((address, "data:", "blob:"))
    ] == []
    assert console(driver) == []


def test_only_this_machine_can_reach_it(address: str) -> None:
    assert address.startswith("http://127.0.0.1:")
    port = int(address.rstrip("/").rsplit(":", 1)[1])
    listening = [
        line.split()[1]
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rsplit(":", 1)[1], 16) == port
    ]
    assert listening == [f"0100007F:{port:04X}"]
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def test_marking_cuts_the_text_into_pieces() -> None:
    answer = {"answer": "b", "start": 1, "end": 2}
    assert marked("abc", answer) == [("a", None), ("b", "answer"), ("c", None)]
    assert marked("b", {"answer": "b", "start": 0, "end": 1}) == [("b", "answer")]
    assert marked("abc", {"answer": "", "start": 0, "end": 0}) == [("abc", None)]
    assert marked("abc", None) == [("abc", None)]


def test_without_gradio_one_line_names_the_extra(
    reader: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["serve", "--model", reader]) == 1
    assert 'pip install "fastqa[ui]"' in capsys.readouterr().err
