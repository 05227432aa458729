"""What a run puts beside the rows of its captures before the models are built."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from ca_etl.pipeline.publish import build_tables
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.datapackage import listed_files
from ca_etl.warehouse.raw_schema import ensure_raw

NOW = datetime(2025, 12, 9, 2, tzinfo=UTC)


def test_a_bank_with_rates_gets_its_calendar_from_the_first_rate_to_a_week_ahead(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        ensure_raw(con)
        con.execute(
            "insert into raw.capture by name select 'c1' as capture_id, 'nbk' as source, 'page' as response_class,"
            " '00' as payload_sha256, 1 as payload_bytes, 0 as ticker_cycles, 0 as articles_parsed,"
            " 'a.warc.gz' as archive_file, 0 as archive_offset, '1' as parser_version, 'r1' as run_id"
        )
        con.execute(
            "insert into raw.official_rate values"
            " ('c1', 0, 'USD', 'KZT', '505.92', 1, 505.92, '2025-12-05', null, 'official')"
        )
    build_tables(warehouse, [], [], NOW)
    with duckdb.connect(str(warehouse), read_only=True) as con:
        days = con.sql("from raw.publication_day order by day").fetchall()
    assert days[0] == ("nbk", date(2025, 12, 5), "expected")
    assert days[2] == ("nbk", date(2025, 12, 7), "weekend")
    assert days[-1][:2] == ("nbk", date(2025, 12, 16))
    assert len(days) == 12


def test_a_release_has_a_report_that_its_descriptor_lists(on_site: Settings) -> None:
    outcome = run_daily(on_site)
    assert outcome.release is not None
    assert outcome.warnings == ()
    assert "report.html" in {file.path for file in listed_files(outcome.release.folder)}


def test_a_report_that_cannot_be_made_is_a_warning_and_the_release_is_published_without_it(
    on_site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "markupsafe", None)  # as where a package is missing
    outcome = run_daily(on_site)
    assert outcome.release is not None
    assert "report.html" not in {file.path for file in listed_files(outcome.release.folder)}
    (warning,) = outcome.warnings
    assert warning.startswith(
        "the release is published without report.html: what it shows cannot be read: Module"
    )
    assert warning.endswith("next: ca-etl report --output report.html")
    assert journal.read(on_site.data_dir)[-1].warnings == (warning,)
