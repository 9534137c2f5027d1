"""Processes, threads and signals: every entry point, in every way in which processes are started.

Each case is a process of its own with a watchdog: a hang is a failure after a while, not for ever.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from process_calls import CALLS

TESTS = str(Path(__file__).parent)
#: Seconds until the watchdog bites; the cases take a few seconds on a free machine.
PATIENCE = 300


def start(code: str, **environment: str) -> subprocess.Popen[str]:
    """A Python process of its own session, with tests/ on its path."""
    path = os.pathsep.join([TESTS, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": path, "RUST_BACKTRACE": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its exit code and what it printed; a hang kills it with all its children and fails."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        pytest.fail(f"hung for {PATIENCE} s\n{output}\n{errors}")
    return process.returncode, output, errors


def run(code: str, **environment: str) -> str:
    """Run `code` to its end, which must be a good one; what it printed."""
    status, output, errors = finish(start(code, **environment))
    assert status == 0, f"exit code {status}\n{output}\n{errors}"
    return output


@pytest.mark.parametrize("warmer", CALLS)
def test_every_entry_point_works_in_a_fork_of_a_process_that_called_another(warmer: str) -> None:
    run(f"import process_calls; process_calls.main('fork', {warmer!r})")


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_every_entry_point_works_in_processes_started_afresh(method: str) -> None:
    run(f"import process_calls; process_calls.main({method!r}, 'search')")


def test_two_threads_and_a_busy_collector_of_garbage_do_not_lock_each_other() -> None:
    run("""
        import gc, sys, threading, time
        from process_calls import CALLS
        sys.setswitchinterval(1e-6)
        expected = {name: call() for name, call in CALLS.items()}
        stop, wrong = time.monotonic() + 4, []

        def work():
            while time.monotonic() < stop:
                for name, call in CALLS.items():
                    if call() != expected[name]:
                        wrong.append(name)

        def litter():
            while time.monotonic() < stop:
                ring = [[] for _ in range(1000)]
                ring.append(ring)
                del ring
                gc.collect()

        threads = [threading.Thread(target=target) for target in (work, work, litter)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong
    """)


def test_a_fork_while_another_thread_is_inside_a_call_works_two_hundred_times() -> None:
    run("""
        import os, signal, threading
        import process_calls
        from process_calls import CALLS
        expected = {name: call() for name, call in CALLS.items()}
        done = threading.Event()

        def work():
            while not done.is_set():
                for call in (process_calls.search, process_calls.score, process_calls.decode):
                    call()

        thread = threading.Thread(target=work)
        thread.start()
        names = list(CALLS)
        try:
            for number in range(200):
                name = names[number % len(names)]
                child = os.fork()
                if child == 0:
                    signal.alarm(40)  # ends a child that hangs, with a status that tells
                    same = CALLS[name]() == expected[name]
                    os._exit(0 if same else 3)
                _, status = os.waitpid(child, 0)
                assert status == 0, (number, name, status)
        finally:
            done.set()
            thread.join()
    """)


def test_a_collector_that_was_in_use_at_a_fork_says_so_in_the_child() -> None:
    output = run("""
        import os, signal, threading
        import fastqa, process_calls
        examples, features, (start, end) = process_calls.inputs()
        collector = fastqa.SpanCollector(examples, features)
        done = threading.Event()

        def work():
            state = collector.state_dict()
            while not done.is_set():
                collector.update(start, end)
                collector.load_state_dict(state)

        collector.update(start[:1], end[:1])
        thread = threading.Thread(target=work)
        thread.start()
        refused = 0
        try:
            for number in range(40):
                child = os.fork()
                if child == 0:
                    signal.alarm(40)
                    try:
                        collector.update(start[:5], end[:5], range(5))
                        collector.result(partial=True)
                    except ValueError as error:
                        os._exit(1 if "forked while another thread" in str(error) else 4)
                    os._exit(0)
                _, status = os.waitpid(child, 0)
                assert status in (0, 256), (number, status)
                refused += status == 256
        finally:
            done.set()
            thread.join()
        print(refused)
    """)
    assert 0 <= int(output) <= 40


LONG = {
    "search": """
        logits = np.random.default_rng(0).normal(size=(100_000, 384)).astype("f4")
        offsets = (np.tile(np.arange(385)[:, None], 2)[:384] + [0, 1]).astype("i4")
        examples = {"id": [str(i) for i in range(len(logits))], "context": ["x" * 400] * len(logits)}
        features = {
            "example_id": examples["id"],
            "offset_mapping": np.broadcast_to(offsets, (len(logits), 384, 2)),
        }
        params = fastqa.SpanParams(candidates="all")
        call = lambda: fastqa.search(examples, features, (logits, logits), params, progress=False)
    """,
    "collector": """
        logits = np.random.default_rng(0).normal(size=(100_000, 384)).astype("f4")
        offsets = (np.tile(np.arange(385)[:, None], 2)[:384] + [0, 1]).astype("i4")
        examples = {"id": [str(i) for i in range(len(logits))], "context": ["x" * 400] * len(logits)}
        features = {
            "example_id": examples["id"],
            "offset_mapping": np.broadcast_to(offsets, (len(logits), 384, 2)),
        }
        params = fastqa.SpanParams(candidates="all")
        collector = fastqa.SpanCollector(examples, features, params)
        call = lambda: collector.update(logits, logits)
    """,
    "decode": """
        logits = np.random.default_rng(0).normal(size=10_000 * 512).astype("f4")
        allowed, null = np.ones(len(logits), "u1"), np.zeros(10_000, "i8")
        call = lambda: _rust.decode_windows(
            logits, logits, (10_000, 512), allowed, null, 2000, 512, "window_softmax"
        )
    """,
    "score": """
        golds = [" ".join(f"w{i}" for i in range(j, j + 400)) for j in range(40)] * 500
        texts = [" ".join(f"w{i}" for i in range(20, 420))] * 20_000
        call = lambda: _rust.score_answers(texts, golds, np.arange(20_001), "cmrc2018")
    """,
    "resample": """
        values = np.random.default_rng(0).normal(size=(10_000, 4))
        call = lambda: _rust.resample_sums(values, 1_000_000, 0)
    """,
    "normalize": """
        texts = ["Ünïcode, dög! " * 2000] * 8000
        call = lambda: _rust.normalize_answers(texts)
    """,
}


@pytest.mark.parametrize("name", LONG)
def test_ctrl_c_ends_a_long_call_within_a_second(name: str) -> None:
    code = f"""
        import sys, time
        import numpy as np
        import fastqa
        from fastqa import _rust
        {textwrap.indent(textwrap.dedent(LONG[name]), " " * 8).strip()}
        print("ready", flush=True)
        begin = time.perf_counter()
        try:
            call()
        except KeyboardInterrupt:
            print("stopped")
            sys.exit(0)
        print("was over after", time.perf_counter() - begin)
    """
    process = start(code)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()
    time.sleep(0.3)
    assert process.poll() is None
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    status, output, errors = finish(process)
    took = time.monotonic() - begin
    assert (status, output) == (0, "stopped\n"), errors
    # Within a second on a machine that is free; a busy one gets as much more as it is busy.
    limit = max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
    assert took < limit, f"Ctrl-C took {took:.2f} s of {limit:.2f}"


def test_sizes_that_do_not_fit_into_memory_are_errors_and_do_not_end_the_process() -> None:
    run("""
        import resource, sys
        import numpy as np
        import fastqa, process_calls
        from fastqa import _rust
        fastqa.set_num_threads(2)
        process_calls.search()  # the threads have their stacks
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, used + 2**29))
        examples, features, logits = process_calls.inputs()
        huge = fastqa.SpanParams(n_best_size=10**9, max_answer_length=10**9)
        small = fastqa.SpanParams(n_best_size=32, max_answer_length=32)
        found = fastqa.search(examples, features, logits, huge)
        assert found.to_dict() == fastqa.search(examples, features, logits, small).to_dict()
        collector = fastqa.SpanCollector(examples, features, huge)
        collector.update(*logits)
        assert collector.result().to_dict() == found.to_dict()
        flat = [np.zeros(4, "f4"), np.zeros(4, "f4"), (1, 4)]
        columns = [(np.array([0, 4], "i4"), np.arange(0, 9, 2), None, np.zeros(8, "i4"))]
        for call in (
            lambda: _rust.search(tuple(flat), columns, np.zeros(1, "u4"), 10**11, small),
            lambda: _rust.CollectorStore(10**11, small).finish(),
            lambda: _rust.resample_sums(np.zeros((10, 1)), 10**11, 0),
            lambda: fastqa.confidence_intervals(process_calls.scores(), resamples=10**10),
        ):
            try:
                call()
            except MemoryError as error:
                assert "no memory for" in str(error), error
            else:
                sys.exit("no MemoryError")
        process_calls.search()
    """)


def test_the_number_of_threads_is_what_was_asked_for_first() -> None:
    output = run("""
        import multiprocessing, os, time
        from pathlib import Path
        import fastqa, process_calls

        def threads():
            names = [task.joinpath("comm").read_text() for task in Path("/proc/self/task").iterdir()]
            return sum(name.startswith("fastqa-") for name in names)

        def started(expected):
            for _ in range(200):  # threads need a moment to start and take their names
                if threads() == expected:
                    break
                time.sleep(0.02)
            return threads()

        def case(asked, queue, environment):
            os.environ.update(environment)
            if asked is not None:
                fastqa.set_num_threads(asked)
            before = threads()
            process_calls.decode()
            queue.put((before, started(fastqa.num_threads()), fastqa.num_threads()))

        if __name__ == "__main__":
            for name in ("FASTQA_NUM_THREADS", "RAYON_NUM_THREADS", "LOCAL_WORLD_SIZE"):
                os.environ.pop(name, None)
            cores = len(os.sched_getaffinity(0))
            ours, rayon, world = "FASTQA_NUM_THREADS", "RAYON_NUM_THREADS", "LOCAL_WORLD_SIZE"
            cases = [
                ((None, {}), cores),
                ((None, {rayon: "3"}), 3),
                ((None, {ours: "4", rayon: "3", world: "2"}), 4),
                ((5, {ours: "4", rayon: "3"}), 5),
                ((None, {world: str(cores)}), 1),
                ((None, {world: str(10 * cores)}), 1),
                ((None, {ours: "many", rayon: "-1", world: "0"}), cores),
                ((0, {ours: "2"}), 2),
            ]
            context = multiprocessing.get_context("fork")
            for (asked, environment), expected in cases:
                queue = context.Queue()
                process = context.Process(target=case, args=(asked, queue, environment))
                process.start()
                assert queue.get(timeout=60) == (0, expected, expected), (environment, expected)
                process.join()
            # Workers of pools and data loaders are daemons: they share the cores.
            queue = context.Queue()
            process = context.Process(target=case, args=(None, queue, {}), daemon=True)
            process.start()
            assert queue.get(timeout=60) == (0, 1, 1)
            print("ok")
    """)
    assert output == "ok\n"


def test_a_daemon_thread_inside_a_call_does_not_spoil_the_exit() -> None:
    run("""
        import threading, time
        import process_calls
        process_calls.search()

        def work():
            while True:
                process_calls.search()
                process_calls.score()

        for _ in range(2):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
    """)


def test_a_subinterpreter_is_refused_without_a_crash() -> None:
    run("""
        import _xxsubinterpreters as interpreters
        import fastqa  # noqa: F401
        interpreter = interpreters.create()
        try:
            interpreters.run_string(interpreter, "import fastqa._rust")
        except Exception as error:
            assert "ImportError" in str(error), error
        else:
            raise SystemExit("imported")
        interpreters.destroy(interpreter)
    """)


def test_a_panic_is_an_ordinary_exception_and_the_next_call_works() -> None:
    output = run("""
        import fastqa, process_calls
        from fastqa import _rust
        expected = process_calls.search()
        for in_worker in (False, True):
            try:
                _rust._debug_panic(in_worker)
            except Exception as error:  # PanicException would not be one
                assert type(error) is fastqa.InternalError, type(error)
                assert isinstance(error, RuntimeError)
                assert "please report it" in str(error) and "asked to panic" in str(error)
                assert "debug.rs" in str(error)
            assert process_calls.search() == expected
        print("ok")
    """)
    assert output == "ok\n"


def test_map_with_two_processes_and_a_data_loader_with_two_workers_use_fastqa() -> None:
    run("""
        import datasets, torch
        import fastqa, process_calls

        datasets.disable_progress_bars()
        expected = {name: call() for name, call in process_calls.CALLS.items()}  # warm
        names = list(process_calls.CALLS) * 4

        def call(row):
            return {"found": process_calls.CALLS[row["name"]](), "threads": fastqa.num_threads()}

        class Calls(torch.utils.data.Dataset):
            def __len__(self):
                return len(names)
            def __getitem__(self, index):
                return process_calls.CALLS[names[index]](), fastqa.num_threads()

        rows = datasets.Dataset.from_dict({"name": names}).map(call, num_proc=2)
        assert rows["found"] == [expected[name] for name in names]
        assert set(rows["threads"]) == {1}
        loader = torch.utils.data.DataLoader(
            Calls(), batch_size=3, num_workers=2, multiprocessing_context="fork"
        )
        found = [pair for texts, threads in loader for pair in zip(texts, threads.tolist())]
        assert found == [(expected[name], 1) for name in names]
    """)
