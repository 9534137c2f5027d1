"""`fastqa.report` and `fastqa report`: what they count, and that no text becomes markup."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

import fastqa
from fastqa import calibration
from fastqa.cli import main
from fastqa.demo import load_sample
from fastqa.gold_spans import Gold, locate
from fastqa.reporting.data import embedded
from fastqa.reporting.groups import make_groupings
from fastqa.reporting.questions import read_questions

from browser import console, open_browser, requests

CONTEXT = "The Danube flows through Vienna, Budapest and Belgrade. It ends in the Black Sea."


def example(id_: str, question: str, *golds: str, context: str = CONTEXT) -> dict[str, Any]:
    answers = {"text": list(golds), "answer_start": [context.find(gold) for gold in golds]}
    return {
        "id": id_,
        "title": "Danube",
        "question": question,
        "context": context,
        "answers": answers,
    }


EXAMPLES = [
    example("right", "Which city comes first?", "Vienna"),
    example("boundary", "Where does it end?", "the Black Sea"),
    example("wrong", "How many rivers are there?", "Belgrade"),
    example("false_answer", "Who wrote it?"),
    example("false_no_answer", "What is the last city?", "Belgrade"),
    example("right_nothing", "When was it built?"),
]
PREDICTIONS = {
    "right": "Vienna",
    "boundary": "Sea",
    "wrong": "Vienna",
    "false_answer": "Danube",
    "false_no_answer": "",
    "right_nothing": "",
}


def made(*arguments: Any, **options: Any) -> fastqa.reporting.Report:
    return fastqa.report(*arguments, resamples=50, **options)


def data_of(html: str) -> dict[str, Any]:
    """The JSON that the page's script reads."""
    begin = html.index('id="report-data">') + len('id="report-data">')
    data: dict[str, Any] = json.loads(html[begin : html.index("</script>", begin)])
    return data


def group(report: Any, key: str) -> dict[str, list[str]]:
    """Group -> ids."""
    grouping = next(one for one in report.analysis.groupings if one.key == key)
    ids = report.analysis.questions.ids
    return {
        label: [id_ for id_, code in zip(ids, grouping.codes, strict=True) if code == number]
        for number, label in enumerate(grouping.labels)
    }


# ------------------------------------------------------------------------------- what it counts


def test_each_answer_is_of_the_kind_that_it_is() -> None:
    report = made(EXAMPLES, PREDICTIONS)
    kinds = dict(zip(report.analysis.questions.ids, report.analysis.error_types[0], strict=True))
    assert kinds.pop("right_nothing") == "right"
    assert all(id_ == kind for id_, kind in kinds.items())


def test_gold_answers_that_no_span_gives_are_told_apart() -> None:
    tokens = [(0, 3), (4, 10), (11, 16), (17, 24), (25, 32), (33, 41)]
    features = [
        {"example_id": one["id"], "offset_mapping": [None, *tokens, None]} for one in EXAMPLES
    ]
    report = made(EXAMPLES, PREDICTIONS, features=features)
    # Belgrade and the Black Sea are behind the last token of the only window.
    causes = {
        report.analysis.questions.ids[place]: cause
        for place, cause in report.analysis.unreachable.items()
    }
    assert causes == dict.fromkeys(["boundary", "wrong", "false_no_answer"], "window")
    assert report.analysis.error_types[0].count("unreachable") == 3
    assert data_of(report.html)["unreachable"] == {"1": "window", "2": "window", "4": "window"}
    assert "token_boundary" not in causes.values()
    assert not any(one.key == "windows" for one in report.analysis.groupings)  # all have one


def test_questions_are_grouped_by_word_length_and_position() -> None:
    report = made(EXAMPLES, PREDICTIONS)
    words = group(report, "question_word")
    assert words["how many"] == ["wrong"]
    assert words["which"] == ["right"]
    assert words["what"] == ["false_no_answer"]
    lengths = group(report, "answer_length")
    assert lengths["3"] == ["boundary"]
    assert lengths["no answer"] == ["false_answer", "right_nothing"]
    positions = group(report, "position")
    assert positions["last fifth"] == ["boundary"]
    assert positions["no answer"] == ["false_answer", "right_nothing"]
    assert group(report, "answerable")["has no answer"] == ["false_answer", "right_nothing"]


def test_windows_are_counted_from_the_features() -> None:
    features = {
        "example_id": [*(one["id"] for one in EXAMPLES), "right"],
        "offset_mapping": np.zeros((7, 4, 2), np.int64),
    }
    assert group(made(EXAMPLES, PREDICTIONS, features=features), "windows")["2 windows"] == [
        "right"
    ]


