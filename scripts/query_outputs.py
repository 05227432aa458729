"""The results of the queries in README.md and docs/queries.md, made from the queries, and docs/dictionary.md.

A result is the `text` block after its `sql` block. A test compares the documents with what `with_outputs` makes of
them, and docs/dictionary.md with what `dictionary` makes. Run as a program on a data directory, it rewrites them:

    CA_ETL_DATA_DIR=demo-data ca-etl demo --days 30 --outage 2025-12-10
    python scripts/query_outputs.py demo-data
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from ca_etl.cli.render import Format, write_result
from ca_etl.report.dictionary import ColumnFacts, TableFacts, read_tables, render_markdown
from ca_etl.warehouse.connection import open_release

ROOT: Final = Path(__file__).parents[1]
DOCUMENTS: Final = (ROOT / "README.md", ROOT / "docs" / "queries.md")
DICTIONARY: Final = ROOT / "docs" / "dictionary.md"
VARYING: Final = re.compile(r"capture_id|url$|duration_ms|archive_offset")
PAIR: Final = re.compile(r"```sql\n(?P<query>.*?)```\n\n```text\n.*?```", re.DOTALL)


def queries(document: str) -> list[str]:
    """The queries of a document that are followed by a result."""
    return [match["query"] for match in PAIR.finditer(document)]


def with_outputs(document: str, warehouse: Path) -> str:
    """The document with the result of each query on `warehouse` after it."""
    with open_release(warehouse, locked_down=True) as con:

        def run(match: re.Match[str]) -> str:
            out = io.StringIO()
            write_result(con.sql(match["query"]), Format.TABLE, out)
            lines = [line.rstrip() for line in out.getvalue().splitlines()]
            shown = "\n".join(line for line in lines if line)
            return f"```sql\n{match['query']}```\n\n```text\n{shown}\n```"

        return PAIR.sub(run, document)


def dictionary(warehouse: Path) -> str:
    """The dictionary of a warehouse as Markdown, with examples that are the same in each thirty days of the demo."""
    with open_release(warehouse, locked_down=True) as con:
        tables = [replace(table, columns=tuple(_lasting(table))) for table in read_tables(con)]
    return render_markdown(tables, month="thirty days of the demo")


def _lasting(table: TableFacts) -> Iterator[ColumnFacts]:
    """The columns of a table without the examples that depend on the port of the demo and the speed of the machine.

    The ids of captures depend on the port, and so does which rows are the last in their order.
    """
    for column in table.columns:
        if "capture_id" in table.grain:
            yield replace(column, examples=())
        elif VARYING.search(column.name):
            yield replace(column, examples=("…",) * len(column.examples))
        else:
            yield column


if __name__ == "__main__":
    release = Path(sys.argv[1]) / "current" / "warehouse.duckdb"
    for path in DOCUMENTS:
        path.write_text(with_outputs(path.read_text(encoding="utf-8"), release), encoding="utf-8")
    DICTIONARY.write_text(dictionary(release), encoding="utf-8")
