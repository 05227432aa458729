"""The published file under open readers, and under older clients."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ca_etl.pipeline.play import play_days
from ca_etl.settings import Settings

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def days(settings: Settings) -> Iterator[Any]:
    return play_days(settings, 2)


@pytest.mark.slow
def test_an_open_reader_neither_blocks_a_run_nor_sees_it(settings: Settings, days: Iterator[Any]) -> None:
    next(days)
    count = "select count(*), max(rate_date) from fct_rate_daily"
    with duckdb.connect(str(settings.data_dir / "current" / "warehouse.duckdb"), read_only=True) as reader:
        before = reader.sql(count).fetchall()
        second = next(days)
        assert second.exit_status == 0
        assert reader.sql(count).fetchall() == before
    with duckdb.connect(str(settings.data_dir / "current" / "warehouse.duckdb"), read_only=True) as later:
        assert later.sql(count).fetchall() == [(10, second_day(before))]


def second_day(before: list[tuple[Any, ...]]) -> Any:
    from datetime import timedelta

    return before[0][1] + timedelta(days=1)


def test_the_oldest_promised_client_opens_the_release(settings: Settings, days: Iterator[Any]) -> None:
    python = REPOSITORY / ".compat" / "duckdb-1.2.2" / "bin" / "python"
    if not python.exists():
        pytest.skip("no DuckDB 1.2.2 here: make compat")
    next(days)
    program = (
        "import duckdb, json, sys\n"
        "con = duckdb.connect(sys.argv[1], read_only=True)\n"
        "tables = [r[0] for r in con.sql('show tables').fetchall()]\n"
        "counts = {t: con.sql(f'select count(*) from {t}').fetchone()[0] for t in tables}\n"
        "comment = con.sql(\"select comment from duckdb_tables() where table_name = 'fct_rate_daily'\").fetchone()[0]\n"
        # this client has nothing beside it, so that what needs a package of its own would fail
        "rates = con.sql('select rate_date, rate from fct_rate_daily').fetchall()\n"
        "made = con.sql('''\n"
        "    select count(*), bool_and(crossed.rate = daily.inverse_rate and crossed.rate_low = daily.inverse_low\n"
        "        and crossed.rate_high = daily.inverse_high),\n"
        "        bool_and(converted.quote_amount = round(daily.rate * 1000, 8)\n"
        "        and converted.quote_amount_low <= daily.rate_low * 1000 and not converted.is_filled)\n"
        "    from fct_rate_best as daily, cross_rate('USD', base, rate_date) as crossed,\n"
        "        convert_amount(1000, daily.base, 'USD', daily.rate_date) as converted''').fetchone()\n"
        "missing = con.sql(\"select rate, no_rate_reason from cross_rate('EUR', 'USD', '2025-12-05')\").fetchall()\n"
        "print(json.dumps([duckdb.__version__, counts, comment, len(rates), made, missing]))\n"
    )
    done = subprocess.run(
        [str(python), "-I", "-c", program, str(settings.data_dir / "current" / "warehouse.duckdb")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    version, counts, comment, rates, made, missing = json.loads(done.stdout)
    assert version == "1.2.2"
    assert counts["fct_rate_daily"] == rates == 5
    assert "gap" in comment
    assert counts["fct_rate_weekly"] == 5
    assert counts["fct_rate_daily_wide"] == 1
    assert made == [5, True, True]
    assert missing == [[None, "currency_without_rates"]]


def test_the_release_holds_exactly_these_files(
    settings: Settings, days: Iterator[Any], contents: Callable[[Path], dict[str, Any]]
) -> None:
    release = next(days).release.folder
    tables = {*contents(settings.data_dir), "etl_run", "etl_check"}
    files = {path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()}
    assert files == {
        "warehouse.duckdb",
        "datapackage.json",
        "report.html",
        "dictionary.html",
        *(f"parquet/{table}/{table}.parquet" for table in tables),
    }
    assert (settings.data_dir / "current").resolve() == release.resolve()
