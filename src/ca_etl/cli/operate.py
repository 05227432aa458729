"""Commands of a scheduled installation: `schedule` and `alerts`, and the alert check after a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ca_etl.cli.render import load_settings, print_json, say
from ca_etl.errors import UsageError

if TYPE_CHECKING:
    from ca_etl.operate.alert_delivery import Look
    from ca_etl.settings import Settings


def register(app: typer.Typer) -> None:
    """Give the commands to the application."""
    for command in (schedule, alerts):
        app.command()(command)


def schedule() -> None:
    """List when each source is captured next, and the ways to have runs started."""
    from ca_etl.cli.schedule import explain
    from ca_etl.pipeline.context import utc_now

    typer.echo(explain(load_settings(), utc_now()))


def alerts(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send and record nothing.")] = False,
) -> None:
    """Check what needs an operator, send what began or ended, list what is open. Exit status 1: an alert is open."""
    from ca_etl.operate.alert_delivery import look
    from ca_etl.pipeline.context import utc_now

    settings = load_settings()
    now = utc_now()
    found = look(settings, now, dry_run=dry_run)
    for warning in found.warnings:
        say(f"warning: {warning}", logging.WARNING)
    if as_json:
        print_json(found)
    else:
        typer.echo("\n".join(_listed(found, now, dry_run=dry_run)))
    raise typer.Exit(1 if found.open else 0)


def _listed(outcome: Look, now: datetime, *, dry_run: bool) -> Iterator[str]:
    """Some lines for each open alert, then what was sent and what waits."""
    from ca_etl.operate.alerts import lasted

    for alert in outcome.open:
        yield f"{alert.key}: {alert.title} (for {lasted(now - alert.since)})"
        yield f"    {alert.detail}"
        yield f"    next: {alert.next_command}"
    if not outcome.open:
        yield "no alert is open"
    for message in outcome.sent:
        yield f"{'would be told' if dry_run else 'told'}: {message.subject}"
    if not dry_run:
        for delivery in outcome.waiting:
            yield f"waits for {', '.join(delivery.to)}: {delivery.message.subject}"


@contextmanager
def alerts_after(settings: Settings) -> Iterator[None]:
    """Look for alerts when the run of the block has ended, however it ended; not when there was none."""
    from ca_etl.warehouse.lock import LockHeldError

    try:
        yield
    except (LockHeldError, UsageError, KeyboardInterrupt):
        raise
    except BaseException:
        look_for_alerts(settings)
        raise
    look_for_alerts(settings)


def look_for_alerts(settings: Settings, *, played: bool = False) -> None:
    """Tell what began or ended. `played`: by the clock of the last run, which the demo sets to a past day."""
    from ca_etl.operate.alert_delivery import after_run, end_of_last_run
    from ca_etl.pipeline.context import utc_now

    now = (end_of_last_run(settings) if played else None) or utc_now()
    for warning in after_run(settings, now):
        say(f"warning: {warning}", logging.WARNING)
