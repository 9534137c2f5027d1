"""The engine fed batch by batch: n-best lists of any number of windows in constant memory."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastqa import _rust
from fastqa.columns import IntegerArray, StringColumn, Table
from fastqa.nbest import NBest
from fastqa.params import SpanParams
from fastqa.row_selection import select_rows
from fastqa.searching import (
    EXAMPLE_COLUMNS,
    candidates,
    feature_columns,
    needed_columns,
    null_odds_column,
    warn_of_missing_windows,
    warn_of_repeated_ids,
)
from fastqa.writing import write_atomically

#: Version of the saved state.
_FORMAT = 1


class SpanCollector:
    """`fastqa.search` in pieces: logits come batch by batch, in any order, and are not kept.

        collector = fastqa.SpanCollector(examples, features, params)
        for indices, start_logits, end_logits in batches:
            collector.update(start_logits, end_logits, indices)
        answers = collector.result()

    The result is that of `search` over all windows, byte for byte, however the windows were
    ordered, batched, or shared among collectors that were merged. Kept are each example's n-best
    list (36 bytes an entry) and one bit for each window; memory does not grow with logits.

    Args:
        examples: `id` and `context` columns, in any container.
        features: `example_id` and `offset_mapping` (and `input_ids` where the null answer sits at
            the CLS token), in any container; of a `Dataset` only the rows of each batch are read.
            None: each update brings its own.
        params: the switches; default `SpanParams()`.

    A window that comes again (the samples that fill up a distributed run) counts once.

    Raises:
        ValueError: `only_above_null` (EuroEval), under which the order of windows matters.
        KeyError: a column is missing.
    """

    def __init__(
        self, examples: Any, features: Any = None, params: SpanParams | None = None
    ) -> None:
        self.params = params or SpanParams()
        table = Table(examples, "examples", EXAMPLE_COLUMNS)
        table.check_columns("id", "context")
        ids, self._id_values = table.identifiers("id")
        # One Arrow chunk instead of Python strings, which each update would look through.
        self._ids, self._contexts = _as_chunks(ids), _as_chunks(table.strings("context"))
        self._index = _rust.IdIndex(self._ids)
        self._distinct = self._index.match_features(self._ids, _as_chunks([]))[1]
        self._repeated = 0 if self._distinct is None else table.num_rows - len(self._distinct)
        warn_of_repeated_ids(self._repeated)
        self._features = features
        self._num_features = None if features is None else _count(features)
        self._store = _rust.CollectorStore(table.num_rows, self.params)
        self._num_examples = table.num_rows
        self._next = 0

    def __repr__(self) -> str:
        windows = "?" if self._num_features is None else self._num_features
        return f"SpanCollector({self._num_examples} examples, {self.num_seen} of {windows} windows)"

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and copy: everything seen, and examples and features as they are."""
        built = ("_index", "_store")
        kept = {name: value for name, value in self.__dict__.items() if name not in built}
        return {**kept, "_seen": self._store.state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        seen = state.pop("_seen")
        self.__dict__.update(state)
        self._index = _rust.IdIndex(self._ids)
        self._store = _rust.CollectorStore(self._num_examples, self.params)
        self._store.restore(seen)

    @property
    def num_seen(self) -> int:
        """Windows seen so far."""
        return self._store.progress()[0]

    def update(
        self,
        start_logits: Any,
        end_logits: Any = None,
        feature_indices: Any = None,
        *,
        features: Any = None,
    ) -> None:
        """Add a batch of windows.

        Args:
            start_logits: `[batch, sequence_length]`, in any form that `search` takes (rows may be
                padded at the end). Without `end_logits`: a pair of both, or the `TopLogits` of
                `topk_logits`.
            end_logits: the same for ends.
            feature_indices: whole numbers `[batch]`, the windows' rows in all features. Default:
                the ones after those of the last update. They order equal scores, so a window must
                have the same number in every process.
            features: the batch's own features, where the collector has none.

        Raises:
            ValueError: what does not fit, naming example and feature; nothing was added then.
        """
        raw = start_logits if end_logits is None else (start_logits, end_logits)
        source, count = candidates(raw)
        numbers = self._numbers(feature_indices, count)
        if features is None:
            if self._features is None:
                raise ValueError("this collector has no features: pass update(..., features=batch)")
            features = select_rows(self._features, numbers, needed_columns(self.params))
        table = Table(features, "features", needed_columns(self.params))
        table.check_columns("example_id", "offset_mapping")
        if table.num_rows != count:
            raise ValueError(f"Got {count} predictions and {table.num_rows} features.")
        feature_ids, _ = table.identifiers("example_id")
        example_of, _ = self._index.match_features(self._ids, feature_ids)
        self._store.update(
            source,
            table.offsets("offset_mapping"),
            example_of,
            numbers,
            **feature_columns(table, self.params),
            contexts=self._contexts,
            ids=self._ids,
        )
        if count:
            self._next = int(numbers[-1]) + 1

    def result(self, *, partial: bool = False) -> NBest:
        """The n-best lists of everything seen; updates may go on afterwards.

        Args:
            partial: do not ask for all windows of `features`.

        Raises:
            ValueError: windows have had no logits yet.
        """
        seen, first_missing = self._store.progress()
        if not partial and self._num_features is not None and seen < self._num_features:
            raise ValueError(
                f"{self._num_features - seen} of {self._num_features} windows have had no logits "
                f"yet, the first is feature {first_missing}; result(partial=True) leaves them out"
            )
        store = self._store.finish()
        warn_of_missing_windows(store, self._repeated)
        return NBest(
            store,
            self.params,
            ids=self._ids,
            id_values=self._id_values,
            contexts=self._contexts,
            distinct=self._distinct,
            null_odds_column=null_odds_column(self.params),
        )

    def merge(self, *others: SpanCollector) -> SpanCollector:
        """Add all that other collectors of the same examples have seen; returns this one.

        Order and grouping of merges do not matter; windows that two have seen count once.

        Raises:
            ValueError: other examples or parameters.
        """
        for other in others:
            if not isinstance(other, SpanCollector):
                raise TypeError(f"cannot merge a {type(other).__name__} into a SpanCollector")
            self._check_examples(other._fingerprint())
            self._store.merge(other._store)
            self._next = max(self._next, other._next)
        return self

    def state_dict(self) -> dict[str, Any]:
        """Everything seen, as NumPy arrays and a JSON string: to send to another process."""
        about = {
            "format": _FORMAT,
            "params": dataclasses.asdict(self.params),
            "examples": self._fingerprint(),
            "next": self._next,
        }
        return {"about": json.dumps(about), **self._store.state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned, in place of what was seen here.

        Raises:
            ValueError: a damaged state, or one of other examples or parameters.
        """
        try:
            about = json.loads(str(state["about"]))
            version, params = about["format"], about["params"]
            fingerprint, following = about["examples"], int(about["next"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no state of a SpanCollector ({error})") from None
        if version != _FORMAT:
            raise ValueError(f"the state has format {version}; this fastqa reads {_FORMAT}")
        own = json.loads(json.dumps(dataclasses.asdict(self.params)))
        if params != own:
            different = (
                f"{name}={params.get(name)!r}, here {value!r}"
                for name, value in own.items()
                if params.get(name) != value
            )
            raise ValueError(
                f"the state was collected with other parameters: {', '.join(different)}"
            )
        self._check_examples(fingerprint)
        self._store.restore({name: state[name] for name in state if name != "about"})
        self._next = following

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything seen to a file (`.npz`), in place of an older one, in one step."""
        with write_atomically(path, "wb") as file:
            np.savez(file, **self.state_dict())

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], examples: Any, features: Any = None
    ) -> SpanCollector:
        """The collector that was saved; examples and features are the same as then.

        Raises:
            ValueError: a damaged file, or other examples.
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
            params = SpanParams(**json.loads(state["about"])["params"])
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(f"{path} holds no saved SpanCollector: {error}") from error
        collector = cls(examples, features, params)
        collector.load_state_dict(state)
        return collector

    def _numbers(self, feature_indices: Any, count: int) -> npt.NDArray[np.uint32]:
        limit = 2**32 if self._num_features is None else self._num_features
        if feature_indices is None:
            numbers = np.arange(self._next, self._next + count, dtype=np.int64)
        else:
            if hasattr(feature_indices, "cpu"):
                feature_indices = feature_indices.cpu().numpy()
            numbers = np.asarray(feature_indices)
            if numbers.size and (numbers.dtype.kind not in "iu" or numbers.ndim != 1):
                raise ValueError(
                    f"feature_indices have shape {numbers.shape} and dtype {numbers.dtype}; "
                    "expected one whole number for each row"
                )
        if len(numbers) != count:
            raise ValueError(f"{len(numbers)} feature_indices for {count} rows of logits")
        if count and not 0 <= numbers.min() <= numbers.max() < limit:
            wrong = numbers.min() if numbers.min() < 0 else numbers.max()
            raise ValueError(f"feature index {wrong} is not one of the {limit} features")
        return numbers.astype(np.uint32)

    def _fingerprint(self) -> str:
        """A hash of the ids, to notice other examples."""
        content, lengths = hashlib.blake2b(digest_size=16), hashlib.blake2b(digest_size=16)
        for data, offsets in self._ids:
            content.update(data[int(offsets[0]) : int(offsets[-1])].tobytes())
            lengths.update(np.diff(offsets).astype(np.int64).tobytes())
        return f"{self._num_examples} {content.hexdigest()}{lengths.hexdigest()}"

    def _check_examples(self, fingerprint: str) -> None:
        own = self._fingerprint()
        if fingerprint != own:
            raise ValueError(
                f"the other collector has other examples ({fingerprint.partition(' ')[0]}, here "
                f"{self._num_examples}, or other ids)"
            )


def _count(features: Any) -> int:
    return Table(features, "features", ()).num_rows


def _as_chunks(strings: StringColumn) -> list[tuple[npt.NDArray[np.uint8], IntegerArray]]:
    """A list of strings as one chunk; Arrow chunks as they are."""
    if not strings or not isinstance(strings[0], str):
        return strings or [(np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.int64))]  # type: ignore[return-value]
    encoded: Sequence[bytes] = [str(text).encode("utf-8") for text in strings]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    return [(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)]
