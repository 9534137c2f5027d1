"""normalize_answer equals the official function, for every character of the running Python."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastqa
from fastqa import _rust, _unicode

from oracle import metrics as oracle

SURROGATES = range(0xD800, 0xE000)
CODE_POINTS = [chr(point) for point in range(0x110000) if point not in SURROGATES]


def assert_normalized_as_the_oracle(texts: list[str]) -> None:
    for text, normalized in zip(texts, _rust.normalize_answers(texts), strict=True):
        if normalized != oracle.normalize_answer(text):
            pytest.fail(f"{text!r}: {normalized!r}, not {oracle.normalize_answer(text)!r}")


def test_every_code_point_alone() -> None:
    assert_normalized_as_the_oracle(CODE_POINTS)


def test_every_code_point_between_letters() -> None:
    # "the" behind it shows whether the character ends a word, "\u03a3" before it whether the sigma
    # looks through it.
    assert_normalized_as_the_oracle([f"x\u03a3{character}the" for character in CODE_POINTS])


def test_a_hundred_thousand_random_strings() -> None:
    generator = random.Random(20)
    words = ["a ", " an ", "the", "The ", " a", "\u03a3", "\u0130", "\u200b", "\u3000", "中", "ñ"]
    alphabet = [*string.printable, *words, "\x1c", *generator.choices(CODE_POINTS, k=300)]
    texts = [
        "".join(generator.choices(alphabet, k=generator.randrange(12))) for _ in range(100_000)
    ]
    assert_normalized_as_the_oracle(texts)


@given(st.text())
def test_any_text(text: str) -> None:
    assert fastqa.normalize_answer(text) == oracle.normalize_answer(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The U.S.A.", "usa"),
        ("a-b", "ab"),
        ("co-the-op", "cotheop"),
        ("“curly” «quotes»。", "“curly” «quotes»。"),
        ("zero\u200bwidth", "zero\u200bwidth"),
        ("no\u00a0break", "no break"),
        ("\u0130", "i\u0307"),
        ("ＡＢＣ", "ａｂｃ"),
    ],
)
def test_the_documented_oddities(text: str, expected: str) -> None:
    assert fastqa.normalize_answer(text) == expected


def test_a_lone_surrogate_counts_as_one_ordinary_character() -> None:
    for text in ("\ud83d", "x \udfff the", "\udc00\ud800"):
        assert fastqa.normalize_answer(text) == oracle.normalize_answer(text)


def test_lone_surrogates_in_answers_score_as_the_oracle() -> None:
    texts = {"1": "The \ud83d cat", "2": "\udfff", "3": "x\ud800"}
    golds = {"1": ["\ud83d Cat"], "2": ["\udffe"], "3": ["x \ud800"]}
    references = [{"id": id_, "answers": {"text": gold}} for id_, gold in golds.items()]
    assert fastqa.squad(texts, golds) == oracle.squad_v1(references, texts)


def test_text_that_is_not_a_string_is_refused() -> None:
    with pytest.raises(TypeError, match="text is int, expected str"):
        fastqa.normalize_answer(3)  # type: ignore[arg-type]


def test_a_block_describes_256_characters() -> None:
    word, space, punctuation, cased, ignorable, lower = _unicode.block(0)
    assert {len(column) for column in (word, space, punctuation, cased, ignorable)} == {256}
    assert (ord("A"), "a") in lower
    assert [low for low in range(256) if space[low]][:6] == [9, 10, 11, 12, 13, 28]
