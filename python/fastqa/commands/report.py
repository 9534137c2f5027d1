"""`fastqa report DATA PREDICTIONS [SECOND]`: one HTML file that shows what a reader does."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fastqa.commands._arguments import (
    add_answer_length_argument,
    add_interval_arguments,
    add_json_argument,
    add_no_answer_arguments,
    add_resamples_argument,
    add_window_arguments,
)
from fastqa.commands._inputs import load_examples, load_predictions, read_features
from fastqa.commands._outputs import tell_written
from fastqa.commands._progress import set_up_bars
from fastqa.optional import require
from fastqa.reading import read_json
from fastqa.reporting import Report, report
from fastqa.reporting.analysis import read_sweep
from fastqa.reporting.numbers import numbers_of
from fastqa.reporting.systems import ERROR_TYPES, possible_types
from fastqa.scoring import STYLES
from fastqa.terminal import print_json, print_line, print_note, print_table

#: Megabytes from which on a page opens slowly.
LARGE = 30


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("data", metavar="DATA", help="SQuAD JSON (v1 or v2), JSONL, Parquet, ...")
    parser.add_argument(
        "predictions",
        metavar="PREDICTIONS",
        help="JSON: id to text, or records; or the folder that evaluate, train or postprocess "
        "wrote, with n-best lists and null odds",
    )
    parser.add_argument(
        "second", metavar="SECOND", nargs="?", help="another system's predictions, side by side"
    )
    parser.add_argument(
        "-o",
        "--output",
        default="report.html",
        metavar="HTML",
        help="where the page goes (default report.html)",
    )
    parser.add_argument("--plots", metavar="DIR", help="also save each chart as PNG and SVG there")
    parser.add_argument(
        "--names", nargs="+", metavar="NAME", help="of the systems (default: the files' names)"
    )
    parser.add_argument("--title", help="of the page (default: the data's name)")
    more = parser.add_argument_group("more to show")
    more.add_argument("--nbest", metavar="FILE", help="nbest_predictions.json")
    add_no_answer_arguments(more)
    more.add_argument("--second-nbest", metavar="FILE", help="of the second system")
    more.add_argument("--second-null-odds", metavar="FILE", help="of the second system")
    more.add_argument("--second-na-prob-file", metavar="FILE", help="of the second system")
    more.add_argument("--sweep", metavar="FILE", help="JSON: the rows of a fastqa.sweep")
    more.add_argument(
        "--features", metavar="PATH", help="Parquet or saved dataset: windows, unreachable golds"
    )
    more.add_argument("--tokenizer", metavar="MODEL", help="make the features with this tokenizer")
    add_window_arguments(more)
    add_answer_length_argument(more)
    more.add_argument(
        "--entries", type=int, default=10, metavar="N", help="of an n-best list (default 10)"
    )
    rules = parser.add_argument_group("scores, as in fastqa score")
    rules.add_argument("--style", choices=STYLES, help="whose rules")
    rules.add_argument("--lang", help="language code of the answers")
    rules.add_argument("--missing", choices=["zero", "skip", "error"], help="missing predictions")
    add_resamples_argument(rules)
    add_interval_arguments(rules)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make the page and tell where it is."""
    require("matplotlib", "report")  # before the work, not after it
    names = _names(arguments)
    _open_folder(arguments, "predictions", "")
    _open_folder(arguments, "second", "second_")
    examples = load_examples(arguments.data)
    second = None
    if arguments.second is not None:
        second = load_predictions(arguments.second, arguments.second_na_prob_file)
    made = report(
        examples,
        load_predictions(arguments.predictions, arguments.na_prob_file),
        second,
        path=arguments.output,
        plots=arguments.plots,
        entries=arguments.entries,
        names=names,
        nbest=_optional(arguments.nbest),
        null_odds=_optional(arguments.null_odds),
        second_nbest=_optional(arguments.second_nbest),
        second_null_odds=_optional(arguments.second_null_odds),
        no_answer_threshold=arguments.na_prob_thresh,
        features=_features(arguments, examples),
        max_answer_length=arguments.max_answer_length,
        sweep=None if arguments.sweep is None else read_sweep(arguments.sweep),
        title=arguments.title or Path(arguments.data).stem,
        **{
            name: getattr(arguments, name)
            for name in ("style", "lang", "missing", "resamples", "confidence", "cluster", "seed")
        },
    )
    for note in made.analysis.notes:
        print_note(f"not shown: {note}")
    if arguments.plots is not None:
        tell_written(arguments.plots)
    if arguments.json:
        print_json(_as_json(made, arguments))
    else:
        _print(made, arguments.output)
    return 0


