"""The summary of a run in the artifact, from literal values."""

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
from ca_etl.report.run_summary import DollarRate, RunSummary
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import CheckResult, RunRecord, RunStatus
from ca_etl.warehouse.release import Release
from flows.reporting import FlowSummary, summary_line, summary_markdown

KZT = DollarRate(
    "KZT", Decimal("503.7783375"), Decimal("506.3291139"), Decimal("505.92"), "nbk",
    trend=((Decimal(500), False), (Decimal(505), False)),
)  # fmt: skip
UZS = DollarRate("UZS", Decimal("11764.70588"), None, fill_age_days=2, trend=((Decimal(12500), True),) * 2)
DAY = date(2025, 12, 5)
CONTENTS = RunSummary(
    DAY, (KZT, UZS), 12, 34, 4, 2, 1, (("cycle_differs", 1), ("undated", 2)), (("nbk", DAY, "failed", "4 | http"),)
)  # fmt: skip
SLOT = datetime(2025, 12, 5, 2, tzinfo=UTC)
PUBLISHED = FlowSummary(
    Outcome(
        "20251205T020000Z",
        release=Release("20251205T020000Z", Path("data/releases/20251205T020000Z")),
    ),
    SLOT,
    CONTENTS,
)
FIRED = CheckResult("plausible", "main.fct_rate_daily", "error", 1, "{'base': KZT | 'rate': 0.0198}\n{}")
STOPPED = FlowSummary(
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
        "## A dollar on 2025-12-05\n\n"
        "| Currency | By the ticker | By a bank | Change of a day | 30 days |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| KZT | 503.778 to 506.33 | 505.92 (nbk) | +1.00 % | ▁█ |\n"
        "| UZS | at least 11764.7 |  | filled, 2 d | ·· |\n\n"
        "- 12 captures, 34 articles: 4 new, 2 changed, 1 deleted\n"
        "- no data of nbk on 2025-12-05: failed (4 \\| http)\n\n"
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
    assert "## A dollar on 2025-12-05 (not published)\n" in shown


def test_a_bar_or_a_line_break_in_a_sample_does_not_break_the_table() -> None:
    row = next(
        line
        for line in summary_markdown(STOPPED).splitlines()
        if "plausible" in line and line.startswith("|")
    )
    assert row == "| error | plausible | main.fct_rate_daily | 1 | {'base': KZT \\| 'rate': 0.0198} {} |"


def test_a_run_that_failed_before_the_models_shows_what_is_known() -> None:
    failed = FlowSummary(
        Outcome("20251205T020000Z", RunStatus.FAILED, error="the site is away", warnings=("/: 503\n",)), SLOT
    )
    assert summary_markdown(failed) == (
        "# 2025-12-05 02:00 UTC: failed\n\nNo release: the site is away\n\n## Warnings\n\n- /: 503\n"
    )


def test_an_empty_warehouse_has_no_rates_of_no_day() -> None:
    shown = summary_markdown(FlowSummary(Outcome("r", release=Release("r", Path("r"))), SLOT, RunSummary()))
    assert "## A dollar on no day\n\nNone.\n" in shown


def test_the_message_of_the_state_is_one_line() -> None:
    assert summary_line(PUBLISHED) == (
        "Release 20251205T020000Z: 2 rates of 2025-12-05, 12 captures, 34 articles: "
        "4 new, 2 changed, 1 deleted"
    )
    assert summary_line(STOPPED) == STOPPED.outcome.error


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
