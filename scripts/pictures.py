"""The pictures in docs/, made from thirty days of the demo and what backfills win from its web archives before them.

python scripts/pictures.py
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from ca_etl.demo.content import FIRST_DAY, default_last_day
from ca_etl.demo.site import DemoSite
from ca_etl.errors import CaEtlError
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.play import faults, play_days
from ca_etl.pipeline.run import run_backfill
from ca_etl.report.coverage_chart import coverage_chart, known_days
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange
from ca_etl.warehouse.connection import open_release

DOCS: Final = Path(__file__).parents[1] / "docs"
OUTAGE: Final = date(2025, 12, 10)
# In the one the weeks until the summer, in the other the days until the demo's month ends.
BACKFILLS: Final = {
    "commoncrawl": DateRange(FIRST_DAY, date(2025, 6, 30)),
    "wayback": DateRange(date(2025, 3, 1), default_last_day()),
}


def make_demo(data_dir: Path) -> None:
    """Fill a data directory. Raises `CaEtlError` where a day or a backfill is not published."""
    environment = Environment(sleep=lambda _seconds: None)
    settings = Settings(data_dir=data_dir, _env_file=None)
    outcomes = [*play_days(settings, 30, faults=faults([OUTAGE], []), environment=environment)][-1:]
    with DemoSite() as site:
        on_site = settings.model_copy(update={"site_url": site.base_url, "min_interval_seconds": 0.0})
        clock = clock_from(datetime.combine(default_last_day() + timedelta(days=1), time(9), UTC))
        outcomes += [
            run_backfill(on_site, days, source=name, environment=replace(environment, clock=clock))
            for name, days in BACKFILLS.items()
        ]
    for outcome in outcomes:
        if outcome.exit_status:
            raise CaEtlError(outcome.error, outcome.hint)


def draw(data_dir: Path, folder: Path) -> None:
    """Draw the pictures of the release of a data directory into a folder."""
    with open_release(data_dir / "current" / "warehouse.duckdb") as con:
        coverage_chart(known_days(con)).save(str(folder / "days-known.svg"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        make_demo(Path(directory))
        draw(Path(directory), DOCS)
