"""The summary of a run: literal facts give literal text, the same numbers wherever it is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.play import play_days
from ca_etl.report.page import render_report
from ca_etl.report.release_facts import ReleaseFacts
from ca_etl.report.run_summary import DollarRate, RunSummary, read_summary, sparkline
from ca_etl.settings import Settings
from ca_etl.warehouse.connection import open_release
from ca_etl.warehouse.release import Release

DAY = date(2025, 12, 5)
KZT = DollarRate(
    "KZT", Decimal("503.7783375"), Decimal("506.3291139"), Decimal("505.92"), "nbk",
    trend=((Decimal(500), False), (Decimal(500), True), (Decimal(505), False)),
)  # fmt: skip
UZS = DollarRate("UZS", Decimal("11764.70588"), None, fill_age_days=2, trend=((Decimal(12500), True),))
SUMMARY = RunSummary(DAY, (KZT, UZS), 12, 34, 4, 2, 1, gaps=(("nbk", DAY, "failed", "4 http_error"),))


def test_a_summary_is_a_line_for_each_currency_and_the_counts() -> None:
    assert SUMMARY.text().splitlines() == [
        "A dollar on 2025-12-05: by the ticker, by a bank, change of a day, 30 days",
        "KZT  503.778 to 506.33  505.92 (nbk)  +1.00 %      ▁·█",
        "UZS  at least 11764.7                 filled, 2 d  ·",
        "12 captures, 34 articles: 4 new, 2 changed, 1 deleted",
        "no data of nbk on 2025-12-05: failed (4 http_error)",
    ]


def test_without_blocks_in_the_encoding_the_trend_is_left_out() -> None:
    assert SUMMARY.text("ascii").isascii()
    assert SUMMARY.text("ascii").splitlines()[1] == "KZT  503.778 to 506.33  505.92 (nbk)  +1.00 %"


def test_a_run_without_a_rate_has_its_counts() -> None:
    assert RunSummary().text() == "0 captures, 0 articles: 0 new, 0 changed, 0 deleted"


def test_a_rebuild_counts_nothing_as_new() -> None:
    summary = RunSummary(captures=12, articles=5, new=5, is_rebuild=True)
    assert summary.text() == "12 captures, 5 articles, read from the archive again"


def test_a_filled_day_of_a_trend_is_a_dot_and_an_unknown_one_a_space() -> None:
    assert sparkline([(Decimal(1), False), (Decimal(2), True), (None, False), (Decimal(2), False)]) == "▁· █"


def test_of_many_gaps_three_are_named() -> None:
    many = replace(SUMMARY, gaps=SUMMARY.gaps * 5)
    assert many.text().splitlines()[-1] == "and 2 more without data"


@pytest.mark.parametrize("reason", ["\x1b]0;owned\x07", "\u202eevil\u2066"])
def test_a_reason_steers_no_terminal(reason: str) -> None:
    shown = replace(SUMMARY, gaps=(("nbk", DAY, "failed", reason),)).text()
    assert reason[0] not in shown


def test_terminal_artifact_and_report_have_the_same_numbers(facts: ReleaseFacts) -> None:
    from flows.reporting import FlowSummary, summary_markdown

    outcome = Outcome("r", release=Release("r", Path("r")))
    surfaces = (
        SUMMARY.text(),
        summary_markdown(FlowSummary(outcome, DAY, SUMMARY)),  # type: ignore[arg-type]
        render_report(replace(facts, run=SUMMARY), "", release_id="r"),
    )
    for shown in surfaces:
        for part in (*KZT.cells(), *UZS.cells(), SUMMARY.counts, *SUMMARY.gap_lines):
            assert part in shown


def test_the_summary_of_a_run_is_read_from_its_release(settings: Settings) -> None:
    first, last = play_days(settings, 2)
    assert first.release
    assert last.release
    with open_release(last.release.warehouse) as con:
        summary = read_summary(con, last.run_id)
        assert read_summary(con, first.run_id).articles >= summary.new
    assert summary.day == date(2025, 12, 22)
    assert [(rate.base, len(rate.trend)) for rate in summary.rates] == [
        (base, 2) for base in ("KGS", "KZT", "TJS", "TMT", "UZS")
    ]
    assert (summary.changed, summary.deleted, summary.gaps) == (0, 0, ())
    assert 0 < summary.new < summary.articles