def test_chinese_lengths_are_in_characters() -> None:
    questions = read_questions([example("1", "谁?", "布达佩斯", context="多瑙河流经布达佩斯。")])
    groupings = make_groupings(questions, None, style="mlqa", lang="zh")
    assert groupings == []  # one question is in one group of everything
    both = read_questions(
        [example("1", "谁?", "布", context="布达"), example("2", "谁?", "布达佩斯")]
    )
    titles = [grouping.title for grouping in make_groupings(both, None, style="mlqa", lang="zh")]
    assert "Answer length (characters)" in titles


def test_a_predicted_text_is_found_where_the_gold_answer_is() -> None:
    context = "Paris, Texas is not Paris, France."
    assert locate("Paris", context, [Gold("Paris, France", 20)]) == 20
    assert locate("Paris", context, []) == 0
    assert locate("Berlin", context, []) == locate("", context, []) == -1


def test_every_container_gives_the_same_page() -> None:
    import pandas as pd
    from datasets import Dataset

    expected = data_of(made(EXAMPLES, PREDICTIONS).html)
    columns = {name: [row[name] for row in EXAMPLES] for name in EXAMPLES[0]}
    for other in (columns, Dataset.from_list(EXAMPLES), pd.DataFrame(columns)):
        assert data_of(made(other, PREDICTIONS).html) == expected


def test_scores_intervals_and_lists_come_from_the_same_functions_as_elsewhere() -> None:
    sample = load_sample()
    params = fastqa.SpanParams.utils_qa(version_2_with_negative=True)
    nbest = fastqa.search(sample.examples, sample.features, sample.logits, params)
    report = made(sample.examples, nbest, features=sample.features)
    system = report.analysis.systems[0]
    scores = fastqa.score(nbest.to_dict(), sample.examples, style="squad2")
    assert system.scores.summary() == scores.summary()
    assert report.analysis.intervals[0] == fastqa.confidence_intervals(scores, resamples=50)
    sure = calibration.answer_confidence(nbest, style="squad2")
    expected = fastqa.reliability(sure, scores.exact).ece
    assert system.list_scores["ece"] == pytest.approx(expected, abs=1e-6)
    page = data_of(report.html)["systems"][0]
    assert sum(page["exact"]) == scores.exact.sum()
    entry = page["entries"][0][0]
    assert entry[0] == pytest.approx(nbest[0][0]["probability"], abs=1e-4)
    # At the sigmoid of 0.0 the threshold gives what the reader gave.
    assert system.answering is not None
    assert system.answering.at_threshold(system.threshold).summary() == scores.summary()


def test_two_systems_are_compared_on_the_same_questions() -> None:
    fewer = {id_: text for id_, text in PREDICTIONS.items() if id_ != "right"}
    with pytest.warns(fastqa.FastqaWarning, match="they count as wrong"):
        report = made(EXAMPLES, PREDICTIONS, fewer, names=("one", "two"))
    assert report.analysis.comparison is not None
    assert report.analysis.comparison.ids["only_first"] == ["right"]
    assert "McNemar" in report.html


def test_a_threshold_is_applied_as_fastqa_score_does() -> None:
    records = [
        {
            "id": id_,
            "prediction_text": text or "Danube",
            "no_answer_probability": 0.0 if text else 0.9,
        }
        for id_, text in PREDICTIONS.items()
    ]
    report = made(EXAMPLES, records, no_answer_threshold=0.5)
    expected = fastqa.score(records, EXAMPLES, style="squad2").summary(0.5)
    assert report.analysis.systems[0].scores.summary() == expected
    with pytest.raises(ValueError, match="needs no-answer probabilities"):
        made(EXAMPLES, PREDICTIONS, no_answer_threshold=0.5)


def test_each_system_has_a_slider_of_its_own(tmp_path: Path) -> None:
    answers = {id_: text or "Danube" for id_, text in PREDICTIONS.items()}
    odds = {id_: -1.0 if text else 1.0 for id_, text in PREDICTIONS.items()}
    page = made(
        EXAMPLES,
        answers,
        answers,
        names=("one", "two"),
        null_odds=odds,
        second_null_odds=odds,
        path=tmp_path / "two.html",
    )
    expected = fastqa.score(fastqa.with_null_odds(answers, odds), EXAMPLES, style="squad2")

    def f1(driver: Any, system: int) -> float:
        found = f'table data[data-system="{system}"][data-number="f1"]'
        return float(driver.find_element(By.CSS_SELECTOR, found).get_attribute("value"))

    with open_browser() as driver:
        driver.get(f"file://{tmp_path}/two.html")
        before = f1(driver, 0)
        assert before == pytest.approx(expected.summary()["f1"])
        field = driver.find_element(By.CSS_SELECTOR, "#threshold-1 input[type=number]")
        field.clear()
        field.send_keys("0.5", Keys.TAB)
        wanted = expected.summary(0.5)["f1"]
        WebDriverWait(driver, 10).until(lambda _: f1(driver, 1) == pytest.approx(wanted))
        assert f1(driver, 0) == before != f1(driver, 1)
        assert len(driver.find_elements(By.CSS_SELECTOR, "line.marker")) == 2
        assert console(driver) == []
    assert page.analysis.systems[1].threshold == 1.0


