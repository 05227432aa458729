"""Rejects that another version of the parser left, given back to the archive to be read again."""

from __future__ import annotations

import duckdb

from ca_etl.warehouse.load import transaction

# A record that had no readable id is rejected under its place, `<archive file>#<offset>`.
RETRIED = """
    create or replace temp table retried as
    select distinct
        reject.capture_id,
        coalesce(capture.archive_file, regexp_replace(reject.capture_id, '#[0-9]+$', '')) as archive_file
    from raw.reject as reject
    left join raw.capture as capture using (capture_id)
    where reject.parser_version <> $1
"""


def forget_rejects(con: duckdb.DuckDBPyConnection, parser_version: str) -> int:
    """Forget all rows of captures that another parser version rejected in whole or in part.

    Their archive files count as not loaded, so that the next load reads them with `parser_version`; captures of those
    files that were read without a reject stay as they are. Returns the number of captures.
    """
    with transaction(con):
        con.execute(RETRIED, [parser_version])
        for table in ("rate_observation", "article_observation", "reject", "capture"):
            con.execute(f"delete from raw.{table} where capture_id in (select capture_id from retried)")  # noqa: S608
        con.execute("delete from raw.archive_file where archive_file in (select archive_file from retried)")
        (count,) = con.execute("select count(*) from retried").fetchall()[0]
        con.execute("drop table retried")
    return int(count)
