"""The command line. Results go to stdout, progress and logs to stderr.

Every import that costs time stands inside the command that needs it, so that `ca-etl --help`
answers at once.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.output import Format

if TYPE_CHECKING:
    from ca_etl.pipeline.context import Progress
    from ca_etl.pipeline.run import Outcome
    from ca_etl.settings import Settings

app = typer.Typer(
    name="ca-etl",
    help="Daily Central Asian exchange rates and articles, from page to DuckDB release.",
    epilog="Settings are CA_ETL_* variables or a .env file; data stand in CA_ETL_DATA_DIR (./data).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Entry point: errors an operator can act on become one sentence, the next command and an exit status."""
    import os

    try:
        app()
    except CaEtlError as error:
        _say_error(str(error), error.hint)
        sys.exit(error.exit_status)
    except (KeyboardInterrupt, RuntimeError) as error:
        # DuckDB turns Ctrl-C within a query into a RuntimeError of its own
        if isinstance(error, RuntimeError) and "interrupted" not in str(error):
            raise
        _say_error("interrupted", "ca-etl status")
        sys.exit(130)
    except BrokenPipeError:
        # `ca-etl sql ... | head` closes our stdout; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        _say_error(
            f"{error.strerror or error}{place}", "df -h . && ls -ld data (is there room, may we write?)"
        )
        sys.exit(1)


def parse_instant(text: str) -> datetime:
    """An ISO 8601 instant, UTC unless it carries an offset. Raises `typer.BadParameter`."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no instant such as 2025-12-05T02:00:00+00:00") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


class Decision(StrEnum):
    """What an operator can say of a capture."""

    EXCLUDE = "exclude"
    ACCEPT = "accept"


@app.callback()
def _common(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log each request and file.")] = False,
) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


@app.command()
def run(
    slot: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_instant, metavar="TIME", help="Scheduled instant. Default: the last daily slot."
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask the site once more, now, though the slot is archived.")
    ] = False,
    schedule: Annotated[str, typer.Option(help="The schedule it is a run of: daily or sweep.")] = "daily",
) -> None:
    """Do the scheduled job once: capture, load, build, check, publish."""
    from ca_etl.pipeline.context import utc_now
    from ca_etl.pipeline.run import Edges, run_daily

    if slot and again:
        raise UsageError("--slot names a slot and --again makes a new one", "ca-etl run --again")
    settings = _settings()
    with _progress() as progress, _alerts_after(settings):
        chosen = utc_now().replace(microsecond=0) if again else slot
        outcome = run_daily(settings, slot=chosen, on=schedule, edges=Edges(progress=progress))
    _finish(outcome)


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders: .txt .html .warc .warc.gz .wet.gz")],
    url: Annotated[str | None, typer.Option(help="Address the files were fetched from.")] = None,
    captured_at: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_instant, metavar="TIME", help="When they were fetched. Default: nobody knows."
        ),
    ] = None,
) -> None:
    """Archive files given by hand, then load, build, check, publish."""
    from ca_etl.pipeline.ingest import Given
    from ca_etl.pipeline.run import Edges, run_ingest

    settings = _settings()
    with _progress() as progress, _alerts_after(settings):
        given = Given(tuple(paths), url, captured_at)
        outcome = run_ingest(settings, given, edges=Edges(progress=progress))
    _finish(outcome)


@app.command()
def rebuild(
    rejects: Annotated[
        bool, typer.Option("--rejects", help="Only read again what an earlier parser version rejected.")
    ] = False,
) -> None:
    """Make the whole warehouse anew from the archive."""
    from ca_etl.pipeline.run import Edges, run_rebuild

    settings = _settings()
    with _progress() as progress, _alerts_after(settings):
        outcome = run_rebuild(settings, only_rejects=rejects, edges=Edges(progress=progress))
    _finish(outcome)


@app.command()
def demo(
    days: Annotated[int, typer.Option(min=1, max=500, help="Days to play, one run each.")] = 1,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day played. Default: 2025-12-22.")
    ] = None,
    outage: Annotated[
        list[datetime] | None,
        typer.Option(formats=["%Y-%m-%d"], help="A day on which the site answers 503 (repeatable)."),
    ] = None,
    wrong: Annotated[
        list[datetime] | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="A day on which it prints a rate ten times too high (repeatable)."
        ),
    ] = None,
) -> None:
    """Play scheduled days on the embedded sample site, over real HTTP on loopback."""
    from ca_etl.alerts.look import configured
    from ca_etl.pipeline.play import faults, play_days
    from ca_etl.pipeline.run import Edges

    broken = faults((day.date() for day in outage or []), (day.date() for day in wrong or []))
    last_day = until.date() if until else None
    settings = _settings()
    with _progress() as progress:
        played = play_days(settings, days, last_day=last_day, faults=broken, edges=Edges(progress=progress))
        outcomes = []
        for number, outcome in enumerate(played, start=1):
            progress("days played", number, days)
            outcomes.append(outcome)
            if configured(settings):
                _look_for_alerts(settings, played=True)
    *earlier, last = outcomes
    for outcome in earlier:
        _tell(outcome)
    _finish(last)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='For example "from fct_rate_daily limit 5"; - reads stdin.')],
    form: Annotated[Format, typer.Option("--format", "-f", help="Form of the result.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write instead of stdout.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Ask what the last run built and could not publish.")
    ] = False,
) -> None:
    """Query the current release, read-only."""
    from ca_etl.query import run_query

    text = sys.stdin.read() if query == "-" else query
    run_query(_settings().data_dir, text, form, output, failed=failed)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say how fresh the data is, what the last runs did, and which checks fire."""
    from pydantic import TypeAdapter
    from rich.console import Console

    from ca_etl.pipeline.context import utc_now
    from ca_etl.status import Status, collect, render

    found = collect(_settings())
    if as_json:
        typer.echo(TypeAdapter(Status).dump_json(found, indent=2))
    else:
        Console().print(render(found, utc_now()))


