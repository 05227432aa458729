"""The README's query results, from the README's own queries.

A result stands in a `text` block right after its `sql` block. `with_outputs` puts in what the queries give on a
release; a test compares. Run as a program on a data directory, it rewrites the README:

    ca-etl demo --days 30 --outage 2025-12-10
    python scripts/readme_outputs.py data
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Final

from ca_etl.output import Format, write_result
from ca_etl.warehouse.connect import open_release

README: Final = Path(__file__).parents[1] / "README.md"
PAIR: Final = re.compile(r"```sql\n(?P<query>.*?)```\n\n```text\n.*?```", re.DOTALL)


def queries(readme: str) -> list[str]:
    """The queries whose results the README shows."""
    return [match["query"] for match in PAIR.finditer(readme)]


def with_outputs(readme: str, warehouse: Path) -> str:
    """The README with the result of each query on `warehouse` put below it."""
    with open_release(warehouse, locked_down=True) as con:

        def run(match: re.Match[str]) -> str:
            out = io.StringIO()
            write_result(con.sql(match["query"]), Format.TABLE, out)
            lines = [line.rstrip() for line in out.getvalue().splitlines()]
            shown = "\n".join(line for line in lines if line)
            return f"```sql\n{match['query']}```\n\n```text\n{shown}\n```"

        return PAIR.sub(run, readme)


if __name__ == "__main__":
    release = Path(sys.argv[1]) / "current" / "warehouse.duckdb"
    README.write_text(with_outputs(README.read_text(encoding="utf-8"), release), encoding="utf-8")
