"""Rows in `raw.*` are given, and the models are built from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from ca_etl.archive.naming import origin_of
from ca_etl.parse.links import title_slug, url_slug
from ca_etl.parse.page import PageKind, ticker_day
from ca_etl.records import response_class
from ca_etl.warehouse.checks import run_checks
from ca_etl.warehouse.journal import CheckResult
from ca_etl.warehouse.models import Model, build_models, create_model, discover
from ca_etl.warehouse.raw_load import count_words
from ca_etl.warehouse.raw_schema import ensure_raw
from ca_etl.warehouse.sqlfiles import sql_root

Row = dict[str, Any]
FUNCTIONS = {path.stem for path in (sql_root() / "functions").glob("*/*.sql")}
ALMATY = ZoneInfo("Asia/Almaty")

DEFAULTS: dict[str, Row] = {
    "capture": {
        "capture_id": "c1",
        "source": "timesca",
        "payload_sha256": "00",
        "payload_bytes": 1,
        "ticker_cycles": 8,
        "articles_parsed": 0,
        "archive_file": "2025/12/a.warc.gz",
        "archive_offset": 0,
        "parser_version": "1",
        "run_id": "r1",
    },
    "archive_file": {
        "archive_file": "2025/12/a.warc.gz",
        "source": "timesca",
        "sha256": "00",
        "bytes": 1,
        "records": 1,
        "bad_records": 0,
        "parser_version": "1",
        "run_id": "r1",
    },
    "rate_observation": {
        "capture_id": "c1",
        "base": "KGS",
        "quote": "USD",
        "rate_text": "0.01144",
        "change_text": "0%",
        "position": 1,
    },
    "official_rate": {
        "capture_id": "c1",
        "position": 0,
        "base": "USD",
        "quote": "KZT",
        "nominal": 1,
        "rate_date": "2025-12-05",
        "rate_type": "official",
    },
    "publication_day": {"source": "nbk", "day_kind": "expected"},
    "article_observation": {"capture_id": "c1", "position": 1, "is_truncated": False, "media": []},
    "article_text": {},
    "enriched": {"version": "1"},
    "text_country": {"country_code": "KZ", "mentions": 1},
    "text_amount": {
        "text_id": "t1",
        "text_start": 0,
        "text_end": 1,
        "amount_text": "$1",
        "amount": 1,
        "currency": "USD",
        "is_approximate": False,
    },
    "text_profile": {"text_id": "t1", "language": "en", "words": 200, "bands": []},
    "text_pair": {"text_id": "t1", "other_id": "t2", "shared_runs": 9, "runs": 10, "names_apart": 0},
    "reject": {
        "capture_id": "c1",
        "position": 0,
        "reason": "no_ticker",
        "detail": "-",
        "excerpt": "",
        "parser_version": "1",
        "run_id": "r1",
    },
    "decision": {"capture_id": "c1", "reason": "checked by hand", "decided_at": "2025-12-06 00:00:00+00"},
    "run": {
        "run_id": "r1",
        "kind": "run",
        "started_at": "2025-12-05 02:00:00+00",
        "status": "succeeded",
        "captures": 1,
        "rejects": 0,
        "code_version": "0.1.0",
        "warnings": [],
    },
    "slot": {
        "run_id": "r1",
        "source": "timesca",
        "schedule": "daily",
        "slot": "2025-12-05 02:00:00+00",
        "day": "2025-12-05",
        "outcome": "observed",
    },
    "check_result": {
        "run_id": "r1",
        "check_name": "a_check",
        "model": "main.fct_rate_daily",
        "severity": "error",
        "offending_rows": 0,
        "sample": "",
    },
}


def _complete(table: str, row: Row) -> Row:
    full = DEFAULTS[table] | row
    if table == "capture":
        full = _parsed(full) | full
    if table == "rate_observation":
        full.setdefault("rate", full["rate_text"])
        full.setdefault("change_pct", full["change_text"].strip("%"))
    if table == "official_rate":
        full.setdefault("rate", Decimal(full["rate_text"].replace(",", ".")) / full["nominal"])
    if table == "article_observation":
        full.setdefault("url_slug", url_slug(full["url"]) if full.get("url") else None)
        full.setdefault("title_slug", title_slug(full["title"]) if full.get("title") else None)
    return full


def _parsed(row: Row) -> Row:
    """What the parser makes of the given columns of a capture."""
    status = row.get("http_status")
    printed, captured = (
        None if row.get(name) is None else date.fromisoformat(str(row[name]))
        for name in ("page_date", "captured_date")
    )
    day = ticker_day(PageKind(row.get("page_kind") or PageKind.OTHER), printed, captured)
    return {
        "observed_date": day,
        "observed_from": row.get("captured_at") or (day and datetime.combine(day, time(), ALMATY)),
        "source_kind": row.get("source_kind") or "warc",
        "response_class": response_class(
            row["source"],
            status,
            is_page=status in {None, 200, 304},
            is_revisit=row.get("refers_to") is not None,
        ),
    }


def _archive_files(rows: list[Row]) -> list[Row]:
    """Rows for the archive files of captures that a test names and does not give."""
    names = sorted({str(_complete("capture", row)["archive_file"]) for row in rows})
    return [{"archive_file": name, **origin_of({}, Path(name).name)._asdict()} for name in names]


@dataclass(frozen=True)
class Warehouse:
    """A warehouse in memory with the models built from given rows.

    `unbuilt` are models, in build order, that are built when a query names them or one that reads them: a test that
    asks one table does not wait for the other forty.
    """

    landing: duckdb.DuckDBPyConnection
    unbuilt: dict[str, Model]

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The connection, with all models built."""
        self._build(set(self.unbuilt))
        return self.landing

    def _build(self, names: set[str]) -> None:
        wanted = set[str]()
        while names:
            wanted |= names
            names = {
                parent for name in names for parent in self.unbuilt[name].parents if parent in self.unbuilt
            }
        for name in [name for name in self.unbuilt if name in wanted]:
            create_model(self.landing, self.unbuilt.pop(name))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        words = set(re.findall(r"\w+", query))
        named = {name for name, model in self.unbuilt.items() if model.table in words}
        # a function of ours reads tables that the query does not name
        self._build(set(self.unbuilt) if words & FUNCTIONS else named)
        return self.landing.execute(query).fetchall()

    def row(self, query: str) -> tuple[Any, ...]:
        (row,) = self.rows(query)
        return row

    def checks(self, run_id: str | None = None) -> dict[str, CheckResult]:
        return {result.check_name: result for result in run_checks(self.con, sql_root(), run_id)}

    def firing(self, run_id: str | None = None) -> set[str]:
        return {name for name, result in self.checks(run_id).items() if result.offending_rows}


def insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    if table == "capture":
        known = {name for (name,) in con.execute("select archive_file from raw.archive_file").fetchall()}
        insert(con, "archive_file", [row for row in _archive_files(rows) if row["archive_file"] not in known])
    for row in rows:
        full = _complete(table, row)
        marks = ", ".join("?" for _ in full)
        con.execute(f"insert into raw.{table} ({', '.join(full)}) values ({marks})", list(full.values()))


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def landing() -> Iterator[duckdb.DuckDBPyConnection]:
    """One warehouse for all tests that only give rows: making the raw tables takes half of such a test."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    ensure_raw(connection)
    build_models(connection, sql_root())
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def models() -> tuple[Model, ...]:
    """The models in build order."""
    return discover(sql_root())


@pytest.fixture
def given(landing: duckdb.DuckDBPyConnection, models: tuple[Model, ...]) -> Callable[..., Warehouse]:
    """`given(capture=[...], rate_observation=[...])`: rows as dicts, what they leave out has a default."""

    def build(**tables: list[Row]) -> Warehouse:
        landing.execute("".join(f"delete from raw.{table};" for table in (*DEFAULTS, "text_size")))
        # before the captures, whose files are completed
        for table, rows in sorted(tables.items()):
            insert(landing, table, rows)
        count_words(landing)
        return Warehouse(landing, {model.name: model for model in models})

    return build


@pytest.fixture
def macros(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A connection that knows the exact arithmetic of `sql/macros/`."""
    for path in sorted((sql_root() / "macros").glob("*.sql")):
        con.execute(path.read_text("utf-8"))
    return con


