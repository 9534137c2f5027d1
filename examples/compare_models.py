"""Which of two readers is better, and could it be chance?

    pip install "fastqa[train,report]"
    python examples/compare_models.py READER_A READER_B --data squad --report both.html

Both answer the same questions. The difference comes with an interval, from resampling whole
paragraphs, since questions of one paragraph are not independent, and with McNemar's exact test.
"""

from __future__ import annotations

import argparse

import fastqa


def main() -> None:
    """Answer with both, compare, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs=2, metavar="READER", help="names on the hub, or folders")
    parser.add_argument("--data", default="squad")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--report", help="also make a page of both")
    options = parser.parse_args()

    data = fastqa.load_qa_dataset(options.data, split=options.split)
    first, second = (fastqa.AnswerQuestions(model).search(data) for model in options.models)
    style = "squad1" if all(answers["text"] for answers in data["answers"]) else "squad2"
    scores = [fastqa.score(found.to_dict(), data, style=style) for found in (first, second)]
    result = fastqa.compare(*scores, cluster="context")
    for name, one in result.metrics.items():
        print(
            f"{name}: {one.first:.2f} and {one.second:.2f}, difference {one.difference:+.2f} "
            f"(95% interval {one.low:+.2f} to {one.high:+.2f})"
        )
    print(f"McNemar's test on exact match: p = {result.mcnemar.p_value:.4f}")
    if options.report:
        fastqa.report(data, first, second, names=options.models, path=options.report)
        print("open", options.report)


if __name__ == "__main__":
    main()
