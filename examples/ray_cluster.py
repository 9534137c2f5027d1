"""Answer a folder of Parquet with Ray Data, on the cores of this machine or on a cluster.

    pip install "fastqa[train,ray]"
    python examples/ray_cluster.py questions/ answers/ --model READER --workers 4

A worker that dies is started again and its block repeated; a block counts once. On a cluster, run
it on the head node, with paths that every node sees (s3://... works too).
"""

from __future__ import annotations

import argparse

import ray

import fastqa.ray


def main() -> None:
    """Read, answer, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", help="Parquet with id, question and context")
    parser.add_argument("answers", help="folder for the answers, as Parquet")
    parser.add_argument("--model", required=True, help="a reader: name on the hub, or a folder")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--gpus-per-worker", type=float, default=0)
    parser.add_argument("--max-length", type=int, default=384, help="tokens of a window")
    parser.add_argument("--doc-stride", type=int, default=128, help="tokens that windows share")
    options = parser.parse_args()

    answers = fastqa.ray.answer(
        ray.data.read_parquet(options.questions),
        options.model,
        workers=options.workers,
        gpus_per_worker=options.gpus_per_worker,
        max_length=options.max_length,
        doc_stride=options.doc_stride,
    )
    answers.write_parquet(options.answers)


if __name__ == "__main__":
    main()
