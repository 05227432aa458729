"""Where the SQL files are: inside the installed package, or at the root of the repository."""

from __future__ import annotations

from pathlib import Path

import ca_etl
from ca_etl.errors import CaEtlError
from ca_etl.warehouse.model_header import split_file


def sql_root() -> Path:
    """The folder `sql/`: `ca_etl/sql` in an installed package, `<repository>/sql` in an editable install.

    Raises `CaEtlError` when neither exists, which means a broken installation.
    """
    package = Path(ca_etl.__file__).parent
    candidates = (package / "sql", package.parents[1] / "sql")
    for folder in candidates:
        if (folder / "raw").is_dir():
            return folder
    raise CaEtlError(
        f"the SQL files are missing: neither {candidates[0]} nor {candidates[1]} holds raw/",
        "make setup",
    )


def raw_files() -> tuple[Path, ...]:
    """The files `sql/raw/<table>.sql` of the tables of `raw`, in order of their names."""
    return tuple(sorted((sql_root() / "raw").glob("*.sql")))


def frontier_query(name: str) -> str:
    """Read the query `sql/frontier/<name>.sql`, without its header; it chooses what a run requests next.

    These queries are the only way in which a run reads the results of earlier runs from the release.
    """
    path = sql_root() / "frontier" / f"{name}.sql"
    return split_file(path.read_text("utf-8"), path)[1]
