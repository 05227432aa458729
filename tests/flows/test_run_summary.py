"""The summary of a run in the artifact and on the terminal, from literal values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from ca_etl.warehouse.journal import CheckResult
from flows.reporting import (
    DailyRate,
    RunContents,
    RunSummary,
    plain,
    summary_line,
    summary_markdown,
    summary_text,
)

KZT = DailyRate("KZT", "USD", Decimal("0.00198000"), Decimal("0.00197500"), Decimal("0.00198500"), "-0%")
UZS = DailyRate(
    "UZS", "USD", Decimal("0.00008000"), Decimal("0.00007500"), Decimal("0.00008500"), fill_age_days=2
)
CONTENTS = RunContents(date(2025, 12, 5), (KZT, UZS), 34, 4, (("cycle_differs", 1), ("undated", 2)))
PUBLISHED = RunSummary(
    run_id="20251205T020000Z",
    status="succeeded",
    slot=datetime(2025, 12, 5, 2, tzinfo=UTC),
    release=Path("data/releases/20251205T020000Z"),
    contents=CONTENTS,
)
FIRED = CheckResult("plausible", "main.fct_rate_daily", "error", 1, "{'base': KZT | 'rate': 0.0198}\n{}")
STOPPED = RunSummary(
    run_id="20251205T020000Z",
    status="checks_failed",
    slot=datetime(2025, 12, 5, 2, tzinfo=UTC),
    contents=CONTENTS,
    fired=(FIRED,),
    error="checks failed, nothing was published: plausible (1 rows)",
    hint="ca-etl status",
)


def test_a_published_run_shows_the_release_rates_articles_and_rejects() -> None:
    assert summary_markdown(PUBLISHED) == (
        "# 2025-12-05 02:00 UTC: succeeded\n\n"
        "Release `20251205T020000Z` is stored in `data/releases/20251205T020000Z`.\n\n"
        "## Rates of 2025-12-05\n\n"
        "| Pair | Rate | Interval | Change |\n"
        "| --- | --- | --- | --- |\n"
        "| KZT/USD | 0.00198 | 0.001975 to 0.001985 | -0% |\n"
        "| UZS/USD | 0.00008 | 0.000075 to 0.000085 | not observed, 2 days old |\n\n"
        "## Articles\n\n"
        "34 seen, 4 of them for the first time.\n\n"
        "## Rejects\n\n"
        "| Reason | Rejects |\n"
        "| --- | --- |\n"
        "| cycle_differs | 1 |\n"
        "| undated | 2 |\n\n"
        "## Checks that fired\n\n"
        "None.\n"
    )


def test_rates_that_failed_a_check_are_marked_as_not_published() -> None:
    shown = summary_markdown(STOPPED)
    assert "# 2025-12-05 02:00 UTC: checks failed\n" in shown
    assert "No release: checks failed, nothing was published: plausible (1 rows)\n" in shown
    assert "Next: `ca-etl status`\n" in shown
    assert "## Rates of 2025-12-05 (not published)\n" in shown


def test_a_bar_or_a_line_break_in_a_sample_does_not_break_the_table() -> None:
    row = next(
        line
        for line in summary_markdown(STOPPED).splitlines()
        if "plausible" in line and line.startswith("|")
    )
    assert row == "| error | plausible | main.fct_rate_daily | 1 | {'base': KZT \\| 'rate': 0.0198} {} |"


def test_a_run_that_failed_before_the_models_shows_what_is_known() -> None:
    failed = RunSummary(
        "20251205T020000Z", "failed", STOPPED.slot, error="the site is away", warnings=("/: 503\n",)
    )
    assert summary_markdown(failed) == (
        "# 2025-12-05 02:00 UTC: failed\n\nNo release: the site is away\n\n## Warnings\n\n- /: 503\n"
    )


def test_an_empty_warehouse_has_no_rates_of_no_day() -> None:
    shown = summary_markdown(
        RunSummary("r", "succeeded", STOPPED.slot, release=Path("r"), contents=RunContents())
    )
    assert "## Rates of no day\n\nNone.\n" in shown


def test_the_message_of_the_state_is_one_line() -> None:
    assert summary_line(PUBLISHED) == (
        "Release 20251205T020000Z: 2 rates of 2025-12-05, 34 articles seen, 4 of them new"
    )
    assert summary_line(STOPPED) == STOPPED.error


def test_the_terminal_gets_a_line_for_each_pair() -> None:
    assert summary_text(CONTENTS).splitlines() == [
        "rates of 2025-12-05",
        "  KZT/USD  0.00198   0.001975 to 0.001985  -0%",
        "  UZS/USD  0.00008   0.000075 to 0.000085  not observed, 2 days old",
        "34 articles seen, 4 of them new",
    ]


def test_a_decimal_is_shown_without_exponent_and_idle_zeros() -> None:
    shown = [plain(Decimal(number)) for number in ("0.00000100", "10", "3.50000000", "0E-8")]
    assert shown == ["0.000001", "10", "3.5", "0"]
