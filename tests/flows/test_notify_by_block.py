"""Alerts through a notification block of Prefect's, over loopback."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ca_etl.operate.alert_delivery import check_alerts, read
from ca_etl.pipeline.context import utc_now
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import RunRecord

SECRET = "a-secret-path"  # noqa: S105
LONG_AGO = datetime(2026, 3, 2, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture
def settings(tmp_path: Path, listener: Any) -> Settings:
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


def test_a_flow_tells_a_block_once_and_the_library_leaves_its_messages_waiting(
    settings: Settings, listener: Any
) -> None:
    from flows.reporting import send_alerts

    fail(settings)
    assert check_alerts(settings, utc_now()).warnings == ()
    assert {each.to for each in read(settings.data_dir).waiting} == {("prefect",)}
    assert [send_alerts(settings, utc_now()) for _ in range(2)] == [(), ()]
    told = [each["text"] for each in listener.got if "Checks failed" in each["text"]]
    assert told == ["ca-etl: Checks failed, nothing is published\n" + told[0].partition("\n")[2]]
    assert read(settings.data_dir).waiting == ()


def test_it_works_within_a_flow(settings: Settings, listener: Any) -> None:
    from prefect import flow

    from flows.reporting import send_alerts

    fail(settings)

    @flow
    def looking() -> tuple[str, ...]:
        return send_alerts(settings, utc_now())

    assert looking() == ()
    assert any("Checks failed" in each["text"] for each in listener.got)


def test_a_block_that_fails_is_a_warning_without_its_address(
    settings: Settings, listener: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from flows.reporting import send_alerts

    caplog.set_level(logging.DEBUG)
    fail(settings)
    listener.status = 500
    (warning,) = send_alerts(settings, utc_now())
    assert warning.startswith(
        "an alert waits: Prefect's block custom-webhook/ca-etl did not notify: HTTPStatusError. "
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
    assert warning.startswith(f"an alert waits: Prefect's block {reference} did not notify: ")


def test_a_block_of_another_kind_is_a_warning(settings: Settings) -> None:
    from prefect.blocks.system import Secret

    from flows.reporting import send_alerts

    Secret(value=SECRET).save("ca-etl-other", overwrite=True)
    fail(settings)
    (warning,) = send_alerts(
        settings.model_copy(update={"alert_prefect_block": "secret/ca-etl-other"}), utc_now()
    )
    assert "secret/ca-etl-other is not for notifications" in warning
