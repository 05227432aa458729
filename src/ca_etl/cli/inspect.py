"""The commands that change nothing: status, doctor, verify, releases, models, trace, diff, capture."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from ca_etl.cli.render import load_settings, print_error, print_json, progress_shown
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.sanitize import write_bytes

if TYPE_CHECKING:
    from decimal import Decimal

    import duckdb
    from rich.text import Text

    from ca_etl.pipeline.trace import ArchiveEvidence, ArticleTrace, Edit, OfficialTrace, RateTrace
    from ca_etl.screen import Piece
    from ca_etl.settings import Settings


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
# A label and its value, which continues below itself where the window is too narrow for it.
Line: TypeAlias = "tuple[str, str | Text]"
LABEL = 13


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
    from ca_etl.warehouse.data_directory import assert_has_data

    settings = load_settings()
    assert_has_data(settings.data_dir)
    report = collect(settings, utc_now())
    report = replace(report, damaged=(*report.damaged, *damage_of_alerts(Path(report.data_dir))))
    if as_json:
        print_json(report)
    else:
        Screen().print(render(report), crop=False)
    for damage in report.damaged:
        print_error(damage.message, damage.next_command)
    stale = staleness(report) if fail_if_stale else ()
    for message in stale:
        print_error(message, "ca-etl doctor && ca-etl run")
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
        Screen().print(render(diagnosis), crop=False)
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
        print_error(
            f"files from which {release.folder} was made are missing or damaged: restore them from a backup",
            RESTORE,
        )
    elif differences:
        hint = "ca-etl rebuild || ca-etl rollback"
        print_error(f"{release.folder} differs from what was published or from what the archive gives", hint)
    if differences:
        raise typer.Exit(1)
    typer.echo(f"{release.release_id}: {'files' if quick else 'files and tables'} are as they should be")


def releases() -> None:
    """List the published releases in the order of their publication; an asterisk marks the current one."""
    from ca_etl.warehouse import release
    from ca_etl.warehouse.data_directory import assert_has_data, assert_restored

    data_dir = load_settings().data_dir
    assert_has_data(data_dir)
    assert_restored(data_dir)
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


def trace(
    what: Annotated[Literal["rate", "article"], typer.Argument(help="What is traced.")],
    name: Annotated[
        str, typer.Argument(help="A pair such as KZT or KZT/USD; an article_id or its first digits.")
    ],
    day: Annotated[str | None, typer.Argument(help="Of a rate: its day, such as 2025-12-11.")] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="Of a rate: the bank whose rate is traced, such as nbk (rate_source in fct_rate_best). "
            "Default: the ticker of fct_rate_daily."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Trace a rate or an article back to its bytes: capture, archive file, digest, page. Exit status 1: damage."""
    from ca_etl.pipeline.trace import trace_article, trace_official_rate, trace_rate

    if what == "article" and (day or source):
        raise UsageError(
            "an article is traced without a day or a source", f"ca-etl trace article {shlex.quote(name)}"
        )
    archive_dir = load_settings().archive_dir
    result: object
    with _release() as con:
        if what == "rate" and source is not None:
            result = official = trace_official_rate(con, archive_dir, name, day, source.lower())
            lines, all_evidence = _official_lines(official), [official.evidence]
        elif what == "rate":
            result = rate = trace_rate(con, archive_dir, name, day)
            lines, all_evidence = _rate_lines(rate), [rate.evidence]
        else:
            result = article = trace_article(con, archive_dir, name)
            lines = _article_lines(article)
            all_evidence = [revision.evidence for revision in article.revisions]
    if as_json:
        print_json(result)
    else:
        _print(lines)
    _report(all_evidence)


def diff(
    article: Annotated[str, typer.Argument(metavar="ID", help="An article_id or its first digits.")],
    as_json: AsJson = False,
) -> None:
    """Show word by word what each edit of an article changed, newest first."""
    from ca_etl.pipeline.trace import edits_of

    with _release() as con:
        article_id, edits = edits_of(con, article)
    if as_json:
        print_json(edits)
    elif not edits:
        typer.echo(f"{article_id} has one state: no edit of its title or text was captured")
    else:
        _print(line for edit in edits for line in _edit_lines(edit))


def capture(
    capture_id: Annotated[str, typer.Argument(metavar="ID", help="A capture_id or its first digits.")],
    headers: Annotated[bool, typer.Option("--headers", help="Print the HTTP header as received.")] = False,
    body: Annotated[
        bool, typer.Option("--body", help="Print the decoded body; into a pipe its bytes, unchanged.")
    ] = False,
) -> None:
    """Show a capture read back from the archive: URL, time, status, sizes, digest. Exit status 1: it is damaged."""
    from ca_etl.pipeline.trace import body_of, examine_capture, find_capture, headers_of

    if headers and body:
        raise UsageError("give --headers or --body, not both", f"ca-etl capture {capture_id} --body")
    archive_dir = load_settings().archive_dir
    with _release() as con:
        stored = find_capture(con, capture_id)
        if headers:
            write_bytes(sys.stdout, headers_of(archive_dir, stored))
        elif body:
            write_bytes(sys.stdout, body_of(con, archive_dir, stored))
        else:
            evidence = examine_capture(con, archive_dir, stored)
            _print(_evidence_lines(evidence, is_page_wanted=False))
            _report([evidence])


