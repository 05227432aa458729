"""What is installed, and what an import of it costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
HEAVY = {
    "duckdb",
    "pyarrow",
    "requests",
    "pydantic",
    "prefect",
    "selectolax",
    "fastwarc",
    "warcio",
    "rich.table",
}


def _python(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout.strip()


def test_the_command_line_imports_nothing_heavy() -> None:
    loaded = set(_python("import ca_etl, ca_etl.cli.app, sys; print(*sys.modules)").split())
    assert loaded & HEAVY == set()


def test_the_library_works_without_prefect() -> None:
    loaded = set(_python("import ca_etl.pipeline.run, sys; print(*sys.modules)").split())
    assert "duckdb" in loaded
    assert "prefect" not in loaded


def test_the_wheel_carries_its_sql_and_its_demo(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    program = (
        "from ca_etl.warehouse.models import discover; from ca_etl.warehouse.sqlfiles import sql_root;"
        "from ca_etl.demo.banks import official_rates; from ca_etl.demo.content import tickers;"
        "print(sql_root(), len(discover(sql_root())), len(tickers()), len(official_rates()['nbk']))"
    )
    root, models, days, official_days = _python(program, PYTHONPATH=str(unpacked)).split()
    assert Path(root) == unpacked / "ca_etl" / "sql"
    assert int(models) == len(
        [*(REPOSITORY / "sql").glob("main/*.sql"), *(REPOSITORY / "sql").glob("staging/*.sql")]
    )
    assert int(days) > 0
    assert int(official_days) > 0


def test_the_locks_carry_hashes_and_name_no_registry() -> None:
    for lock in [*REPOSITORY.glob("*.lock"), *REPOSITORY.glob("*/**/*.lock")]:
        if any(part.startswith(".") for part in lock.relative_to(REPOSITORY).parts):
            continue
        text = lock.read_text(encoding="utf-8")
        assert not re.search(r"https?://|--index|--extra-index|--find-links", text), lock
        names = re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE)
        assert names, lock
        blocks = re.split(r"^(?=[a-z0-9._-]+==)", text, flags=re.MULTILINE)
        assert all("--hash=sha256:" in block for block in blocks if block.strip()), lock


def test_the_top_of_the_changelog_is_the_version_of_the_program_and_of_its_package() -> None:
    import ca_etl

    headings = re.findall(
        r"^## (.+)$", (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert headings[0] == ca_etl.__version__ == project["version"]
    assert headings == sorted(headings, key=lambda version: [*map(int, version.split("."))], reverse=True)


def test_only_modules_that_import_within_functions_are_let_off_the_rule_against_it() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (pattern,) = (
        name
        for name, rules in project["tool"]["ruff"]["lint"]["per-file-ignores"].items()
        if rules == ["PLC0415"]
    )
    folder, _, names = pattern.removesuffix("}.py").partition("{")
    for name in names.split(","):
        text = (REPOSITORY / f"{folder}{name}.py").read_text(encoding="utf-8")
        assert re.search(r"^ +(from \S+ )?import ", text.partition("\n\n\n")[2], re.MULTILINE), name
