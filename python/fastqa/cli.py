"""The command `fastqa`: each stage of the pipeline as a subcommand.

A subcommand is a module in `fastqa.commands` with `configure(parser)` and `run(arguments)`; it is
imported only when it is used, so that `fastqa --help` needs NumPy alone.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol, cast

from fastqa import __version__
from fastqa.errors import FastqaWarning
from fastqa.optional import require
from fastqa.terminal import print_note, set_quiet

#: Subcommand -> what it does, in the order of the pipeline.
COMMANDS = {
    "demo": "answer the questions of an embedded sample and score them; needs no network",
    "show": "look at random questions with their answers",
    "train": "fine-tune a reader, with EM and F1 at every evaluation",
    "evaluate": "score a reader on a dataset",
    "predict": "answer any number of questions into a file, in constant memory, or on a cluster",
    "answer": "answer questions from texts with a reader",
    "postprocess": "turn saved features and logits into answers",
    "score": "score a prediction file with the official numbers",
    "compare": "compare two prediction files: differences, intervals, significance",
    "report": "make a page to look at: scores, errors, charts, every question",
    "serve": "open a local page to paste a text and ask questions",
    "check": "find what is wrong with a data set, and write a repaired copy",
    "bench": "measure the search on this machine beside plain Python and NumPy",
}


#: In place of a command's name: configure all of them.
_EVERY = "*"


class CommandModule(Protocol):
    """What a module in `fastqa.commands` provides."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it and return the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 for an error, 2 for wrong usage.

    Args:
        argv: the arguments after `fastqa`; by default those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = next((word for word in arguments if not word.startswith("-")), None)
    try:
        parser = _parser(name if name in COMMANDS else None)
        parsed = parser.parse_args(arguments)
    except SystemExit as stop:
        # argparse has already said what is wrong, or printed the help.
        return stop.code if isinstance(stop.code, int) else 2
    except Exception as error:
        # Some commands take their flags from packages that only an extra installs.
        print(f"fastqa {name}: error: {_one_line(error)}", file=sys.stderr)
        return 1
    if "print_completion" in parsed:
        return _print_completion(parsed.print_completion)
    if parsed.command is None:
        parser.print_help()
        return 2
    set_quiet(parsed.quiet)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", FastqaWarning)
            warnings.showwarning = _show_warning
            code: int = _module(parsed.command).run(parsed)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("fastqa: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of the pipe is gone; whatever is left to flush has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if parsed.debug:
            traceback.print_exc()
        else:
            print(f"fastqa {parsed.command}: error: {_one_line(error)}", file=sys.stderr)
        return 1


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line: the usage of `train` alone is 300 lines long. A flag may be
    spelt with `-` or with `_`."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Take `--n_best_size`, as `run_qa.py` spells it, for `--n-best-size`, and vice versa."""
        words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args([self._as_spelt(word) for word in words], namespace)

    def _as_spelt(self, word: str) -> str:
        """The word, or the flag of ours that it spells differently."""
        flag, equals, value = word.partition("=")
        known = self._option_string_actions
        if flag.startswith("--") and flag not in known:
            name = flag[2:]
            for other in (name.replace("_", "-"), name.replace("-", "_")):
                if f"--{other}" in known:
                    return f"--{other}{equals}{value}"
        return word

    def error(self, message: str) -> NoReturn:
        """Print and leave with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def run() -> None:
    """The entry point of the `fastqa` script."""
    sys.exit(main())


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    shared = _Parser(add_help=False)
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    shared.add_argument("-q", "--quiet", action="store_true", help="print results only")
    parser = _Parser(
        prog="fastqa",
        usage="fastqa COMMAND [arguments]",
        description="Extractive question answering: train, search answers, score, look.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_overview(),
    )
    parser.add_argument("--version", action="version", version=f"fastqa {__version__}")
    parser.add_argument(
        "--print-completion",
        choices=["bash", "zsh", "tcsh"],
        default=argparse.SUPPRESS,  # else it would be a setting of every command
        help='make the shell complete commands: eval "$(fastqa --print-completion bash)"',
    )
    commands = parser.add_subparsers(
        dest="command",
        metavar="COMMAND",
        prog="fastqa",
        # The overview lists them; what is suppressed is not completed.
        help=None if chosen == _EVERY else argparse.SUPPRESS,
    )
    for name, help_text in COMMANDS.items():
        subparser = commands.add_parser(
            name,
            help=help_text,
            description=help_text[0].upper() + help_text[1:] + ".",
            parents=[shared],
        )
        if name == chosen:
            _module(name).configure(subparser)
        elif chosen == _EVERY:
            with contextlib.suppress(ImportError):  # its extra is not installed
                _module(name).configure(subparser)
    return parser


def _print_completion(shell: str) -> int:
    try:
        shtab = require("shtab", "completion")
    except ImportError as error:
        print(f"fastqa: error: {_one_line(error)}", file=sys.stderr)
        return 1
    print(shtab.complete(_parser(_EVERY), shell=shell))
    return 0


def _overview() -> str:
    """The commands and first steps. argparse's own list breaks its lines at longer names."""
    width = max(map(len, COMMANDS)) + 2
    commands = "\n".join(f"  {name:<{width}}{text}" for name, text in COMMANDS.items())
    return f"commands:\n{commands}\n\n{_FIRST_STEPS}"


_FIRST_STEPS = """first steps:
  fastqa demo
  fastqa answer --model READER --question "Which river?" --context "The Danube is a river."
  fastqa score dev-v2.0.json predictions.json
  fastqa report dev-v2.0.json predictions.json --output report.html

READER is a folder or a name on the Hugging Face hub. fastqa COMMAND --help tells more of each."""


def _module(name: str) -> CommandModule:
    return cast(CommandModule, importlib.import_module(f"fastqa.commands.{name}"))


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning is a note to the user, not a line of our code."""
    print_note(f"fastqa: warning: {message}")


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        # Without "[Errno 2]", in the words of our own errors.
        missing = isinstance(error, FileNotFoundError)
        text = f"{'no such file' if missing else error.strerror.lower()}: {error.filename}"
    elif isinstance(error, KeyError) and error.args:
        text = str(error.args[0])  # str(KeyError) is the repr of its text
    else:
        text = str(error)
    line = " ".join(text.split()) or type(error).__name__
    if not isinstance(error, _EXPECTED):
        line += f" ({type(error).__name__}: --debug shows where)"
    return line


#: What wrong input raises; anything else is worth a traceback.
_EXPECTED = (ValueError, KeyError, TypeError, OSError, ImportError)
