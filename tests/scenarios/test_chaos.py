"""A short campaign of kills, as `docs/operate.md` has a long one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "chaos.py"


@pytest.mark.slow
@pytest.mark.timeout(0)  # how long a machine takes is not a fault
def test_four_kills_leave_nothing_wrong_lost_or_doubled(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--kills", "4", "--seed", "11", "--dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(last) == 1
    assert last[0].startswith("4 kills (")
    assert last[0].endswith(" rounds: 0 wrong, 0 lost, 0 doubled, 0 manual steps")