# ------------------------------------------------------------------------------- hostile texts

HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 2'>",
    "<!-- <script> & &lt;b&gt; \u2028 \u2029 \x00 \ud800 ]]> \u202e",
    "{data} ${window.hacked = 3} `${1}` %s $\\alpha$ \\u003cscript>",
    "' onfocus='window.hacked = 4' autofocus='\"><svg onload=window.hacked=5>",
    "javascript:window.hacked=6",
    "__proto__",
]


class Tags(HTMLParser):
    """Counts the tags of a page, and collects attributes that run code."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def hostile_report() -> fastqa.reporting.Report:
    examples = []
    for number, text in enumerate(HOSTILE):
        context = f"🙂 before {text} after 🙂"
        one = example(text, f"{text}?", text, context=context)
        examples.append({**one, "title": f"{text} {number % 2}"})
    predictions = {text: text[: len(text) // 2] for text in HOSTILE}
    lists = {
        text: [{"text": text, "probability": 0.5}, {"text": "", "probability": 0.5}]
        for text in HOSTILE
    }
    return made(
        examples,
        predictions,
        dict.fromkeys(HOSTILE, ""),
        names=(HOSTILE[1], HOSTILE[0]),
        nbest=lists,
        null_odds=dict.fromkeys(HOSTILE, 0.0),
        title=HOSTILE[0],
        style="squad2",
    )


def test_hostile_texts_add_no_tag_and_no_attribute() -> None:
    report = hostile_report()
    tags = Tags()
    tags.feed(report.html)
    assert tags.counts["script"] == 2
    assert tags.handlers == []
    assert not {"img", "b", "iframe", "object"} & set(tags.counts)
    page = data_of(report.html)
    assert page["ids"] == HOSTILE
    assert page["questions"] == [f"{text}?" for text in HOSTILE]
    report.html.encode()  # a lone surrogate did not come through


def test_embedded_json_has_none_of_the_characters_that_end_a_script() -> None:
    text = embedded(HOSTILE)
    assert not set("<>&\u2028\u2029\x00\ud800") & set(text)
    assert json.loads(text) == HOSTILE


def test_hostile_texts_stay_texts_in_a_browser(tmp_path: Path) -> None:
    page = hostile_report().save(tmp_path / "hostile.html")
    with open_browser() as driver:
        console(driver), requests(driver)
        driver.get(f"file://{page}")
        for text in HOSTILE[:2] + HOSTILE[3:]:
            driver.execute_script(
                "location.hash = new URLSearchParams({question: arguments[0]})", text
            )
            heading = " ".join(f"{text}?".split())
            WebDriverWait(driver, 5).until(
                lambda page, heading=heading: (
                    [one.text for one in page.find_elements(By.CSS_SELECTOR, "#question h3")]
                    == [heading]
                )
            )
            assert driver.execute_script("return window.hacked") is None
            assert driver.find_elements(By.CSS_SELECTOR, "img, #question script") == []
            gold = driver.find_elements(By.CSS_SELECTOR, "#question .context mark.gold")
            assert "".join(one.get_attribute("textContent") for one in gold) == text
        assert console(driver) == []
        assert [url for url in requests(driver) if not url.startswith(("file:", "data:"))] == []


def test_the_policy_lets_no_other_script_run(tmp_path: Path) -> None:
    """Even if a text got through as markup, the browser would not run it."""
    html = made(EXAMPLES, PREDICTIONS).html
    broken = html.replace("<main>", "<main><script>window.hacked = 1</script>", 1)
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    with open_browser() as driver:
        driver.get(f"file://{tmp_path}/broken.html")
        assert driver.execute_script("return window.hacked") is None
        assert any("Content Security Policy" in message for message in console(driver))


# ------------------------------------------------------------------------------- files, command


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    rows = "\n".join(json.dumps(one) for one in EXAMPLES)
    (tmp_path / "data.jsonl").write_text(rows, encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps(PREDICTIONS))
    page = str(tmp_path / "out.html")
    files = [str(tmp_path / "data.jsonl"), str(tmp_path / "a.json")]
    return ["report", *files, "-o", page, "--resamples", "50"]


def test_the_command_prints_scores_and_where_the_page_is(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 0
    printed = capsys.readouterr()
    assert f"{tmp_path}/out.html" in printed.out
    assert "false no-answer" in printed.out
    assert "not shown: no n-best lists" in printed.err
    assert "\x1b" not in printed.out
    assert main([*command, "--json", "--quiet"]) == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert printed.err == ""
    assert told["report"] == str(tmp_path / "out.html")
    assert told["bytes"] == (tmp_path / "out.html").stat().st_size
    assert told["kinds"]["boundary"] == 1
    assert main(["score", *command[1:3], "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert {name: told[name] for name in scores} == scores


def test_charts_are_saved_for_papers(command: list[str], tmp_path: Path) -> None:
    for name, contents in (
        ("odds", dict.fromkeys(PREDICTIONS, 0.5)),
        ("nbest", {id_: [{"text": text, "probability": 0.7}] for id_, text in PREDICTIONS.items()}),
        (
            "sweep",
            [
                {"max_answer_length": length, "n_best_size": size, "exact": 1.0, "f1": length}
                for length in (5, 30)
                for size in (1, 20)
            ],
        ),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps(contents))
    more = ["--null-odds", str(tmp_path / "odds.json"), "--nbest", str(tmp_path / "nbest.json")]
    more += ["--sweep", str(tmp_path / "sweep.json"), "--plots", str(tmp_path / "plots")]
    assert main([*command, *more, "--quiet"]) == 0
    names = {path.name for path in (tmp_path / "plots").iterdir()}
    for chart in (
        *("threshold", "precision_recall", "reliability", "risk_coverage", "sweep"),
        *("f1_by_question_word", "f1_by_answerable", "f1_by_position"),
    ):
        assert {f"{chart}.png", f"{chart}.svg"} <= names
    drawn = (tmp_path / "plots" / "sweep.svg").read_text()
    assert main([*command, *more, "--quiet"]) == 0
    assert (tmp_path / "plots" / "sweep.svg").read_text() == drawn  # the same bytes every time


def test_a_folder_of_predictions_brings_its_lists_and_odds(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "written"
    folder.mkdir()
    lists = {id_: [{"text": text, "probability": 0.7}] for id_, text in PREDICTIONS.items()}
    for name, contents in (
        ("predictions", PREDICTIONS),
        ("nbest_predictions", lists),
        ("null_odds", dict.fromkeys(PREDICTIONS, -0.5)),
    ):
        (folder / f"eval_{name}.json").write_text(json.dumps(contents))
    assert main([*command[:2], str(folder), *command[3:]]) == 0
    assert "no n-best lists" not in capsys.readouterr().err
    page = (tmp_path / "out.html").read_text()
    assert 'id="threshold-0"' in page
    assert data_of(page)["systems"][0]["name"] == "written"
    assert main([*command[:2], str(tmp_path), *command[3:]]) == 1
    assert "should hold one file ...predictions.json, it has none" in capsys.readouterr().err


def test_the_demo_makes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "-n", "1", "--report", str(tmp_path / "demo.html")]) == 0
    assert f"wrote {tmp_path / 'demo.html'}" in capsys.readouterr().err
    assert len(data_of((tmp_path / "demo.html").read_text())["ids"]) == 308


def test_what_cannot_be_made_is_said_in_one_line(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep.json").write_text("[1]")
    for more, message in (
        (["--names", "a", "b"], "--names has 2 names for 1 prediction files"),
        (["--nbest", "none.json"], "none.json"),
        (["--sweep", str(tmp_path / "sweep.json")], "a sweep is a list of rows"),
        (["-o", str(tmp_path / "none" / "out.html")], "create it first"),
    ):
        assert main([*command, *more]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert not list(tmp_path.glob(".out*"))


def test_without_matplotlib_one_line_names_the_extra(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(command) == 1
    assert 'pip install "fastqa[report]"' in capsys.readouterr().err


def test_the_code_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = Path(__file__).parents[1] / "docs" / "report.md"
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, "report.md", "exec"), names)
    assert (tmp_path / "report.html").exists()
    assert len(list((tmp_path / "figures").iterdir())) > 10
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", guide.read_text(encoding="utf-8")):
        assert (guide.parent / target).exists(), target
