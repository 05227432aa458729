"""Load rows into the tables `raw.*` by their keys, so that loading a capture twice adds nothing.

The tables are those of `sql/raw/`. A capture's rows never change once they are loaded: a correction by the source is a
new capture. What operators and runs record (`raw.decision`, `raw.run`, `raw.check_result`) is replaced. Captures that
an older parser rejected can be marked for parsing again (`forget_rejects`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Final

import duckdb
import pyarrow as pa

from ca_etl.errors import CaEtlError
from ca_etl.records import RejectReason, Rows
from ca_etl.warehouse.connection import fetch_number, transaction
from ca_etl.warehouse.journal import CheckResult, RunRecord, distinct
from ca_etl.warehouse.raw_schema import INCOMING, arrow_rows, incoming, keys_of

# ruff: noqa: S608  table and column names come from `records` and `sql/raw/`, never from data

log = logging.getLogger(__name__)

ORDINAL: Final = "incoming_ordinal"
# The same record may be in two archive files and be read by two runs: its content is the same.
PROVENANCE: Final = frozenset({"archive_file", "archive_offset", "parser_version", "run_id"})
# The key is the hash of the content; comparing would read every text that is stored.
CONTENT_ADDRESSED: Final = frozenset({"article_text"})
# A response with one of these is not a page, so "not modified since" would prove nothing.
NO_PAGE: Final = (
    RejectReason.BAD_RECORD,
    RejectReason.TRUNCATED,
    RejectReason.UNRESOLVED_REVISIT,
    RejectReason.HTTP_ERROR,
    RejectReason.BLOCKED,
    RejectReason.EMPTY,
    RejectReason.BINARY,
    RejectReason.TOO_LARGE,
    RejectReason.UNDECODABLE,
    RejectReason.API_REFUSED,
    RejectReason.BAD_JSON,
    RejectReason.BAD_XML,
)


class ReconciliationError(CaEtlError):
    """The numbers of rows parsed, loaded and already known do not add up: a load lost or invented rows."""


@dataclass(frozen=True, slots=True)
class TableCount:
    """Counts of the rows that one load had for one table: parsed = loaded + known.

    `known` rows were in the table already, or came twice in this load. `differing` counts those of them that differ
    from the row that is kept: the parser has changed since, and only a rebuild takes the new content.
    """

    parsed: int
    loaded: int
    known: int
    differing: int


LoadCounts = Mapping[str, TableCount]


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """An archive file and what was read from it; a row of `raw.archive_file`.

    `archive_file` is relative to the archive folder, with forward slashes; `records` is the number of captures.
    Of a reference, digest and bytes are those of the file that it refers to.
    `schedule` and `slot` (UTC) are None for an ingest or a backfill.
    """

    archive_file: str
    source: str
    schedule: str | None
    slot: datetime | None
    sha256: str
    bytes: int
    records: int
    bad_records: int
    parser_version: str
    run_id: str


@dataclass(frozen=True, slots=True)
class CaptureDecision:
    """A decision of an operator about a capture: `exclude` or `accept`. `decided_at` is UTC."""

    capture_id: str
    decision: str
    reason: str
    decided_at: datetime


def load_tables(con: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> LoadCounts:
    """Insert parsed rows with new keys into the tables `raw.*`, inside the caller's transaction.

    `tables` have the columns of the raw tables of their names. Of two rows with one key the first is kept. Raises
    `ReconciliationError` when parsed = loaded + known does not hold.
    """
    keys = keys_of(con)
    return {table: _insert_new(con, table, keys[table], parsed) for table, parsed in tables.items()}


def mark_loaded(con: duckdb.DuckDBPyConnection, archive_files: Iterable[ArchiveFile]) -> None:
    """Record that all captures of archive files are loaded, inside the transaction that loads them."""
    with incoming(con, arrow_rows(con, "archive_file", [asdict(file) for file in archive_files])):
        con.execute(f"insert or replace into raw.archive_file by name select * from {INCOMING}")


def known_archive_files(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The archive files (relative POSIX paths) whose captures are all loaded."""
    return {row[0] for row in con.execute("select archive_file from raw.archive_file").fetchall()}


