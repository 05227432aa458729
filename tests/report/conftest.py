"""Facts of a small release, with texts that a page must not take for markup; and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ca_etl.report.charts import CountryDay, DayOutcome, Disagreement, RateDay
from ca_etl.report.release_facts import FactTable, ReleaseFacts, Totals
from tests.models.conftest import given, landing, models

__all__ = ["given", "landing", "models"]

CHROMIUM = Path("/usr/bin/chromium")
WITHOUT_NETWORK = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

HOSTILE = (
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "]]><!--",
    "\u202eevil\u2066",
    "\x1b]0;owned\x07",
    "{{ 7 * 7 }}{% raw %}",
    "long " * 1000,
)


def facts_with(*titles: str) -> ReleaseFacts:
    day, seen = date(2025, 12, 2), datetime(2025, 12, 2, 2, tzinfo=UTC)
    rate = [Decimal("518.134715025907"), Decimal("516.795865633074"), Decimal("519.480519480520")]
    rates = [
        RateDay(date(2025, 12, 1), *rate, official=Decimal("518.51")),
        RateDay(day, *rate, is_filled=True, official=Decimal("518.6"), disagrees=True),
    ]
    return ReleaseFacts(
        rates={"KZT": ("Kazakhstani Tenge", rates)},
        calendar=[DayOutcome(date(2025, 12, 1), "observed"), DayOutcome(day, "failed", "4 http_error")],
        disagreements=[Disagreement(day, "KZT", "nbk", Decimal("3.2"), "stale_ticker")],
        country_days=[CountryDay(day, "Kazakhstan", 3)],
        totals=Totals(date(2025, 12, 1), day, 2, 1, 3, 190, 0, 1),
        latest_rates=FactTable("Rates", ("Day", "Rate"), [(day, Decimal("518.51000"))]),
        agreement=FactTable("Agreement", ("Currency", "Days"), [("KZT", 2)]),
        latest_disagreements=FactTable("Disagreements", ("Day",), []),
        amounts=FactTable(
            "Amounts",
            ("Article", "As printed"),
            [({"text": title, "url": "https://timesca.com/a?b=1&c=2"}, title) for title in titles],
        ),
        sources=FactTable("Sources", ("Source",), [("nbk",)]),
        checks=FactTable("Checks", ("Check",), []),
        rejects=FactTable("Rejects", ("Text", "Latest"), [(title, seen) for title in titles]),
        runs=FactTable("Runs", ("Began", "Kind"), [(seen, "run")]),
    )


@pytest.fixture
def facts() -> ReleaseFacts:
    return facts_with(*HOSTILE)


@pytest.fixture(scope="module")  # its event loop would be in the way of tests with their own
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=WITHOUT_NETWORK)
        yield chromium
        chromium.close()
