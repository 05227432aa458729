"""The command line. Results go to stdout, progress and logs to stderr.

Every import that costs time stands inside the command that needs it, so that `ca-etl --help`
answers at once.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from ca_etl import cli_alerts, cli_inspect, logs
from ca_etl.cli_alerts import alerts_after, look_for_alerts
from ca_etl.cli_shared import load_settings as _settings
from ca_etl.cli_shared import say, warn_of_misspelt_settings
from ca_etl.cli_shared import say_error as _say_error
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.logs import LogFormat
from ca_etl.output import Format

if TYPE_CHECKING:
    from ca_etl.pipeline.context import Progress
    from ca_etl.pipeline.run import Outcome

app = typer.Typer(
    name="ca-etl",
    help="Daily Central Asian exchange rates and articles, from page to DuckDB release.",
    epilog="Settings are CA_ETL_* variables or a .env file; data stand in CA_ETL_DATA_DIR (./data).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


INTERRUPTED = 130


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
        sys.exit(INTERRUPTED)
    except SystemExit as ended:
        # Typer ends a command that was interrupted without a word
        if ended.code == INTERRUPTED:
            _say_error("interrupted; what was archived is kept for the next run", "ca-etl status")
        raise
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
    log_format: Annotated[
        LogFormat | None,
        typer.Option(
            envvar="CA_ETL_LOG_FORMAT", help="Form of the log on stderr: text, or a JSON object a line."
        ),
    ] = None,
) -> None:
    logs.configure(log_format, verbose=verbose)


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
    warn_of_misspelt_settings()
    with _progress() as progress, alerts_after(settings):
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
    with _progress() as progress, alerts_after(settings):
        given = Given(tuple(paths), url, captured_at)
        outcome = run_ingest(settings, given, edges=Edges(progress=progress))
    _finish(outcome)


@app.command()
def backfill(
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of publication, UTC.")
    ],
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day. Default: today.")
    ] = None,
    source: Annotated[
        str, typer.Option(help="What to ask: posts, the site's posts API, or feed, where that is closed.")
    ] = "posts",
) -> None:
    """Walk the history of a source into the archive, then load, build, check, publish. Goes on where it stopped."""
    from ca_etl.pipeline.context import utc_now
    from ca_etl.pipeline.history import Stretch
    from ca_etl.pipeline.run import Edges, run_backfill

    until = last or utc_now()
    stretch = Stretch.of(first.date(), until.date())
    settings = _settings()
    with _progress() as progress, alerts_after(settings):
        outcome = run_backfill(settings, stretch, source=source, edges=Edges(progress=progress))
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
    with _progress() as progress, alerts_after(settings):
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
    serve: Annotated[
        bool, typer.Option("--serve", help="Only serve the site, as on the last day, until Ctrl-C.")
    ] = False,
) -> None:
    """Play scheduled days on the embedded sample site, over real HTTP on loopback."""
    if serve:
        _serve_demo(until.date() if until else None)
        return
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
                look_for_alerts(settings, played=True)
    *earlier, last = outcomes
    for outcome in earlier:
        _tell(outcome)
    _finish(last)


def _serve_demo(day: date | None) -> None:
    from ca_etl.demo.site import DemoSite

    with DemoSite(port=_settings().demo_port, day=day) as site:
        asked = f"CA_ETL_SITE_URL={site.base_url} CA_ETL_MIN_INTERVAL_SECONDS=0 ca-etl backfill"
        first = site.day.replace(day=1)
        say(
            f"the demo site on {site.day}, until Ctrl-C. Next, elsewhere: {asked} --from {first} --to {site.day}"
        )
        typer.echo(site.base_url)
        Event().wait()


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
    say(f"{decision} {capture_id}: in {data_dir / decisions.DECISIONS_FILE}; next: ca-etl run")


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


cli_inspect.register(app)
cli_alerts.register(app)


@contextmanager
def _progress() -> Iterator[Progress]:
    """A progress bar on stderr once the work has lasted two seconds, nothing when stderr is no terminal."""
    from ca_etl.pipeline.context import silent

    if logs.is_json() or not sys.stderr.isatty():
        yield silent
        return
    from ca_etl.progress import bar_after

    with bar_after(seconds=2.0) as progress:
        yield progress


def _tell(outcome: Outcome) -> None:
    with logs.bound(run_id=outcome.run_id):
        for warning in outcome.warnings:
            say(f"warning: {warning}", logging.WARNING)
        for result in outcome.fired:
            failed = result.severity == "error"
            say(
                f"check {result.check_name} {'failed' if failed else 'warning'}: "
                f"{result.offending_rows} rows, {result.sample}",
                logging.ERROR if failed else logging.WARNING,
            )
        if outcome.error:
            _say_error(f"run {outcome.run_id}: {outcome.error}", outcome.hint)


def _finish(outcome: Outcome) -> None:
    """Say what the run did: the release on stdout, everything else on stderr. Ends with its exit status."""
    _tell(outcome)
    if outcome.loaded:
        did = outcome.loaded
        with logs.bound(run_id=outcome.run_id):
            say(
                f"{did.archive_files} new archive files: {did.captures} captures, {did.rates} rates, "
                f"{did.articles} articles, {did.rejects} rejects"
            )
    if outcome.release:
        typer.echo(outcome.release.folder)
    raise typer.Exit(outcome.exit_status)
