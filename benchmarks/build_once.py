"""One build of all models as a process of its own: `python -m benchmarks.build_once WAREHOUSE`."""

from __future__ import annotations

import sys
from pathlib import Path

from ca_etl.warehouse.connection import open_building
from ca_etl.warehouse.models import build_models
from ca_etl.warehouse.sqlfiles import sql_root


def build_once(warehouse: Path) -> None:
    """Open the file as a run does, build, checkpoint, close."""
    with open_building(warehouse) as con:
        build_models(con, sql_root())


if __name__ == "__main__":
    build_once(Path(sys.argv[1]))
