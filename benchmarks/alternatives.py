"""The environment of what we compare with: `.compat/bench`, made from `requirements.lock` when it is missing."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.measure import ROOT, tell

FOLDER: Final = ROOT / ".compat" / "bench"
LOCK: Final = Path(__file__).with_name("requirements.lock")
MARKER: Final = FOLDER / ".locked"


def alternative(program: str) -> Path:
    """A program of the environment (`python`, `dbt`), which holds the locked versions when this returns.

    Raises `subprocess.CalledProcessError` when it cannot be made; pip has then said why.
    """
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not MARKER.exists() or MARKER.read_text(encoding="utf-8") != digest:
        tell(f"making {FOLDER.relative_to(ROOT)} for what is compared with")
        python = FOLDER / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", str(LOCK)], check=True)
        MARKER.write_text(digest, encoding="utf-8")
    return FOLDER / "bin" / program


def alternative_version(package: str) -> str:
    """The version of `package` in the environment."""
    asked = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([alternative("python"), "-c", asked], check=True, capture_output=True, text=True)
    return done.stdout.strip()
