"""The SQuAD processors and metrics of transformers 4.57.6 (this file run as a script in an
environment that has it) and of `fastqa.compat`, on the embedded sample with made-up logits.

    python tests/squad_metrics_cases.py TOKENIZER DATA_FOLDER FILE OUT.json
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any


def logits(number: int, length: int, side: int) -> list[float]:
    """The same made-up logits everywhere: `random.Random` is stable across versions."""
    source = random.Random(10 * number + side)
    return [round(source.gauss(0, 3), 3) for _ in range(length)]


def beam_result(module: Any, number: int, unique_id: int, length: int) -> Any:
    """The outputs of a beam-search head: five starts, five ends for each, some equal."""
    source = random.Random(number)
    tops = [[round(-abs(source.gauss(0, 3)), 1) for _ in range(size)] for size in (5, 25)]
    indices = [[source.randrange(length) for _ in top] for top in tops]
    return module.SquadResult(
        unique_id,
        *tops,
        start_top_index=indices[0],
        end_top_index=indices[1],
        cls_logits=round(source.gauss(0, 2), 3),
    )


def run(module: Any, tokenizer: Any, folder: str, filename: str) -> dict[str, Any]:
    """Features, predictions and scores; `module` has the names of processors and metrics."""
    examples = module.SquadV2Processor().get_dev_examples(folder, filename=filename)
    train = module.SquadV1Processor().get_train_examples(folder, filename=filename)
    output: dict[str, Any] = {}
    features = []
    for name, given, training in (("dev", examples, False), ("train", train[:40], True)):
        features = module.squad_convert_examples_to_features(
            given, tokenizer, 96, 32, 24, training, tqdm_enabled=False
        )
        output[f"{name} features"] = [
            [
                list(feature.input_ids),
                list(feature.token_type_ids),
                list(feature.p_mask),
                sorted(feature.token_to_orig_map.items()),
                sorted(feature.token_is_max_context.items()),
                feature.start_position,
                feature.end_position,
                feature.is_impossible,
                feature.example_index,
                feature.unique_id,
            ]
            for feature in features
        ]
        if not training:
            dev = features
    results = [
        module.SquadResult(feature.unique_id, logits(n, 96, 0), logits(n, 96, 1))
        for n, feature in enumerate(dev)
    ]
    for negative in (False, True):
        files = [f"nbest-{negative}.json", f"odds-{negative}.json"]
        predictions = module.compute_predictions_logits(
            examples, dev, results, 20, 12, True, None, *files, False, negative, 0.0, tokenizer
        )
        key = f"negative={negative}"
        output[key] = [dict(predictions), json.loads(Path(files[0]).read_text())]
        if negative:
            odds = json.loads(Path(files[1]).read_text())
            output[key].append(odds)
            output["scores"] = dict(module.squad_evaluate(examples, predictions, odds, 0.5))
    beams = [beam_result(module, n, feature.unique_id, 96) for n, feature in enumerate(dev)]
    files = ["beam-predictions.json", "beam-nbest.json", "beam-odds.json"]
    predictions = module.compute_predictions_log_probs(
        examples, dev, beams, 20, 12, *files, 5, 5, True, tokenizer, False
    )
    written = [json.loads(Path(name).read_text()) for name in files]
    output["beam search"] = [dict(predictions), *written]
    # Answers that are right, where the texts have to be projected back onto the words.
    golds = {one.qas_id: (one.answers or [{"text": ""}])[0]["text"] for one in examples}
    output["gold scores"] = dict(module.squad_evaluate(examples, golds))
    return json.loads(json.dumps(output))


if __name__ == "__main__":
    if extra := os.environ.get("FASTQA_TORCH_PATH"):
        sys.path.append(extra)
    from types import SimpleNamespace

    import transformers
    from transformers.data.metrics import squad_metrics
    from transformers.data.processors import squad

    vocabulary, folder, filename, out = sys.argv[1:5]
    # Only the slow tokenizers could take words and ids there.
    slow = transformers.BertTokenizer(vocabulary, do_lower_case=True)
    module = SimpleNamespace(**{**vars(squad), **vars(squad_metrics)})
    Path(out).write_text(json.dumps(run(module, slow, folder, filename)))
