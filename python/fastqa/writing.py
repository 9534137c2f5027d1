"""Files that are the old one or the whole new one, also when the process is killed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

__all__ = ["save_figure", "write_atomically", "write_text"]


@contextmanager
def write_atomically(path: str | os.PathLike[str], mode: str = "w") -> Iterator[IO[Any]]:
    """A file that takes the place of `path` when the block ends; an error leaves `path` as it was.

    It is made beside `path`, hidden, and renamed. A link stays one: what it points to is replaced.
    The permissions of an older file are kept. Devices and pipes (`/dev/stdout`) are written to
    directly. Text is UTF-8 with "\\n" line ends; a lone surrogate, which UTF-8 does not have, is
    written as `\\udXXX`, as JSON spells it.
    """
    given, path = path, Path(os.path.realpath(path))
    text: dict[str, Any] = (
        {} if "b" in mode else {"encoding": "utf-8", "newline": "\n", "errors": "backslashreplace"}
    )
    if path.exists() and not path.is_file():
        # Of a folder this raises the right error. A device must never be renamed over.
        with path.open(mode, **text) as file:
            yield file
        return
    # Names of up to 255 bytes are legal: the temporary one must not be longer.
    own = f".{path.name[:40]}.{os.getpid()}.{threading.get_ident()}.tmp"
    temporary = path.with_name(own)
    try:
        with temporary.open(mode, **text) as file:
            yield file
        with suppress(FileNotFoundError):
            temporary.chmod(path.stat().st_mode & 0o7777)
        temporary.replace(path)
    except FileNotFoundError as error:
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"cannot write {given}: there is no folder {Path(given).parent}; create it first"
            ) from error
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a whole text as `write_atomically` does."""
    with write_atomically(path) as file:
        file.write(text)


def save_figure(figure: Any, path: str | os.PathLike[str], **options: Any) -> None:
    """Save a matplotlib figure as `write_atomically` does; the ending tells the format."""
    options.setdefault("format", Path(path).suffix[1:] or "png")
    with write_atomically(path, "wb") as file:
        figure.savefig(file, **options)
