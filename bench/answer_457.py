"""transformers 4.57.6's pipeline as a server for `compare_pipeline.py`, in a Python of its own.

    python bench/answer_457.py MODEL DTYPE DEVICE BATCH_SIZE

Reads one JSON object with `question` and `context` (lists) per line of standard input, and prints
one with the seconds that the call took and `[start, end, score, answer]` of every question.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings

if __name__ == "__main__":
    # An environment may borrow its torch from another one, which is gigabytes.
    if extra := os.environ.get("FASTQA_TORCH_PATH"):
        sys.path.append(extra)
    import transformers

    assert transformers.__version__.startswith("4.57"), transformers.__version__
    warnings.simplefilter("ignore")
    transformers.utils.logging.set_verbosity_error()
    model, dtype, device, batch_size = sys.argv[1:5]
    pipe = transformers.pipeline(
        "question-answering", model=model, dtype=dtype, device=device, batch_size=int(batch_size)
    )
    for line in sys.stdin:
        inputs = json.loads(line)
        started = time.perf_counter()
        found = pipe(**inputs)
        seconds = time.perf_counter() - started
        answers = [[one["start"], one["end"], one["score"], one["answer"]] for one in found]
        print(json.dumps({"seconds": seconds, "answers": answers}), flush=True)
