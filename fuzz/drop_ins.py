"""Every drop-in beside the plain-Python restatement of its reference (`tests/oracle`).

    python fuzz/drop_ins.py --seconds 60
    python fuzz/drop_ins.py --executions 1000 --only squad_v2 beam_search
    python fuzz/drop_ins.py --only features --seed 123456 --executions 1      # one case again

A case is made of one seed. Compared are values, files byte by byte, and which exception is raised.
Prints executions and disagreements per check, and the seed of each disagreement; exits 1 if any.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import fastqa
from fastqa import SpanParams
from fastqa.compat import squad_metrics

from cases import assert_same_files, assert_same_nbest, make_case
from oracle import features as feature_oracle
from oracle import metrics as metric_oracle
from oracle import postprocessing as oracle

Random = np.random.Generator
#: Where the reference breaks down and fastqa answers, which docs/decisions.md names: an error of
#: the reference that needs none of ours.
REFERENCE_ALONE_FAILS = (IndexError, UnboundLocalError)
#: Our error may be the one that says more.
SAME_ERROR = {
    AttributeError: (TypeError, ValueError),
    AssertionError: (ValueError,),
    ZeroDivisionError: (ValueError,),
}


class DisagreementError(AssertionError):
    """The two sides differ."""


def outcome(call: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return call(), None
    except fastqa.InternalError:
        raise
    except Exception as error:
        return None, error


def agree(
    ours: Callable[[], Any], theirs: Callable[[], Any], same: Callable[[Any, Any], None]
) -> None:
    """Equal values, or errors of the same class."""
    (our_value, our_error), (their_value, their_error) = outcome(ours), outcome(theirs)
    if isinstance(their_error, REFERENCE_ALONE_FAILS) and our_error is None:
        return
    if our_error is None and their_error is None:
        same(our_value, their_value)
        return
    wanted = SAME_ERROR.get(type(their_error), ()) + ((type(their_error),) if their_error else ())
    if not isinstance(our_error, wanted):
        raise DisagreementError(f"ours: {our_error!r} {our_value!r}; theirs: {their_error!r}")


def equal(ours: Any, theirs: Any) -> None:
    if ours != theirs:
        raise DisagreementError(f"ours: {ours!r}; theirs: {theirs!r}")


# --------------------------------------------------------------------------- post-processing


def a_case(
    rng: Random, max_context: bool = False, without_windows: bool = True
) -> tuple[list[Any], list[Any], tuple[Any, Any]]:
    """Examples, features and logits; offsets in each spelling of "not context", ties, odd spans."""
    examples, features, logits = make_case(
        int(rng.integers(2**31)),
        examples=int(rng.integers(1, 7)),
        length=int(rng.integers(12, 48)),
        distinct=bool(rng.integers(2)),
        max_context=max_context,
        dtype=rng.choice([np.float32, np.float64]),
    )
    for feature in features:
        offsets = feature["offset_mapping"]
        context = next((at for at, offset in enumerate(offsets) if offset), 0)
        for at, offset in enumerate(offsets):
            chance = rng.integers(40)
            if offset is None:
                offsets[at] = [None, [], [3], (-1, -1)][min(chance, 3)] if chance < 8 else None
            elif chance < 4 and at == context:
                offsets[at] = (0, 0)  # what passes for the null answer
            elif chance == 1:
                offsets[at] = (offset[0], offset[0])
        if rng.integers(8) == 0:
            feature["input_ids"] = [7, 101, *feature["input_ids"][2:]]
    if rng.integers(6) == 0:
        for array in logits:
            array[rng.random(array.shape) < 0.2] = -100.0
        logits[0][:, -1] = 0.0  # else several windows may look as if the model had not read them
    if without_windows and rng.integers(12) == 0:
        examples.append({"id": "alone", "context": "text", "question": "?"})
    if rng.integers(12) == 0:
        examples.append({**examples[0], "context": examples[0]["context"] + " more"})
    return examples, features, logits


def damaged(rng: Random, case: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    """Mostly the case as it is; sometimes an input that both sides have to refuse."""
    examples, features, logits = case
    match int(rng.integers(14)):
        case 0:
            logits = (*logits, logits[0])
        case 1:
            logits = (logits[0],)
        case 2:
            features = features[:-1]
        case 3 if features:
            features = [*features[:-1], {**features[-1], "example_id": "nobody"}]
    return examples, features, logits


def container(rng: Random, rows: list[Any]) -> Any:
    """The rows as a list, a tuple or columns."""
    kind = int(rng.integers(4))
    if kind == 0 and rows:
        return {name: [row[name] for row in rows] for name in rows[0]}
    return tuple(rows) if kind == 1 else rows


def counts(rng: Random) -> tuple[int, int]:
    return int(rng.choice([1, 2, 3, 5, 20, 60])), int(rng.choice([1, 2, 5, 15, 30, 1000]))


def same_folders(ours: Path, theirs: Path) -> None:
    names = sorted(path.name for path in theirs.iterdir())
    equal(sorted(path.name for path in ours.iterdir()), names)
    for name in names:
        assert_same_files(ours / name, theirs / name)


def utils_qa(rng: Random) -> None:
    # What is written of an example without windows is ours: the reference breaks down there.
    case = a_case(rng, max_context=bool(rng.integers(4) == 0), without_windows=False)
    no_folder = rng.integers(10) == 0  # one thing wrong at a time
    examples, features, logits = case if no_folder else damaged(rng, case)
    # Of SQuAD 2.0 the reference fails where no entry has a text, before it looks for the folder.
    version_2 = bool(rng.integers(2)) and not no_folder
    arguments = (version_2, *counts(rng), float(rng.choice([0.0, 0.1, -1.5, 2.0])))
    boxed = container(rng, examples), container(rng, features), logits
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours", Path(folder) / "theirs"
        if not no_folder:
            ours.mkdir()
            theirs.mkdir()
        prefix = None if rng.integers(2) else "eval"

        def check(answers: Any, reference: Any) -> None:
            equal(answers, dict(reference.predictions))
            equal(list(answers), list(reference.predictions))
            same_folders(ours, theirs)
            found = fastqa.search(*boxed, SpanParams.utils_qa(*arguments))
            keys = ("text", "start_logit", "end_logit", "probability")
            nbest = {key: [{k: e[k] for k in keys} for e in found.nbest(key)] for key in answers}
            assert_same_nbest(nbest, dict(reference.nbest))
            if version_2:
                equal(found.null_odds, dict(reference.null_odds))

        agree(
            lambda: fastqa.postprocess_qa_predictions(*boxed, *arguments, ours, prefix),
            lambda: oracle.postprocess_qa_predictions(
                examples, features, logits, *arguments, theirs, prefix
            ),
            check,
        )


def notebook(rng: Random) -> None:
    examples, features, logits = damaged(rng, a_case(rng))
    if len(logits) == 2 and len(logits[0]) != len(features):
        return  # the notebook does not look, and answers of the wrong windows are no answers
    boxed = container(rng, examples), container(rng, features), logits
    sizes = counts(rng)
    squad_v2 = bool(rng.integers(2))
    cls: dict[str, Any] = {"squad_v2": squad_v2, "cls_token_id": 101 if squad_v2 else None}
    if squad_v2 and rng.integers(10) == 0:
        cls["cls_token_id"] = 999
    agree(
        lambda: fastqa.postprocess(*boxed, *sizes, **cls),
        lambda: dict(oracle.postprocess_notebook(examples, features, logits, *sizes, **cls)),
        equal,
    )


def course_and_euroeval(rng: Random) -> None:
    examples, features, logits = a_case(rng)
    sizes = counts(rng)
    ids = [example["id"] for example in examples]
    params = SpanParams.euroeval(*sizes, cls_token_id=101)
    agree(
        lambda: fastqa.search(examples, features, logits, params).to_dict(),
        lambda: dict(
            oracle.postprocess_euroeval(examples, features, logits, *sizes, cls_token_id=101)
        ),
        equal,
    )
    if len(set(ids)) < len(ids):
        return
    length = logits[0].shape[1]
    for feature in features:
        feature.pop("token_is_max_context", None)
        feature["offset_mapping"] += [None] * (length - len(feature["offset_mapping"]))
    agree(
        lambda: fastqa.postprocess(examples, features, logits, *sizes),
        lambda: dict(oracle.postprocess_course(examples, features, logits, *sizes)),
        equal,
    )


def beam_search(rng: Random) -> None:
    examples, features, _ = a_case(rng, max_context=bool(rng.integers(4) == 0))
    rows, starts, ends = len(features), int(rng.integers(1, 5)), int(rng.integers(1, 4))
    spread = 1 if rng.integers(2) else 6
    outputs = [
        np.round(rng.normal(size=(rows, starts)) * spread).astype(np.float32),
        rng.integers(0, 26, size=(rows, starts)),
        np.round(rng.normal(size=(rows, starts * ends)) * spread).astype(np.float32),
        rng.integers(0, 26, size=(rows, starts * ends)),
        rng.normal(size=rows).astype(np.float32),
    ]
    match int(rng.integers(12)):
        case 0:
            outputs.pop()
        case 1:
            features = features[:-1]
        case 2:
            outputs[1] = outputs[1].astype(np.float32)  # Trainer gathers positions as floats
    n_best_size, max_answer_length = counts(rng)
    arguments = (bool(rng.integers(2)), n_best_size, max_answer_length, starts, ends)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours", Path(folder) / "theirs"
        ours.mkdir()
        theirs.mkdir()

        def check(answers: Any, reference: Any) -> None:
            odds = None if reference.null_odds is None else dict(reference.null_odds)
            equal(answers, (dict(reference.predictions), odds))
            same_folders(ours, theirs)

        agree(
            lambda: fastqa.postprocess_qa_predictions_with_beam_search(
                examples, features, outputs, *arguments, ours
            ),
            lambda: oracle.postprocess_qa_predictions_with_beam_search(
                examples, features, outputs, *arguments, theirs
            ),
            check,
        )


def squad_metrics_logits(rng: Random) -> None:
    """`compat.squad_metrics.compute_predictions_logits`, on words that are one token each."""
    examples, features, logits = a_case(rng)
    letters = "abcdefghij"
    objects, windows, results, plain = [], [], [], []
    for number, example in enumerate(examples):
        words = ["".join(rng.choice(list(letters), 3)) for _ in range(int(rng.integers(1, 9)))]
        example["id"], example["context"] = f"q{number}", " ".join(words)
        objects.append(SimpleNamespace(qas_id=example["id"], doc_tokens=words, answers=[]))
    width = logits[0].shape[1]
    for number in range(len(features)):
        owner = int(rng.integers(len(objects)))
        words = objects[owner].doc_tokens
        question = int(rng.integers(1, 4))
        shown = words[: max(0, width - question)]
        ends = np.cumsum([len(word) + 1 for word in shown]) - 1
        spans = [(int(e) - len(w), int(e)) for w, e in zip(shown, ends, strict=True)]
        best = {question + at: bool(rng.integers(5)) for at in range(len(shown))}
        windows.append(
            SimpleNamespace(
                example_index=owner,
                unique_id=number,
                tokens=["q"] * question + shown,
                token_to_orig_map={question + at: at for at in range(len(shown))},
                token_is_max_context=best,
            )
        )
        plain.append(
            {
                "example_id": objects[owner].qas_id,
                "offset_mapping": [None] * question + spans,
                "token_is_max_context": best,
            }
        )
        start, end = (array[number].astype(float).tolist() for array in logits)
        results.append(SimpleNamespace(unique_id=number, start_logits=start, end_logits=end))
    version_2 = bool(rng.integers(2))
    n_best_size, max_answer_length = counts(rng)
    threshold = float(rng.choice([0.0, -2.0, 3.0]))
    if len({window.example_index for window in windows}) < len(objects):
        return  # the restatement answers an example without windows, the reference breaks
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("predictions", "nbest", "odds")]
        tokenizer = SimpleNamespace(
            backend_tokenizer=SimpleNamespace(model=type("WordPiece", (), {})())
        )

        def check(answers: Any, reference: Any) -> None:
            equal(dict(answers), dict(reference.predictions))
            equal(json.loads(Path(files[1]).read_text()), dict(reference.nbest))
            if version_2:
                equal(json.loads(Path(files[2]).read_text()), dict(reference.null_odds))

        def theirs() -> Any:
            try:
                return oracle.postprocess_squad_metrics(
                    examples, plain, logits, version_2, n_best_size, max_answer_length, threshold
                )
            except AttributeError as error:
                # No entry has a text: documented, ours answers "".
                raise IndexError from error

        agree(
            lambda: squad_metrics.compute_predictions_logits(
                *(objects, windows, results, n_best_size, max_answer_length, True, *files),
                *(False, version_2, threshold, tokenizer),
            ),
            theirs,
            check,
        )


# --------------------------------------------------------------------------- scores

PIECES = [
    *(
        "the",
        "The ",
        " a ",
        "An ",
        "an",
        " ",
        "-",
        "_",
        "'",
        ".",
        ", ",
        "x",
        "y z",
        "apple",
        "U.S.",
    ),
    *(
        "É",
        "e\u0301",
        "İ",
        "Σ",
        "ΟΔΟΣ",
        "ß",
        "\u00a0",
        "\u1680",
        "\x1c",
        "\u200b",
        "«",
        "»",
        "“",
        "。",
    ),
    *(
        "der ",
        "das ",
        "la ",
        "las",
        "của ",
        "ال",
        "البيت",
        "中国",
        "公司",
        "，",
        "《",
        "》",
        "서울",
        "의 ",
    ),
    *("กรุง", "東京", "3.14", "1,000", "%", "$", "IBM", "...", "it's", "can't ", "\U0001f600", "２"),
]


def text(rng: Random) -> str:
    if rng.integers(5) == 0:
        points = rng.integers(0x20, 0x30000, size=int(rng.integers(1, 6)))
        return "".join(chr(p) for p in points if not 0xD800 <= p < 0xE000)
    return "".join(rng.choice(PIECES, size=int(rng.integers(0, 7))).tolist())


def questions(rng: Random, least: int) -> tuple[list[Any], dict[str, str]]:
    references, texts = [], {}
    for number in range(int(rng.integers(1, 9))):
        golds = [text(rng) for _ in range(int(rng.integers(least, 4)))]
        key = f"q{number}"
        references.append({"id": key, "answers": [{"text": gold} for gold in golds]})
        right = golds and rng.integers(3) == 0
        texts[key] = golds[0] + ("" if rng.integers(2) else " x") if right else text(rng)
    return references, texts


def laid_out(rng: Random, references: list[Any]) -> Any:
    kind = int(rng.integers(4))
    if kind == 0:
        return {"data": [{"paragraphs": [{"context": "", "qas": references}]}]}
    if kind == 1:
        return [
            {"id": row["id"], "answers": {"text": [a["text"] for a in row["answers"]]}}
            for row in references
        ]
    return references


def squad_v1(rng: Random) -> None:
    references, texts = questions(rng, 1)
    match int(rng.integers(12)):
        case 0:
            texts.pop("q0")
        case 1:
            texts["q0"] = None  # type: ignore[assignment]
        case 2:
            references.append(references[0])
        case 3:
            references.clear()
        case 4:
            texts["other"] = "x"
    layout = laid_out(rng, references)
    agree(lambda: fastqa.squad(texts, layout), lambda: metric_oracle.squad_v1(layout, texts), equal)


def near(ours: Any, theirs: Any) -> None:
    equal(list(ours), list(theirs))
    for name, value in theirs.items():
        if abs(ours[name] - value) > 1e-9:
            raise DisagreementError(f"{name}: ours {ours[name]!r}; theirs {value!r}")


def squad_v2(rng: Random) -> None:
    references, texts = questions(rng, 0)
    layout = laid_out(rng, references)
    records = [
        {
            "id": key,
            "prediction_text": value,
            "no_answer_probability": float(rng.choice([0.0, 1.0, 0.5, rng.random()])),
        }
        for key, value in texts.items()
    ]
    rng.shuffle(records)  # type: ignore[arg-type]
    limit = float(rng.choice([1.0, 0.5, 0.0, rng.random()]))
    agree(
        lambda: fastqa.squad_v2(records, layout, limit),
        lambda: metric_oracle.squad_v2(layout, records, no_answer_threshold=limit),
        near,
    )


def squad_evaluate(rng: Random) -> None:
    references, texts = questions(rng, 0)
    examples = [SimpleNamespace(qas_id=row["id"], answers=row["answers"]) for row in references]
    probabilities = None
    if rng.integers(2):
        probabilities = {key: float(rng.choice([0.0, 0.3, 1.0])) for key in texts}
    if rng.integers(8) == 0:
        texts.pop("q0")
    limit = float(rng.choice([1.0, 0.5]))
    with contextlib.redirect_stdout(None):
        agree(
            lambda: squad_metrics.squad_evaluate(examples, texts, probabilities, limit),
            lambda: metric_oracle.squad_v2(
                references, texts, probabilities, limit, flavour="squad_metrics"
            ),
            near,
        )


def styles(rng: Random) -> None:
    references, texts = questions(rng, 1)
    if rng.integers(8) == 0:
        texts.pop("q0")
    layout = laid_out(rng, references)
    language = str(rng.choice(["en", "es", "hi", "vi", "de", "ar", "zh"]))
    checks: dict[str, Callable[[], Any]] = {
        "mlqa": lambda: metric_oracle.mlqa(layout, texts, language),
        "korquad": lambda: metric_oracle.korquad(layout, texts),
        "mrqa": lambda: metric_oracle.mrqa(golds, texts),
    }
    golds = {row["id"]: [answer["text"] for answer in row["answers"]] for row in references}
    style = str(rng.choice(list(checks)))
    given = golds if style == "mrqa" else layout
    lang = language if style == "mlqa" else None
    agree(lambda: fastqa.score(texts, given, style=style, lang=lang).summary(), checks[style], near)


def cmrc2018(rng: Random) -> None:
    from test_styles import treebank

    pieces = [
        *"中国人的 ",
        *"ab12. ,%(",
        "nexon ",
        "it's ",
        "u.s. ",
        "……",
        "3.14",
        "，",
        "《",
        "don't",
    ]

    def one() -> str:
        return "".join(rng.choice(pieces, size=int(rng.integers(0, 9))).tolist())

    golds = [[one(), one()] for _ in range(4)]
    qas = [
        {"id": str(number), "answers": [{"text": gold} for gold in own]}
        for number, own in enumerate(golds)
    ]
    texts = {str(number): golds[number][0][1:] + one() for number in range(4)}
    dataset = {"data": [{"paragraphs": [{"qas": qas}]}]}

    def theirs() -> Any:
        f1, exact, total, skipped = metric_oracle.cmrc2018_scores(dataset, texts, treebank)
        average = (f1 + exact) / 2
        return {"AVERAGE": average, "F1": f1, "EM": exact, "TOTAL": total, "SKIP": skipped}

    agree(lambda: fastqa.score(texts, dataset, style="cmrc2018").summary(), theirs, near)


# --------------------------------------------------------------------------- features

_TOKENIZERS: dict[str, Any] = {}


def tokenizers() -> dict[str, Any]:
    """Tiny ones of three kinds, made once."""
    if not _TOKENIZERS:
        import small_models

        texts = [
            "one two three vier fünf. The red house; a Café 中国 😀 " * 3,
            "Is it? Who was she",
        ]
        for name in ("word_piece", "byte_level", "sentence_piece"):
            _TOKENIZERS[name] = getattr(small_models, name)(texts, size=300)
    return _TOKENIZERS


WORDS = [
    "one",
    "two",
    "the",
    "Red",
    "house,",
    "Café",
    "中国",
    "😀",
    "x-y",
    "fünf.",
    "\u00a0",
    "é",
    "U.S.",
]


def features(rng: Random) -> None:
    tokenizer = tokenizers()[str(rng.choice(list(tokenizers())))]
    tokenizer.padding_side = str(rng.choice(["right", "left"]))
    rows: dict[str, list[Any]] = {"id": [], "question": [], "context": [], "answers": []}
    for number in range(int(rng.integers(1, 5))):
        context = " ".join(rng.choice(WORDS, size=int(rng.integers(0, 60))).tolist())
        asked = " ".join(rng.choice(WORDS, size=int(rng.integers(1, 5))).tolist())
        begin = int(rng.integers(0, max(1, len(context))))
        answer = context[begin : begin + int(rng.integers(1, 20))]
        known = bool(rng.integers(4)) and bool(answer)
        rows["id"].append(f"q{number}")
        rows["question"].append("  " * int(rng.integers(2)) + asked)
        rows["context"].append(context)
        rows["answers"].append(
            {"text": [answer] if known else [], "answer_start": [begin] if known else []}
        )
    stride = int(rng.integers(0, 24))
    longest = max(len(tokenizer(q.lstrip())["input_ids"]) for q in rows["question"])
    options: dict[str, Any] = {
        "max_length": longest + stride + int(rng.integers(8, 60)),
        "doc_stride": stride,
        "padding": "max_length" if rng.integers(2) else False,
    }
    ours = fastqa.prepare_validation_features(rows, tokenizer, **options)
    theirs = feature_oracle.prepare_validation_features(rows, tokenizer, **options)
    equal(list(ours), list(theirs))
    for name, values in theirs.items():
        if name == "offset_mapping":
            mine, wanted = (
                [[span and list(span) for span in row] for row in side]
                for side in (ours[name], values)
            )
            equal(mine, wanted)
        else:
            equal(ours[name], values)
    fallback = "notebook" if tokenizer.cls_token_id is not None else "run_qa"
    labelled = fastqa.prepare_train_features(rows, tokenizer, **options)
    reference, failure = outcome(
        lambda: feature_oracle.prepare_train_features(
            rows, tokenizer, cls_fallback=fallback, **options
        )
    )
    if isinstance(failure, REFERENCE_ALONE_FAILS):
        return  # the notebook runs over the end of a window without context
    if failure is not None:
        raise failure
    equal(list(labelled), list(reference))
    positions = ("start_positions", "end_positions")
    for name, values in reference.items():
        if name not in positions:
            equal(labelled[name], values)
    pairs = zip(*(labelled[name] for name in positions), strict=True)
    labels = zip(*(reference[name] for name in positions), strict=True)
    for pair, (start, end) in zip(pairs, labels, strict=True):
        # docs/training.md: where the reference's start lies behind its end, ours cover the answer.
        if start <= end:
            equal(pair, (start, end))


CHECKS: dict[str, Callable[[Random], None]] = {
    check.__name__: check
    for check in (
        *(utils_qa, notebook, course_and_euroeval, beam_search, squad_metrics_logits),
        *(squad_v1, squad_v2, squad_evaluate, styles, cmrc2018, features),
    )
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--executions", type=int, help="per check; instead of --seconds")
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    deadline = time.monotonic() + arguments.seconds
    done = dict.fromkeys(arguments.only, 0)
    wrong: dict[str, list[int]] = {name: [] for name in arguments.only}
    seed = arguments.seed
    while (
        seed < arguments.seed + arguments.executions
        if arguments.executions
        else time.monotonic() < deadline
    ):
        for name in arguments.only:
            try:
                CHECKS[name](np.random.default_rng(seed))
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                if len(wrong[name]) < 3:
                    print(f"{name}, seed {seed}:")
                    traceback.print_exc(limit=-3, file=sys.stdout)
                wrong[name].append(seed)
            done[name] += 1
        seed += 1
    for name in arguments.only:
        seeds = f", seeds {wrong[name][:5]}" if wrong[name] else ""
        print(f"{name}: {done[name]} executions, {len(wrong[name])} disagreements{seeds}")
    disagreements = sum(map(len, wrong.values()))
    print(f"total: {sum(done.values())} executions, {disagreements} disagreements")
    return int(disagreements > 0)


if __name__ == "__main__":
    sys.exit(main())
