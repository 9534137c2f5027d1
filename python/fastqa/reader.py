"""A model on its device: windows in, logits out, with next to no padding."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa.errors import warn
from fastqa.optional import require
from fastqa.reading import first_line
from fastqa.windows import Windows
from fastqa.workers import cpu_threads, run_batches

__all__ = ["Reader", "load_reader"]

#: Windows in a batch. On a CPU the gain over 1 is small and larger batches leave the cache.
CPU_BATCH_SIZE, GPU_BATCH_SIZE = 4, 64


class Reader:
    """A question-answering model with its tokenizer.

    Attributes:
        model: a `...ForQuestionAnswering` in evaluation mode.
        tokenizer: its fast tokenizer.
        device: where the model is.
        batch_size: windows in a batch, None for the device's default.
    """

    def __init__(self, model: Any, tokenizer: Any, batch_size: int | None = None) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.batch_size = batch_size
        parameters = inspect.signature(model.forward).parameters
        self._inputs = [
            name
            for name in ("input_ids", "attention_mask", "token_type_ids")
            if name in tokenizer.model_input_names and name in parameters
        ]
        # Keys and values of past tokens are of no use to a single pass.
        self._options = {"use_cache": False} if "use_cache" in parameters else {}

    @property
    def device(self) -> Any:
        """Where the model is now."""
        return self.model.device

    def logits(
        self,
        windows: Windows,
        batch_size: int | None = None,
        keep_half: bool = False,
        progress: Callable[[int], object] | None = None,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Start and end logits of all windows, flat, and where each window's row begins.

        Windows of similar length share a batch. Padding is on the right also for models that pad
        on the left: it is masked, and tokens keep the positions that they have alone.

        Args:
            windows: any number of windows without padding.
            batch_size: instead of the reader's own.
            keep_half: leave float16 as it is (its bits, uint16); everything else becomes float32.
            progress: called with the number of windows of each batch that is done.
        """
        torch = require("torch", "train")
        lengths = np.diff(windows.starts)
        threads = self._threads()
        size = batch_size or self.batch_size
        if size is None and self.device.type == "cpu":
            # Few windows: something for every thread.
            size = max(1, min(CPU_BATCH_SIZE, -(-len(lengths) // threads)))
        size = size or GPU_BATCH_SIZE
        # Longest first: a batch that does not fit in memory fails at once.
        order = np.argsort(-lengths, kind="stable")
        batches = [order[first : first + size] for first in range(0, len(order), size)]

        def run(chosen: npt.NDArray[np.int64]) -> Any:
            with torch.inference_mode():
                batch = self._batch(torch, windows, chosen, int(lengths[chosen[0]]))
                pair = _start_and_end(self.model(**batch, **self._options))
                # Left on the device: waiting for each batch would leave a GPU idle.
                return torch.stack(pair)

        done = []
        pairs = run_batches(run, batches, min(threads, len(batches)))
        for chosen, pair in zip(batches, pairs, strict=True):
            done.append((chosen, pair))
            if progress is not None:
                progress(len(chosen))
        half = bool(done) and done[0][1].dtype == torch.float16 and keep_half
        flat = np.empty((2, len(windows.input_ids)), dtype=np.float16 if half else np.float32)
        for chosen, pair in done:
            values = (pair if half else pair.float()).cpu().numpy()
            for row, window in enumerate(chosen):
                at = slice(int(windows.starts[window]), int(windows.starts[window + 1]))
                flat[:, at] = values[:, row, : lengths[window]]
        start, end = (side.view(np.uint16) for side in flat) if half else flat
        return start, end, windows.starts

    def _threads(self) -> int:
        """How many batches may be computed at a time: one, but on a CPU."""
        # Hooks that move weights between devices know one batch only.
        if self.device.type != "cpu" or hasattr(self.model, "hf_device_map"):
            return 1
        return cpu_threads()

    def _batch(
        self, torch: Any, windows: Windows, chosen: npt.NDArray[np.int64], width: int
    ) -> dict[str, Any]:
        columns: dict[str, tuple[npt.NDArray[Any], int]] = {
            "input_ids": (windows.input_ids, self.tokenizer.pad_token_id or 0),
            "attention_mask": (windows.attention_mask, 0),
            "token_type_ids": (windows.token_type_ids, 0),
        }
        batch = {}
        for name in self._inputs:
            values, padding = columns[name]
            matrix = np.full((len(chosen), width), padding, dtype=np.int64)
            for row, window in enumerate(chosen):
                tokens = values[windows.starts[window] : windows.starts[window + 1]]
                matrix[row, : len(tokens)] = tokens
            batch[name] = torch.from_numpy(matrix).to(self.device, non_blocking=True)
        return batch


def _start_and_end(output: Any) -> tuple[Any, Any]:
    if hasattr(output, "start_logits") and hasattr(output, "end_logits"):
        return output.start_logits, output.end_logits
    if isinstance(output, tuple) and len(output) >= 2:
        return output[0], output[1]
    raise TypeError(
        f"the model returns {type(output).__name__} without start_logits and end_logits: it is no "
        "extractive reader (load it with AutoModelForQuestionAnswering)"
    )


def load_reader(
    model: Any,
    tokenizer: Any = None,
    *,
    device: Any = None,
    dtype: Any = None,
    batch_size: int | None = None,
    model_kwargs: dict[str, Any] | None = None,
) -> Reader:
    """A reader from a name or a folder, or from a loaded model and its tokenizer.

    `dtype=None` is float32 on a CPU, where half precision is slow, and the checkpoint's own
    elsewhere; a loaded model keeps its own.

    Raises:
        ValueError: the model or its tokenizer cannot be loaded, in one line.
    """
    torch = require("torch", "train")
    transformers = require("transformers", "train")
    given = not isinstance(model, str) and not hasattr(model, "__fspath__")
    if tokenizer is None:
        if given:
            raise ValueError("a loaded model needs its tokenizer: pass tokenizer=")
        tokenizer = model
    place = _device(torch, device, model if given else None)
    try:
        if isinstance(tokenizer, str) or hasattr(tokenizer, "__fspath__"):
            tokenizer = transformers.AutoTokenizer.from_pretrained(tokenizer)
        if given:
            loaded = model if dtype is None else model.to(_dtype(torch, dtype))
        else:
            if dtype is None:
                dtype = torch.float32 if place.type == "cpu" else "auto"
            loaded = _load(transformers, model, _dtype(torch, dtype), model_kwargs or {})
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"cannot load the model {str(model)!r}: {first_line(error)}") from error
    return Reader(loaded.to(place), tokenizer, batch_size)


def _load(transformers: Any, name: Any, dtype: Any, more: dict[str, Any]) -> Any:
    version = tuple(int(part) for part in transformers.__version__.split(".")[:2])
    keyword = "dtype" if version >= (4, 56) else "torch_dtype"
    loaded, report = transformers.AutoModelForQuestionAnswering.from_pretrained(
        name, output_loading_info=True, **{keyword: dtype}, **more
    )
    missing = sorted(report["missing_keys"])
    if missing:
        warn(
            f"{str(name)!r} has no weights for {', '.join(missing[:3])}, which are random now: it "
            "is not fine-tuned to answer questions (fastqa train does that)"
        )
    return loaded


def _device(torch: Any, device: Any, model: Any) -> Any:
    """As in transformers: a number is a GPU's, -1 the CPU; None is where the model is, or the
    accelerator if there is one."""
    if isinstance(device, bool):
        raise TypeError("device is a bool; expected a number, a name like 'cuda:0' or None")
    if isinstance(device, int):
        return torch.device("cpu") if device < 0 else torch.device("cuda", device)
    if device is not None:
        return torch.device(device)
    if model is not None:
        return model.device
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _dtype(torch: Any, dtype: Any) -> Any:
    return getattr(torch, dtype) if isinstance(dtype, str) and dtype != "auto" else dtype
