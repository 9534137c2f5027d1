"""Inputs that transformers 4.57.6 answers wrongly, one for each bug, with scripted readers.

    python tests/bug_cases.py OUT.json          # in an environment that has 4.57.6

writes what it answers: `tests/recorded/bugs_457.json`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__" and (extra := os.environ.get("FASTQA_TORCH_PATH")):
    # An environment may borrow its torch from another one, which is gigabytes.
    sys.path.append(extra)

import torch
from tokenizers import models, processors

from scripted_readers import ScriptedReader
from small_models import BERT_SPECIALS, T5_SPECIALS, bert_tokenizer, byte_level, t5_tokenizer

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
TOWER = "埃菲尔铁塔位于巴黎"


@dataclass(frozen=True)
class Bug:
    """A tokenizer, what its tokens get as start and as end logit (0 if nothing), and a call."""

    tokenizer: Callable[[], Any]
    logits: dict[str, float]
    call: dict[str, Any]
    dtype: torch.dtype = torch.float32

    def reader(self) -> tuple[ScriptedReader, Any]:
        """The model and its tokenizer."""
        tokenizer = self.tokenizer()
        return ScriptedReader(tokenizer, self.logits, self.logits, self.dtype), tokenizer


def of_words(text: str, **kwargs: Any) -> Callable[[], Any]:
    """A BERT tokenizer that has these words as tokens, and single letters."""
    pieces = [*BERT_SPECIALS, *text.split(), *ALPHABET, *(f"##{letter}" for letter in ALPHABET)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    return lambda: bert_tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"), **kwargs)


def of_pieces(*pieces: str, **kwargs: Any) -> Callable[[], Any]:
    """A T5 tokenizer of these pieces: no [CLS] token, and offsets with the space before a word."""
    vocabulary = [
        (piece, -float(number > 2)) for number, piece in enumerate([*T5_SPECIALS, *pieces])
    ]
    return lambda: t5_tokenizer(models.Unigram(vocabulary, unk_id=2), **kwargs)


def cls_last() -> Any:
    """A tokenizer that puts [CLS] at the end."""
    tokenizer = of_words("who lee did it")()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A [SEP] [CLS]",
        pair="$A [SEP] $B:1 [SEP]:1 [CLS]:1",
        special_tokens=[(name, BERT_SPECIALS.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def padded_by_end() -> Any:
    """A tokenizer that pads on the left, with a token that texts contain."""
    tokenizer = of_words("who lee did it stop", padding_side="left")()
    tokenizer.pad_token = "stop"
    return tokenizer


def ask(question: str, context: str, **parameters: Any) -> dict[str, Any]:
    """The keywords of a call."""
    return {"question": question, "context": context, **parameters}


BUGS: dict[str, Bug] = {
    "scores are summed over windows": Bug(
        of_words("where paris stood there and"),
        {"paris": 8.0},
        ask(
            "where",
            "there and there and there and paris stood there and there and there",
            max_seq_len=14,
            doc_stride=9,
        ),
    ),
    "the same text in two places is one answer": Bug(
        of_words("or paris"),
        {"paris": 5.0},
        ask("or", "Paris or paris", top_k=2, max_answer_len=1),
    ),
    "scores of windows do not compare": Bug(
        # The second window has nothing better to offer, and so is sure of a bad answer.
        of_words("where paris rome berlin it is no"),
        {"paris": 9.0, "rome": 8.9, "berlin": 3.0, "it": -9.0, "is": -9.0, "no": -9.0},
        ask("where", "paris rome " + "it is no " * 6 + "berlin", max_seq_len=16, doc_stride=0),
    ),
    "left padding: the question can be answered": Bug(
        of_words("who built the tower lee did", padding_side="left"),
        {"tower": 9.0, "lee": 4.0},
        ask("who built the tower", "did lee did"),
    ),
    "left padding: padding tokens in the text move the offsets": Bug(
        padded_by_end, {"lee": 9.0}, ask("who", "did stop it stop lee did")
    ),
    "position 0 is never an answer": Bug(
        of_pieces("▁high", "▁lighthouse", "▁at", "▁Cape", padding_side="left"),
        {"▁lighthouse": 6.0},
        ask("high", "lighthouse at Cape", max_answer_len=1),
    ),
    "the null answer is read at position 0": Bug(
        cls_last,
        {"[CLS]": 9.0, "lee": 3.0},
        ask("who", "lee did it", handle_impossible_answer=True, top_k=2),
    ),
    "[CLS] is an answer": Bug(cls_last, {"[CLS]": 9.0, "lee": 3.0}, ask("who", "lee did it")),
    "spans that end before they start": Bug(
        of_words("who lee ann"), {"lee": 2.0, "ann": 1.0}, ask("who", "ann lee", top_k=12)
    ),
    "length squared is what was looked for": Bug(
        # [CLS] who [SEP] ann lee [SEP]: 36 pairs of positions, and 2 * 13 + 10 were wanted.
        of_words("who lee ann"),
        {"lee": 2.0, "ann": 1.0},
        ask("who", "ann lee", top_k=13),
    ),
    "a list of one input is not a list": Bug(
        of_words("who ann"), {}, {"question": ["who"], "context": ["ann"]}
    ),
    "fewer answers than there are, and one is not a list": Bug(
        # 14 spans were looked at, and all of them are the one long word.
        of_words(""),
        {f"##{letter}": 9.0 for letter in ALPHABET},
        ask("a", f"{ALPHABET} b", top_k=2, max_answer_len=20),
    ),
    "alignment takes the whole text": Bug(of_pieces("▁", *TOWER), {"巴": 9.0}, ask("塔", TOWER)),
    "answers begin with a space": Bug(
        of_pieces("▁by", "▁ann", "▁lee", "▁who"),
        {"▁ann": 9.0},
        ask("who", "by ann lee", max_answer_len=1),
    ),
    "float16 stays float16": Bug(
        of_words("who ann lee did it"),
        {"lee": 3.0, "ann": 2.5},
        ask("who", "ann did it lee did it", top_k=2),
        dtype=torch.float16,
    ),
    "a long question is an error": Bug(
        of_words("who ann lee"), {"lee": 3.0}, ask("who " * 40, "ann lee", max_seq_len=32)
    ),
    "spaces before the question are tokens": Bug(
        lambda: byte_level(["who ann lee"], size=270), {"l": 3.0}, ask("  who", "ann lee")
    ),
    "a context of spaces": Bug(of_words("who"), {}, ask("who", "  ")),
}


def outcome(pipe: Any, bug: Bug) -> Any:
    """The answers, or the first line of the error."""
    try:
        return pipe(**bug.call)
    except Exception as error:
        return {"error": str(error).splitlines()[0]}


if __name__ == "__main__":
    import transformers

    assert transformers.__version__.startswith("4.57"), transformers.__version__
    recorded = {}
    for name, bug in BUGS.items():
        model, tokenizer = bug.reader()
        pipe = transformers.pipeline(
            "question-answering", model=model, tokenizer=tokenizer, framework="pt", device="cpu"
        )
        recorded[name] = outcome(pipe, bug)
    lines = [f"{json.dumps(name)}: {json.dumps(found)}" for name, found in recorded.items()]
    Path(sys.argv[1]).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
