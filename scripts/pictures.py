"""Draw the pictures of README and docs/ from a month of the demo; `make pictures` plays it and names the folder.

`days-known.svg` and `tenge.svg` are charts, which a test draws again and compares. The others are screenshots of
`report.html`, `report-WIDTH-SCHEME.png`, in Debian's Chromium without a network: fonts differ between machines, so that
a test compares only their size.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import vl_convert
from playwright.sync_api import sync_playwright

from ca_etl.demo.content import FIRST_DAY, default_last_day
from ca_etl.demo.site import DemoSite
from ca_etl.errors import CaEtlError
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_backfill
from ca_etl.report.chart_frame import Spec
from ca_etl.report.charts import calendar_chart, rate_picture
from ca_etl.report.page import REPORT
from ca_etl.report.release_facts import ReleaseFacts, read_facts
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange
from ca_etl.warehouse.connection import open_release

BACKFILLS: Final = {
    "commoncrawl": DateRange(FIRST_DAY, date(2025, 6, 30)),
    "wayback": DateRange(date(2025, 3, 1), default_last_day()),
}
CHROMIUM: Final = Path("/usr/bin/chromium")
# Width and height in pixels of a desk and of a telephone.
SCREENS: Final = {1280: 900, 390: 844}
SCHEMES: Final = ("light", "dark")


def facts_of(data_dir: Path) -> ReleaseFacts:
    """What the report of the current release shows."""
    with open_release(data_dir / "current" / "warehouse.duckdb") as con:
        return read_facts(con)


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


def charts(month: Path, with_past: Path) -> dict[str, Spec]:
    """The charts by the names of their files: of a month, and of the same one after its past was won back."""
    return {
        "days-known.svg": calendar_chart(facts_of(with_past).calendar),
        "tenge.svg": rate_picture("KZT", *facts_of(month).rates["KZT"]),
    }


def draw(month: Path, folder: Path) -> None:
    """Draw the charts into a folder; the backfills are in a copy of the month."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        with_past = Path(directory) / "month"
        shutil.copytree(month, with_past, symlinks=True)
        win_back(with_past)
        for name, spec in charts(month, with_past).items():
            (folder / name).write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")


def screenshot(report: Path, folder: Path) -> None:
    """Write what each screen first shows of a report, in both schemes, into a folder."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for width, height in SCREENS.items():
            for scheme in SCHEMES:
                page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.context.set_offline(True)
                page.goto(report.resolve().as_uri())
                page.wait_for_selector("html[data-drawn]")
                page.screenshot(path=folder / f"report-{width}-{scheme}.png")
        chromium.close()


def main() -> int:
    """Draw all pictures; 2 where the month or the browser is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "month",
        type=Path,
        help="data directory of `ca-etl demo --days 30 --outage 2025-12-10`; it is only read",
    )
    parser.add_argument("folder", type=Path, help="folder for the pictures, made where it is missing")
    given = parser.parse_args()
    report = given.month / "current" / REPORT
    for path, next_command in (
        (report, f"CA_ETL_DATA_DIR={given.month} ca-etl demo --days 30 --outage 2025-12-10"),
        (CHROMIUM, "sudo apt-get install chromium"),
    ):
        if not path.exists():
            print(f"{path} does not exist\nnext: {next_command}", file=sys.stderr)
            return 2
    given.folder.mkdir(parents=True, exist_ok=True)
    draw(given.month, given.folder)
    screenshot(report, given.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
