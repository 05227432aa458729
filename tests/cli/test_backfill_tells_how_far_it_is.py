"""A backfill of years lasts for hours: in a log, where no progress bar is, it says how far it has come."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator

import pytest

from ca_etl.demo.site import DemoSite

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
AUTUMN = ("backfill", "--from", "2025-10-01", "--to", "2025-12-22")


@pytest.fixture
def site() -> Iterator[DemoSite]:
    with DemoSite(port=0) as site:
        yield site


def on(site: DemoSite) -> dict[str, str]:
    return {"CA_ETL_SITE_URL": site.base_url, "CA_ETL_MIN_INTERVAL_SECONDS": "0"}


def test_a_walk_of_the_posts_says_so_with_every_month(cli: Cli, site: DemoSite) -> None:
    done = cli(*AUTUMN, **on(site))
    assert done.returncode == 0, done.stderr
    assert re.findall(
        r"^[-0-9]+ [:,0-9]+ INFO \S+: posts of (\S+): \d+, (.*)$", done.stderr, re.MULTILINE
    ) == [
        ("2025-10-01..2025-10-31", "month 1 of 3"),
        ("2025-11-01..2025-11-30", "month 2 of 3"),
        ("2025-12-01..2025-12-22", "month 3 of 3"),
    ]
    assert "begins" not in done.stderr


def test_a_walk_of_the_feed_says_so_every_twenty_pages(cli: Cli, site: DemoSite) -> None:
    done = cli(*AUTUMN, "--source", "feed", **on(site))
    assert done.returncode == 0, done.stderr
    told = re.findall(r"INFO \S+: feed: (\d+) pages, back to (\S+)$", done.stderr, re.MULTILINE)
    assert [int(pages) for pages, _ in told] == list(range(20, 20 * len(told) + 1, 20))
    assert told
    assert told[0][1] < "2025-12-01"


@pytest.mark.parametrize(("source", "said"), [("posts", "month 3 of 3"), ("feed", "20 pages, back to")])
def test_as_json_each_is_an_object_of_its_run(cli: Cli, site: DemoSite, source: str, said: str) -> None:
    done = cli("--log-format", "json", *AUTUMN, "--source", source, **on(site))
    told = [json.loads(line) for line in done.stderr.splitlines()]
    (line,) = [each for each in told if said in each["message"]]
    assert (line["level"], line["step"], bool(line["run_id"])) == (
        "INFO",
        "capture_history",
        True,
    )
