"""Peak memory of `fastqa evaluate` on SQuAD dev once and four times over.

    python bench/measure_evaluation_memory.py [--questions 10570] [--model FOLDER]

The questions lie in a saved dataset, so that they and the windows are files mapped into memory; the
system may drop such pages at any time, so what counts is the process's own memory (anonymous pages).
By default the reader is a tiny one made here: what grows with the data does not depend on it.
Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from real_data import SHARED  # noqa: E402


def peak_of(command: list[str]) -> dict[str, Any]:
    """Run `command`; the largest anonymous and the largest whole resident memory, in MB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peaks = {"own": 0.0, "resident": 0.0}

    def watch() -> None:
        while process.poll() is None:
            try:
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            except OSError:
                return
            values = dict(line.split(":", 1) for line in lines if ":" in line)
            for name, key in (("own", "RssAnon"), ("resident", "VmRSS")):
                if key in values:
                    peaks[name] = max(peaks[name], int(values[key].split()[0]) / 1024)
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(process.returncode)
    scores = json.loads(output.splitlines()[-1] if output.lstrip()[:2] != "{\n" else output)
    megabytes = {name: round(value, 1) for name, value in peaks.items()}
    return {"megabytes": megabytes, "exact_match": scores["exact_match"], "f1": scores["f1"]}


def main() -> None:
    """Evaluate on both sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=10_570)
    parser.add_argument("--model")
    options = parser.parse_args()
    import datasets

    import fastqa

    from small_models import save_reader

    datasets.disable_progress_bars()
    once = fastqa.load_qa_dataset(SHARED / "data/squad/dev-v1.1.json")
    once = once.select(range(options.questions)).flatten_indices()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = options.model or str(save_reader(folder / "reader", once["context"][:2000]))
        results = {}
        for times in (1, 4):
            copies = [
                once.map(lambda row, copy=copy: {"id": f"{copy}-{row['id']}"}, keep_in_memory=True)
                for copy in range(times)
            ]
            datasets.concatenate_datasets(copies).save_to_disk(folder / f"times-{times}")
            command = [sys.executable, "-m", "fastqa", "evaluate", "--model", model]
            command += ["--data", str(folder / f"times-{times}"), "--json", "--quiet"]
            command += ["--max-length", "128", "--doc-stride", "32"] if not options.model else []
            results[f"{times}x"] = peak_of(command)
    print(json.dumps({"questions": len(once), **results}))


if __name__ == "__main__":
    main()
