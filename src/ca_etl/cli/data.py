"""The commands for published data: query a release, export it, roll it back, decide about a capture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from ca_etl.cli.render import Format, load_settings, print_json, print_line
from ca_etl.errors import UsageError

Raw = Annotated[
    bool,
    typer.Option("--raw", help="CSV: no apostrophe before texts that a spreadsheet takes for formulas."),
]


def sql(
    query: Annotated[str, typer.Argument(help='For example "from fct_rate_daily limit 5"; - reads stdin.')],
    form: Annotated[Format, typer.Option("--format", "-f", help="Form of the result.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write instead of stdout.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Query what the last run built but did not publish.")
    ] = False,
    raw: Raw = False,
) -> None:
    """Query the current release, read-only."""
    from ca_etl.cli.query import run_query

    text = sys.stdin.read() if query == "-" else query
    run_query(load_settings().data_dir, text, form, output, failed=failed, raw=raw)


def describe(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="TABLE", help="A table or macro, such as fct_rate_daily or raw.capture. Default: a list."
        ),
    ] = None,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", "-f", help="Form of the result.")
    ] = "table",
) -> None:
    """Show what the columns of a table or macro of the current release mean, or list all tables and macros."""
    from ca_etl.cli.describe import find_relation, print_relation, print_relations, read_relations

    relations = read_relations(load_settings().data_dir)
    relation = None if name is None else find_relation(relations, name)
    if form == "json":
        print_json(tuple(relations.values()) if relation is None else relation)
    elif relation is None:
        print_relations(relations)
    else:
        print_relation(relation)


def rollback(
    to: Annotated[str | None, typer.Argument(help="Release to return to. Default: the previous one.")] = None,
) -> None:
    """Make an earlier release the current one again; nothing is deleted. The next run builds on this release."""
    from ca_etl.archive.reader import archive_files
    from ca_etl.pipeline.context import utc_now
    from ca_etl.warehouse import lock, release
    from ca_etl.warehouse.data_directory import holds_demo, next_command
    from ca_etl.warehouse.reading import consult_extent

    settings = load_settings()
    data_dir = settings.data_dir
    holder = lock.Holder.here("rollback", "rollback", utc_now())
    with lock.run_lock(data_dir, holder) as held:
        held.recorded()  # a rollback is not a run: one that fails is not a killed run
        before = release.current_id(data_dir)
        target = release.rollback(data_dir, to)
    extent = consult_extent(data_dir, target.release_id)
    left = f"from {before} ({consult_extent(data_dir, before)}) " if before else ""
    archived = {
        path.relative_to(settings.archive_dir).as_posix() for path in archive_files(settings.archive_dir)
    }
    print_line(f"rolled back {left}to {target.release_id} ({extent})")
    print_line(
        f"the next run copies {target.release_id}, loads the {len(archived - extent.archive_files)} archive files that "
        "it lacks, and publishes a release of its own; a capture that is not to come back: ca-etl decide exclude",
        hint=next_command("ca-etl run", is_demo=holds_demo(settings)),
    )
    typer.echo(target.folder)


def decide(
    decision: Annotated[
        Literal["exclude", "accept"],
        typer.Argument(help="exclude: leave the capture's observations out. accept: they are right."),
    ],
    capture_id: Annotated[str, typer.Argument(help="The capture that a check names (ca-etl status).")],
    reason: Annotated[str, typer.Option(help="Why you decide so; stored with the decision.")],
) -> None:
    """Exclude or accept a capture whose observations a check stopped; the next run applies the decision."""
    from ca_etl.cli.query import assert_capture
    from ca_etl.pipeline.context import utc_now
    from ca_etl.warehouse import overrides
    from ca_etl.warehouse.data_directory import holds_demo, next_command
    from ca_etl.warehouse.raw_load import CaptureDecision

    settings = load_settings()
    data_dir = settings.data_dir
    if not reason.strip():
        raise UsageError("--reason is empty; a decision needs one", 'ca-etl decide ... --reason "why"')
    assert_capture(data_dir, capture_id)
    overrides.append(data_dir, CaptureDecision(capture_id, decision, reason, utc_now()))
    path = data_dir / overrides.DECISIONS_FILE
    next_step = next_command("ca-etl run", is_demo=holds_demo(settings))
    print_line(f"the decision to {decision} {capture_id} is stored in {path}; next: {next_step}")


def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the files; made if it does not exist.")],
    table: Annotated[
        list[str] | None, typer.Option("--table", "-t", help="Only this table (repeatable).")
    ] = None,
    form: Annotated[
        Literal["parquet", "csv", "json"], typer.Option("--format", "-f", help="Form of the files.")
    ] = "parquet",
    raw: Raw = False,
) -> None:
    """Write the tables of the current release to a folder, one file for each table."""
    from ca_etl.cli.query import export_tables

    for path in export_tables(load_settings().data_dir, folder, table or [], Format(form), raw=raw):
        typer.echo(path)
