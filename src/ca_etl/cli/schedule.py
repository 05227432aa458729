"""What `ca-etl schedule` prints: the schedules with their next slots, and the ways to have runs started."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from textwrap import wrap
from typing import Final

from ca_etl.settings import Settings
from ca_etl.sources.schedules import Schedule, schedules

SLOTS: Final = 3
WIDTH: Final = 100
TIME: Final = "%a %Y-%m-%d %H:%M:%S"
USER: Final = "sudo systemd-sysusers deployments/systemd/ca_etl.sysusers"
TIMERS: Final = "ca-etl.timer ca-etl-sweep.timer ca-etl-deadman.timer"
CADENCE: Final = ("daily_cron", "sweep_cron", "timezone")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to set the schedules up: what has to be there before, and three commands."""

    title: str
    before: str
    commands: tuple[str, str, str]


WAYS: Final = (
    Way(
        "systemd timers, without Prefect",
        "The units expect the repository in /opt/ca_etl, after `make setup`. "
        "In the copied ca_etl.env, fill in CA_ETL_CONTACT before the third command.",
        (
            f"{USER} && sudo install -D -m 600 deployments/ca_etl.env.example /etc/ca_etl/ca_etl.env",
            "sudo cp deployments/systemd/ca-etl*.service deployments/systemd/ca-etl*.timer /etc/systemd/system/",
            f"sudo systemctl daemon-reload && sudo systemctl enable --now {TIMERS}",
        ),
    ),
    Way(
        "A Prefect server and a worker",
        "A server runs (`prefect server start`, or ca-etl-server.service), and first of all: "
        "export PREFECT_API_URL=http://127.0.0.1:4200/api. The worker's environment is that of the runs: "
        "CA_ETL_DATA_DIR, CA_ETL_CONTACT and the like stand there. For good: ca-etl-worker.service.",
        (
            ".venv/bin/python -m flows.deploy setup",
            "CA_ETL_HOME=$PWD .venv/bin/prefect --no-prompt deploy --prefect-file deployments/prefect.yaml --all",
            # in the background of a script it would inherit an ignored SIGINT, and then survive a stop
            "env --default-signal=INT .venv/bin/prefect worker start --pool ca-process",
        ),
    ),
    Way(
        "A Prefect server and one process that serves all",
        "For one machine: no work pool, no deploy. For good: ca-etl-server.service and ca-etl-serve.service.",
        (
            ".venv/bin/prefect server start --host 127.0.0.1 --port 4200",
            "export PREFECT_API_URL=http://127.0.0.1:4200/api  # in another terminal",
            ".venv/bin/python -m flows.deploy serve",
        ),
    ),
    Way(
        "Containers: Prefect server, PostgreSQL, worker",
        "Docker with its compose plugin. Fill in CA_ETL_CONTACT in deployments/ca_etl.env before the third command.",
        (
            "cp deployments/ca_etl.env.example deployments/ca_etl.env",
            "export POSTGRES_PASSWORD=$(openssl rand -hex 16)  # keep it: the database does",
            "docker compose --file deployments/compose.yaml up --build --detach",
        ),
    ),
)


def explain(settings: Settings, now: datetime) -> str:
    """The schedules of the installation and how to set them up, as plain text. `now` is zone-aware."""
    lines = [line for each in schedules(settings) for line in (*_slots(each, now), "")]
    lines += _warnings(settings)
    for letter, way in zip("abcd", WAYS, strict=True):
        lines += [f"{letter}) {way.title}"]
        lines += wrap(
            way.before, WIDTH, initial_indent="   ", subsequent_indent="   ", break_on_hyphens=False
        )
        lines += [f"     {number}. {command}" for number, command in enumerate(way.commands, start=1)]
        lines.append("")
    return "\n".join(lines).rstrip("\n")


def _slots(schedule: Schedule, now: datetime) -> Iterator[str]:
    yield f"{schedule.name}  {schedule.cron}  {schedule.zone.key}  ({schedule.source}: {schedule.summary})"
    for slot in islice(schedule.after(now), SLOTS):
        yield f"  {slot.astimezone(schedule.zone):{TIME} %z}  =  {slot:{TIME}} UTC"


def _warnings(settings: Settings) -> Iterator[str]:
    """What is set up in files of its own does not follow a setting by itself."""
    changed = [name for name in CADENCE if getattr(settings, name) != Settings.model_fields[name].default]
    if not changed:
        return
    yield f"{', '.join(f'CA_ETL_{name.upper()}' for name in changed)} set here; what is deployed follows with:"
    yield "  Prefect: the same crons in deployments/prefect.yaml, then deploy again"
    yield "  timers: sudo systemctl edit ca-etl.timer ca-etl-sweep.timer  (OnCalendar=, then OnCalendar=... anew)"
    yield ""