@contextmanager
def _release() -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the current release; what it cannot read is an error with the next command."""
    import duckdb

    from ca_etl.cli.query import published
    from ca_etl.warehouse.reading import readable

    release = published(load_settings().data_dir)
    try:
        with readable(release.warehouse) as con:
            yield con
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise CaEtlError(
            f"{release.warehouse} is of an earlier version, which cannot be traced", "ca-etl rebuild"
        ) from error
    except duckdb.Error as error:
        raise CaEtlError(f"{release.warehouse} cannot be read: {error}", "ca-etl verify --quick") from error


def _rate_lines(trace: RateTrace) -> Iterator[Line]:
    """The chain from the rate of a day to its position on the page."""
    pair = f"{trace.base}/{trace.quote}"
    yield "rate", f"{trace.rate_date} {pair} = {trace.rate} (from {trace.rate_low} to {trace.rate_high})"
    if trace.is_filled:
        yield "filled", f"repeats the rate of {trace.observed_date}; {trace.fill_reason}"
    printed = f"rate {trace.rate_text}, change {trace.change_text}, position {trace.position} in the ticker"
    yield "observation", f"{trace.observed_date} {pair}: {printed}"
    yield from _evidence_lines(trace.evidence)
    if trace.official_source is not None:
        yield "official", f"fct_rate_best has the rate of {trace.official_source} for this day; to trace it:"
        yield "", f"ca-etl trace rate {trace.base} {trace.rate_date} --source {trace.official_source}"


def _official_lines(trace: OfficialTrace) -> Iterator[Line]:
    """The chain from the rate of a bank to the lines of its table."""
    pair, interval = f"{trace.base}/{trace.quote}", ""
    yield "rate", f"{trace.rate_date} {pair} = {trace.rate} (from {trace.rate_low} to {trace.rate_high})"
    if trace.official_low < trace.official_high:
        interval = f" (from {_number(trace.official_low)} to {_number(trace.official_high)})"
    inverse = f"{trace.quote}/{trace.base} = {_number(trace.official_rate)}{interval}"
    yield "", f"{inverse}, {trace.rate_type} rate of {trace.source}"
    if trace.observed_date < trace.rate_date:
        yield "filled", f"the latest rate of {trace.source} until then, of {trace.observed_date}"
    for line in trace.lines:
        printed = f"{line.nominal} {line.base} = {line.rate_text} {line.quote}"
        yield "observation", f"{line.rate_date} {printed}, position {line.position} in the table"
    yield from _evidence_lines(trace.evidence)


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _article_lines(trace: ArticleTrace) -> Iterator[Line]:
    """The states of an article, each with its capture and the title on the page."""
    yield "article", trace.article_id
    for state in trace.revisions:
        until = "now" if state.valid_to is None else _time(state.valid_to)
        changed = "" if state.changed is None else f", changed: {state.changed}"
        yield "", ""
        yield "revision", f"{state.revision}, from {_time(state.valid_from)} until {until}{changed}"
        yield "title", state.title
        yield from _evidence_lines(state.evidence)


def _evidence_lines(evidence: ArchiveEvidence, *, is_page_wanted: bool = True) -> Iterator[Line]:
    """A capture, its position in the archive, its digest, and the part of the page."""
    capture = evidence.capture
    yield "capture", capture.capture_id
    yield "", f"{capture.url or 'a file without a URL'}, source {capture.source}"
    status = "no HTTP status" if capture.http_status is None else f"status {capture.http_status}"
    yield "", f"{_time(capture.captured_at)}, {status}, {capture.payload_bytes} bytes"
    if capture.refers_to is not None:
        yield "", f"unchanged since {capture.refers_to}, whose body it has"
    yield "archive", f"{capture.archive_file}, byte {capture.archive_offset}"
    if evidence.problem is not None:
        yield "digest", f"sha256 {capture.payload_sha256}, not verified"
        return
    yield "digest", f"sha256 {evidence.computed_sha256}, computed from the archive, equals the stored one"
    if not is_page_wanted:
        return
    if evidence.page is None:
        yield "page", "not in one piece in the text; all of it:"
        yield "", f"ca-etl capture {capture.capture_id} --body"
        return
    yield "page", _marked(evidence.page)


def _edit_lines(edit: Edit) -> Iterator[Line]:
    """One edit: when, then the changes of title and text."""
    yield "revision", f"{edit.revision}, from {_time(edit.valid_from)}, changed: {edit.changed}"
    for label, pieces in (("title", edit.title), ("text", edit.text)):
        if pieces:
            yield label, _marked(pieces, separator=" ")


def _marked(pieces: Iterable[Piece], separator: str = "") -> Text:
    from ca_etl.screen import marked

    return marked(pieces, with_style=sys.stdout.isatty(), separator=separator)


def _time(when: datetime | None) -> str:
    return "time unknown" if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _print(lines: Iterable[Line]) -> None:
    from rich.text import Text

    from ca_etl.screen import Screen, plain

    screen = Screen()
    for label, value in lines:
        for number, part in enumerate(plain(value).wrap(screen, max(1, screen.width - LABEL))):
            shown = Text.assemble(f"{'' if number else label:<{LABEL}}", part)
            shown.rstrip()
            screen.print(shown, highlight=False)


def _report(all_evidence: Iterable[ArchiveEvidence]) -> None:
    """Print each problem of reading the archive once; exit with 1 if there is one."""
    problems = dict.fromkeys(evidence.problem for evidence in all_evidence if evidence.problem is not None)
    for problem in problems:
        print_error(problem.message, problem.next_command)
    if problems:
        raise typer.Exit(1)
