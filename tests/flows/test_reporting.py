"""The summary of a run in the artifact and on the terminal, from literal values."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ca_etl.operate.alert_delivery import check_alerts, read
from ca_etl.pipeline.context import utc_now
from ca_etl.pipeline.outcome import Outcome
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import CheckResult, RunRecord, RunStatus
from ca_etl.warehouse.release import Release
from flows.reporting import (
    DailyRate,
    RunContents,
    RunSummary,
    plain,
    summary_line,
    summary_markdown,
    summary_text,
)

KZT = DailyRate(
    "KZT",
    "USD",
    Decimal("0.00198000"),
    Decimal("0.00197500"),
    Decimal("0.00198500"),
    "-0%",
    official=Decimal("505.920000000000"),
    bank="nbk",
)
UZS = DailyRate(
    "UZS", "USD", Decimal("0.00008000"), Decimal("0.00007500"), Decimal("0.00008500"), fill_age_days=2
)
CONTENTS = RunContents(date(2025, 12, 5), (KZT, UZS), 34, 4, (("cycle_differs", 1), ("undated", 2)))
SLOT = datetime(2025, 12, 5, 2, tzinfo=UTC)
PUBLISHED = RunSummary(
    Outcome(
        "20251205T020000Z",
        release=Release("20251205T020000Z", Path("data/releases/20251205T020000Z")),
    ),
    SLOT,
    CONTENTS,
)
FIRED = CheckResult("plausible", "main.fct_rate_daily", "error", 1, "{'base': KZT | 'rate': 0.0198}\n{}")
STOPPED = RunSummary(
    Outcome(
        "20251205T020000Z",
        RunStatus.CHECKS_FAILED,
        checks=(FIRED,),
        error="checks failed, nothing was published: plausible (1 rows)",
        hint="ca-etl status",
    ),
    SLOT,
    CONTENTS,
)


def test_a_published_run_shows_the_release_rates_articles_and_rejects() -> None:
    assert summary_markdown(PUBLISHED) == (
        "# 2025-12-05 02:00 UTC: succeeded\n\n"
        "Release `20251205T020000Z` is stored in `data/releases/20251205T020000Z`.\n\n"
        "## Rates of 2025-12-05\n\n"
        "| Pair | Rate | Interval | Official rate | Change |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| KZT/USD | 0.00198 | 0.001975 to 0.001985 | 505.92 KZT (nbk) | -0% |\n"
        "| UZS/USD | 0.00008 | 0.000075 to 0.000085 |  | not observed, 2 days old |\n\n"
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
        Outcome("20251205T020000Z", RunStatus.FAILED, error="the site is away", warnings=("/: 503\n",)), SLOT
    )
    assert summary_markdown(failed) == (
        "# 2025-12-05 02:00 UTC: failed\n\nNo release: the site is away\n\n## Warnings\n\n- /: 503\n"
    )


def test_an_empty_warehouse_has_no_rates_of_no_day() -> None:
    shown = summary_markdown(RunSummary(Outcome("r", release=Release("r", Path("r"))), SLOT, RunContents()))
    assert "## Rates of no day\n\nNone.\n" in shown


def test_the_message_of_the_state_is_one_line() -> None:
    assert summary_line(PUBLISHED) == (
        "Release 20251205T020000Z: 2 rates of 2025-12-05, 34 articles seen, 4 of them new"
    )
    assert summary_line(STOPPED) == STOPPED.outcome.error


def test_the_terminal_gets_a_line_for_each_pair() -> None:
    assert summary_text(CONTENTS).splitlines() == [
        "rates of 2025-12-05",
        "  KZT/USD  0.00198   0.001975 to 0.001985    505.92 KZT (nbk)      -0%",
        "  UZS/USD  0.00008   0.000075 to 0.000085                          not observed, 2 days old",
        "34 articles seen, 4 of them new",
    ]


def test_a_decimal_is_shown_without_exponent_and_idle_zeros() -> None:
    shown = [plain(Decimal(number)) for number in ("0.00000100", "10", "3.50000000", "0E-8")]
    assert shown == ["0.000001", "10", "3.5", "0"]


SECRET = "a-secret-path"  # noqa: S105
LONG_AGO = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def settings(prefect_api: str, tmp_path: Path, listener: Any) -> Settings:
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    CustomWebhookNotificationBlock(
        name="ca-etl",
        url=f"http://127.0.0.1:{listener.server_port}/{{{{path}}}}",
        json_data={"text": "{{subject}}\n{{body}}"},
        secrets={"path": SECRET},
    ).save("ca-etl", overwrite=True)
    made = Settings(data_dir=tmp_path / "data", alert_prefect_block="custom-webhook/ca-etl", _env_file=None)
    made.data_dir.mkdir()
    return made


def fail(settings: Settings, status: str = "checks_failed") -> None:
    now = utc_now()
    line = RunRecord(f"{now:%Y%m%dT%H%M%S.%fZ}", "run", now, status, "0.1.0", finished_at=now, error="a jump")
    journal.append(settings.data_dir, line)


def test_a_flow_notifies_a_block_once_and_the_library_leaves_its_messages_waiting(
    settings: Settings, listener: Any
) -> None:
    from flows.reporting import send_alerts

    fail(settings)
    assert check_alerts(settings, utc_now()).warnings == ()
    assert {delivery.to for delivery in read(settings.data_dir).waiting} == {("prefect",)}
    assert [send_alerts(settings, utc_now()) for _ in range(2)] == [(), ()]
    texts = [message["text"] for message in listener.got if "Checks failed" in message["text"]]
    assert texts == ["ca-etl: Checks failed, nothing is published\n" + texts[0].partition("\n")[2]]
    assert read(settings.data_dir).waiting == ()


def test_it_works_within_a_flow(settings: Settings, listener: Any) -> None:
    from prefect import flow

    from flows.reporting import send_alerts

    fail(settings)

    @flow
    def checking() -> tuple[str, ...]:
        return send_alerts(settings, utc_now())

    assert checking() == ()
    assert any("Checks failed" in message["text"] for message in listener.got)


def test_a_block_that_fails_is_a_warning_without_its_address(
    settings: Settings, listener: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from flows.reporting import send_alerts

    caplog.set_level(logging.DEBUG)
    fail(settings)
    listener.status = 500
    (warning,) = send_alerts(settings, utc_now())
    assert warning.startswith(
        "an alert was not delivered: Prefect's block custom-webhook/ca-etl did not send the message: HTTPStatusError. "
        "Next: prefect block inspect custom-webhook/ca-etl"
    )
    assert warning in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in (settings.data_dir / "alerts.json").read_text()
    listener.status = 200
    assert send_alerts(settings, utc_now()) == ()


@pytest.mark.parametrize("reference", ["custom-webhook/nowhere", "no-such-type/at-all", "nonsense"])
def test_a_block_that_is_not_there_is_a_warning(settings: Settings, reference: str) -> None:
    from flows.reporting import send_alerts

    fail(settings)
    (warning,) = send_alerts(settings.model_copy(update={"alert_prefect_block": reference}), utc_now())
    assert warning.startswith(
        f"an alert was not delivered: Prefect's block {reference} did not send the message: "
    )


def test_a_block_of_another_kind_is_a_warning(settings: Settings) -> None:
    from prefect.blocks.system import Secret

    from flows.reporting import send_alerts

    Secret(value=SECRET).save("ca-etl-other", overwrite=True)
    fail(settings)
    (warning,) = send_alerts(
        settings.model_copy(update={"alert_prefect_block": "secret/ca-etl-other"}), utc_now()
    )
    assert "secret/ca-etl-other is not a notification block" in warning
