"""`deployments/prefect.yaml` and `automations.yaml`, written by hand, fit the schedules and each other."""

from __future__ import annotations

from pathlib import Path

from ca_etl.settings import Settings
from ca_etl.sources.schedules import prefect_cron, schedules
from flows.deploy import automations, deployments

REPOSITORY = Path(__file__).parents[2]


def test_every_schedule_has_one_deployment_and_backfills_have_none() -> None:
    planned = {entry["name"]: entry["schedules"] for entry in deployments()}
    assert planned == {
        **{
            own.name: [{"slug": own.name, "cron": prefect_cron(own.cron), "timezone": own.zone.key}]
            for own in schedules(Settings(_env_file=None))
        },
        "backfill": [],
        "backfill-posts": [],
    }
    for entry in deployments():
        assert set(entry["tags"]) == {"ca_etl", entry["name"], "source:timesca"}


def test_seconds_come_first_in_the_settings_and_last_in_prefect() -> None:
    assert prefect_cron("*/20 0 7 * * 1") == "0 7 * * 1 */20"
    assert prefect_cron("0 7 * * 1") == "0 7 * * 1"


def test_all_deployments_share_the_limit_of_the_pool_and_beat_every_half_minute() -> None:
    for entry in deployments():
        assert "concurrency_limit" not in entry
        assert entry["work_pool"]["name"] == "ca-process"
        assert entry["work_pool"]["job_variables"]["env"] == {
            "PREFECT_LOGGING_EXTRA_LOGGERS": "ca_etl",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        }


def test_a_run_is_marked_as_crashed_after_three_missed_beats() -> None:
    (crashed, pending) = (automation.model_dump(mode="json") for automation in automations())
    assert crashed["trigger"]["within"] == 3 * 30
    assert [action["state"] for automation in (crashed, pending) for action in automation["actions"]] == [
        "CRASHED",
        "SCHEDULED",
    ]
    for automation in (crashed, pending):
        assert automation["trigger"]["match_related"] == {
            "prefect.resource.role": "tag",
            "prefect.resource.id": "prefect.tag.ca_etl",
        }
