"""`scripts/with_postgres.sh`: a PostgreSQL for the time of one command."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "with_postgres.sh"


def beside_postgres(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(SCRIPT), "bash", "-c", command],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    if "no PostgreSQL here" in done.stderr:
        pytest.skip("PostgreSQL is not on this machine (apt-get install postgresql)")
    return done


def test_the_command_reaches_it_and_its_status_is_passed_on(reachable: Path) -> None:
    done = beside_postgres(
        reachable,
        "psql -Atc 'create database other' && psql -Atc 'select current_user, rolcreatedb from pg_roles "
        "where rolname = current_user' && pg_isready && echo $CA_ETL_TEST_POSTGRES; exit 7",
    )
    assert done.returncode == 7, done.stderr
    created, role, ready, url = done.stdout.splitlines()
    assert (created, role) == ("CREATE DATABASE", "prefect|t")
    port = ready.split()[0].partition(":")[2]
    assert url.startswith("postgresql+asyncpg://prefect:")
    assert url.endswith(f"@127.0.0.1:{port}/prefect")


def test_nothing_of_it_is_left(reachable: Path) -> None:
    done = beside_postgres(reachable, "head -n 1 $TMPDIR/ca_etl_postgres.*/data/postmaster.pid")
    assert done.returncode == 0, done.stderr
    assert not Path(f"/proc/{int(done.stdout)}").exists()
    assert list(reachable.iterdir()) == []


def test_no_password_no_entry(reachable: Path) -> None:
    done = beside_postgres(reachable, "PGPASSWORD=guessed psql -c 'select 1'")
    assert done.returncode == 2
    assert "password authentication failed" in done.stderr


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that the owner of the server may enter, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="with_postgres_test.") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
