"""Files are the old one or the whole new one; what they hold is never trusted."""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

import fastqa
from fastqa.cli import main
from fastqa.reading import read_json
from fastqa.writing import save_figure, write_atomically, write_text

from cases import make_case

SOURCES = Path(inspect.getfile(fastqa)).parent
OLD = "the old content\n"

#: Each writes to the file whose name is the argument, and would go on for ever.
WRITERS = {
    "Python": """
from fastqa.writing import write_atomically
with write_atomically(sys.argv[1]) as file:
    while True:
        file.write("new" * 100_000)
        print("writing", flush=True)
""",
    "Rust": """
import fastqa
rows = range(3000)
examples = {"id": [str(i) for i in rows], "context": ["x" * 50_000] * len(rows)}
features = {"example_id": examples["id"], "offset_mapping": [[(0, 50_000)]] * len(rows)}
logits = [[0.0]] * len(rows)
found = fastqa.search(examples, features, (logits, logits))
names = ("start_logit", "end_logit")
while True:
    print("writing", flush=True)
    found._store.write(sys.argv[1], "predictions", found._ids, found._contexts, None, names)
""",
}


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_process_killed_while_it_writes_leaves_a_whole_file(writer: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    for number in range(4):
        path.write_text(OLD)
        process = subprocess.Popen(
            [sys.executable, "-c", f"import sys\n{WRITERS[writer]}", str(path)],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        # Until it is in the middle of a file.
        deadline = time.monotonic() + 60
        while not any((tmp_path / name).stat().st_size for name in sizes(tmp_path)):
            assert time.monotonic() < deadline
        time.sleep(0.003 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        text = path.read_text()
        assert text == OLD or len(json.loads(text)) == 3000


def sizes(folder: Path) -> list[str]:
    """Temporary files that are there at this moment."""
    names = leftovers(folder)
    return [name for name in names if (folder / name).exists()]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(OLD)
    with pytest.raises(RuntimeError, match="in the middle"), write_atomically(path) as file:
        file.write("new")
        raise RuntimeError("in the middle")
    assert path.read_text() == OLD
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="there is no folder .*nowhere; create it first"):
        write_text(tmp_path / "nowhere" / "file", "x")
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path, "x")


def test_links_devices_permissions_and_long_names_are_kept(tmp_path: Path) -> None:
    examples, features, logits = make_case(1)
    found = fastqa.search(examples, features, logits)
    names = ("start_logit", "end_logit")

    def by_rust(path: Path) -> None:
        contexts = [example["context"] for example in examples]
        found._store.write(path, "predictions", found.ids, contexts, None, names)

    for write in (by_rust, lambda path: write_text(path, '{"new": 1}')):
        target, link = tmp_path / "target.json", tmp_path / "link.json"
        target.write_text(OLD)
        target.chmod(0o640)
        link.symlink_to(target)
        write(link)
        assert link.is_symlink()
        assert json.loads(target.read_text())
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
        link.unlink()
        write(Path(os.devnull))
        assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
        long = tmp_path / ("n" * 250 + ".json")
        write(long)
        assert json.loads(long.read_text())
        assert leftovers(tmp_path) == []


def test_threads_that_write_one_file_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    texts = [str(number) * 200_000 for number in range(8)]
    threads = [threading.Thread(target=write_text, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert leftovers(tmp_path) == []


def test_text_is_utf_8_and_a_lone_surrogate_stays_valid_json(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_text(path, json.dumps({"é": "\ud83d"}, ensure_ascii=False) + "\n")
    assert path.read_bytes() == '{"é": "\\ud83d"}\n'.encode()
    assert read_json(path) == {"é": "\ud83d"}


def test_a_figure_is_written_as_its_ending_says(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    for ending, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        save_figure(Figure(), tmp_path / f"figure.{ending}")
        assert (tmp_path / f"figure.{ending}").read_bytes().startswith(start)


def test_no_source_writes_a_file_in_another_way() -> None:
    wrong = re.compile(
        r"write_text\(.*encoding|write_bytes\(|savefig\(|open\([^)]*[\"'][wax]|to_json\("
    )
    found = [
        f"{path.relative_to(SOURCES)}:{number}"
        for path in sorted(SOURCES.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if wrong.search(line) and "save_figure(" not in line and path.name != "writing.py"
    ]
    # Into a buffer in memory; a stream that is gone on with where it was stopped.
    known = ("reporting/drawing.py", "predicting.py")
    assert [place for place in found if not place.startswith(known)] == []


def test_json_is_read_in_one_place_or_refused_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    for text, error in {
        '{"a": 1': "is not valid JSON: .* at line 1, column 8 .is the file complete..",
        "": "is not valid JSON",
        "[" * 200_000: "is nested too deeply",
        '{"a":' * 200_000: "is nested too deeply",
        "1" * 5000: "cannot be read: Exceeds the limit",
        "\ufeff{": "is not valid JSON",
    }.items():
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=error) as caught:
            read_json(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ValueError, match="is not UTF-8 text: byte 0xff"):
        read_json(path)
    path.write_text("\ufeff[1e999, NaN]", encoding="utf-8")
    assert read_json(path)[0] == float("inf")


def test_keys_that_repeat_are_not_lost_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"q1": "a", "q2": "b", "q1": "c", "x": {"y": 1, "y": 2}}')
    with pytest.warns(fastqa.FastqaWarning, match="2 keys stand there more than once, .* 'y'"):
        assert read_json(path) == {"q1": "c", "q2": "b", "x": {"y": 2}}


def test_a_file_that_does_not_fit_into_memory_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.write(b'{"q": "')
        file.seek(600 * 2**20)  # a hole: no room on the disk
        file.write(b'"}')
    code = """
import resource, sys
from fastqa.cli import main
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
sys.exit(main(["score", sys.argv[1], sys.argv[1]]))
"""
    done = subprocess.run(  # noqa: PLW1510 - its exit code is asserted below
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "FASTQA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 1, done.stderr
    assert "large.json (629 MB) does not fit into memory: split it" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_names_and_texts_from_data_are_never_trusted(tmp_path: Path) -> None:
    """Ids are no paths, and no text becomes part of a page."""
    evil = "../../<script>alert(1)</script>"
    entry = {"id": evil, "question": evil, "answers": [{"text": evil, "answer_start": 0}]}
    paragraphs = [{"context": f"{evil} </script>", "qas": [entry]}]
    data = {"data": [{"title": evil, "paragraphs": paragraphs}]}
    gold, predictions = tmp_path / "gold.json", tmp_path / "predictions.json"
    gold.write_text(json.dumps(data))
    predictions.write_text(json.dumps({evil: evil}))
    folder = tmp_path / "out"
    folder.mkdir()
    page = folder / "page.html"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status = main(["report", str(gold), str(predictions), "--output", str(page), "-q"])
    assert status == 0
    assert evil not in page.read_text(encoding="utf-8")
    assert "<script>alert" not in page.read_text(encoding="utf-8")
    written = sorted(path.name for path in tmp_path.rglob("*"))
    assert written == ["gold.json", "out", "page.html", "predictions.json"]
