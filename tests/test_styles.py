"""Every style scores as its official script, restated in the oracle, on real and random answers."""

import random
import re
import string
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

import fastqa
from fastqa import _rust
from scoring_data import evaluate_references, shared_json

from oracle import metrics as oracle
from oracle.metrics_other import CMRC_MARKS, triviaqa_normalize

MLQA_LANGUAGES = ["en", "es", "hi", "vi", "de", "ar", "zh"]
#: Pieces that meet each rule: articles, punctuation beyond ASCII, CJK, Hangul, Thai, odd spaces.
PIECES = [
    *(
        "der ",
        "das",
        " ein ",
        "el ",
        "la",
        " unos ",
        "của ",
        " là",
        "những ",
        "ال",
        "البيت",
        " the ",
    ),
    *(
        "中国",
        "，",
        "。",
        "……",
        "〈",
        "》",
        "(",
        "‘",
        "’",
        "「",
        "서울",
        "의 ",
        "हिन्दी ",
        "।",
        "é",
        "e\u0301",
    ),
    *(
        "กรุง",
        "ไทย",
        "東京",
        "タワー",
        "\u3000",
        "\x1c",
        "\u200b",
        "$",
        "€",
        "-",
        "'",
        '"',
        "3.14",
        "1,000",
    ),
    *("\u03a3", "\u0130", "a b", "Nexon", "%", ".", "?", "!", ":", "ß", "２", "·", "~"),
]


def answers(count: int, seed: int) -> list[str]:
    generator = random.Random(seed)
    return ["".join(generator.choices(PIECES, k=generator.randrange(7))) for _ in range(count)]


def assert_pairs_score_as(
    style: str, lang: str | None, exact: Callable[..., Any], f1: Callable[..., Any]
) -> None:
    predictions = answers(4000, 1)
    golds = [
        gold if index % 3 else predictions[index] + gold
        for index, gold in enumerate(answers(4000, 2))
    ]
    references = {str(index): [gold] for index, gold in enumerate(golds)}
    texts = {str(index): text for index, text in enumerate(predictions)}
    scores = fastqa.score(texts, references, style=style, lang=lang)
    for index, (text, gold) in enumerate(zip(predictions, golds, strict=True)):
        got = (scores.exact[index], scores.f1[index])
        assert got == (exact(text, gold), f1(text, gold)), (text, gold)


@pytest.mark.parametrize("lang", MLQA_LANGUAGES)
def test_mlqa_scores_random_answers_as_the_oracle(lang: str) -> None:
    from oracle._texts import f1_of_tokens

    def exact(text: str, gold: str) -> bool:
        return oracle.mlqa_normalize(text, lang) == oracle.mlqa_normalize(gold, lang)

    def f1(text: str, gold: str) -> float:
        return f1_of_tokens(oracle.mlqa_tokens(text, lang), oracle.mlqa_tokens(gold, lang))

    assert_pairs_score_as("mlqa", lang, exact, f1)


def test_korquad_scores_random_answers_as_the_oracle() -> None:
    def exact(text: str, gold: str) -> bool:
        return oracle.korquad_normalize(text) == oracle.korquad_normalize(gold)

    assert_pairs_score_as("korquad", None, exact, oracle.korquad_f1)


def test_triviaqa_scores_random_answers_as_the_oracle() -> None:
    from oracle._texts import f1_of_tokens

    def exact(text: str, gold: str) -> bool:
        return triviaqa_normalize(text) == triviaqa_normalize(gold)

    def f1(text: str, gold: str) -> float:
        return f1_of_tokens(triviaqa_normalize(text).split(), triviaqa_normalize(gold).split())

    assert_pairs_score_as("triviaqa", None, exact, f1)


@pytest.mark.parametrize("lang", MLQA_LANGUAGES)
def test_mlqa_normalises_every_code_point_as_the_oracle(lang: str) -> None:
    step = 1 if lang in ("zh", "ar") else 7
    texts = [f"x{chr(p)}der" for p in range(0, 0x110000, step) if not 0xD800 <= p < 0xE000]
    normalized = _rust.normalize_answers(texts, "mlqa", lang)
    for text, got in zip(texts, normalized, strict=True):
        assert got == oracle.mlqa_normalize(text, lang), (text, got)


def treebank(run: str) -> list[str]:
    """The rules of nltk's tokenizer for one sentence, one substitution each; `"` is one token."""
    run = re.sub(r"([«“‘„]|`)", r" \1 ", run)
    run = re.sub(r"(')(?!re|ve|ll|m|t|s|d|n)(\w)\b", r" \1 \2", run)
    run = re.sub(r"([^.])(\.)([\]\)}>\"'»”’ ]*)\s*$", r"\1 \2 \3 ", run)
    run = re.sub(r"([:,])(?!\d)", r" \1 ", run)
    run = re.sub(r"\.{2,}", r" \g<0> ", run)
    run = re.sub(r"[;@#$%&?!*\[\](){}<>\"»”’–—]", r" \g<0> ", run)
    run = run.replace("''", " '' ") + " "
    run = re.sub(r"([^' ])('s|'m|'d|') ", r"\1 \2 ", run)
    run = re.sub(r"([^' ])('ll|'re|'ve|n't) ", r"\1 \2 ", run)
    run = re.sub(r"\b(can)(not)\b|\b(gim|lem)(me)\b|\b(gon|wan)(na)\b|\b(got)(ta)\b", _apart, run)
    return run.split()


def _apart(match: re.Match[str]) -> str:
    return " ".join(part for part in match.groups() if part)