def load_journal(con: duckdb.DuckDBPyConnection, records: Iterable[RunRecord]) -> None:
    """Replace the rows of `raw.run`, `raw.slot` and `raw.check_result` by those of the journal's `records`.

    Of two records of one run the first counts.
    """
    first = distinct(records)
    other = {"checks", "slots", "contradicted_by", "held"}
    columns = [field.name for field in fields(RunRecord) if field.name not in other]
    runs = [{name: getattr(record, name) for name in columns} for record in first]
    checks = [{"run_id": record.run_id, **asdict(check)} for record in first for check in record.checks]
    slots = [{"run_id": record.run_id, **asdict(slot)} for record in first for slot in record.slots]
    with transaction(con):
        _replace_rows(con, "run", ("run_id",), runs)
        _replace_rows(con, "slot", ("run_id", "source", "schedule", "slot"), slots)
        _replace_rows(con, "check_result", ("run_id", "check_name"), checks)


def load_check_results(con: duckdb.DuckDBPyConnection, run_id: str, results: Iterable[CheckResult]) -> None:
    """Replace the check results of one run in `raw.check_result` by these; results of other runs stay."""
    rows = [{"run_id": run_id, **asdict(result)} for result in results]
    with transaction(con), incoming(con, arrow_rows(con, "check_result", rows)):
        con.execute("delete from raw.check_result where run_id = ?", [run_id])
        con.execute(f"insert into raw.check_result by name select * from {INCOMING}")


def load_decisions(con: duckdb.DuckDBPyConnection, decisions: Iterable[CaptureDecision]) -> None:
    """Replace the rows of `raw.decision` by these decisions.

    Raises `duckdb.ConstraintException` for a word other than `exclude` and `accept`, and for a capture
    decided on twice.
    """
    with transaction(con):
        _replace_rows(con, "decision", ("capture_id",), [asdict(decision) for decision in decisions])


def load_publication_days(con: duckdb.DuckDBPyConnection, days: Iterable[tuple[str, date, str]]) -> None:
    """Replace the rows of `raw.publication_day` by these days, each with a source, a day and its kind."""
    rows = [{"source": source, "day": day, "day_kind": kind} for source, day, kind in days]
    with transaction(con):
        _replace_rows(con, "publication_day", ("source", "day"), rows)


def count_words(con: duckdb.DuckDBPyConnection) -> None:
    """Give each text of `raw.article_text` its row in `raw.text_size`: a text never changes, and is read once."""
    con.execute(
        """
        insert into raw.text_size by name
        select
            text_id,
            length(text) as characters,
            -- a cleaned text has spaces and line feeds only
            len(list_filter(string_split(replace(text, chr(10), ' '), ' '), lambda word: word <> '')) as word_count
        from raw.article_text
        -- by the rowid no other text is read
        where rowid in (select texts.rowid from raw.article_text as texts anti join raw.text_size using (text_id))
        """
    )


def responses_with_validator(
    con: duckdb.DuckDBPyConnection, urls: Iterable[str]
) -> dict[str, tuple[str, int]]:
    """The archive file and offset of the newest full response for each URL, to make a conditional request from.

    Such a response has status 200 and an ETag or Last-Modified, is a page, and is not excluded by an operator.
    """
    rows = con.execute(
        """
        select url, archive_file, archive_offset
        from raw.capture c
        where list_contains($urls, url) and http_status = 200 and refers_to is null
            and captured_at is not null and (etag is not null or last_modified is not null)
            and not exists (
                from raw.reject r where r.capture_id = c.capture_id and list_contains($no_page, r.reason)
            )
            and not exists (
                from raw.decision d where d.capture_id = c.capture_id and d.decision = 'exclude'
            )
        qualify row_number() over (partition by url order by captured_at desc, capture_id) = 1
        """,
        {"urls": list(urls), "no_page": [str(reason) for reason in NO_PAGE]},
    ).fetchall()
    return {url: (archive_file, offset) for url, archive_file, offset in rows}


def _insert_new(
    con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rows: pa.Table
) -> TableCount:
    """Insert the rows of a table whose key, these `columns`, is new."""
    if rows.num_rows == 0:
        return TableCount(0, 0, 0, 0)
    key = ", ".join(f'"{name}"' for name in columns)
    with incoming(con, _first_of_each(rows, columns)):
        unknown = fetch_number(con, f"select count(*) from {INCOMING} anti join raw.{table} using ({key})")
        loaded = fetch_number(
            con, f"insert into raw.{table} by name select * from {INCOMING} on conflict do nothing"
        )
    known = rows.num_rows - unknown
    if loaded + known != rows.num_rows:
        raise ReconciliationError(
            f"raw.{table} does not add up: {rows.num_rows} rows parsed, {loaded} loaded, {known} already known",
            "ca-etl rebuild",
        )
    content = [name for name in rows.column_names if name not in PROVENANCE.union(columns)]
    differing = _differing(con, table, key, content, rows) if known else 0
    if differing:
        log.warning(
            "raw.%s: %d rows differ from loaded rows with the same keys, which are kept; next: ca-etl rebuild",
            table,
            differing,
        )
    return TableCount(rows.num_rows, loaded, known, differing)


