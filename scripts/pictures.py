"""The pictures in docs/, drawn from a month of the demo and what backfills win from its web archives before it.

A test compares. Run as a program on a data directory, of which it takes a copy, it draws them again:

    CA_ETL_DATA_DIR=demo-data ca-etl demo --days 30 --outage 2025-12-10
    python scripts/pictures.py demo-data
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from ca_etl.demo.content import FIRST_DAY, default_last_day
from ca_etl.demo.site import DemoSite
from ca_etl.errors import CaEtlError
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_backfill
from ca_etl.report.coverage_chart import coverage_chart, known_days
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange
from ca_etl.warehouse.connection import open_release

DOCS: Final = Path(__file__).parents[1] / "docs"
BACKFILLS: Final = {
    "commoncrawl": DateRange(FIRST_DAY, date(2025, 6, 30)),
    "wayback": DateRange(date(2025, 3, 1), default_last_day()),
}


def win_back(data_dir: Path) -> None:
    """Backfill a demo month from both web archives. Raises `CaEtlError` where one is not published."""
    clock = clock_from(datetime.combine(default_last_day() + timedelta(days=1), time(9), UTC))
    environment = Environment(clock=clock, sleep=lambda _seconds: None)
    with DemoSite() as site:
        settings = Settings(data_dir=data_dir, site_url=site.base_url, _env_file=None)
        for name, days in BACKFILLS.items():
            outcome = run_backfill(settings, days, source=name, environment=environment)
            if outcome.exit_status:
                raise CaEtlError(outcome.error, outcome.hint)


def draw(data_dir: Path, folder: Path) -> None:
    """Draw the pictures of the release of a data directory into a folder."""
    with open_release(data_dir / "current" / "warehouse.duckdb") as con:
        coverage_chart(known_days(con)).save(str(folder / "days-known.svg"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        month = Path(directory) / "month"
        shutil.copytree(sys.argv[1], month, symlinks=True)
        win_back(month)
        draw(month, DOCS)
