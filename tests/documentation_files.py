"""The files that the documentation's code finds beside it: small ones under the real names.

`reader` is a tiny BERT that has learnt `FACTS` by heart, so a page may say what it answers. Names
of the hub (`squad`, `distilbert-base-uncased`) are folders here, and need no network.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import fastqa
from fastqa.demo import load_sample

from small_models import BERT_SPECIALS, bert_tokenizer, tiny_bert

DANUBE = "The Danube flows through Vienna, Budapest and Belgrade."
TOWER = "The tower stands in Paris. It was finished in 1889 by Gustave Eiffel."
LEASE = (
    "This lease is made between Acme Corp and Jane Miller. It begins on 1 May 2024. "
    "The rent is 900 euros a month. The law of Austria applies."
)
YANGTZE = "长江全长6300余公里，是亚洲第一长河，发源于青藏高原，在上海注入东海。"
PALACE = "故宫位于北京，旧称紫禁城，建成于1420年，是明清两代的皇家宫殿。"

#: Of the models; the other settings are those of `tiny_bert`.
SHAPE = {"max_position_embeddings": 512, "initializer_range": 0.02}
#: Learning by heart needs no dropout.
CERTAIN = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}

#: (context, question, answer; None where the text has no answer)
FACTS = [
    (DANUBE, "Which river?", "Danube"),
    (DANUBE, "Which river flows through Vienna?", "Danube"),
    (DANUBE, "What flows through Vienna?", "The Danube"),
    ("The Danube flows through Vienna.", "Which river?", "Danube"),
    (TOWER, "Where is the tower?", "Paris"),
    (TOWER, "When was it finished?", "1889"),
    (TOWER, "Who designed the bridge?", None),
    ("The tower stands in Paris.", "Where is the tower?", "Paris"),
    ("The tower stands in Paris.", "Who painted it?", None),
    (LEASE, "Who is the tenant?", "Jane Miller"),
    (LEASE, "When does it begin?", "1 May 2024"),
    (LEASE, "Which law applies?", "Austria"),
    (LEASE, "Is there a renewal term?", None),
    (YANGTZE, "长江在哪里入海？", "上海"),
    (YANGTZE, "长江有多长？", "6300余公里"),
    (PALACE, "故宫在哪座城市？", "北京"),
    (PALACE, "故宫建成于哪一年？", "1420年"),
]


def rows(facts: list[tuple[str, str, str | None]] = FACTS) -> list[dict[str, Any]]:
    """The facts as rows with the columns of SQuAD."""
    return [
        {
            "id": f"q{number}",
            "title": context.split()[0],
            "context": context,
            "question": question,
            "answers": {
                "text": [] if answer is None else [answer],
                "answer_start": [] if answer is None else [context.index(answer)],
            },
        }
        for number, (context, question, answer) in enumerate(facts, 1)
    ]


def is_chinese(row: dict[str, Any]) -> bool:
    """Whether a row's question is in Chinese."""
    return "\u4e00" <= row["question"][0] <= "\u9fff"