@pytest.fixture
def sql_folder(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """`sql_folder({"main/a.sql": text})`: a folder of SQL files as the runner reads it."""

    def write(files: dict[str, str]) -> Path:
        for folder in ("raw", "seeds", "staging", "main", "checks", "functions/staging", "functions/main"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


TICKER = {"KGS": "0.01144", "KZT": "0.00198", "TJS": "0.10857", "UZS": "0.00008", "TMT": "0.28571"}


def _page(capture_id: str, day: str, **columns: Any) -> Row:
    return {
        "capture_id": capture_id,
        "url": "https://timesca.com/latest/",
        "captured_at": f"{day} 02:00:00+00",
        "captured_date": day,
        "page_date": day,
        "shown_from": 1,
        "shown_to": 6,
        "shown_total": 1,
        "articles_parsed": 1,
    } | columns


@pytest.fixture(scope="session")
def clean() -> Iterator[Warehouse]:
    """A warehouse in which every table has rows and no check fires. Change it in a transaction only."""
    captures = ["c1", "c2", "excluded"]
    rows: dict[str, list[Row]] = {
        "capture": [
            _page("c1", "2025-12-05"),
            _page("c2", "2025-12-07", run_id="r2", articles_parsed=4, shown_total=4, shown_to=4),
            _page("excluded", "2025-12-06"),
            _page("text", "2025-12-05", source="web-archive", source_kind="wet", articles_parsed=0),
            _page("blocked", "2025-12-06", articles_parsed=0, run_id="r0", shown_from=None),
            _page(
                "listed",
                "2025-12-05",
                source="timesca-posts",
                shown_from=None,
                page_date=None,
                page_kind="posts_api",
                archive_file="2025/12/20251205T020000Z-timesca-posts.warc.gz",
            ),
            _page(
                "swept",
                "2025-12-07",
                source="timesca-articles",
                url="https://timesca.com/a-bridge/",
                http_status=404,
                articles_parsed=0,
                shown_from=None,
                page_date=None,
                archive_file="2025/12/20251207T043000Z-timesca-articles-sweep.warc.gz",
            ),
            _page(
                "bank",
                "2025-12-05",
                source="nbk",
                url="https://nationalbank.kz/",
                shown_from=None,
                page_date=None,
                articles_parsed=0,
                archive_file="2025/12/20251205T020000Z-nbk.warc.gz",
            ),
        ],
        "rate_observation": [
            {"capture_id": capture, "base": base, "rate_text": rate, "position": position}
            for capture in captures
            for position, (base, rate) in enumerate(TICKER.items(), start=1)
        ]
        + [{"capture_id": "text", "base": "KGS", "rate_text": "0.01144"}],
        "official_rate": [
            {"capture_id": "bank", "rate_text": "505.92", "requested_date": "2025-12-05"},
            {"capture_id": "bank", "position": 1, "rate_text": "505.92", "rate_date": "2025-12-06"},
        ],
        "publication_day": [{"day": "2025-12-05"}, {"day": "2025-12-06", "day_kind": "weekend"}],
        "article_observation": [
            *(
                {"capture_id": capture, "title": "A Road", "text_id": "t4" if capture == "c2" else "t1"}
                for capture in captures
            ),
            {"capture_id": "c2", "position": 2, "title": "The Road", "text_id": "t2"},
            {"capture_id": "c2", "position": 3, "title": "A Letter", "text_id": "t1"},
            {"capture_id": "c2", "position": 4, "title": "Another Letter", "text_id": "t3"},
            {
                "capture_id": "listed",
                "title": "A Bridge",
                "url": "https://timesca.com/a-bridge/",
                "post_id": 7,
            },
        ],
        "article_text": [
            {"text_id": "t1", "text": "The road is long."},
            {"text_id": "t2", "text": "The road is quite long."},
            {"text_id": "t3", "text": "Another letter."},
            {"text_id": "t4", "text": "The road was long."},
        ],
        "reject": [
            {"capture_id": "blocked", "reason": "blocked", "run_id": "r0"},
            {"capture_id": "swept", "reason": "http_error", "run_id": "r0"},
        ],
        "decision": [{"capture_id": "excluded", "decision": "exclude"}],
        "text_country": [{"item": "t1"}],
        "text_amount": [{}],
        "text_profile": [{}, {"text_id": "t2"}, {"text_id": "t3"}, {"text_id": "t4"}],
        "text_pair": [{}],
        "run": [{}, {"run_id": "r2"}],
        "slot": [{"outcome": "missed"}, {"source": "timesca-posts"}],
        "check_result": [{}],
    }
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    ensure_raw(con)
    for table, given_rows in rows.items():
        insert(con, table, given_rows)
    count_words(con)
    build_models(con, sql_root())
    yield Warehouse(con, {})
    con.close()
