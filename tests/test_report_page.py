"""The page of `fastqa report` on SQuAD 2.0 dev, used in a browser as a person uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from fastqa.cli import main
from fastqa.reporting.systems import ERROR_TYPES

from browser import console, open_browser, requests
from reader_files import report_arguments, save_reader_files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def files(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared reader's prediction files, features and sweep for SQuAD 2.0 dev, in a folder."""
    return save_reader_files(shared, tmp_path_factory.mktemp("reader"))


@pytest.fixture(scope="module")
def reader_page(shared: Path, files: Path) -> Path:
    """The report on the reader with everything that can be given."""
    page = files / "reader.html"
    assert main([*report_arguments(shared, files), "-o", str(page), "--quiet"]) == 0
    return page


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with open_browser() as opened:
        yield opened


def visit(driver: Any, page: Path, fragment: str = "") -> None:
    driver.get("about:blank")
    console(driver), requests(driver)
    driver.get(f"file://{page}{fragment}")
    wait(driver, lambda: text(driver, "#found") != "")


def wait(driver: Any, condition: Any) -> None:
    WebDriverWait(driver, 20).until(lambda _: condition())


def one(driver: Any, selector: str) -> Any:
    return driver.find_element(By.CSS_SELECTOR, selector)


def every(driver: Any, selector: str) -> list[Any]:
    return list(driver.find_elements(By.CSS_SELECTOR, selector))


def text(driver: Any, selector: str) -> str:
    return str(one(driver, selector).text)


def number(driver: Any, name: str, system: int = 0) -> float:
    selector = f'table data[data-system="{system}"][data-number="{name}"]'
    return float(one(driver, selector).get_attribute("value"))


def scored(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, float]:
    """What `fastqa score` says."""
    capsys.readouterr()
    assert main(["score", *arguments, "--json"]) == 0
    scores: dict[str, float] = json.loads(capsys.readouterr().out)
    return scores


OFFICIAL = ("exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1")


def shown_scores(driver: Any, system: int = 0) -> dict[str, float]:
    return {name: number(driver, name, system) for name in OFFICIAL}


def official(scores: dict[str, float]) -> dict[str, float]:
    return {name: scores[name] for name in OFFICIAL}


