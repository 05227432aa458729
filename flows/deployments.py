"""What is deployed to a Prefect server: one typed list, of which `deployments/prefect.yaml` is printed.

`python -m flows.deployments` prints that file for the settings of this installation; `--write` rewrites it, `--check`
exits with 1 where it differs. Nothing here imports Prefect.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from ca_etl.errors import CaEtlError
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, SWEEP, Schedule, schedules
from flows.site import settings_for

FILE: Final = Path(__file__).parents[1] / "deployments" / "prefect.yaml"
WORK_POOL: Final = "ca-process"
PREFECT_VERSION: Final = "3.8.8"
SECONDS_FIRST: Final = 6
# What a flow run needs in its environment, wherever it is started.
RUN_ENVIRONMENT: Final[Mapping[str, str]] = {
    "PREFECT_LOGGING_EXTRA_LOGGERS": "ca_etl",
    # The least that Prefect takes; an automation that waits for three beats then finds a dead run in 90 s.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
}
DESCRIPTIONS: Final[Mapping[str, str]] = {
    DAILY: "Captures the pages of the day's slot and publishes what they say.",
    SWEEP: "Reads further pages of each listing and publishes the articles that the daily runs missed.",
}
HEADER: Final = """\
# Made by `python -m flows.deployments --write` from flows/deployments.py and the schedules in
# src/ca_etl/sources/schedules.py; a change by hand does not last. Deploy from the root of the repository, with
# PREFECT_API_URL set:
#
#   python -m flows.setup
#   CA_ETL_HOME=$PWD prefect --no-prompt deploy --prefect-file deployments/prefect.yaml --all
#   env --default-signal=INT CA_ETL_DATA_DIR=/var/lib/ca_etl prefect worker start --pool ca-process
#
# The worker's environment is that of the runs: CA_ETL_* settings stand there. CA_ETL_HOME is the folder that
# holds `flows/`; it is written into the deployment when that is made.
#
# No deployment has a concurrency limit: all of them share the one of the work pool, which is 1. A run that comes
# while another is on waits in the pool, finds its slot done, and ends as skipped; cancelled, as by a limit of the
# deployment, it would be lost while a dead run holds the place.
"""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of a flow. `entrypoint` is `file:function`, relative to the root of the repository."""

    name: str
    entrypoint: str
    description: str
    tags: tuple[str, ...]
    schedule: Schedule | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)


def deployments(settings: Settings) -> tuple[Deployment, ...]:
    """One for each schedule of the installation, and what is only run by hand."""
    return (
        *(scheduled(each) for each in schedules(settings)),
        Deployment(
            "backfill",
            "flows/backfill.py:backfill",
            "Archives files or folders given by hand, and publishes what they say.",
            ("ca_etl", "backfill", "source:timesca"),
        ),
        Deployment(
            "backfill-posts",
            "flows/backfill_posts.py:backfill_posts",
            "Walks the site's posts API, or its feed, through a stretch of time, and publishes what it says.",
            ("ca_etl", "backfill-posts", "source:timesca"),
        ),
    )


def scheduled(schedule: Schedule) -> Deployment:
    """The deployment of a schedule: the flow of its name, in the file of its name."""
    return Deployment(
        schedule.name,
        f"flows/{schedule.name}.py:{schedule.name}",
        DESCRIPTIONS[schedule.name],
        ("ca_etl", schedule.name, f"source:{schedule.source}"),
        schedule,
    )


def prefect_cron(cron: str) -> str:
    """A cron expression as Prefect reads it: of six fields, seconds come last there and first in ours."""
    fields = cron.split()
    if len(fields) != SECONDS_FIRST:
        return cron
    seconds, *rest = fields
    return " ".join((*rest, seconds))


def render(settings: Settings) -> str:
    """The text of `deployments/prefect.yaml`."""
    content = {
        "name": "ca_etl",
        "prefect-version": PREFECT_VERSION,
        "pull": [
            {"prefect.deployments.steps.set_working_directory": {"directory": "{{ $CA_ETL_HOME }}"}},
        ],
        "deployments": [entry(each) for each in deployments(settings)],
    }
    return HEADER + yaml.safe_dump(content, sort_keys=False, width=110, allow_unicode=True)


def entry(deployment: Deployment) -> dict[str, Any]:
    """One entry of the file, in the words of Prefect."""
    # An empty list, not a missing one: a deployment that lost its schedule loses it on the server too.
    planned = [] if deployment.schedule is None else [entry_of_schedule(deployment.schedule)]
    return {
        "name": deployment.name,
        "description": deployment.description,
        "entrypoint": deployment.entrypoint,
        "tags": list(deployment.tags),
        "parameters": dict(deployment.parameters),
        "enforce_parameter_schema": True,
        "schedules": planned,
        "work_pool": {
            "name": WORK_POOL,
            "work_queue_name": "default",
            "job_variables": {"env": dict(RUN_ENVIRONMENT)},
        },
    }


def entry_of_schedule(schedule: Schedule) -> dict[str, str]:
    """A schedule as Prefect writes it. The slug is what makes a changed cron an update of the same schedule."""
    return {"slug": schedule.name, "cron": prefect_cron(schedule.cron), "timezone": schedule.zone.key}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print, write or check the file; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.deployments",
        description="Print deployments/prefect.yaml as the settings of this installation make it.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help="rewrite the file")
    what.add_argument("--check", action="store_true", help="exit with 1 where the file differs")
    asked = parser.parse_args(arguments)
    try:
        text = render(settings_for(None))
    except CaEtlError as error:
        sys.stderr.write(f"{error}\nnext: {error.hint}\n")
        return error.exit_status
    if asked.write:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if not asked.check:
        sys.stdout.write(text)
        return 0
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(
        f"{FILE} differs from the schedules\nnext: {Path(sys.executable).name} -m flows.deployments --write\n"
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
