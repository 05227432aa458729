"""What a run puts beside the rows of its captures before the models are built."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from ca_etl.pipeline.publish import build_tables
from ca_etl.warehouse.raw_schema import ensure_raw

NOW = datetime(2025, 12, 9, 2, tzinfo=UTC)


def test_a_bank_with_rates_gets_its_calendar_from_the_first_rate_to_a_week_ahead(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        ensure_raw(con)
        con.execute(
            "insert into raw.capture by name select 'c1' as capture_id, 'nbk' as source, 'page' as response_class,"
            " 'warc' as source_kind, '00' as payload_sha256, 1 as payload_bytes,"
            " 0 as ticker_cycles, 0 as articles_parsed,"
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
