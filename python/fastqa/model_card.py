"""What stands beside a trained model: a card with its results, and a plot of its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastqa.writing import save_figure, write_text

_CARD = """---
library_name: transformers
pipeline_tag: question-answering
base_model: {base}
tags:
- fastqa
- extractive-question-answering
model-index:
- name: {name}
  results:
  - task:
      type: question-answering
    dataset:
      name: {dataset}
      type: {dataset}
    metrics:
{index}
---

# {name}

An extractive question answering model: it marks the answer to a question in a given text{nulls}.
Fine-tuned from `{base}` with [fastqa](https://pypi.org/project/fastqa/). {outcome}.

| score on `{dataset}` | value |
|---|---|
{table}

Training settings:

| setting | value |
|---|---|
{settings}

Use it:

```python
import fastqa

reader = fastqa.pipeline("{name}")
print(reader(question="Who wrote it?", context="Ada Lovelace wrote it in 1843."))
```
"""


def write_model_card(
    folder: Path,
    *,
    base: str,
    dataset: str,
    metrics: Mapping[str, float],
    settings: Mapping[str, Any],
    outcome: str,
    squad_v2: bool,
) -> Path:
    """Write `README.md` with the results as the hub reads them; returns its path."""
    scores = {
        name: value
        for name, value in metrics.items()
        if name in ("exact_match", "exact", "f1") or name.startswith(("HasAns_", "NoAns_"))
    }
    text = _CARD.format(
        base=base,
        name=folder.resolve().name,
        dataset=dataset,
        nulls=", or says that there is none" if squad_v2 else "",
        outcome=outcome,
        index="\n".join(
            f"    - type: {name}\n      value: {value:.4f}" for name, value in scores.items()
        ),
        table="\n".join(f"| {name} | {value:.2f} |" for name, value in scores.items()),
        settings="\n".join(f"| {name} | {value} |" for name, value in settings.items()),
    )
    path = folder / "README.md"
    write_text(path, text)
    return path


def plot_training(history: Sequence[Mapping[str, float]], path: Path) -> bool:
    """Loss and F1 over the steps of `Trainer.state.log_history`, as PNG; False if there is nothing
    to draw."""
    losses = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    scores = [(entry["step"], entry["eval_f1"]) for entry in history if "eval_f1" in entry]
    if not losses and not scores:
        return False
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    left.set_xlabel("step")
    left.set_ylabel("training loss")
    if losses:
        left.plot(*zip(*losses, strict=True), color="tab:blue", label="training loss")
    right = left.twinx()
    right.set_ylabel("F1")
    right.set_ylim(0, 100)
    if scores:
        right.plot(*zip(*scores, strict=True), color="tab:orange", marker="o", label="F1")
    figure.legend(loc="outside upper center", ncols=2)
    save_figure(figure, path, dpi=120)
    return True
