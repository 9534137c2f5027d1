"""Everything that a report shows, computed once; nothing here knows of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastqa._references import read_references
from fastqa.bounds import gold_causes
from fastqa.entries import style_for
from fastqa.reading import read_json
from fastqa.reporting.groups import Grouping, count_windows, make_groupings
from fastqa.reporting.questions import Questions, read_columns, read_questions
from fastqa.reporting.systems import System, read_system
from fastqa.scores import Missing
from fastqa.sweeps import Sweep
from fastqa.uncertainty import Cluster, Comparison, Interval, compare, confidence_intervals

#: Causes of `fastqa.bounds` that no better reader could help.
UNREACHABLE = ("max_answer_length", "token_boundary", "window", "not_in_context")


@dataclass(frozen=True)
class Analysis:
    """What `analyse` found; columns are in the order of `questions`."""

    title: str
    questions: Questions
    systems: list[System]
    #: One for each system: bootstrap intervals of its scores.
    intervals: list[dict[str, Interval]]
    groupings: list[Grouping]
    #: Kind of each answer, one column a system; see `systems.ERROR_TYPES`.
    error_types: list[list[str]]
    #: Why the gold answers of a question cannot be reached, by its place.
    unreachable: dict[int, str]
    confidence: float
    comparison: Comparison | None = None
    sweep: Sweep | None = None
    #: What was not shown, and what to pass to see it.
    notes: list[str] = field(default_factory=list)


def analyse(
    examples: Any,
    predictions: Any,
    second: Any = None,
    *,
    names: Sequence[str] = ("A", "B"),
    nbest: Any = None,
    second_nbest: Any = None,
    null_odds: Mapping[str, float] | None = None,
    second_null_odds: Mapping[str, float] | None = None,
    no_answer_threshold: float = 1.0,
    features: Any = None,
    sweep: Sweep | Iterable[Mapping[str, Any]] | None = None,
    style: str | None = None,
    lang: str | None = None,
    missing: Missing | None = None,
    max_answer_length: int = 30,
    resamples: int = 10_000,
    confidence: float = 0.95,
    cluster: Cluster | None = None,
    seed: int = 0,
    title: str | None = None,
) -> Analysis:
    """Score one or two systems and split the questions in every way; see `fastqa.report`."""
    columns = read_columns(examples)
    references, detected = style_for(read_references(columns), None)
    if style is None and lang in (None, "en"):
        style = detected
    if second is not None and missing is None:
        # As in `fastqa compare`: both have to cover the same questions.
        missing = "zero"
    options: dict[str, Any] = {
        "style": style,
        "lang": lang,
        "missing": missing,
        "no_answer_threshold": no_answer_threshold,
    }
    systems = [
        read_system(names[0], predictions, references, nbest=nbest, null_odds=null_odds, **options)
    ]
    if second is not None:
        systems.append(
            read_system(
                names[1],
                second,
                references,
                nbest=second_nbest,
                null_odds=second_null_odds,
                **options,
            )
        )
    first = systems[0].scores
    every = read_questions(columns)
    rows = _rows(every.ids, first.ids, first.positions.tolist())
    questions = every.taken(rows)
    resampling: dict[str, Any] = {
        "resamples": resamples,
        "confidence": confidence,
        "cluster": cluster,
        "seed": seed,
    }
    unreachable: dict[int, str] = {}
    windows = None
    if features is not None:
        windows = count_windows(features, questions.ids)
        unreachable = _unreachable(
            columns, every.ids, rows, features, systems, max_answer_length, first.style
        )
    comparison = None
    if len(systems) == 2:
        comparison = compare(first, systems[1].scores, **resampling)
    return Analysis(
        title=title or "Question answering report",
        questions=questions,
        systems=systems,
        intervals=[confidence_intervals(system.scores, **resampling) for system in systems],
        groupings=make_groupings(questions, windows, style=first.style, lang=lang),
        error_types=[system.error_types(set(unreachable)) for system in systems],
        unreachable=unreachable,
        confidence=confidence,
        comparison=comparison,
        sweep=_sweep(sweep),
        notes=_notes(systems, features),
    )


def read_sweep(path: str) -> Sweep:
    """A sweep's rows from a JSON file, as `json.dump(sweep.rows, file)` writes them."""
    return _checked_sweep(read_json(path))


def _sweep(sweep: Sweep | Iterable[Mapping[str, Any]] | None) -> Sweep | None:
    return sweep if sweep is None or isinstance(sweep, Sweep) else _checked_sweep(sweep)


def _checked_sweep(rows: Any) -> Sweep:
    if (
        not isinstance(rows, list | tuple)
        or not rows
        or not all(isinstance(row, Mapping) and {"exact", "f1"} <= set(row) for row in rows)
    ):
        raise ValueError("a sweep is a list of rows, each with its switches, 'exact' and 'f1'")
    return Sweep([dict(row) for row in rows])


def _rows(ids: list[str], scored: list[str], positions: list[int]) -> list[int]:
    """The examples' row of each scored question; of equal ids SQuAD 2.0 takes the last."""
    if len(set(ids)) == len(ids) or all(
        position < len(ids) and ids[position] == id_
        for id_, position in zip(scored, positions, strict=True)
    ):
        return positions
    last = {id_: row for row, id_ in enumerate(ids)}
    return [last[id_] for id_ in scored]


def _unreachable(
    columns: Any,
    ids: list[str],
    rows: list[int],
    features: Any,
    systems: list[System],
    max_answer_length: int,
    style: str,
) -> dict[int, str]:
    has_answer = systems[0].scores.has_answer
    # What some system got right was reachable.
    missed = has_answer & np.all([system.scores.exact < 1.0 for system in systems], axis=0)
    place_of = {rows[place]: place for place in np.flatnonzero(missed).tolist()}
    causes = gold_causes(
        ids, columns, features, place_of, max_answer_length=max_answer_length, style=style
    )
    return {place_of[row]: cause for row, cause in causes.items() if cause in UNREACHABLE}


def _notes(systems: list[System], features: Any) -> list[str]:
    notes = []
    first = systems[0]
    if first.answering is None and not first.scores.has_answer.all():
        notes.append(
            "no no-answer probabilities: no threshold slider and no precision-recall curve "
            "(null_odds=, --null-odds)"
        )
    if first.lists is None:
        notes.append(
            "no n-best lists: no reliability diagram and no risk-coverage curve (nbest=, --nbest)"
        )
    if features is None:
        notes.append(
            "no features: no split by windows and no unreachable gold answers (features=, "
            "--features or --tokenizer)"
        )
    return notes
