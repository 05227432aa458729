"""The commands that make a release: run, ingest, backfill, rebuild, restore and demo."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from ca_etl import logs
from ca_etl.cli.operate import alerts_after, check_and_warn, parse_folder
from ca_etl.cli.render import (
    load_settings,
    print_error,
    print_line,
    progress_shown,
    warn_of_misspelt_settings,
)
from ca_etl.errors import CaEtlError, UsageError, counted

if TYPE_CHECKING:
    from ca_etl.pipeline.context import Environment
    from ca_etl.pipeline.outcome import Outcome
    from ca_etl.settings import Settings
    from ca_etl.sources.source import DateRange
    from ca_etl.warehouse.journal import CheckResult
    from ca_etl.warehouse.release import Release

# The check whose sample counts the rejects by reason; etl_reject has a row for each reject.
REJECTS_CHECK = "run_has_no_rejects"
# The check whose sample names two captures, of which an operator may exclude one.
AGREE_CHECK = "captures_agree"

# The logger of the progress of a backfill, which lasts for hours, where no progress bar is shown.
BACKFILL_LOG = "ca_etl.sources"

TrustClock = Annotated[
    bool,
    typer.Option(
        "--trust-clock", help="Trust this machine's clock, although earlier data or the site contradict it."
    ),
]


class DemoInterruptedError(CaEtlError):
    """The served demo site was ended by Ctrl-C; no run was interrupted."""

    exit_status = 130


def parse_instant(text: str) -> datetime:
    """Parse an ISO 8601 instant, in UTC if it has no offset. Raises `typer.BadParameter` for any other text."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an instant such as 2025-12-05T02:00:00+00:00") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def run(
    slot: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_instant,
            metavar="TIME",
            help="Scheduled instant (ISO 8601, by default UTC). Default: the last slot of the schedule.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Make a new slot now, and request the pages again.")
    ] = False,
    schedule: Annotated[str, typer.Option(help="The schedule of the slot: daily or sweep.")] = "daily",
    trust_clock: TrustClock = False,
) -> None:
    """Run one scheduled slot: capture the pages, load them, build the tables, check, publish."""
    from ca_etl.pipeline.context import utc_now
    from ca_etl.pipeline.run import run_daily
    from ca_etl.sources.schedules import schedule as named_schedule

    if slot and again:
        raise UsageError("give --slot or --again, not both: --again makes a new slot", "ca-etl run --again")
    warn_of_misspelt_settings()
    planned = named_schedule(load_settings(), schedule)
    if slot and (latest := planned.latest(slot)) != slot:
        raise UsageError(
            f"{slot.isoformat()} is not a slot of the schedule {schedule}; the slot before it:",
            f"ca-etl run --schedule {schedule} --slot {latest.isoformat()}",
        )
    chosen = utc_now().replace(microsecond=0) if again else slot
    _run(
        lambda settings, environment: run_daily(settings, slot=chosen, on=schedule, environment=environment),
        trust_clock=trust_clock,
        begins=True,
    )


def ingest(
    paths: Annotated[
        list[Path], typer.Argument(help="Files, folders or patterns: .txt .html .warc .warc.gz .wet.gz")
    ],
    url: Annotated[
        str | None, typer.Option(help="Address that files without an address were fetched from.")
    ] = None,
    captured_at: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_instant,
            metavar="TIME",
            help="When the files were fetched (ISO 8601, by default UTC). Default: unknown.",
        ),
    ] = None,
    by_reference: Annotated[
        bool,
        typer.Option(
            "--by-reference",
            help="Refer to WARC and WET files by path and digest, and do not copy them: they must stay where they are.",
        ),
    ] = False,
    trust_clock: TrustClock = False,
) -> None:
    """Archive local files, load them, build the tables, check, publish. Started again, it resumes.

    Of WARC and WET files only the records of the site are kept. A pattern in quotes, such as '2023/*.warc.gz', works.
    """
    from ca_etl.pipeline.capture import GivenFiles
    from ca_etl.pipeline.run import run_ingest

    given = GivenFiles(tuple(paths), url, captured_at, by_reference)
    _run(
        lambda settings, environment: run_ingest(settings, given, environment=environment),
        trust_clock=trust_clock,
        begins=True,
    )


