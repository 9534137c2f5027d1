"""Do Cargo.toml, the lock file, the changelog and the citation name one version?

`python3 tools/check_version.py [VERSION]`; with VERSION, that one. Needs Python 3.11 alone.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def versions() -> dict[str, str]:
    """File to the version that it names; "" where it names none."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    locked = {
        package["version"] for package in lock["package"] if package["name"].startswith("fastqa-")
    }
    found = {
        "Cargo.toml": manifest["workspace"]["package"]["version"],
        "Cargo.lock": " and ".join(sorted(locked)),
    }
    for name, pattern in (
        ("CHANGELOG.md", r"^## \[(\d[^\]]*)\]"),  # the newest released one
        ("CITATION.cff", r"^version: (\S+)"),
    ):
        match = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        found[name] = match[1] if match else ""
    return found


def run(wanted: str | None) -> int:
    """Print what differs, and the exit code."""
    found = versions()
    expected = wanted or found["Cargo.toml"]
    wrong = {name: version for name, version in found.items() if version != expected}
    for name, version in wrong.items():
        print(f"{name} names version {version or 'none'}, expected {expected}")
    if not wrong:
        print(f"version {expected}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else None))
