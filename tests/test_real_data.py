"""Parity on all of SQuAD 1.1 and 2.0 dev, with the shared reader's logits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastqa

from cases import assert_same_files, without_ties
from oracle import postprocessing as oracle
from oracle.metrics import squad_v1, squad_v2
from real_data import Squad, load_squad

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", params=["1.1", "2.0"])
def squad(request: pytest.FixtureRequest, shared: Path) -> Squad:
    return load_squad(request.param)


@pytest.fixture(scope="module")
def rows(squad: Squad) -> tuple[Any, Any]:
    """The same as lists of dicts, which the oracle reads faster."""
    return list(squad.examples), list(squad.features)


def test_the_windows_are_as_many_as_the_logits(squad: Squad) -> None:
    assert len(squad.features) == len(squad.start) in (10_784, 12_134)


@pytest.mark.parametrize("squad_v2", [False, True])
def test_postprocess_answers_every_question_as_the_notebook(
    squad: Squad, rows: tuple[Any, Any], squad_v2: bool
) -> None:
    settings = {"squad_v2": squad_v2, "cls_token_id": squad.cls_token_id}
    ours = fastqa.postprocess(squad.examples, squad.features, squad.logits, **settings)
    assert ours == oracle.postprocess_notebook(*rows, squad.logits, **settings)
    assert list(ours) == squad.examples["id"][:]


def test_the_scores_are_the_published_ones_but_for_ties(squad: Squad, shared: Path) -> None:
    """data/README.md has those of NumPy's order; ours differ where logits are equal."""
    settings = {"squad_v2": squad.version == "2.0", "cls_token_id": squad.cls_token_id}
    answers = fastqa.postprocess(squad.examples, squad.features, squad.logits, **settings)
    dataset = json.loads((shared / f"data/squad/dev-v{squad.version}.json").read_text("utf-8"))
    if squad.version == "1.1":
        scores = list(squad_v1(dataset, answers).values())
        assert scores == pytest.approx([83.2639545884579, 89.18553157363654], abs=1e-9)
        assert scores == pytest.approx([83.2734, 89.1903], abs=0.02)
    else:
        scores = [squad_v2(dataset, answers)[name] for name in ("exact", "f1")]
        assert scores == pytest.approx([80.2998399730481, 82.68453976244375], abs=1e-9)
        assert scores == pytest.approx([80.3083, 82.6888], abs=0.02)


@pytest.mark.parametrize("version_2", [False, True])
def test_postprocess_qa_predictions_answers_every_question_as_utils_qa(
    squad: Squad, rows: tuple[Any, Any], version_2: bool
) -> None:
    ours = fastqa.postprocess_qa_predictions(
        squad.examples, squad.features, squad.logits, version_2
    )
    assert ours == oracle.postprocess_qa_predictions(*rows, squad.logits, version_2).predictions


@pytest.mark.parametrize("version_2", [False, True])
def test_the_three_files_are_those_of_utils_qa_with_numpys_own_order(
    squad: Squad, rows: tuple[Any, Any], version_2: bool, tmp_path: Path
) -> None:
    logits = without_ties(squad.start, 1), without_ties(squad.end, 2)
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    ours = fastqa.postprocess_qa_predictions(
        squad.examples, squad.features, logits, version_2, output_dir=tmp_path / "ours"
    )
    theirs = oracle.postprocess_qa_predictions(
        *rows,
        logits,
        version_2,
        output_dir=tmp_path / "theirs",
        best_indexes=oracle.best_indexes_numpy,
    )
    assert ours == theirs.predictions
    names = sorted(path.name for path in (tmp_path / "theirs").iterdir())
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == names
    assert len(names) == (3 if version_2 else 2)
    for name in names:
        assert_same_files(tmp_path / "ours" / name, tmp_path / "theirs" / name)


def test_half_precision_gives_the_answers_of_the_same_values_in_single(squad: Squad) -> None:
    single = fastqa.postprocess_qa_predictions(squad.examples, squad.features, squad.logits, True)
    half = squad.start.astype(np.float16), squad.end.astype(np.float16)
    assert fastqa.postprocess_qa_predictions(squad.examples, squad.features, half, True) == single


def test_numpys_order_among_equal_logits_differs_only_within_ties(
    squad: Squad, rows: tuple[Any, Any]
) -> None:
    """Where NumPy's unstable order gives another answer, ours scores the same or better."""
    examples, features = rows
    ours = fastqa.search(
        squad.examples, squad.features, squad.logits, fastqa.SpanParams.utils_qa(False)
    )
    theirs = oracle.postprocess_qa_predictions(
        examples, features, squad.logits, False, best_indexes=oracle.best_indexes_numpy
    )
    best = ours.column("score")[ours.column("list_start")[:-1]]
    for place, example_id in enumerate(theirs.predictions):
        entry = theirs.nbest[example_id][0]
        their_score = np.float32(entry["start_logit"]) + np.float32(entry["end_logit"])
        assert best[place] >= their_score or np.isclose(best[place], their_score, atol=0.02)
    answers = ours.to_dict()
    different = sum(answers[key] != text for key, text in theirs.predictions.items())
    assert different <= 30


def test_the_same_bytes_come_out_for_every_number_of_threads(squad: Squad, tmp_path: Path) -> None:
    written = []
    for threads in (1, 2, 8):
        fastqa.set_num_threads(threads)
        folder = tmp_path / str(threads)
        folder.mkdir()
        fastqa.postprocess_qa_predictions(
            squad.examples, squad.features, squad.logits, True, output_dir=folder
        )
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    fastqa.set_num_threads(0)
    assert written[0] == written[1] == written[2]
    assert len(json.loads(written[0]["predictions.json"])) == len(squad.examples)


def test_a_shuffled_selection_gives_the_same_answers(squad: Squad) -> None:
    rng = np.random.default_rng(5)
    chosen = np.sort(rng.permutation(len(squad.examples))[:500])
    ids = set(squad.examples.select(chosen)["id"])
    at = [i for i, example_id in enumerate(squad.features["example_id"]) if example_id in ids]
    order = rng.permutation(len(at))
    examples = squad.examples.select(chosen).shuffle(seed=3)
    features = squad.features.select(at).select(order)
    logits = squad.start[at][order], squad.end[at][order]
    ours = fastqa.postprocess(examples, features, logits)
    everything = fastqa.postprocess(squad.examples, squad.features, squad.logits)
    assert ours == {example_id: everything[example_id] for example_id in examples["id"]}