def _names(arguments: argparse.Namespace) -> list[str]:
    files = [arguments.predictions, *([arguments.second] if arguments.second else [])]
    names = arguments.names or [Path(file).stem for file in files]
    if len(names) != len(files):
        raise ValueError(f"--names has {len(names)} names for {len(files)} prediction files")
    if len(set(names)) < len(names):
        # Two files of one name in different folders: tell them apart by the folder.
        return [str(Path(file).with_suffix("")) for file in files]
    return list(names)


def _open_folder(arguments: argparse.Namespace, name: str, prefix: str) -> None:
    """A folder of predictions is its three files, which may have a prefix: `eval_`."""
    given = getattr(arguments, name)
    if given is None or not Path(given).is_dir():
        return
    found = [
        path
        for path in sorted(Path(given).glob("*predictions.json"))
        if not path.name.endswith("nbest_predictions.json")
    ]
    if len(found) != 1:
        told = ", ".join(path.name for path in found) or "none"
        raise ValueError(f"{given} should hold one file ...predictions.json, it has {told}")
    setattr(arguments, name, str(found[0]))
    stem = found[0].name.removesuffix("predictions.json")
    options = (("nbest", "nbest_predictions"), ("null_odds", "null_odds"))
    for option, file in options:
        beside = found[0].with_name(f"{stem}{file}.json")
        if getattr(arguments, prefix + option) is None and beside.exists():
            setattr(arguments, prefix + option, str(beside))


def _optional(path: str | None) -> Any:
    return None if path is None else read_json(path)


def _features(arguments: argparse.Namespace, examples: Any) -> Any:
    if arguments.features is not None:
        return read_features(arguments.features)
    if arguments.tokenizer is None:
        return None
    from fastqa.data import load_qa_dataset
    from fastqa.features import prepare_validation_features

    tokenizer = require("transformers", "train").AutoTokenizer.from_pretrained(arguments.tokenizer)
    set_up_bars(arguments.quiet)
    sizes = (arguments.max_length, arguments.doc_stride)
    return prepare_validation_features(load_qa_dataset(examples), tokenizer, *sizes)


def _as_json(made: Report, arguments: argparse.Namespace) -> dict[str, Any]:
    """The first system's scores at the top level; the second's and the comparison below."""
    analysis = made.analysis
    result: dict[str, Any] = dict(analysis.systems[0].scores.summary())
    result["report"] = str(arguments.output)
    result["bytes"] = Path(arguments.output).stat().st_size
    result["intervals"] = {name: one._asdict() for name, one in analysis.intervals[0].items()}
    result["kinds"] = _kinds(made, 0)
    if len(analysis.systems) == 2 and analysis.comparison is not None:
        result["second"] = {**analysis.systems[1].scores.summary(), "kinds": _kinds(made, 1)}
        result["differences"] = {
            name: one._asdict() for name, one in analysis.comparison.metrics.items()
        }
        result["mcnemar"] = analysis.comparison.mcnemar._asdict()
        result |= {name: len(ids) for name, ids in analysis.comparison.ids.items()}
    return result


def _kinds(made: Report, index: int) -> dict[str, int]:
    return {name: made.analysis.error_types[index].count(name) for name in ERROR_TYPES}


def _print(made: Report, output: str) -> None:
    analysis = made.analysis
    numbers = [numbers_of(analysis, index) for index in range(len(analysis.systems))]
    names = [system.name for system in analysis.systems]
    scores = list(analysis.systems[0].scores.summary())
    print_table(["score", *names], [(name, *(one[name] for one in numbers)) for name in scores])
    print_line()
    possible = possible_types(analysis.systems, analysis.unreachable)
    kinds = [
        (label, *(int(one[f"type:{name}"]) for one in numbers)) for name, label in possible.items()
    ]
    print_table(["kind of answer", *names], kinds)
    print_line()
    size = Path(output).stat().st_size / 1e6
    if size > LARGE:
        print_note("the page is large: fewer --entries make it smaller")
    print_line(f"{output} ({size:.1f} MB): open it in a browser")
