"""Models of the commands that run the Trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastqa.reading import first_line


def load_model(
    name: str, dtype: str = "float32", *, tokenizer: str | None = None, seed: int | None = None
) -> tuple[Any, Any]:
    """A reader and its tokenizer; one line for a folder or name that holds none.

    Weights stored in half precision are computed with in `dtype`. An encoder without a question
    answering head gets one of random weights, fixed by `seed`.
    """
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer, set_seed

    if (name.startswith((".", "/")) or Path(name).exists()) and not (
        Path(name) / "config.json"
    ).is_file():
        raise FileNotFoundError(f"{name} holds no model: there is no config.json")
    try:
        if seed is not None:
            set_seed(seed)
        loaded = AutoTokenizer.from_pretrained(tokenizer or name)
        model = AutoModelForQuestionAnswering.from_pretrained(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"cannot load the model {name!r}: {first_line(error)}") from error
    return model.to(getattr(torch, dtype)).eval(), loaded


def end_processes() -> None:
    """Leave a distributed run in order: without it gloo may abort after the results are out."""
    import torch.distributed

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
