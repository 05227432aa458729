"""The commands about what is published: query it, export it, decide about its captures, move back from it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from ca_etl.cli.render import Format, load_settings, print_line
from ca_etl.errors import UsageError

Raw = Annotated[
    bool,
    typer.Option("--raw", help="CSV cells that begin like a formula as they are, without an apostrophe."),
]


def sql(
    query: Annotated[str, typer.Argument(help='For example "from fct_rate_daily limit 5"; - reads stdin.')],
    form: Annotated[Format, typer.Option("--format", "-f", help="Form of the result.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write instead of stdout.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Query what the last run built and could not publish.")
    ] = False,
    raw: Raw = False,
) -> None:
    """Query the current release, read-only."""
    from ca_etl.cli.query import run_query

    text = sys.stdin.read() if query == "-" else query
    run_query(load_settings().data_dir, text, form, output, failed=failed, raw=raw)


def rollback(
    to: Annotated[str | None, typer.Argument(help="Release to return to. Default: the previous one.")] = None,
) -> None:
    """Move `current` back to an earlier release; nothing is deleted. The next run builds on it."""
    from ca_etl.pipeline.context import utc_now
    from ca_etl.warehouse import lock, release

    data_dir = load_settings().data_dir
    holder = lock.Holder.here("rollback", "rollback", utc_now())
    with lock.run_lock(data_dir, holder) as held:
        held.recorded()  # a rollback is not a run: one that fails is not a killed run
        typer.echo(release.rollback(data_dir, to).folder)


def decide(
    decision: Annotated[
        Literal["exclude", "accept"],
        typer.Argument(help="exclude: leave its observations out. accept: they are right."),
    ],
    capture_id: Annotated[str, typer.Argument(help="As a firing check names it (ca-etl status).")],
    reason: Annotated[str, typer.Option(help="Why; stored with the decision.")],
) -> None:
    """Decide about a capture that a check stopped; the next run respects it."""
    from ca_etl.cli.query import assert_capture
    from ca_etl.pipeline.context import utc_now
    from ca_etl.warehouse import overrides
    from ca_etl.warehouse.raw_load import CaptureDecision

    data_dir = load_settings().data_dir
    if not reason.strip():
        raise UsageError("--reason must not be empty", 'ca-etl decide ... --reason "why"')
    assert_capture(data_dir, capture_id)
    overrides.append(data_dir, CaptureDecision(capture_id, decision, reason, utc_now()))
    print_line(f"{decision} {capture_id}: in {data_dir / overrides.DECISIONS_FILE}; next: ca-etl run")


def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the files; made when absent.")],
    table: Annotated[
        list[str] | None, typer.Option("--table", "-t", help="Only this table (repeatable).")
    ] = None,
    form: Annotated[
        Literal["parquet", "csv", "json"], typer.Option("--format", "-f", help="Form of the files.")
    ] = "parquet",
    raw: Raw = False,
) -> None:
    """Write the tables of the current release to a folder, one file each."""
    from ca_etl.cli.query import export_tables

    for path in export_tables(load_settings().data_dir, folder, table or [], Format(form), raw=raw):
        typer.echo(path)
