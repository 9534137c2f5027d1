"""Pictures of scores, with matplotlib."""

from pathlib import Path
from typing import Any

import numpy as np

from fastqa.optional import require
from fastqa.scores import Scores
from fastqa.writing import save_figure


def pyplot() -> Any:
    """`matplotlib.pyplot` without a display.

    Raises:
        ImportError: matplotlib is missing; the message names the extra.
    """
    require("matplotlib", "report").use("Agg")
    return require("matplotlib.pyplot", "report")


def save_no_answer_plots(scores: Scores, directory: str | Path) -> list[Path]:
    """The files of the official script's --out-image-dir: `pr_exact.png`, `pr_f1.png`,
    `pr_oracle.png`, `na_prob_hist_hasAns.png`, `na_prob_hist_noAns.png`.

    Args:
        scores: With no-answer probabilities.
        directory: Made if it is not there.

    Returns:
        The paths written.
    """
    plt = pyplot()
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, column in (
        ("exact", scores.exact),
        ("f1", scores.f1),
        ("oracle", scores.has_answer.astype(np.float64)),
    ):
        curve = scores.precision_recall(column)
        figure, axes = plt.subplots()
        axes.step(curve.recall, curve.precision, where="post")
        axes.fill_between(curve.recall, curve.precision, step="post", alpha=0.2)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.05), ylim=(0, 1.05))
        axes.set_title(f"{name}: average precision {curve.average_precision:.2f}")
        paths.append(folder / f"pr_{name}.png")
        save_figure(figure, paths[-1])
        plt.close(figure)
    for name, chosen in (("hasAns", scores.has_answer), ("noAns", ~scores.has_answer)):
        if not chosen.any():
            continue
        figure, axes = plt.subplots()
        values = scores.probabilities()[chosen]
        axes.hist(values, bins=20, range=(0.0, 1.0), weights=np.full(len(values), 1 / len(values)))
        axes.set(xlabel="no-answer probability", ylabel="share of the questions")
        axes.set_title(f"{name}: {len(values)} questions")
        paths.append(folder / f"na_prob_hist_{name}.png")
        save_figure(figure, paths[-1])
        plt.close(figure)
    return paths
