"""Lets these tests use the tracker and the drives that the tests of tickets use."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tickets"))
