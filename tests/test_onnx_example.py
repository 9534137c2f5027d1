"""`examples/onnx_runtime.py`, from a saved reader to its answers."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

import fastqa

from small_models import save_reader

EXAMPLE = Path(__file__).parents[1] / "examples" / "onnx_runtime.py"
CONTEXT = "The old lighthouse at Cape Reed was built in 1871 by Ann Lee. It is 31 metres high. "


# The exporter warns about its own parts.
@pytest.mark.filterwarnings("ignore")
def test_the_example_gives_the_answers_of_the_pipeline_also_over_several_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = save_reader(tmp_path / "reader", [CONTEXT])
    pipe = fastqa.pipeline(reader, device="cpu", max_seq_len=128, doc_stride=32, top_k=3)
    file = tmp_path / "reader.onnx"
    # The second call finds the file and only loads it.
    for context in (CONTEXT, 12 * CONTEXT):
        call = ["onnx_runtime.py", str(reader), "--onnx", str(file), "--top-k", "3"]
        call += ["--question", "Who built it?", "--context", context]
        monkeypatch.setattr(sys, "argv", call)
        runpy.run_path(str(EXAMPLE), run_name="__main__")
        found = json.loads(capsys.readouterr().out.splitlines()[-1])
        wanted = pipe(question="Who built it?", context=context)
        places = [(one["start"], one["end"], one["answer"]) for one in wanted]
        assert [(one["start"], one["end"], one["answer"]) for one in found] == places
        scores = pytest.approx([one["score"] for one in wanted], abs=1e-5)
        assert [one["score"] for one in found] == scores
