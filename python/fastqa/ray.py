"""Answers on a cluster: Ray Data runs `AnswerQuestions`, one reader for each worker.

    import ray, fastqa.ray

    dataset = ray.data.read_parquet("s3://bucket/questions/")
    answers = fastqa.ray.answer(dataset, "path/or/name/of/a/reader", workers=8, gpus_per_worker=1)
    answers.write_parquet("s3://bucket/answers/")

Reading, scheduling, retries after lost workers and writing are Ray's. `fastqa.ray.AnswerQuestions`
itself goes to `map_batches` where `answer` is too little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fastqa.answer_questions import AnswerQuestions
from fastqa.optional import require
from fastqa.predicting import QUESTION_COLUMNS

__all__ = ["AnswerQuestions", "answer"]


def answer(
    dataset: Any,
    model: Any,
    *,
    workers: int | tuple[int, int] = 1,
    gpus_per_worker: float = 0,
    cpus_per_worker: float | None = None,
    block_size: int = 256,
    **settings: Any,
) -> Any:
    """Answer all questions of a `ray.data.Dataset`, lazily.

    Args:
        dataset: rows with `id`, `question` and `context`.
        model: name or folder of a reader that every worker can load.
        workers: how many workers hold a reader, or the least and the most.
        gpus_per_worker: GPUs of each; 0: the reader runs on the CPU.
        cpus_per_worker: cores of each; default one, or less where Ray has so few that none would
            be left for reading (it would wait for ever).
        block_size: questions in a batch.
        **settings: as for `AnswerQuestions`.

    Returns:
        A `ray.data.Dataset` of `id`, `prediction_text`, `start`, `end`, `probability` (and
        `null_odds` with `squad_v2`). A worker that dies is started again and its batch repeated;
        a batch counts once, when it is done.
    """
    data = require("ray.data", "ray")
    if cpus_per_worker is None:
        most = workers if isinstance(workers, int) else workers[1]
        cpus_per_worker = min(1.0, max(_cores() - 1, 0.5) / most)
    return dataset.map_batches(
        AnswerQuestions,
        fn_constructor_args=(model,),
        fn_constructor_kwargs=settings,
        batch_size=block_size,
        num_gpus=gpus_per_worker,
        num_cpus=cpus_per_worker,
        compute=_pool(data, workers),
    )


def open_source(
    source: Any, blocks: Iterable[dict[str, list[Any]]], columns: Mapping[str, str]
) -> Any:
    """A `ray.data.Dataset` of `id`, `question`, `context` whose order results keep.

    A path of Parquet files is read by the workers; of anything else `blocks` go to Ray's store.
    """
    ray = require("ray", "ray")
    data = require("ray.data", "ray")
    ray.init(ignore_reinit_error=True, log_to_driver=False)
    data.DataContext.get_current().execution_options.preserve_order = True
    if isinstance(source, Path):
        names = {columns.get(name, name): name for name in QUESTION_COLUMNS}
        return data.read_parquet(str(source), columns=list(names)).rename_columns(names)
    return data.from_arrow([require("pyarrow", "ray").table(block) for block in blocks])


def _cores() -> float:
    return float(require("ray", "ray").cluster_resources().get("CPU", 1))


def _pool(data: Any, workers: int | tuple[int, int]) -> Any:
    least, most = (workers, workers) if isinstance(workers, int) else workers
    return data.ActorPoolStrategy(min_size=least, max_size=most)
