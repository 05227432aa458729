"""Two years of the ticker and five banks: processor time to load and rebuild them, and that of one more day.

The archive is written without HTTP, by the archive's own writer: a front page of the site each day, and of each bank
the tables of a month in one file, as a backfill archives them. The bytes are those of the demo's banks, whose figures
begin in August 2024; earlier days have the table of the day 364 days later, dated with the earlier day. The same
history without banks is measured in turns, so that the difference is what the banks cost. Each run has the clock of
the newest day: by that of this machine the calendars of the banks would reach until today.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from benchmarks.history import archive_day, response, settings_for
from benchmarks.measure import Claim, print_table, processor
from ca_etl import __version__
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.demo.banks import bank_reply
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_rebuild
from ca_etl.settings import Settings
from ca_etl.sources.banks import cbr, cbu, nbk, nbkr, nbt
from ca_etl.sources.source import DateRange

SITE: Final = "http://127.0.0.1:8808/"
DAYS: Final = DateRange(date(2023, 12, 23), date(2025, 12, 21))
FIRST_FIGURES: Final = date(2024, 9, 1)
# Days of the week stay the same, so that weekends do.
ECHO: Final = timedelta(days=364)
REPEATS: Final = 3
DAY: Final = timedelta(days=1)
BANKS: Final = {module.BANK.name: module.BANK for module in (nbk, nbkr, cbu, nbt, cbr)}
FORMS: Final = ("%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y")


def bank_bodies(bank: str, days: DateRange) -> Iterator[tuple[datetime, str, bytes]]:
    """Time of the request, URL and body of the bank's table for each of `days`."""
    for number in range((days.last - days.first).days + 1):
        day = days.first + number * DAY
        shown = day if day >= FIRST_FIGURES else day + ECHO
        url = f"{SITE}banks/{bank}/{BANKS[bank].latest(shown)}"
        parts = urlsplit(url)
        reply = bank_reply(parts.path, parse_qs(parts.query), "benchmark", shown)
        assert reply is not None
        body = reply.body
        for form in FORMS:
            body = body.replace(f"{shown:{form}}".encode(), f"{day:{form}}".encode())
        yield datetime.combine(day, time(2), UTC), f"{SITE}banks/{bank}/{BANKS[bank].latest(day)}", body


def archive_banks(settings: Settings, days: DateRange) -> None:
    """Write the archive files of all banks, one a month and bank."""
    for bank in BANKS:
        for month in days.months():
            bodies = list(bank_bodies(bank, month))
            at = bodies[-1][0]
            writer = ArchiveWriter(
                settings.archive_dir,
                f"{at:%Y%m%dT%H%M%SZ}-{bank}-{month.first:%Y%m%d}",
                source=bank,
                info={"software": f"ca_etl/{__version__}"},
                clock=lambda at=at: at,
            )
            with writer:
                for requested_at, url, body in bodies:
                    writer.add(response(url, body, requested_at, {}, body))


def claims() -> Iterator[Claim]:
    """Processor time of the rebuild and of a day's increment, with banks and without, and the difference."""
    with tempfile.TemporaryDirectory() as folder:
        both = settings_for(Path(folder, "both"), SITE).model_copy(update={"listing_paths": ("/",)})
        ticker = both.model_copy(update={"data_dir": Path(folder, "ticker")})
        for number in range((DAYS.last - DAYS.first).days + 1):
            archive_day(ticker, DAYS.first + number * DAY)
        shutil.copytree(ticker.data_dir, both.data_dir)
        archive_banks(both, DAYS)
        least = {name: dict.fromkeys(("both", "ticker"), math.inf) for name in ("rebuild", "day")}
        day = DAYS.last
        for _ in range(REPEATS):
            for settings in (both, ticker):
                _measure(least["rebuild"], settings, day, only_rejects=False)
            day += DAY
            archive_banks(both, DateRange(day, day))
            for settings in (both, ticker):
                archive_day(settings, day)
                # a retry loads what is new and builds all models, as a daily run does after its requests
                _measure(least["day"], settings, day, only_rejects=True)
        yield _claim("two years of five banks, load and rebuild", least["rebuild"], 3.0)
        yield _claim("one more day of five banks, load and all models", least["day"], 0.3)


def _measure(least: dict[str, float], settings: Settings, day: date, *, only_rejects: bool) -> None:
    """Keep the least processor time of a run on `day` for the data directory of `settings`."""
    seconds = processor(lambda: publish(settings, day, only_rejects=only_rejects))
    least[settings.data_dir.name] = min(seconds, least[settings.data_dir.name])


def publish(settings: Settings, day: date, *, only_rejects: bool) -> None:
    clock = clock_from(datetime.combine(day, time(3), UTC))
    outcome = run_rebuild(settings, only_rejects=only_rejects, environment=Environment(clock=clock))
    if outcome.release is None:
        raise RuntimeError(f"nothing was published: {outcome.error}")


def _claim(what: str, seconds: dict[str, float], bound: float) -> Claim:
    both, ticker = seconds["both"], seconds["ticker"]
    return Claim(
        what,
        f"{both - ticker:.2f} s of processor time ({both:.2f} s with the ticker)",
        f"the ticker alone: {ticker:.2f} s",
        f"{both / ticker:.2f}",
        f"under {bound} s",
        both - ticker < bound,
    )


if __name__ == "__main__":
    print_table(claims())