def backfill(
    first: Annotated[
        datetime,
        typer.Option(
            "--from",
            formats=["%Y-%m-%d"],
            help="First day: of publication or of the capture, UTC; of a bank, its own day.",
        ),
    ],
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day. Default: today."),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "--source",
            "--via",
            help="posts: the site's posts API. feed: its feed, where that API is unavailable. A bank: nbk, nbkr, cbu, "
            "nbt, cbr. A web archive: commoncrawl, wayback.",
        ),
    ] = "posts",
    plan: Annotated[
        bool,
        typer.Option(
            "--plan",
            help="Print what a web archive has and how long it takes, by its index, and request nothing else.",
        ),
    ] = False,
    trust_clock: TrustClock = False,
) -> None:
    """Archive what a source has of a date range, and publish. Started again, it resumes.

    A source is the site itself (articles), a central bank (its tables) or a web archive (pages of the site).
    """
    from ca_etl.pipeline.backfill import observed_days, source_with_past
    from ca_etl.pipeline.context import utc_now
    from ca_etl.pipeline.run import run_backfill
    from ca_etl.sources import all_sources
    from ca_etl.sources.source import DateRange

    source_with_past(all_sources(), source)
    dates = DateRange.of(first.date(), last.date() if last else None, utc_now().date())
    if not sys.stderr.isatty():
        logs.show(BACKFILL_LOG)
    if plan:
        _print_plan(dates, source)
        return

    def job(settings: Settings, environment: Environment) -> Outcome:
        known = observed_days(settings.data_dir)
        outcome = run_backfill(settings, dates, source=source, environment=environment)
        if outcome.release:
            print_line(_days(observed_days(settings.data_dir) - known, "won"))
        return outcome

    _run(job, trust_clock=trust_clock, begins=True)


def _print_plan(dates: DateRange, source: str) -> None:
    from ca_etl.pipeline.backfill import observed_days, plan_backfill
    from ca_etl.pipeline.context import Environment

    settings = load_settings()
    with progress_shown() as progress:
        plan = plan_backfill(settings, dates, source, Environment(progress=progress))
    typer.echo(f"{counted(plan.captures, 'capture')} to archive, by {counted(plan.requests, 'request')}")
    typer.echo(f"{timedelta(seconds=round(plan.seconds))} hours at least, with the pauses of the settings")
    typer.echo(_days(plan.days - observed_days(settings.data_dir), "to win at most"))


def _days(days: frozenset[date], what: str) -> str:
    """The number of days, and the first and the last of them."""
    between = f", from {min(days)} to {max(days)}" if days else ""
    return f"{counted(len(days), 'day')} {what}{between}"


def rebuild(
    rejects: Annotated[
        bool, typer.Option("--rejects", help="Parse again only what an earlier parser version rejected.")
    ] = False,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Publish although most rows, or files ingested by reference, are lost.",
        ),
    ] = False,
    trust_clock: TrustClock = False,
) -> None:
    """Build a new release from the whole archive, without requests to the site."""
    from ca_etl.pipeline.run import run_rebuild

    _run(
        lambda settings, environment: run_rebuild(settings, only_rejects=rejects, environment=environment),
        trust_clock=trust_clock,
        accept_loss=accept_loss,
    )


def restore(
    folder: Annotated[
        Path, typer.Argument(parser=parse_folder, metavar="DIR", help="Folder of a backup (ca-etl backup).")
    ],
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Restore what is left of damaged files, and publish without those ingested by reference and lost.",
        ),
    ] = False,
    trust_clock: TrustClock = False,
) -> None:
    """Fill an empty data directory from a backup, verify its files, build the release. Started again, it resumes."""
    from ca_etl.operate import backup

    _run(
        lambda settings, environment: backup.restore(settings, folder, environment),
        trust_clock=trust_clock,
        accept_loss=accept_loss,
    )


def _run(
    job: Callable[[Settings, Environment], Outcome],
    *,
    trust_clock: bool,
    accept_loss: bool = False,
    begins: bool = False,
) -> None:
    """Run a job with its progress shown, check for alerts, print the outcome and exit with its status.

    A job that `begins` a data directory where there is none states its path first: it may be mistyped.
    """
    from ca_etl.pipeline.context import Environment
    from ca_etl.warehouse.data_directory import has_data, holds_demo, next_command

    settings = load_settings()
    if begins and not has_data(settings.data_dir):
        print_line(f"{settings.data_dir.absolute()} has no data: a new data directory is begun there")
    with progress_shown() as progress, alerts_after(settings):
        environment = Environment(progress=progress, trust_clock=trust_clock, accept_loss=accept_loss)
        outcome = job(settings, environment)
    outcome.hint = next_command(outcome.hint, is_demo=holds_demo(settings))
    _finish(outcome)


def demo(
    days: Annotated[int, typer.Option(min=1, max=500, help="Number of days, one run each.")] = 1,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last of the days. Default: 2025-12-22.")
    ] = None,
    outage: Annotated[
        list[datetime] | None,
        typer.Option(formats=["%Y-%m-%d"], help="A day on which the site responds with 503 (repeatable)."),
    ] = None,
    wrong: Annotated[
        list[datetime] | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="A day on which the site prints a rate ten times too high (repeatable).",
        ),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Only serve the site, as on the last day, until Ctrl-C.")
    ] = False,
) -> None:
    """Simulate daily runs of past days against the embedded sample site, over HTTP on loopback."""
    if serve:
        _serve_demo(until.date() if until else None)
        return
    from ca_etl.operate.alert_delivery import configured_channels
    from ca_etl.pipeline.context import Environment
    from ca_etl.pipeline.play import faults, play_days

    broken = faults((day.date() for day in outage or []), (day.date() for day in wrong or []))
    last_day = until.date() if until else None
    settings = load_settings()
    with progress_shown() as progress:
        played = play_days(
            settings, days, last_day=last_day, faults=broken, environment=Environment(progress=progress)
        )
        outcomes = []
        for number, outcome in enumerate(played, start=1):
            progress("demo days", number, days)
            outcomes.append(outcome)
            if configured_channels(settings):
                check_and_warn(settings)
    _merge_repeated_warnings(outcomes)
    *earlier, last = outcomes
    for outcome in earlier:
        _print_problems(outcome)
    _finish(last)


