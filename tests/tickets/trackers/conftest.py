"""Lets these tests use what the tests of tickets use: pytest puts a test's own folder on the path only."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
