"""Ray Data: the answers of one process, also when a worker dies in the middle."""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fastqa
from fastqa import cli

from small_models import save_reader

SHAPE = {"max_length": 64, "doc_stride": 16}
EXAMPLE = Path(__file__).parents[1] / "examples" / "ray_cluster.py"
FLAGS = ["--max-length", "64", "--doc-stride", "16", "--quiet"]


@pytest.fixture(scope="module")
def sample() -> Any:
    return fastqa.load_qa_dataset("sample").select(range(60))


@pytest.fixture(scope="module")
def reader(sample: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_reader(tmp_path_factory.mktemp("reader"), sample["context"]))


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Ray on two cores of this machine. Its own warnings are not ours to fail on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray

        # The workers import this very package, wherever it lies.
        path = os.pathsep.join([str(Path(fastqa.__file__).parents[1]), str(Path(__file__).parent)])
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}},
        )
        import ray.data

        ray.data.DataContext.get_current().enable_progress_bars = False
        yield ray
        ray.shutdown()


def as_rows(columns: dict[str, Any]) -> dict[str, tuple[str, int, int]]:
    """Answer and place by id."""
    rows = zip(columns["prediction_text"], columns["start"], columns["end"], strict=True)
    return dict(zip(columns["id"], rows, strict=True))


class DiesOnce(fastqa.AnswerQuestions):
    """A worker whose process is killed once, before its second batch."""

    def __init__(self, model: str, marker: str, **settings: Any) -> None:
        super().__init__(model, **settings)
        self.marker = Path(marker)
        self.batches = 0

    def __call__(self, batch: Any) -> Any:
        self.batches += 1
        if self.batches == 2:
            try:
                self.marker.touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)


@pytest.mark.filterwarnings("ignore")
def test_two_workers_give_the_answers_of_one_process(
    ray: Any, sample: Any, reader: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = as_rows(fastqa.AnswerQuestions(reader, **SHAPE)(sample[:]))
    for number in range(2):
        part = sample.select(range(number * 30, number * 30 + 30))
        part.to_parquet(tmp_path / "questions" / f"{number}.parquet")
    sample.to_json(tmp_path / "questions.jsonl")
    for data in ("questions", "questions.jsonl"):
        output = tmp_path / f"{data}.answers"
        command = ["predict", "--model", reader, "--data", str(tmp_path / data), *FLAGS]
        command += ["--engine", "ray", "--workers", "2", "--block-size", "8", "--json"]
        assert cli.main([*command, "--output", str(output)]) == 0
        assert json.loads(capsys.readouterr().out)["questions"] == 60
        found = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
        assert [row["id"] for row in found] == sample["id"][:]
        places = {row["id"]: (row["prediction_text"], row["start"], row["end"]) for row in found}
        assert places == expected


@pytest.mark.filterwarnings("ignore")
def test_a_worker_that_is_killed_loses_and_doubles_nothing(
    ray: Any, sample: Any, reader: str, tmp_path: Path
) -> None:
    import fastqa.ray

    marker = tmp_path / "killed"
    dataset = ray.data.from_arrow(sample.with_format("arrow")[:]).repartition(10)
    answers = dataset.map_batches(
        DiesOnce,
        fn_constructor_args=(reader, str(marker)),
        fn_constructor_kwargs=SHAPE,
        batch_size=6,
        num_cpus=0.5,
        compute=ray.data.ActorPoolStrategy(min_size=2, max_size=2),
    ).take_all()
    assert marker.exists()
    assert sorted(row["id"] for row in answers) == sorted(sample["id"])
    columns = {name: [row[name] for row in answers] for name in answers[0]}
    assert as_rows(columns) == as_rows(fastqa.AnswerQuestions(reader, **SHAPE)(sample[:]))
    lazily = fastqa.ray.answer(dataset, reader, workers=(1, 2), block_size=6, **SHAPE)
    assert as_rows(lazily.to_pandas().to_dict("list")) == as_rows(columns)


@pytest.mark.filterwarnings("ignore")
def test_the_example_answers_a_folder_of_questions(
    ray: Any, sample: Any, reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = sample.select(range(12))
    part.to_parquet(tmp_path / "questions" / "0.parquet")
    call = [str(EXAMPLE), str(tmp_path / "questions"), str(tmp_path / "answers")]
    call += ["--model", reader, *FLAGS[:4]]
    monkeypatch.setattr(sys, "argv", call)
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    answers = ray.data.read_parquet(str(tmp_path / "answers")).to_pandas().to_dict("list")
    assert as_rows(answers) == as_rows(fastqa.AnswerQuestions(reader, **SHAPE)(part[:]))
