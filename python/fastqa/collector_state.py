"""What a collector's saved state says of itself: its format, parameters and examples.

A state is a dict of NumPy arrays and one JSON string, "about", which is checked before the arrays
are taken up: those of other examples or parameters would give wrong answers without a word.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastqa.columns import IntegerArray
from fastqa.params import SpanParams

#: Version of the saved state.
_FORMAT = 1

#: Ids as Arrow chunks.
Chunks = list[tuple[npt.NDArray[np.uint8], IntegerArray]]


class About(NamedTuple):
    """The parameters as a dict, the fingerprint of the examples, and the next window's number."""

    params: dict[str, Any]
    examples: str
    next: int


def write_about(params: SpanParams, examples: str, following: int) -> str:
    """The entry "about" of a state."""
    about = About(dataclasses.asdict(params), examples, following)
    return json.dumps({"format": _FORMAT, **about._asdict()})


def read_about(state: Mapping[str, Any]) -> About:
    """The entry "about" of a state; `ValueError` for anything that is none."""
    try:
        about = json.loads(str(state["about"]))
        version = about["format"]
        found = About(about["params"], about["examples"], int(about["next"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this is no state of a SpanCollector ({error})") from None
    if version != _FORMAT:
        raise ValueError(f"the state has format {version}; this fastqa reads {_FORMAT}")
    return found


def check_params(theirs: Mapping[str, Any], ours: SpanParams) -> None:
    """`ValueError` that names the parameters which differ."""
    own = json.loads(json.dumps(dataclasses.asdict(ours)))
    if theirs == own:
        return
    different = (
        f"{name}={theirs.get(name)!r}, here {value!r}"
        for name, value in own.items()
        if theirs.get(name) != value
    )
    raise ValueError(f"the state was collected with other parameters: {', '.join(different)}")


def fingerprint(ids: Chunks, count: int) -> str:
    """A hash of the ids of `count` examples, to notice other examples."""
    content, lengths = hashlib.blake2b(digest_size=16), hashlib.blake2b(digest_size=16)
    for data, offsets in ids:
        content.update(data[int(offsets[0]) : int(offsets[-1])].tobytes())
        lengths.update(np.diff(offsets).astype(np.int64).tobytes())
    return f"{count} {content.hexdigest()}{lengths.hexdigest()}"


def check_examples(theirs: str, ours: str) -> None:
    """`ValueError` if the fingerprints are those of different examples."""
    if theirs != ours:
        counts = [mark.partition(" ")[0] for mark in (theirs, ours)]
        raise ValueError(
            f"the other collector has other examples ({counts[0]}, here {counts[1]}, or other ids)"
        )


def read_state(path: str | os.PathLike[str]) -> tuple[dict[str, Any], SpanParams]:
    """The state that was saved in a file, and its parameters.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged.
    """
    try:
        # Opened here: of a damaged file NumPy leaves the handle open.
        with Path(path).open("rb") as raw:
            if not zipfile.is_zipfile(raw):
                raise ValueError("it is no .npz file")
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                state = {name: file[name] for name in file.files}
        state["about"] = state["about"].item()
        return state, SpanParams(**json.loads(state["about"])["params"])
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{path} holds no saved SpanCollector: {error}") from error
