"""Where Rust's checks are switched off: nowhere, and a place added later has to say why it is sound."""

from __future__ import annotations

import re
from pathlib import Path

RUST = Path(__file__).parents[1] / "rust"
#: How many `unsafe` blocks, functions or implementations each crate may have.
ALLOWED = {"fastqa-core": 0, "fastqa-py": 0}


def unsafe_places(crate: str) -> list[tuple[str, bool]]:
    """File and line of each `unsafe`, and whether a `SAFETY:` comment stands right before it."""
    found = []
    for path in sorted((RUST / crate / "src").rglob("*.rs")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            code = line.split("//")[0]
            if re.search(r"\bunsafe\b", code) and "unsafe_code" not in code:
                before = "\n".join(lines[max(0, number - 4) : number])
                found.append((f"{crate}/{path.name}:{number + 1}", "SAFETY:" in before))
    return found


def test_unsafe_code_is_counted_and_explained() -> None:
    for crate, allowed in ALLOWED.items():
        places = unsafe_places(crate)
        assert len(places) == allowed, places
        assert all(explained for _, explained in places), places


def test_the_core_forbids_unsafe_code_and_the_binding_denies_it() -> None:
    core = (RUST / "fastqa-core/src/lib.rs").read_text(encoding="utf-8")
    binding = (RUST / "fastqa-py/src/lib.rs").read_text(encoding="utf-8")
    assert "#![forbid(unsafe_code)]" in core
    assert "#![deny(unsafe_code)]" in binding


def test_an_index_that_overflows_stops_in_the_released_build_too() -> None:
    manifest = (RUST.parent / "Cargo.toml").read_text(encoding="utf-8")
    release = manifest.split("[profile.release]")[1].split("[profile.")[0]
    assert "overflow-checks = true" in release
    assert "panic =" not in release
