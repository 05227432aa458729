"""The report of a release of three years with five banks: processor time to make it, and its size."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.history import archive_day, settings_for
from benchmarks.measure import REPEATS, Claim, print_table, processor
from benchmarks.official_rates import SITE, archive_banks, publish
from ca_etl.report.page import REPORT, write_report
from ca_etl.sources.source import DateRange
from ca_etl.warehouse.release import current_release

DAYS: Final = DateRange(date(2023, 3, 23), date(2026, 2, 24))
# A month without a filled day would be drawn faster.
MISSED: Final = 41
SECONDS: Final = 1.0
BYTES: Final = 3_000_000


def claims() -> Iterator[Claim]:
    """The median time of a report, the scripts of its charts at hand as in every run but the first, and its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(Path(folder, "data"), SITE).model_copy(update={"listing_paths": ("/",)})
        for number in range((DAYS.last - DAYS.first).days + 1):
            if number % MISSED:
                archive_day(settings, DAYS.first + timedelta(days=number))
        archive_banks(settings, DAYS)
        publish(settings, DAYS.last, only_rejects=False)
        release = current_release(settings.data_dir)
        assert release is not None
        path = Path(folder, REPORT)

        def make() -> None:
            write_report(release.warehouse, path, settings.data_dir, release_id=release.release_id)

        seconds, size = median(processor(make) for _ in range(REPEATS)), path.stat().st_size
    what = f"the report of {(DAYS.last - DAYS.first).days + 1} days of five banks"
    ours = f"{seconds:.2f} s of processor time, {size / 1e6:.2f} MB"
    target = f"under {SECONDS} s and {BYTES / 1e6:.0f} MB"
    yield Claim(what, ours, "-", "-", target, seconds < SECONDS and size < BYTES)


if __name__ == "__main__":
    print_table(claims())