@app.command()
def releases() -> None:
    """List the published releases, oldest first; an asterisk marks the current one."""
    from ca_etl.warehouse import release

    data_dir = _settings().data_dir
    current = release.current_release(data_dir)
    for each in release.releases(data_dir):
        size = each.warehouse.stat().st_size / 1e6
        typer.echo(f"{'*' if each == current else ' '} {each.release_id}  {size:8.1f} MB  {each.folder}")


@app.command()
def rollback(
    to: Annotated[str | None, typer.Argument(help="Release to return to. Default: the one before.")] = None,
) -> None:
    """Move `current` back to an earlier release; nothing is deleted. The next run builds on it."""
    from ca_etl.pipeline.run import move_back

    typer.echo(move_back(_settings(), to).folder)


@app.command()
def decide(
    decision: Annotated[
        Decision, typer.Argument(help="exclude: leave its observations out. accept: they are right.")
    ],
    capture_id: Annotated[str, typer.Argument(help="As a firing check names it (ca-etl status).")],
    reason: Annotated[str, typer.Option(help="For whoever reads this later.")],
) -> None:
    """Decide about a capture that a check stopped; the next run heeds it."""
    from ca_etl.pipeline.context import utc_now
    from ca_etl.query import assert_capture
    from ca_etl.warehouse import decisions
    from ca_etl.warehouse.load import Decision as Entry

    data_dir = _settings().data_dir
    if not reason.strip():
        raise UsageError("a decision without a reason helps nobody later", 'ca-etl decide ... --reason "why"')
    assert_capture(data_dir, capture_id)
    decisions.append(data_dir, Entry(capture_id, decision, reason, utc_now()))
    typer.echo(
        f"{decision} {capture_id}: in {data_dir / decisions.DECISIONS_FILE}; next: ca-etl run", err=True
    )


@app.command()
def models() -> None:
    """List the SQL models in build order, with their parents and what they hold."""
    from ca_etl.warehouse.models import discover
    from ca_etl.warehouse.sqlfiles import sql_root

    for model in discover(sql_root()):
        typer.echo(f"{model.name}  <- {', '.join(model.parents)}\n    {model.header.description}")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the files; made when absent.")],
    table: Annotated[
        list[str] | None, typer.Option("--table", "-t", help="Only this table (repeatable).")
    ] = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="parquet, csv or json.")] = Format.PARQUET,
) -> None:
    """Write the tables of the current release to a folder, one file each."""
    from ca_etl.query import export_tables

    for path in export_tables(_settings().data_dir, folder, table or [], form):
        typer.echo(path)


