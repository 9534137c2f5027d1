"""What long commands show while they work: bars where someone watches, lines for what stays."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from fastqa.optional import require

#: Scores of the Trainer that tell its speed, not the reader's quality.
SPEED = ("model_preparation_time", "runtime", "samples_per_second", "steps_per_second", "epoch")


def set_up_bars(quiet: bool) -> bool:
    """Turn other packages' bars on or off, and return `bars_wanted(quiet)`."""
    silence_loading()
    wanted = bars_wanted(quiet)
    datasets = require("datasets", "train")
    (datasets.enable_progress_bars if wanted else datasets.disable_progress_bars)()
    return wanted


def bars_wanted(quiet: bool) -> bool:
    """Whether bars of minutes are wanted: not with --quiet, and not where standard error is a file
    or a pipe."""
    return not quiet and sys.stderr.isatty()


def silence_loading() -> None:
    """No bars for loading and writing weights, which takes a second."""
    require("transformers", "train").utils.logging.disable_progress_bar()


def log_in_lines(trainer: Any, quiet: bool) -> None:
    """Print losses and scores as lines on standard error.

    The Trainer prints dicts, and on standard output, where they would be part of the result.
    """
    from transformers import PrinterCallback, ProgressCallback, TrainerCallback

    class Bars(ProgressCallback):  # type: ignore[misc]
        """The Trainer's bars without its dicts."""

        def on_log(self, *_: Any, **__: Any) -> None:
            """Leave it to the lines."""

    class Lines(TrainerCallback):  # type: ignore[misc]
        """A line for each log entry that tells something."""

        def on_log(
            self,
            args: Any,
            state: Any,
            control: Any,
            logs: Mapping[str, float] | None = None,
            **kwargs: Any,
        ) -> None:
            line = log_line(logs or {})
            if line and not quiet and state.is_world_process_zero:
                _write(f"step {state.global_step}: {line}")

    had_bars = trainer.pop_callback(ProgressCallback) is not None
    trainer.remove_callback(PrinterCallback)
    if had_bars:
        trainer.add_callback(Bars)
    trainer.add_callback(Lines)


def log_line(logs: Mapping[str, float]) -> str:
    """Loss, or loss and scores, of one log entry; "" for an entry with neither."""
    epoch = f"epoch {logs['epoch']:.2f}" if "epoch" in logs else ""
    if "loss" in logs:
        return ", ".join(part for part in (epoch, f"loss {float(logs['loss']):.4f}") if part)
    if "eval_f1" not in logs:
        return ""
    exact = logs.get("eval_exact", logs.get("eval_exact_match"))
    parts = [epoch, f"F1 {logs['eval_f1']:.2f}"]
    if exact is not None:
        parts.append(f"exact {exact:.2f}")
    if "eval_loss" in logs:
        parts.append(f"evaluation loss {logs['eval_loss']:.4f}")
    return ", ".join(part for part in parts if part)


def without_speed(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The scores that are of the reader."""
    return {name: value for name, value in scores.items() if name not in SPEED}


def _write(line: str) -> None:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        print(line, file=sys.stderr)
    else:
        tqdm.write(line, file=sys.stderr)  # above the bars that are being drawn