def _first_of_each(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The first row of each key, in their order; nothing is copied where no key repeats."""
    numbered = rows.select(columns).append_column(ORDINAL, pa.array(range(rows.num_rows), pa.int64()))
    # by one thread the keys are in the order of their first rows
    first = numbered.group_by(list(columns), use_threads=False).aggregate([(ORDINAL, "min")])
    return rows if first.num_rows == rows.num_rows else rows.take(first[f"{ORDINAL}_min"])


def _differing(
    con: duckdb.DuckDBPyConnection, table: str, key: str, content: Sequence[str], rows: pa.Table
) -> int:
    if table in CONTENT_ADDRESSED:
        return 0
    other = " or ".join(f'i."{name}" is distinct from t."{name}"' for name in content)
    with incoming(con, rows):
        return fetch_number(
            con, f"select count(*) from {INCOMING} i join raw.{table} t using ({key}) where {other}"
        )


def _replace_rows(
    con: duckdb.DuckDBPyConnection, table: str, key: Sequence[str], rows: list[dict[str, Any]]
) -> None:
    """Make a table hold exactly these rows, writing only those that are new, removed or changed.

    So a long journal costs a run no more than a short one, and the warehouse file does not grow by rewriting.
    """
    with incoming(con, arrow_rows(con, table, rows)):
        con.execute(
            f"delete from raw.{table} where rowid in "
            f"(select t.rowid from raw.{table} t anti join {INCOMING} i on t is not distinct from i)"
        )
        con.execute(
            f"insert into raw.{table} by name "
            f"select * from {INCOMING} i anti join raw.{table} t using ({', '.join(key)})"
        )


# A record that had no readable id is rejected under its position, `<archive file>#<offset>`.
RETRIED: Final = """
    create or replace temp table retried as
    select distinct reject.capture_id, archive_file.archive_file
    from raw.reject as reject
    left join raw.capture as capture using (capture_id)
    left join raw.archive_file as archive_file
        on archive_file.archive_file
            = coalesce(capture.archive_file, regexp_replace(reject.capture_id, '#[0-9]+$', ''))
    where reject.parser_version
        <> coalesce(map($sources, $versions)[coalesce(capture.source, archive_file.source)], $otherwise)
"""


def forget_rejects(con: duckdb.DuckDBPyConnection, versions: Mapping[str, str], otherwise: str) -> int:
    """Delete all rows of captures that another parser version rejected in whole or in part.

    `versions` has the version of the parser of a source, by its name; other sources have the version `otherwise`.
    The archive files of the captures count as not loaded, so that the next load reads them; captures of those files
    that were read without a reject stay as they are. Returns the number of captures.
    """
    with transaction(con):
        con.execute(
            RETRIED, {"sources": list(versions), "versions": list(versions.values()), "otherwise": otherwise}
        )
        keys = keys_of(con)
        for table in (table for table in Rows().by_table() if "capture_id" in keys[table]):
            con.execute(f"delete from raw.{table} where capture_id in (select capture_id from retried)")
        con.execute("delete from raw.archive_file where archive_file in (select archive_file from retried)")
        count = fetch_number(con, "select count(*) from retried")
        con.execute("drop table retried")
    return count


def forget_what_was_missing(con: duckdb.DuckDBPyConnection) -> None:
    """Delete the rejects of lost references and of revisits without an original: the next load reads them again.

    What was missing may be there by then. Captures of these files that have rows stay as they are.
    """
    missing = {"reasons": [str(RejectReason.UNRESOLVED_REVISIT), str(RejectReason.LOST_REFERENCE)]}
    is_missing = "list_contains($reasons, reason)"
    with transaction(con):
        con.execute(
            f"delete from raw.archive_file where bad_records > 0 and exists (from raw.reject where {is_missing})",
            missing,
        )
        con.execute(f"delete from raw.reject where {is_missing}", missing)