@app.command()
def schedule() -> None:
    """Say when each source is captured next, and how to have that done by itself."""
    from ca_etl.pipeline.context import utc_now
    from ca_etl.schedule_help import explain

    typer.echo(explain(_settings(), utc_now()))


@app.command()
def alerts(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send and record nothing.")] = False,
) -> None:
    """Look for what needs an operator, tell what began or ended, list what is open. Exit status 1: something is."""
    from pydantic import TypeAdapter

    from ca_etl.alerts.listing import listed
    from ca_etl.alerts.look import Look, look
    from ca_etl.pipeline.context import utc_now

    settings = _settings()
    now = utc_now()
    found = look(settings, now, dry_run=dry_run)
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        typer.echo(TypeAdapter(Look).dump_json(found, indent=2))
    else:
        typer.echo(listed(found, now, dry_run=dry_run))
    raise typer.Exit(1 if found.open else 0)


@contextmanager
def _alerts_after(settings: Settings) -> Iterator[None]:
    """Look for alerts when the run of the block has ended, however it ended; not when there was none."""
    from ca_etl.warehouse.lock import LockHeldError

    try:
        yield
    except (LockHeldError, UsageError, KeyboardInterrupt):
        raise
    except BaseException:
        _look_for_alerts(settings)
        raise
    _look_for_alerts(settings)


def _look_for_alerts(settings: Settings, *, played: bool = False) -> None:
    """Tell what began or ended. `played`: by the clock of the last run, which the demo sets to a past day."""
    from ca_etl.alerts.look import after_run, end_of_last_run
    from ca_etl.pipeline.context import utc_now

    now = (end_of_last_run(settings) if played else None) or utc_now()
    for warning in after_run(settings, now):
        typer.echo(f"warning: {warning}", err=True)


def _settings() -> Settings:
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from ca_etl.settings import Settings

    try:
        return Settings()
    except (SettingsError, UnicodeDecodeError) as error:
        raise UsageError(f"the settings cannot be read: {error}", "env | grep CA_ETL_; cat .env") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"CA_ETL_{'_'.join(map(str, first['loc']))}".upper()
        raise UsageError(f"{name}={first['input']}: {first['msg']}", "env | grep CA_ETL_") from error


@contextmanager
def _progress() -> Iterator[Progress]:
    """A progress bar on stderr once the work has lasted two seconds, nothing when stderr is no terminal."""
    from ca_etl.pipeline.context import silent

    if not sys.stderr.isatty():
        yield silent
        return
    from ca_etl.progress import bar_after

    with bar_after(seconds=2.0) as progress:
        yield progress


def _tell(outcome: Outcome) -> None:
    for warning in outcome.warnings:
        typer.echo(f"warning: {warning}", err=True)
    for result in outcome.fired:
        word = "failed" if result.severity == "error" else "warning"
        typer.echo(
            f"check {result.check_name} {word}: {result.offending_rows} rows, {result.sample}", err=True
        )
    if outcome.error:
        _say_error(f"run {outcome.run_id}: {outcome.error}", outcome.hint)


def _finish(outcome: Outcome) -> None:
    """Say what the run did: the release on stdout, everything else on stderr. Ends with its exit status."""
    _tell(outcome)
    if outcome.loaded:
        did = outcome.loaded
        typer.echo(
            f"{did.archive_files} new archive files: {did.captures} captures, {did.rates} rates, "
            f"{did.articles} articles, {did.rejects} rejects",
            err=True,
        )
    if outcome.release:
        typer.echo(outcome.release.folder)
    raise typer.Exit(outcome.exit_status)


def _say_error(message: str, hint: str) -> None:
    typer.echo(f"ca-etl: {message}", err=True)
    if hint:
        typer.echo(f"next: {hint}", err=True)
