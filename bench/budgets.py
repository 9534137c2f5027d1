"""What the project holds itself to: ratios in one run on two cores, SQuAD dev where not said."""

from __future__ import annotations

from dataclasses import dataclass

from fastqa.benchmark import Comparison


@dataclass(frozen=True)
class Budget:
    """One line.

    Attributes:
        what: what fastqa does.
        peer: who it is compared with, as the benchmark calls it.
        limit: the ratio.
        at_most: the ratio is fastqa's time over the peer's, and must not be above the limit;
            otherwise it is the peer's over fastqa's, and must not be below.
    """

    what: str
    peer: str
    limit: float
    at_most: bool = False

    @property
    def text(self) -> str:
        """The limit as it is written."""
        return f"{'at most' if self.at_most else 'at least'} {self.limit:g}x"

    def measured(self, found: Comparison) -> float:
        """The ratio in the budget's direction."""
        return 1 / found.ratio if self.at_most else found.ratio

    def holds(self, ratio: float) -> bool:
        """A ratio in the budget's direction is within it."""
        return ratio <= self.limit if self.at_most else ratio >= self.limit

    def verdict(self, found: Comparison) -> str:
        """In few words."""
        ratio = self.measured(found)
        return f"{'held' if self.holds(ratio) else 'MISSED'}: {ratio:.3g}x, {self.text}"


NOTEBOOK = "the notebook function"
UTILS_QA = "utils_qa"
MAXIMUM = "np.max of both arrays"
NUMBA_ARGSORT = "numba, argsort"
DATASETS_MAP = "datasets.map"
EVALUATE = "evaluate"
TEN_THOUSAND = "10,000 windows"
RECIPE = "the notebook's recipe"

BUDGETS = {
    "postprocess": Budget("`postprocess`, Dataset in, dict out", NOTEBOOK, 250),
    "long documents": Budget("`postprocess`, long documents", NOTEBOOK, 400),
    "files": Budget("`postprocess_qa_predictions`, files written", UTILS_QA, 60),
    "maximum": Budget("engine on arrays", MAXIMUM, 8, at_most=True),
    "numba": Budget("engine on arrays", NUMBA_ARGSORT, 15),
    "squad": Budget("`squad`", EVALUATE, 50),
    "squad_v2": Budget("`squad_v2`", EVALUATE, 50),
    "features": Budget("features", DATASETS_MAP, 1.8),
    "linear": Budget("cost per window at 1,000,000 windows", TEN_THOUSAND, 1.2, at_most=True),
    "evaluation": Budget("`fastqa evaluate` end to end on a CPU", RECIPE, 2),
    "training": Budget("training, samples per second", RECIPE, 1.8),
}
