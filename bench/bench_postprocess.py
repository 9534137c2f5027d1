"""From logits to answers, on SQuAD dev with the shared reader's logits, as a user calls it.

The peers are the plain-Python restatements in `tests/oracle` (the notebook's function, `utils_qa`'s
and `squad_metrics`'), reading the Dataset row by row as the originals do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import fastqa

from budgets import NOTEBOOK, UTILS_QA
from cases import assert_same_files
from oracle import postprocessing as oracle
from real_data import Squad, first_examples, load_squad

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module", params=["1.1", "2.0"])
def squad(request: pytest.FixtureRequest, shared: Path, small: bool) -> Squad:
    whole = load_squad(request.param)
    return first_examples(whole, 300) if small else whole


def same(ours: Any, theirs: Any) -> None:
    assert ours == getattr(theirs, "predictions", theirs)


def test_postprocess(versus: Any, squad: Squad) -> None:
    data = (squad.examples, squad.features, squad.logits)
    settings = {"squad_v2": squad.version == "2.0", "cls_token_id": squad.cls_token_id}
    versus(
        f"postprocess, SQuAD {squad.version}, Dataset to dict",
        lambda: fastqa.postprocess(*data, **settings),
        {NOTEBOOK: lambda: oracle.postprocess_notebook(*data, **settings)},
        equal=same,
        rounds=20,
        peer_rounds=5,
        budget="postprocess" if squad.version == "1.1" else None,
    )


@pytest.mark.parametrize("files", [True, False], ids=["files written", "no files"])
def test_postprocess_qa_predictions(versus: Any, squad: Squad, files: bool, tmp_path: Path) -> None:
    version_2 = squad.version == "2.0"
    data = (squad.examples, squad.features, squad.logits, version_2)
    folders = {who: tmp_path / who for who in ("ours", "theirs")}
    for folder in folders.values():
        folder.mkdir()

    def equal(ours: Any, theirs: Any) -> None:
        same(ours, theirs)
        written = sorted(path.name for path in folders["theirs"].iterdir())
        assert written == sorted(path.name for path in folders["ours"].iterdir())
        assert len(written) == (0 if not files else 3 if version_2 else 2)
        for name in written:
            assert_same_files(folders["ours"] / name, folders["theirs"] / name)

    def output_dir(who: str) -> dict[str, Any]:
        return {"output_dir": folders[who]} if files else {}

    versus(
        f"postprocess_qa_predictions, SQuAD {squad.version}, "
        + ("files written" if files else "no files"),
        lambda: fastqa.postprocess_qa_predictions(*data, **output_dir("ours")),
        {UTILS_QA: lambda: oracle.postprocess_qa_predictions(*data, **output_dir("theirs"))},
        equal=equal,
        rounds=10,
        peer_rounds=5,
        budget="files" if files else None,
    )


def test_squad_metrics(versus: Any, squad: Squad) -> None:
    """Its sums are float64 and a text counts once; the answers are those of `utils_qa`."""
    version_2 = squad.version == "2.0"
    wide = tuple(side.astype("float64") for side in squad.logits)
    data = (squad.examples, squad.features, wide, version_2)
    versus(
        f"squad_metrics' answers, SQuAD {squad.version}, float64",
        lambda: fastqa.postprocess_qa_predictions(*data),
        {"squad_metrics": lambda: oracle.postprocess_squad_metrics(*data)},
        equal=same,
        rounds=9,
        peer_rounds=3,
    )
