from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ca_etl.warehouse.connection import open_building
from ca_etl.warehouse.raw_load import forget_rejects
from ca_etl.warehouse.raw_schema import ensure_raw


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_building(tmp_path / "warehouse.duckdb") as con:
        ensure_raw(con)
        for number in (1, 2, 3):
            con.execute(
                "insert into raw.capture by name select $1 as capture_id, 'timesca' as source, 'x' as payload_sha256,"
                " 1 as payload_bytes, 8 as ticker_cycles, 0 as articles_parsed, 'page' as response_class,"
                " $2 as archive_file,"
                " 0 as archive_offset, 'old' as parser_version, 'r' as run_id",
                [f"urn:{number}", f"2025/12/{'one' if number < 3 else 'two'}.warc.gz"],
            )
        for name in ("one", "two", "broken"):
            con.execute(
                "insert into raw.archive_file select $1, 'timesca', null, null, 'x', 1, 1, 0, 'old', 'r'",
                [f"2025/12/{name}.warc.gz"],
            )
        con.execute("insert into raw.reject values ('urn:1', 1, 'no_ticker', '', '', 'old', 'r')")
        con.execute("insert into raw.reject values ('urn:3', 1, 'no_ticker', '', '', 'new', 'r')")
        con.execute(
            "insert into raw.reject values ('2025/12/broken.warc.gz#17', 1, 'bad_record', '', '', 'old', 'r')"
        )
        yield con


def _column(con: duckdb.DuckDBPyConnection, column: str, table: str) -> list[str]:
    return [row[0] for row in con.execute(f"select {column} from raw.{table} order by 1").fetchall()]


def test_only_what_another_parser_version_rejected_is_forgotten(con: duckdb.DuckDBPyConnection) -> None:
    assert forget_rejects(con, "new") == 2
    assert _column(con, "capture_id", "capture") == ["urn:2", "urn:3"]
    assert _column(con, "capture_id", "reject") == ["urn:3"]
    assert _column(con, "archive_file", "archive_file") == ["2025/12/two.warc.gz"]


def test_a_second_time_there_is_nothing_to_forget(con: duckdb.DuckDBPyConnection) -> None:
    forget_rejects(con, "new")
    assert forget_rejects(con, "new") == 0
