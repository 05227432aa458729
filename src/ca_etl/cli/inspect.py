"""The commands that change nothing: status, doctor, verify, releases, models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ca_etl.cli.render import load_settings, print_error, print_json, progress_shown
from ca_etl.errors import UsageError

if TYPE_CHECKING:
    from ca_etl.settings import Settings


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Run `ca-etl doctor` instead.")] = False,
    fail_if_stale: Annotated[
        bool, typer.Option("--fail-if-stale", help="Exit with 1 when an overdue slot is not observed.")
    ] = False,
) -> None:
    """Show how fresh the data are, what the last runs did, which checks fire. Exit status 1: a file is damaged."""
    if check:
        doctor(as_json=as_json)
    from ca_etl.operate.alert_delivery import damage_of_alerts
    from ca_etl.operate.status import collect, render, staleness
    from ca_etl.pipeline.context import utc_now
    from ca_etl.screen import Screen

    report = collect(load_settings(), utc_now())
    report = replace(report, damaged=(*report.damaged, *damage_of_alerts(Path(report.data_dir))))
    if as_json:
        print_json(report)
    else:
        Screen().print(render(report))
    for damage in report.damaged:
        print_error(damage.message, damage.next_command)
    stale = staleness(report) if fail_if_stale else ()
    for message in stale:
        print_error(message, "ca-etl doctor, then: ca-etl run")
    if report.damaged or stale:
        raise typer.Exit(1)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Read every archive file to its end.")] = False,
) -> None:
    """Check machine, settings and data directory; each problem has its next command. Exit status 1: an error."""
    from ca_etl.operate.doctor import examine, render
    from ca_etl.operate.machine import Level
    from ca_etl.pipeline.context import utc_now
    from ca_etl.screen import Screen

    try:
        settings: Settings | UsageError = load_settings()
    except UsageError as error:
        settings = error
    diagnosis = examine(settings, utc_now(), deep=deep)
    if as_json:
        print_json(diagnosis)
    else:
        Screen().print(render(diagnosis))
    raise typer.Exit(1 if diagnosis.worst is Level.ERROR else 0)


def verify(
    quick: Annotated[
        bool, typer.Option("--quick", help="Only compare the files of the release with its datapackage.json.")
    ] = False,
) -> None:
    """Rebuild the current release in a temporary folder and compare the two. Exit status 1: they differ."""
    from ca_etl.cli.query import published
    from ca_etl.pipeline.verify import DamagedSource
    from ca_etl.pipeline.verify import verify as compare
    from ca_etl.warehouse.reading import RESTORE

    settings = load_settings()
    release = published(settings.data_dir)
    differences = []
    with progress_shown() as progress:
        for difference in compare(settings, release, quick=quick, progress=progress):
            differences.append(difference)
            typer.echo(f"{difference.thing}: {difference.how}")
    if any(isinstance(difference, DamagedSource) for difference in differences):
        print_error(f"files from which {release.folder} was made are missing or damaged", RESTORE)
    elif differences:
        hint = "ca-etl rebuild (makes a new release from the archive), or ca-etl rollback"
        print_error(f"{release.folder} differs from what was published or from what the archive gives", hint)
    if differences:
        raise typer.Exit(1)
    typer.echo(f"{release.release_id}: {'files' if quick else 'files and tables'} are as they should be")


def releases() -> None:
    """List the published releases, oldest first; an asterisk marks the current one."""
    from ca_etl.warehouse import release

    data_dir = load_settings().data_dir
    current = release.current_id(data_dir)
    for published in release.releases(data_dir):
        file, mark = published.warehouse, "*" if published.release_id == current else " "
        size = f"{file.stat().st_size / 1e6:8.1f} MB" if file.is_file() else f"no {file.name}"
        typer.echo(f"{mark} {published.release_id}  {size}  {published.folder}")


def models() -> None:
    """List the SQL models in build order, with their parents and descriptions, then the functions."""
    from ca_etl.warehouse.models import discover, read_functions
    from ca_etl.warehouse.sqlfiles import sql_root

    for model in discover(sql_root()):
        typer.echo(f"{model.name}  <- {', '.join(model.parents)}\n    {model.header.description}")
    for function in read_functions(sql_root()):
        typer.echo(f"{function.signature}\n    {function.header.description}")