def assert_cmrc(golds: list[list[str]], predictions: list[str]) -> None:
    articles = [
        {"paragraphs": [{"qas": [{"id": str(index), "answers": [{"text": t} for t in texts]}]}]}
        for index, texts in enumerate(golds)
    ]
    texts = {str(index): text for index, text in enumerate(predictions)}
    f1, exact, total, skipped = oracle.cmrc2018_scores({"data": articles}, texts, treebank)
    summary = fastqa.score(texts, {"data": articles}, style="cmrc2018").summary()
    assert list(summary) == ["AVERAGE", "F1", "EM", "TOTAL", "SKIP"]
    assert summary["F1"] == pytest.approx(f1, abs=1e-9)
    assert summary["EM"] == pytest.approx(exact, abs=1e-9)
    assert (summary["TOTAL"], summary["SKIP"]) == (total, skipped)


def test_cmrc2018_scores_random_answers_as_the_oracle() -> None:
    marks = "".join(mark for mark in CMRC_MARKS if len(mark) == 1)
    generator = random.Random(3)
    alphabet = [*"中国人的 ", *"ab12. ,%(", *marks, "nexon ", "it's ", "u.s. ", "……", "3.14"]
    golds, predictions = [], []
    for _ in range(3000):
        gold = "".join(generator.choices(alphabet, k=generator.randrange(1, 9)))
        cut = generator.randrange(len(gold))
        golds.append([gold, gold[cut:]])
        predictions.append(gold[: generator.randrange(1, 9)] + generator.choice(["", "中", " x."]))
    for start in range(0, 3000, 10):
        assert_cmrc(golds[start : start + 10], predictions[start : start + 10])


def test_the_cmrc2018_trial_set_scores_as_the_oracle() -> None:
    dataset = shared_json("cmrc2018/cmrc2018_trial.json")
    rows = evaluate_references(dataset)
    texts = {}
    for index, row in enumerate(rows):
        gold = row["answers"]["text"][0]
        # Right, cut at either end, another answer, none: as predictions are.
        texts[row["id"]] = [
            gold,
            gold[1:],
            gold[:-2] + "的",
            rows[index - 1]["answers"]["text"][0],
        ][index % 4]
    del texts[rows[5]["id"]]
    f1, exact, total, skipped = oracle.cmrc2018_scores(dataset, texts, treebank)
    with pytest.warns(fastqa.FastqaWarning, match="1 of .* count as wrong"):
        summary = fastqa.score(texts, dataset, style="cmrc2018").summary()
    assert summary["F1"] == pytest.approx(f1, abs=1e-9)
    assert summary["EM"] == pytest.approx(exact, abs=1e-9)
    assert summary["AVERAGE"] == pytest.approx((f1 + exact) / 2, abs=1e-9)
    assert (summary["TOTAL"], summary["SKIP"], skipped) == (total, 1, 1)


@pytest.mark.parametrize("lang", ["zh", "ar", "en"])
def test_xquad_scores_as_mlqas_script(lang: str) -> None:
    dataset = shared_json(f"xquad/xquad.{lang}.json")
    rows = evaluate_references(dataset)
    texts = {row["id"]: row["answers"]["text"][0][index % 3 :] for index, row in enumerate(rows)}
    expected = oracle.mlqa(dataset, texts, lang)
    assert fastqa.score(texts, dataset, style="mlqa", lang=lang).summary() == expected
    if lang != "en":
        assert fastqa.score(texts, dataset, lang=lang).summary() == expected


def test_mrqa_scores_as_the_oracle_with_and_without_missing_predictions() -> None:
    lines = [
        {"header": {"dataset": "x"}},
        {"context": "", "qas": [{"qid": "1", "answers": ["the Cat", "dog"]}]},
        {"context": "", "qas": [{"qid": "2", "answers": ["a"]}, {"qid": "3", "answers": ["b c"]}]},
    ]
    golds = oracle.mrqa_answers(lines)
    texts = {"1": "cat", "3": "c"}
    with pytest.warns(fastqa.FastqaWarning):
        zero = fastqa.score(texts, golds, style="mrqa").summary()
        skipped = fastqa.score(texts, golds, style="mrqa", missing="skip").summary()
    assert zero == oracle.mrqa(golds, texts)
    assert skipped == oracle.mrqa(golds, texts, skip_no_answer=True)


def test_thai_and_japanese_are_scored_by_character() -> None:
    scores = fastqa.score({"1": "กรุงเทพ"}, {"1": ["กรุงเทพฯ มหานคร"]}, lang="th")
    assert scores.style == "characters"
    assert scores.f1[0] == pytest.approx(2 * 7 / (7 + 14))
    assert fastqa.score({"1": "東京 タワー。"}, {"1": ["東京タワー"]}, lang="ja").exact[0] == 1.0


def test_an_unknown_style_or_language_lists_those_that_are_known() -> None:
    with pytest.raises(ValueError, match='style is "rouge", expected one of: squad1, squad2, mlqa'):
        fastqa.score({"1": "x"}, {"1": ["x"]}, style="rouge")
    with pytest.raises(ValueError, match="ar, de, en, es, hi, vi, zh"):
        fastqa.score({"1": "x"}, {"1": ["x"]}, style="mlqa", lang="ja")


def test_the_signature_says_how_the_number_was_made() -> None:
    scores = fastqa.score({"1": "x"}, {"1": ["x"]}, style="mlqa", lang="de")
    assert scores.signature == (
        "style:mlqa|lang:de|missing:zero|questions:1|"
        f"unicode:{unicodedata.unidata_version}|version:{fastqa.__version__}"
    )


def test_punctuation_is_pythons() -> None:
    assert _rust.normalize_answers([string.punctuation], "mlqa", "en") == [""]