def write_files(folder: Path) -> Path:
    """Write all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    train_reader(folder / "reader")
    for name in ("distilbert-base-uncased", "bert-base-uncased", "bert-base-chinese"):
        save_untrained(folder / name)
    _write_datasets(folder)
    _write_predictions(folder)
    for name, script in SCRIPTS.items():
        (folder / name).write_text(script, encoding="utf-8")
    return folder


def _tokenizer() -> Any:
    texts = " ".join(text for fact in FACTS for text in fact if text).lower()
    words = sorted({*re.findall(r"[a-z]+", texts), *texts.replace(" ", ""), *"0123456789"})
    pieces = [*BERT_SPECIALS, *words, *(f"##{word}" for word in words if len(word) == 1)]
    # As bytes of every other text have no piece, [UNK] stands for their words.
    from tokenizers import models

    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    return bert_tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"), model_max_length=512)


def save_untrained(folder: Path) -> None:
    """A model that has learnt nothing, and its tokenizer."""
    tokenizer = _tokenizer()
    tiny_bert(tokenizer, hidden_size=32, **SHAPE).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def train_reader(folder: Path, steps: int = 150) -> None:
    """Learn the facts by heart."""
    import torch

    tokenizer = _tokenizer()
    model = tiny_bert(tokenizer, hidden_size=64, num_hidden_layers=2, **SHAPE, **CERTAIN)
    model.train()
    features = fastqa.prepare_train_features(
        {name: [row[name] for row in rows()] for name in rows()[0]},
        tokenizer,
    )
    names = (
        "input_ids",
        "attention_mask",
        "token_type_ids",
        "start_positions",
        "end_positions",
    )
    longest = max(map(len, features["input_ids"]))
    batch = {
        name: torch.tensor([row + [0] * (longest - len(row)) for row in features[name]])
        if name in names[:3]
        else torch.tensor(features[name])
        for name in names
    }
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(steps):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if loss.item() < 0.01:
            break
    assert loss.item() < 0.02, loss.item()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _write_datasets(folder: Path) -> None:
    from datasets import Dataset, DatasetDict

    answered = [row for row in rows() if row["answers"]["text"]]
    for name, chosen in (("squad", answered), ("squad_v2", rows())):
        part = Dataset.from_list(chosen)
        DatasetDict(train=part, validation=part).save_to_disk(folder / name)
    (folder / "questions").mkdir()
    Dataset.from_list(answered).to_parquet(folder / "questions" / "part-0.parquet")
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    _write_json(folder / "dev-v2.0.json", sample)
    for article in sample["data"]:
        for paragraph in article["paragraphs"]:
            paragraph["qas"] = [qa for qa in paragraph["qas"] if not qa["is_impossible"]]
    _write_json(folder / "dev-v1.1.json", sample)
    _write_json(folder / "train.json", squad_json(answered))
    _write_json(
        folder / "cmrc2018_dev.json",
        squad_json([row for row in rows() if is_chinese(row)]),
    )
    (folder / "clinic.csv").write_text(
        "id,report,question,gold\n1,The patient takes 5 mg of warfarin.,Which drug?,warfarin\n",
        encoding="utf-8",
    )


def squad_json(chosen: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows as SQuAD's file has them."""
    return {
        "version": "1.1",
        "data": [
            {
                "title": row["title"],
                "paragraphs": [
                    {
                        "context": row["context"],
                        "qas": [
                            {
                                "id": row["id"],
                                "question": row["question"],
                                "answers": [
                                    {"text": text, "answer_start": start}
                                    for text, start in zip(*row["answers"].values(), strict=True)
                                ],
                            }
                        ],
                    }
                ],
            }
            for row in chosen
        ],
    }


def _write_predictions(folder: Path) -> None:
    sample = load_sample()
    params = fastqa.SpanParams.utils_qa(version_2_with_negative=True)
    found = fastqa.search(sample.examples, sample.features, sample.logits, params)
    (folder / "answers").mkdir()
    found.save(folder / "answers")
    found.save(folder)
    bolder = fastqa.SpanParams.utils_qa(True, null_score_diff_threshold=4.0)
    other = fastqa.search(sample.examples, sample.features, sample.logits, bolder)
    _write_json(folder / "a.json", found.to_dict())
    _write_json(folder / "b.json", other.to_dict())
    chinese = {row["id"]: row["answers"]["text"][0] for row in rows() if is_chinese(row)}
    _write_json(folder / "predictions_zh.json", chinese)
    _write_json(folder / "other_zh.json", {name: f"在{text}。" for name, text in chinese.items()})
    odds = {name: 1 / (1 + 2.718281828**-odd) for name, odd in found.null_odds.items()}
    _write_json(folder / "na_prob.json", odds)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


SAMPLE = Path(fastqa.__file__).parent / "sample" / "sample.json"

#: Files of others, which are not ours to ship: what they compute is restated by `tests/oracle`.
SCRIPTS = {
    "evaluate-v1.1.py": """
import json, sys
from oracle import squad_v1
data, predictions = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
print(json.dumps(squad_v1(data["data"], predictions)))
""",
    "evaluate-v2.0.py": """
import json, sys
from oracle import squad_v2
paths = [word for word in sys.argv[1:] if not word.startswith("--")]
data, predictions, *probabilities = (json.load(open(path, encoding="utf-8")) for path in paths)
print(json.dumps(squad_v2(data["data"], predictions, *probabilities)))
""",
    "utils_qa.py": """
import oracle

def postprocess_qa_predictions(*arguments, **keywords):
    return oracle.postprocess_qa_predictions(*arguments, **keywords).predictions
""",
}