def test_the_page_is_light_quick_silent_and_alone(driver: Any, reader_page: Path) -> None:
    visit(driver, reader_page)
    assert reader_page.stat().st_size < 15e6
    paint = driver.execute_script(
        "return performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    assert paint < 2000
    assert console(driver) == []
    assert [url for url in requests(driver) if not url.startswith(("file:", "data:"))] == []
    assert len(every(driver, "figure svg")) == 5


def test_the_scores_are_those_of_fastqa_score(
    driver: Any, reader_page: Path, shared: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visit(driver, reader_page)
    data = str(shared / "data/squad/dev-v2.0.json")
    expected = scored(capsys, data, str(files / "predictions.json"))
    assert shown_scores(driver) == pytest.approx(official(expected), abs=1e-9)
    assert sum(number(driver, f"type:{name}") for name in ERROR_TYPES) == 11_873


def test_a_moved_threshold_gives_the_scores_of_that_threshold(
    driver: Any, reader_page: Path, shared: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visit(driver, reader_page)
    before = shown_scores(driver)
    # The same answers without the reader's own "": the best entry with text of each list.
    lists = json.loads((files / "nbest_predictions.json").read_text())
    texts = {id_: next((e["text"] for e in of if e["text"]), "") for id_, of in lists.items()}
    (files / "texts.json").write_text(json.dumps(texts))
    data = str(shared / "data/squad/dev-v2.0.json")
    odds = ["--null-odds", str(files / "null_odds.json")]
    field = one(driver, "#threshold-0 input[type=number]")
    for threshold in ("0.135", "0.9"):
        field.clear()
        field.send_keys(threshold, Keys.TAB)
        wanted = scored(capsys, data, str(files / "texts.json"), *odds, "-t", threshold)
        wait(driver, lambda before=before: shown_scores(driver) != before)
        assert shown_scores(driver) == pytest.approx(official(wanted), abs=1e-9)
        assert number(driver, "question_word:0:f1") != pytest.approx(0)
        before = shown_scores(driver)
    slider = one(driver, "#threshold-0 input[type=range]")
    slider.send_keys(Keys.HOME)
    wait(driver, lambda: number(driver, "NoAns_f1") == 100.0)
    assert number(driver, "HasAns_f1") == 0.0
    assert number(driver, "confusion:1:0") == 5928
    slider.send_keys(Keys.END)
    everything = "11,873 questions (100.0%) are answered"
    wait(driver, lambda: text(driver, "#threshold-0 output") == everything)
    assert number(driver, "NoAns_f1") < 0.1  # an answer of articles alone counts as ""
    one(driver, "#threshold-0 button").click()
    expected = scored(capsys, data, str(files / "predictions.json"))
    assert shown_scores(driver) == pytest.approx(official(expected), abs=1e-9)
    assert console(driver) == []


def test_filters_search_and_pages_choose_questions(driver: Any, reader_page: Path) -> None:
    visit(driver, reader_page)
    assert text(driver, "#found") == "11,873 of 11,873 questions"
    assert len(every(driver, "#list tbody tr")) == 25
    Select(one(driver, "[name=type]")).select_by_visible_text("boundary off")
    boundary = int(number(driver, "type:boundary"))
    wait(driver, lambda: text(driver, "#found") == f"{boundary:,} of 11,873 questions")
    kinds = {cell.text for cell in every(driver, "#list .type")}
    assert kinds == {"boundary off"}
    one(driver, "[name=search]").send_keys("norman")
    wait(driver, lambda: not text(driver, "#found").startswith(f"{boundary:,} "))
    rows = every(driver, "#list tbody tr")
    assert 0 < len(rows) <= 25
    first_page = [row.text for row in rows]
    one(driver, "#clear").click()
    wait(driver, lambda: text(driver, "#found").startswith("11,873 "))
    one(driver, "#next").click()
    assert text(driver, "#page") == "page 2 of 475"
    assert [row.text for row in every(driver, "#list tbody tr")] != first_page
    # A group's name in the tables filters too; the counts agree.
    link = one(driver, 'a[data-filter="group=question_word:5"]')
    count = link.find_element(By.XPATH, "ancestor::tr/td[1]").text
    link.click()
    wait(driver, lambda: text(driver, "#found") == f"{count} of 11,873 questions")
    assert console(driver) == []


def test_a_question_opens_with_its_answers_marked_and_has_an_address(
    driver: Any, reader_page: Path
) -> None:
    visit(driver, reader_page, "#type=boundary&order=sure")
    one(driver, "#list tbody a").click()
    wait(driver, lambda: one(driver, "#question").is_displayed())
    gold = one(driver, "#question dl dd").text
    marked = "".join(
        mark.get_attribute("textContent") for mark in every(driver, "#question .context mark.gold")
    )
    assert gold in marked
    assert every(driver, "#question .context mark.first")
    entries = every(driver, "#question .nbest tbody tr")
    assert len(entries) == 10
    assert entries[0].text.endswith("%")
    assert driver.execute_script("return document.activeElement.tagName") == "H3"
    heading, address = text(driver, "#question h3"), driver.current_url
    assert "question=" in address
    visit(driver, reader_page, address[address.index("#") :])
    assert text(driver, "#question h3") == heading
    one(driver, "#question nav a:nth-child(2)").click()
    wait(driver, lambda: text(driver, "#question h3") != heading)
    one(driver, "#question nav a:last-child").click()
    wait(driver, lambda: not one(driver, "#question").is_displayed())
    assert console(driver) == []


def test_two_published_systems_stand_side_by_side(
    driver: Any, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    squad = shared / "data/squad"
    data = str(squad / "dev-v2.0.json")
    systems = [
        str(squad / f"predictions/{name}.v2.0.json") for name in ("bidaf-elmo", "bert-single")
    ]
    page = tmp_path / "two.html"
    command = ["report", data, *systems, "-o", str(page), "--names", "BiDAF + ELMo", "BERT"]
    assert main([*command, "--json", "--quiet"]) == 0
    told = json.loads(capsys.readouterr().out)
    visit(driver, page)
    for index, system in enumerate(systems):
        expected = scored(capsys, data, system)
        assert shown_scores(driver, index) == pytest.approx(official(expected), abs=1e-9)
    assert main(["compare", data, *systems, "--json"]) == 0
    compared = json.loads(capsys.readouterr().out)
    assert told["differences"]["f1"] == compared["f1"]
    assert f"{compared['f1']['difference']:+.2f}" in text(driver, "#scores")
    for outcome in ("both_right", "only_first", "only_second", "both_wrong"):
        Select(one(driver, "[name=outcome]")).select_by_value(outcome)
        count = f"{compared[outcome]:,} of 11,873 questions"
        wait(driver, lambda count=count: text(driver, "#found") == count)
    Select(one(driver, "[name=outcome]")).select_by_value("only_second")
    wait(driver, lambda: every(driver, '#list td[data-label="BERT"][data-right="yes"]'))
    assert not every(driver, '#list td[data-label="BiDAF + ELMo"][data-right="yes"]')
    assert console(driver) == []
    assert [url for url in requests(driver) if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_the_page_without_scrolling_sideways(reader_page: Path, dark: bool) -> None:
    with open_browser(width=390, height=844, dark=dark) as phone:
        visit(phone, reader_page)
        assert phone.execute_script("return document.documentElement.scrollWidth") == 390
        one(phone, "#list tbody a").click()
        wait(phone, lambda: one(phone, "#question").is_displayed())
        assert phone.execute_script("return document.documentElement.scrollWidth") == 390
        ground = phone.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")


def test_everything_can_be_reached_and_is_named_for_a_screen_reader(
    driver: Any, reader_page: Path
) -> None:
    visit(driver, reader_page)
    one(driver, "body").send_keys(Keys.TAB)
    assert driver.execute_script("return document.activeElement.className") == "skip"
    tree = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    controls = (
        "slider",
        "spinbutton",
        "searchbox",
        "combobox",
        "button",
        "link",
        "region",
        "table",
    )
    nameless = [
        node["role"]["value"]
        for node in tree
        if not node["ignored"]
        and node["role"]["value"] in controls
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    levels = [element.tag_name for element in every(driver, "h1, h2")]
    assert levels == ["h1", *["h2"] * (len(levels) - 1)]


def test_a_print_leaves_out_what_cannot_be_pressed(driver: Any, reader_page: Path) -> None:
    visit(driver, reader_page)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        for selector in ("#filters", ".threshold", ".pager"):
            assert not one(driver, selector).is_displayed()
        assert one(driver, "#scores table").is_displayed()
        pdf = driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
        assert len(pdf["data"]) > 50_000
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
