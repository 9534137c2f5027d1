"""Puts tests/ on the path, so that `from oracle import metrics` works from anywhere."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
