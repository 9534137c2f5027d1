"""Fast parity with the oracle: random small cases (hypothesis) and the edge cases of SEMANTICS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastqa
from fastqa import SpanParams

from cases import assert_same_files, assert_same_nbest, make_case, read_json
from oracle import postprocessing as oracle

seeds = st.integers(0, 2**32 - 1)
cases = {
    "n_best_size": st.integers(1, 40),
    "max_answer_length": st.integers(1, 30),
    "distinct": st.booleans(),
    "max_context": st.booleans(),
}


def nbest_of(found: fastqa.NBest) -> dict[str, list[dict[str, Any]]]:
    """The n-best lists with the keys that the reference's file has."""
    keys = ("text", "start_logit", "end_logit", "probability")
    return {
        example_id: [{key: entry[key] for key in keys} for entry in entries]
        for example_id, entries in zip(found.ids, found, strict=True)
    }


@settings(max_examples=300, deadline=None)
@given(
    seed=seeds,
    version_2=st.booleans(),
    threshold=st.sampled_from([0.0, 0.1, -1.5, 2.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
    **cases,
)
def test_utils_qa_lists_answers_and_odds_are_the_oracles(
    seed: int,
    version_2: bool,
    threshold: float,
    dtype: Any,
    n_best_size: int,
    max_answer_length: int,
    distinct: bool,
    max_context: bool,
) -> None:
    examples, features, logits = make_case(
        seed, distinct=distinct, max_context=max_context, dtype=dtype
    )
    arguments = (version_2, n_best_size, max_answer_length, threshold)
    theirs = oracle.postprocess_qa_predictions(examples, features, logits, *arguments)
    assert fastqa.postprocess_qa_predictions(examples, features, logits, *arguments) == (
        theirs.predictions
    )
    found = fastqa.search(examples, features, logits, SpanParams.utils_qa(*arguments))
    assert_same_nbest(nbest_of(found), theirs.nbest)
    if version_2:
        assert found.null_odds == theirs.null_odds


@settings(max_examples=200, deadline=None)
@given(seed=seeds, squad_v2=st.booleans(), **cases)
def test_notebook_course_and_euroeval_answers_are_the_oracles(
    seed: int,
    squad_v2: bool,
    n_best_size: int,
    max_answer_length: int,
    distinct: bool,
    max_context: bool,
) -> None:
    examples, features, logits = make_case(seed, distinct=distinct)
    sizes = (n_best_size, max_answer_length)
    for given_cls in [101] if squad_v2 else [101, None]:
        cls: dict[str, Any] = {"squad_v2": squad_v2, "cls_token_id": given_cls}
        assert fastqa.postprocess(examples, features, logits, *sizes, **cls) == (
            oracle.postprocess_notebook(examples, features, logits, *sizes, **cls)
        )
        # A whole list leads to the same first entry as the short cut for the best span alone.
        found = fastqa.search(
            examples, features, logits, SpanParams.notebook(squad_v2, *sizes, given_cls)
        )
        assert found.to_dict() == fastqa.postprocess(examples, features, logits, *sizes, **cls)
    wide = [{**feature, "offset_mapping": pad(feature, 24)} for feature in features]
    assert fastqa.postprocess(examples, wide, logits, *sizes) == (
        oracle.postprocess_course(examples, wide, logits, *sizes)
    )
    params = SpanParams.euroeval(*sizes, cls_token_id=101)
    assert fastqa.search(examples, features, logits, params).to_dict() == (
        oracle.postprocess_euroeval(examples, features, logits, *sizes, cls_token_id=101)
    )


def pad(feature: dict[str, Any], length: int) -> list[Any]:
    offsets = feature["offset_mapping"]
    return offsets + [None] * (length - len(offsets))


def beam_case(seed: int, starts: int = 3, ends: int = 2) -> tuple[Any, Any, Any]:
    examples, features, _ = make_case(seed)
    rng = np.random.default_rng(seed)
    rows = len(features)
    return (
        examples,
        features,
        (
            rng.normal(size=(rows, starts)).astype(np.float32),
            rng.integers(0, 26, size=(rows, starts)),
            rng.normal(size=(rows, starts * ends)).astype(np.float32),
            rng.integers(0, 26, size=(rows, starts * ends)),
            rng.normal(size=rows).astype(np.float32),
        ),
    )


@settings(max_examples=100, deadline=None)
@given(seed=seeds, version_2=st.booleans(), n_best_size=st.integers(1, 8))
def test_beam_search_answers_and_files_are_the_oracles(
    tmp_path_factory: pytest.TempPathFactory, seed: int, version_2: bool, n_best_size: int
) -> None:
    examples, features, outputs = beam_case(seed)
    folder = tmp_path_factory.mktemp("beam")
    (folder / "ours").mkdir()
    (folder / "theirs").mkdir()
    arguments = (version_2, n_best_size, 30, 3, 2)
    ours = fastqa.postprocess_qa_predictions_with_beam_search(
        examples, features, outputs, *arguments, output_dir=folder / "ours", prefix="eval"
    )
    theirs = oracle.postprocess_qa_predictions_with_beam_search(
        examples, features, outputs, *arguments, output_dir=folder / "theirs", prefix="eval"
    )
    assert ours == (theirs.predictions, theirs.null_odds)
    names = sorted(path.name for path in (folder / "theirs").iterdir())
    assert names == sorted(path.name for path in (folder / "ours").iterdir())
    for name in names:
        assert_same_files(folder / "ours" / name, folder / "theirs" / name)


@pytest.mark.parametrize("version_2", [False, True])
@pytest.mark.parametrize("prefix", [None, "eval"])
def test_the_files_are_those_of_utils_qa(
    version_2: bool, prefix: str | None, tmp_path: Path
) -> None:
    examples, features, logits = make_case(11, examples=40)
    # Keys and texts that need escapes, and a float that needs an exponent.
    examples[0]["id"] = features[0]["example_id"] = 'é"\\\x7f\u2028'
    for feature in features[1:]:
        if feature["example_id"] == "q0":
            feature["example_id"] = examples[0]["id"]
    logits[0][0, :] *= 1e-6
    logits[1][1, :] *= 1e20
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    fastqa.postprocess_qa_predictions(
        examples, features, logits, version_2, output_dir=tmp_path / "ours", prefix=prefix
    )
    oracle.postprocess_qa_predictions(
        examples, features, logits, version_2, output_dir=tmp_path / "theirs", prefix=prefix
    )
    names = sorted(path.name for path in (tmp_path / "theirs").iterdir())
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == names
    for name in names:
        assert_same_files(tmp_path / "ours" / name, tmp_path / "theirs" / name)


def one(offsets: list[Any], start: list[float], end: list[float], context: str = "ab cd") -> Any:
    """One example with one window."""
    return (
        [{"id": "q", "context": context}],
        [{"example_id": "q", "offset_mapping": offsets, "input_ids": [101] * len(offsets)}],
        (np.array([start], np.float32), np.array([end], np.float32)),
    )


EDGE_CASES = {
    "no token is context": one([None, None, None], [1, 2, 3], [1, 2, 3]),
    "empty lists mean not context": one([[], [0, 2], []], [9, 1, 3], [9, 1, 3]),
    "short lists mean not context": one([[0], [0, 2], [1]], [9, 1, 3], [9, 1, 3]),
    "minus one means not context": one([(-1, -1), (0, 2), (3, 5)], [9, 1, 3], [9, 4, 3]),
    "only minus one": one([(-1, -1), (-1, -1)], [1, 2], [1, 2]),
    "a real span of no length at zero": one([None, (0, 0), None], [1, 5, 0], [1, 5, 0]),
    "only a span of no length": one([None, (3, 3)], [-9, 5], [-9, 5]),
    "fewer offsets than logits": one([None, (0, 2)], [0, 1, 9], [0, 1, 9]),
    "more offsets than logits": one([None, (0, 2), (3, 5)], [0, 1], [0, 1]),
    "the null answer wins": one([None, (0, 2)], [9, 1], [9, 1]),
    "a tie between null and answer": one([None, (0, 2)], [3, 3], [2, 2]),
    "infinite logits": one([None, (0, 2), (3, 5)], [0, np.inf, 1], [0, 1, np.inf]),
    "minus infinity everywhere": one([None, (0, 2)], [-np.inf] * 2, [-np.inf] * 2),
    "an empty context": one([None, None], [1, 2], [1, 2], ""),
    "astral characters": one([None, (0, 1), (1, 3)], [0, 2, 1], [0, 1, 2], "😀é漢"),
}


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("version_2", [False, True])
@pytest.mark.parametrize("name", EDGE_CASES)
def test_edge_case(name: str, version_2: bool) -> None:
    case = EDGE_CASES[name]
    if "no length" in name and version_2:
        # The null answer stands beside the span, so that "empty" is not put there; every text is ""
        # and the reference runs off the list.
        with pytest.raises(IndexError):
            oracle.postprocess_qa_predictions(*case, version_2)
        assert fastqa.postprocess_qa_predictions(*case, version_2) == {"q": ""}
        return
    theirs = oracle.postprocess_qa_predictions(*case, version_2)
    assert fastqa.postprocess_qa_predictions(*case, version_2) == theirs.predictions
    found = fastqa.search(*case, SpanParams.utils_qa(version_2))
    if "infinit" not in name:
        assert_same_nbest(nbest_of(found), theirs.nbest)
    if version_2 and "infinit" not in name:
        assert found.null_odds == theirs.null_odds
    assert fastqa.postprocess(*case, squad_v2=version_2, cls_token_id=101) == (
        oracle.postprocess_notebook(*case, squad_v2=version_2, cls_token_id=101)
    )


def test_the_threshold_is_compared_in_single_precision() -> None:
    """float32(0.1) is greater than 0.1 as a double; NumPy 2 compares both as float32."""
    case = one([None, (0, 2)], [0.1, 0.0], [0.0, 0.0])
    assert fastqa.postprocess_qa_predictions(*case, True, 20, 30, 0.1) == {"q": "ab"}
    assert oracle.postprocess_qa_predictions(*case, True, 20, 30, 0.1).predictions == {"q": "ab"}


def test_an_example_without_windows_gets_no_answer_and_one_warning(tmp_path: Path) -> None:
    examples, features, logits = make_case(3)
    examples.insert(1, {"id": "lonely", "context": "text", "question": "?"})
    examples.append({"id": "too", "context": "text", "question": "?"})
    with pytest.warns(fastqa.FastqaWarning, match="2 of 8 examples have no features"):
        ours = fastqa.postprocess_qa_predictions(
            examples, features, logits, True, output_dir=tmp_path
        )
    assert ours["lonely"] == ours["too"] == ""
    assert read_json(tmp_path / "null_odds.json")["lonely"] == 0.0
    assert read_json(tmp_path / "nbest_predictions.json")["too"] == [
        {"start_logit": 0.0, "end_logit": 0.0, "text": "", "probability": 1.0}
    ]


def test_of_equal_ids_the_last_example_gets_all_windows(tmp_path: Path) -> None:
    examples, features, logits = make_case(4, examples=3)
    examples.insert(2, {"id": "q0", "context": examples[0]["context"], "question": "?"})
    with pytest.warns(fastqa.FastqaWarning, match="1 examples have an id that another one has"):
        ours = fastqa.postprocess_qa_predictions(examples, features, logits, output_dir=tmp_path)
    theirs = oracle.postprocess_qa_predictions(examples, features, logits)
    assert ours == theirs.predictions
    assert list(ours) == ["q0", "q1", "q2"]
    assert read_json(tmp_path / "predictions.json") == ours
    assert list(read_json(tmp_path / "nbest_predictions.json")) == list(ours)


@pytest.mark.parametrize("seed", range(5))
def test_maximum_contexts_of_some_features_are_obeyed_where_they_are(seed: int) -> None:
    examples, features, logits = make_case(seed, examples=6, max_context=True)
    everywhere = nbest_of(fastqa.search(examples, features, logits, SpanParams.utils_qa()))
    for feature in features[::2]:
        del feature["token_is_max_context"]
    expected = oracle.postprocess_qa_predictions(examples, features, logits)
    found = fastqa.search(examples, features, logits, SpanParams.utils_qa())
    assert_same_nbest(nbest_of(found), dict(expected.nbest))
    assert found.to_dict() == dict(expected.predictions)
    assert nbest_of(found) != everywhere


def test_all_pairs_find_at_least_what_the_top_n_find() -> None:
    for seed in range(50):
        examples, features, logits = make_case(seed, distinct=False)
        some = fastqa.search(examples, features, logits, SpanParams(n_best_size=3))
        every = fastqa.search(examples, features, logits, SpanParams(candidates="all"))
        enough = fastqa.search(examples, features, logits, SpanParams(n_best_size=24))
        best, known, exact = (
            found.column("score")[found.column("list_start")[:-1]]
            for found in (every, some, enough)
        )
        # Three starts and ends may hold no valid pair; then the word "empty" stands there.
        answered = some.column("kind")[some.column("list_start")[:-1]] == 0
        assert (best >= known)[answered].all()
        assert (best == exact).all()


def test_one_entry_of_all_pairs_is_the_first_of_the_whole_list() -> None:
    """0.5 and 1.0 both round to nothing beside 2^24: equal scores, and the lower token comes first."""
    case = one([None, (0, 2), (3, 5)], [0.0, 0.5, 1.0], [0.0, 0.0, 2.0**24])
    for entries in (1, 2):
        params = SpanParams(candidates="all", entries_per_example=entries)
        assert fastqa.search(*case, params).nbest("q")[0]["start_token"] == 1


def test_nan_can_count_as_minus_infinity() -> None:
    examples, features, (start, end) = make_case(5)
    start[0, 3] = end[2, 4] = np.nan
    clean = np.nan_to_num(start, nan=-np.inf), np.nan_to_num(end, nan=-np.inf)
    assert fastqa.postprocess_qa_predictions(
        examples, features, (start, end), nan_policy="ignore"
    ) == fastqa.postprocess_qa_predictions(examples, features, clean)


def test_an_entry_tells_where_it_comes_from() -> None:
    examples, features, logits = make_case(6)
    found = fastqa.search(examples, features, logits)
    for example in examples:
        for entry in found.nbest(example["id"]):
            feature = features[entry["feature_index"]]
            assert feature["example_id"] == example["id"]
            start = feature["offset_mapping"][entry["start_token"]][0]
            end = feature["offset_mapping"][entry["end_token"]][1]
            assert (entry["start_char"], entry["end_char"]) == (start, end)
            assert example["context"][start:end] == entry["text"]
            row = entry["feature_index"]
            assert logits[0][row, entry["start_token"]] == entry["start_logit"]
            assert logits[1][row, entry["end_token"]] == entry["end_logit"]
    frame = found.to_pandas()
    assert frame.equals(found.to_arrow().to_pandas())
    assert len(frame) == len(found.column("score"))
    assert frame.groupby("id", sort=False)["probability"].sum().round(5).eq(1).all()
