"""The web archives of the demo site give back the days that they have, to a backfill of either."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
import requests

from ca_etl.demo.site import DemoSite
from ca_etl.demo.web_archives import CRAWL, EVERY
from ca_etl.pipeline.backfill import observed_days
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_backfill
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange

AUTUMN = DateRange(date(2025, 10, 1), date(2025, 11, 30))


@pytest.mark.parametrize("name", ["commoncrawl", "wayback"])
def test_a_backfill_wins_a_day_a_week(settings: Settings, site: DemoSite, name: str) -> None:
    on_site = settings.model_copy(update={"site_url": site.base_url})
    environment = Environment(sleep=lambda _seconds: None)
    outcome = run_backfill(on_site, AUTUMN, source=name, environment=environment)
    assert (outcome.exit_status, outcome.error) == (0, "")
    won = sorted(observed_days(settings.data_dir))
    assert {late - early for early, late in pairwise(won)} == {EVERY}
    assert max(won[0] - AUTUMN.first, AUTUMN.last - won[-1]) < EVERY
    assert not any("/banks/" in request.path for request in site.requests)


def test_a_file_without_a_range_is_whole_and_an_unknown_memento_is_none(site: DemoSite) -> None:
    file = f"{site.base_url}commoncrawl/crawl-data/{CRAWL}/segments/1/warc/demo-00000.warc.gz"
    whole = requests.get(file, timeout=10)
    part = requests.get(file, headers={"Range": "bytes=10-19"}, timeout=10)
    assert (whole.status_code, part.status_code) == (200, 206)
    assert part.content == whole.content[10:20]
    at = f"{site.day + timedelta(days=1):%Y%m%d}120000"
    assert requests.get(f"{site.base_url}wayback/web/{at}id_/{site.base_url}", timeout=10).status_code == 404
