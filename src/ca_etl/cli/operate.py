"""Commands of an installation: schedule, alerts, backup; and the alert check after a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ca_etl.cli.render import load_settings, print_json, print_line, progress_shown
from ca_etl.errors import UsageError

if TYPE_CHECKING:
    from ca_etl.operate.alert_delivery import AlertReport
    from ca_etl.settings import Settings
    from ca_etl.sources.schedules import Schedule

SLOTS: Final = 3
WIDTH: Final = 100
TIME: Final = "%a %Y-%m-%d %H:%M:%S"
USER: Final = "sudo systemd-sysusers deployments/systemd/ca_etl.sysusers"
TIMERS: Final = "ca-etl.timer ca-etl-sweep.timer ca-etl-deadman.timer"
RUN_DEPLOYMENT: Final = ".venv/bin/prefect deployment run ca-daily/daily"
CADENCE: Final = ("daily_cron", "sweep_cron", "timezone")


def schedule() -> None:
    """List the next slots of each schedule, and the ways to start runs on schedule."""
    from ca_etl.pipeline.context import utc_now

    typer.echo(explain_schedules(load_settings(), utc_now()))


def alerts(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send and record nothing.")] = False,
) -> None:
    """Check for alerts, send messages about new and ended ones, list the open ones. Exit status 1: an alert is open."""
    from ca_etl.operate.alert_delivery import check_alerts
    from ca_etl.pipeline.context import utc_now
    from ca_etl.warehouse.data_directory import assert_has_data

    settings = load_settings()
    assert_has_data(settings.data_dir)
    now = utc_now()
    report = check_alerts(settings, now, dry_run=dry_run)
    _print_warnings(report.warnings)
    if as_json:
        print_json(report)
    else:
        typer.echo("\n".join(_lines(report, now, dry_run=dry_run)))
    raise typer.Exit(1 if report.open else 0)


def _print_warnings(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        print_line(f"warning: {warning}", logging.WARNING)


def _lines(report: AlertReport, now: datetime, *, dry_run: bool) -> Iterator[str]:
    """The lines of an alert report: three for each open alert, then the sent and the undelivered messages."""
    from ca_etl.operate.alerts import duration

    for alert in report.open:
        yield f"{alert.key}: {alert.title} (for {duration(now - alert.since)})"
        yield f"    {alert.detail}"
        yield f"    next: {alert.next_command}"
    if not report.open:
        yield "no alert is open"
    for message in report.sent:
        yield f"{'would be sent' if dry_run else 'sent'}: {message.subject}"
    if not dry_run:
        for delivery in report.waiting:
            yield f"not yet delivered to {', '.join(delivery.to)}: {delivery.message.subject}"


def parse_folder(text: str) -> Path:
    """Parse the path of a folder. Raises `typer.BadParameter` for an empty one, which would be the current folder."""
    if not text.strip():
        raise typer.BadParameter("the path is empty")
    return Path(text)


def backup(
    folder: Annotated[
        Path,
        typer.Argument(parser=parse_folder, metavar="DIR", help="Folder of the backup, on another disk."),
    ],
) -> None:
    """Copy what no rebuild can make again (archive, journal, decisions) to a folder; only new files are copied.

    Of a damaged or missing archive file it names the command that puts the copy of the backup into its place.
    """
    from ca_etl.operate.backup import back_up
    from ca_etl.pipeline.context import utc_now

    settings = load_settings()
    with progress_shown() as progress:
        report = back_up(settings, folder, utc_now(), progress)
    _print_warnings(report.warnings)
    print_line(
        f"{report.copied} of {report.files} files were new, and are copied and verified; to restore them into "
        f"an empty data directory: ca-etl restore {folder}"
    )
    typer.echo(folder)


@contextmanager
def alerts_after(settings: Settings) -> Iterator[None]:
    """Check for alerts once the run in the `with` block has ended, also after a failed run.

    No check follows an invalid command, a cancelled run, or a run that could not get the lock.
    """
    from ca_etl.warehouse.lock import LockHeldError

    try:
        yield
    except (LockHeldError, UsageError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        check_and_warn(settings)
        raise
    check_and_warn(settings)


def check_and_warn(settings: Settings) -> None:
    """Check for alerts after a run and print the warnings."""
    from ca_etl.operate.alert_delivery import check_after_run
    from ca_etl.pipeline.context import utc_now

    _print_warnings(check_after_run(settings, utc_now()))


@dataclass(frozen=True, slots=True)
class SetupGuide:
    """One way to start runs on schedule: title, preparations (`first`), commands, and the command for a run now."""

    title: str
    first: str
    commands: tuple[str, ...]
    run_now: str


GUIDES: Final = (
    SetupGuide(
        "systemd timers, without Prefect",
        "The units expect the repository in /opt/ca_etl, after `make setup`. "
        "In the copied ca_etl.env, fill in CA_ETL_CONTACT before the third command.",
        (
            f"{USER} && sudo install -D -m 600 deployments/ca_etl.env.example /etc/ca_etl/ca_etl.env",
            "sudo cp deployments/systemd/ca-etl*.service deployments/systemd/ca-etl*.timer /etc/systemd/system/",
            f"sudo systemctl daemon-reload && sudo systemctl enable --now {TIMERS}",
        ),
        "sudo systemctl start ca-etl.service",
    ),
    SetupGuide(
        "A Prefect server and a worker",
        "Before the first command: start a server (`prefect server start`, or ca-etl-server.service), and "
        "export PREFECT_API_URL=http://127.0.0.1:4200/api. Runs have the environment of the worker: set "
        "CA_ETL_DATA_DIR, CA_ETL_CONTACT and other settings there. As a service: ca-etl-worker.service.",
        (
            ".venv/bin/python -m flows.deploy setup",
            # in the background of a script it would inherit an ignored SIGINT, and then survive a stop
            "env --default-signal=INT .venv/bin/prefect worker start --pool ca-process",
        ),
        RUN_DEPLOYMENT,
    ),
    SetupGuide(
        "A Prefect server and one process that serves all flows",
        "For one machine: no work pool, no deploy. As services: ca-etl-server.service and ca-etl-serve.service.",
        (
            ".venv/bin/prefect server start --host 127.0.0.1 --port 4200",
            "export PREFECT_API_URL=http://127.0.0.1:4200/api  # in another terminal",
            ".venv/bin/python -m flows.deploy serve",
        ),
        RUN_DEPLOYMENT,
    ),
    SetupGuide(
        "Containers: Prefect server, PostgreSQL, worker",
        "Needs Docker with compose. Fill in CA_ETL_CONTACT in deployments/ca_etl.env before the third command.",
        (
            "cp deployments/ca_etl.env.example deployments/ca_etl.env",
            "export POSTGRES_PASSWORD=$(openssl rand -hex 16)  # write it down: the database keeps this password",
            "docker compose --file deployments/compose.yaml up --build --detach",
        ),
        "docker compose --file deployments/compose.yaml run --rm worker ca-etl run",
    ),
)


def explain_schedules(settings: Settings, now: datetime) -> str:
    """Explain how to start runs on schedule, with the next slots of each schedule after `now` (zone-aware)."""
    from ca_etl.sources.schedules import schedules

    lines = [line for planned in schedules(settings) for line in (*_slots(planned, now), "")]
    lines += _changed_settings(settings)
    for letter, guide in zip("abcd", GUIDES, strict=True):
        lines += [f"{letter}) {guide.title}"]
        lines += wrap(
            guide.first, WIDTH, initial_indent="   ", subsequent_indent="   ", break_on_hyphens=False
        )
        lines += [f"     {number}. {command}" for number, command in enumerate(guide.commands, start=1)]
        lines += [f"     a run now: {guide.run_now}"]
        lines.append("")
    return "\n".join(lines).rstrip("\n")


def _slots(planned: Schedule, now: datetime) -> Iterator[str]:
    yield f"{planned.name}  {planned.cron}  {planned.zone.key}  ({planned.source}: {planned.summary})"
    for slot in islice(planned.after(now), SLOTS):
        yield f"  {slot.astimezone(planned.zone):{TIME} %z}  =  {slot:{TIME}} UTC"


def _changed_settings(settings: Settings) -> Iterator[str]:
    """How changed schedule settings reach what is deployed; nothing while they have their defaults."""
    fields = type(settings).model_fields
    changed = [name for name in CADENCE if getattr(settings, name) != fields[name].default]
    if not changed:
        return
    names = ", ".join(f"CA_ETL_{name.upper()}" for name in changed)
    yield f"{names}: changed in the settings; repeat the change in what is deployed:"
    yield "  Prefect: .venv/bin/python -m flows.deploy setup, or restart what serves; containers: compose up again"
    yield "  timers: sudo systemctl edit ca-etl.timer ca-etl-sweep.timer  (an empty OnCalendar=, then the new one)"
    yield ""