def _serve_demo(day: date | None) -> None:
    from ca_etl.demo.site import DemoSite

    try:
        with DemoSite(port=load_settings().demo_port, day=day) as site:
            # a directory of its own: that of the demo has days of the past, that of the live site another site
            served = (
                f"CA_ETL_SITE_URL={site.base_url} CA_ETL_MIN_INTERVAL_SECONDS=0 CA_ETL_DATA_DIR=served-data"
            )
            dates = f"--from {site.day.replace(day=1)} --to {site.day}"
            print_line(
                f"serving the demo site as on {site.day}, until Ctrl-C; in another terminal:",
                hint=f"export {served} && ca-etl run && ca-etl backfill {dates}",
            )
            typer.echo(site.base_url)
            Event().wait()
    except KeyboardInterrupt:
        raise DemoInterruptedError("interrupted: the demo site is no longer served") from None


def _merge_repeated_warnings(outcomes: Sequence[Outcome]) -> None:
    """Leave a warning that several runs have to the last of them, with their number; rejects are of one run each."""
    runs = Counter(result.check_name for outcome in outcomes for result in outcome.fired)
    later: set[str] = {REJECTS_CHECK}
    for outcome in reversed(outcomes):
        warnings = {result.check_name for result in outcome.fired if result.severity != "error"}
        outcome.checks = tuple(
            replace(result, sample=f"{result.sample} (the last of {runs[result.check_name]} runs with it)")
            if result.check_name in warnings - later and runs[result.check_name] > 1
            else result
            for result in outcome.checks
            if result.check_name not in (warnings & later) - {REJECTS_CHECK}
        )
        later |= warnings


def _print_problems(outcome: Outcome) -> None:
    with logs.bound(run_id=outcome.run_id):
        for warning in outcome.warnings:
            print_line(f"warning: {warning}", logging.WARNING)
        for result in outcome.fired:
            _print_check(result, outcome)
        if outcome.error:
            print_error(f"run {outcome.run_id}: {outcome.error}", outcome.hint)


def _print_check(result: CheckResult, outcome: Outcome) -> None:
    failed = result.severity == "error"
    level = logging.ERROR if failed else logging.WARNING
    rows = counted(result.offending_rows, "row")
    fired = f"check {result.check_name} {'failed' if failed else 'warning'}: {rows}"
    if result.check_name != REJECTS_CHECK:
        hint = "ca-etl decide --help" if result.check_name == AGREE_CHECK else ""
        print_line(f"{fired}, {result.sample}", level, hint)
        return
    option = "" if outcome.release else "--failed "
    query = f"from etl_reject select reason, detail, url, capture_id where run_id = '{outcome.run_id}' order by all"
    print_line(f"{fired}: {', '.join(result.sample.splitlines())}", level, f'ca-etl sql {option}"{query}"')


def _finish(outcome: Outcome) -> None:
    """Print the outcome of a run and exit with its status: the release folder on stdout, everything else on stderr."""
    _print_problems(outcome)
    if held := outcome.files_held:
        print_line(f"nothing new: {held} {'file is' if held == 1 else 'files are'} in the archive already")
    with logs.bound(run_id=outcome.run_id):
        loaded = outcome.loaded
        if loaded and loaded.of_other_sites:
            print_line(f"left out: {counted(loaded.of_other_sites, 'record')} of other sites")
        if outcome.release:
            _print_summary(outcome.release)
        elif loaded:
            print_line(
                f"{counted(loaded.archive_files, 'new archive file')}: {counted(loaded.captures, 'capture')}, "
                f"{counted(loaded.rates, 'rate')}, {counted(loaded.official_rates, 'official rate')}, "
                f"{counted(loaded.articles, 'article')}, {counted(loaded.rejects, 'reject')}"
            )
    if outcome.release:
        typer.echo(outcome.release.folder)
    raise typer.Exit(outcome.exit_status)


def _print_summary(release: Release) -> None:
    from ca_etl.report.run_summary import read_summary
    from ca_etl.warehouse.reading import consult, readable

    def read() -> str:
        with readable(release.warehouse) as con:
            return read_summary(con, release.release_id).text(sys.stderr.encoding)

    # the release is published, also where it cannot be read once more
    summary = consult(read, "", release.warehouse, "ca-etl status")
    print_line(summary.value or str(summary.problem), hint="ca-etl report --open")
