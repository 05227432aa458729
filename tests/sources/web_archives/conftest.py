"""A backfill from web archives on loopback, as of a day after their captures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_backfill
from ca_etl.settings import Settings
from ca_etl.sources import all_sources
from ca_etl.sources.source import DateRange
from ca_etl.sources.web_archives import WEB_ARCHIVES, common_crawl, wayback
from tests.sources.web_archives.fake_archives import NOW, FakeArchives, Page, noon, serve

HOUR = timedelta(hours=1)
HOME = "https://timesca.com/"


@pytest.fixture
def archives() -> Iterator[FakeArchives]:
    """Both web archives, with captures of three days of two crawls, and pages that no backfill wants."""
    pages = [
        Page(HOME, noon("2025-01-12")),
        Page("https://timesca.com/category/home/", noon("2025-01-12") + HOUR),
        Page("https://www.timesca.com/tag/rivers/", noon("2025-01-14") + HOUR),
        Page("https://timesca.com/valley-growers-build-a-cold-store-together/", noon("2025-01-14")),
        Page(HOME, noon("2025-02-10")),
        Page("https://shop.timesca.com/", noon("2025-02-11")),
    ]
    with serve(FakeArchives(pages)) as served:
        yield served


@pytest.fixture
def on_timesca(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"site_url": "https://timesca.com/", "contact": "tests@example.org", "max_attempts": 2}
    )


@pytest.fixture
def environment_of(archives: FakeArchives) -> Callable[..., Environment]:
    """The environment of a run that knows the web archives on loopback in place of the real ones."""

    def make(**more: object) -> Environment:
        real = {source.name for source in WEB_ARCHIVES}
        others = (source for source in all_sources() if source.name not in real)
        crawl, machine = f"{archives.root}commoncrawl/", f"{archives.root}wayback/"
        own = (common_crawl.source(crawl, crawl), wayback.source(machine))
        return Environment(
            **{"clock": clock_from(NOW), "sleep": archives.sleep, "sources": (*others, *own), **more}  # type: ignore[arg-type]
        )

    return make


@pytest.fixture
def backfill(on_timesca: Settings, environment_of: Callable[..., Environment]) -> Callable[..., Outcome]:
    """`backfill("commoncrawl")` archives what a web archive has of two months, and publishes it."""

    def run(
        name: str, first: date = date(2025, 1, 1), last: date = date(2025, 2, 28), **changes: object
    ) -> Outcome:
        settings, days = on_timesca.model_copy(update=changes), DateRange(first, last)
        return run_backfill(settings, days, source=name, environment=environment_of())

    return run
