"""Step 1 of a run: archive the listing pages of a slot, the site's new articles, other sources; or an operator's files.

The posts API has all of an article: whole text, author, times, edits. Where the site does not offer it, the feed has
the newest whole texts, without edits. Where the feed has excerpts or nothing, the pages of the articles that the
listings link to are requested, and those of known articles again. Every other source whose schedule it is comes last.
The journal has the outcome of each source.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from ca_etl.archive.ingest import IngestReport, ingest_paths, pages_by_hand
from ca_etl.archive.inputs import PAGES, check_hints, expand, readable
from ca_etl.archive.naming import CAPTURED_AT, sha256_label
from ca_etl.archive.record import Record
from ca_etl.archive.sealed_file import ArchiveWriteError
from ca_etl.errors import CaEtlError, Problem, UsageError
from ca_etl.parse.page import Page
from ca_etl.parse.rows import read_page
from ca_etl.pipeline.crash_recovery import write_checkpoint
from ca_etl.records import LISTINGS, POSTS_API
from ca_etl.settings import Settings
from ca_etl.sources.schedules import SWEEP, run_command
from ca_etl.sources.session import FINAL, USABLE, Context, FetchedUrl, Session
from ca_etl.sources.source import Source, SourceOutcome, SourceReply
from ca_etl.sources.timesca import ARTICLE_SOURCES
from ca_etl.sources.timesca.deletion_sweep import sweep_articles
from ca_etl.sources.timesca.listings import request_listings
from ca_etl.warehouse import overrides
from ca_etl.warehouse.data_directory import site_of
from ca_etl.warehouse.durable_files import StorageError
from ca_etl.warehouse.journal import GOOD, Cause, RunRecord, SlotOutcome
from ca_etl.warehouse.reading import consult
from ca_etl.warehouse.release import GO_BACK

log = logging.getLogger(__name__)

TROUBLE: Final = frozenset({SlotOutcome.BLOCKED, SlotOutcome.FAILED})
ARTICLES: Final = frozenset(source.name for source in ARTICLE_SOURCES.values())
ALL: Final = "all"
# Clocks and zones differ by less.
A_DAY: Final = timedelta(days=1)
SITE_SOURCES: Final = ARTICLES | {LISTINGS}


class NothingCapturedError(CaEtlError):
    """No listing page of the slot was usable. `pages` has the verdict on each, `others` the outcomes of the banks."""

    def __init__(
        self, message: str, hint: str, pages: tuple[FetchedUrl, ...], others: tuple[SourceOutcome, ...]
    ) -> None:
        super().__init__(message, hint)
        self.pages = pages
        self.others = others

    @property
    def refused(self) -> bool:
        """Whether the site refused a page, so that another request within minutes would be impolite."""
        return any(page.verdict in FINAL for page in self.pages)


@dataclass(frozen=True, slots=True)
class Captured:
    """The result of the capture step of a run: pages requested, pages archived before, outcomes of the other sources.

    `problems` were met while reading the release or the archive; the run fails with them once all is archived.
    """

    pages: tuple[FetchedUrl, ...]
    already_archived: int
    others: tuple[SourceOutcome, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each page that is not usable, and for each other source that was blocked or failed."""
        others = (f"{o.source}: {o.outcome} ({o.reason})" for o in self.others if o.outcome in TROUBLE)
        return (*_page_warnings(self.pages), *others)


def capture(ctx: Context) -> Captured:
    """Request and archive what the slot of a run needs: listing pages, new articles and the other sources.

    Pages that are archived already are not requested. Every response is archived, also refusals and errors. Raises
    `NothingCapturedError` when no listing page is usable, and `UsageError` when the settings forbid requests (see
    `fetch_policy`).
    """
    with Session(ctx) as session:
        listings = request_listings(session, ())
        if not listings.archived and not any(page.verdict in USABLE for page in listings.pages):
            raise NothingCapturedError(
                f"{ctx.settings.site_url} gave no usable page: {_in_short(listings.pages)}; "
                "the slot stays open until a page of it is archived",
                run_command(ctx.schedule),
                listings.pages,
                _capture_others(session, ()),
            )
        # articles are requested by what the release knows; its damage must not hide that the pages are archived
        articles = consult(partial(_capture_articles, session, listings), (), "the crawl frontier", GO_BACK)
        if articles.value:
            write_checkpoint(ctx.settings.data_dir, ctx.run_id, articles.value)
        others = _capture_others(session, articles.value)
    problems = (*listings.problems, *([articles.problem] if articles.problem else []))
    return Captured(listings.pages, listings.archived, others, problems)


def _page_warnings(pages: Iterable[FetchedUrl]) -> tuple[str, ...]:
    return tuple(f"{p.url}: {p.verdict} ({p.detail})" for p in pages if p.verdict not in USABLE)


def _in_short(pages: tuple[FetchedUrl, ...]) -> str:
    """The verdicts on the pages; one that all of them share, as without a network, is written once."""
    verdicts = {(page.verdict, page.detail) for page in pages}
    if len(verdicts) > 1 or len(pages) < 2:
        return "; ".join(_page_warnings(pages))
    ((verdict, detail),) = verdicts
    return f"all {len(pages)} pages {verdict} ({detail})"


def _capture_articles(session: Session, listings: SourceReply) -> tuple[SourceOutcome, ...]:
    """Request the articles due in this slot, unless an earlier run of the slot has archived them."""
    ctx = session.ctx
    if not ctx.settings.article_sources or has_observed(ctx.runs, ctx.slot, ctx.schedule, ARTICLES):
        return ()
    if listings.is_final:
        refusal = next(page for page in listings.pages if page.verdict in FINAL)
        why = f"not requested: {refusal.url} was {refusal.verdict}"
        return (SourceOutcome(POSTS_API, SlotOutcome.BLOCKED, why, is_complete=False),)
    if ctx.schedule == SWEEP:
        return sweep_articles(session)
    outcomes: list[SourceOutcome] = []
    leads = listings.leads
    for name in ctx.settings.article_sources:
        reply = ARTICLE_SOURCES[name].request(session, leads)
        outcome = reply.outcome
        if outcome is not None:
            log.info("%s: %s %s", outcome.source, outcome.outcome, outcome.reason or "")
            outcomes.append(outcome)
        if reply.is_final:
            break
        leads = chain(reply.leads, leads)
    return tuple(outcomes)


def _capture_others(session: Session, outcomes: tuple[SourceOutcome, ...]) -> tuple[SourceOutcome, ...]:
    """`outcomes`, and those of the other sources whose schedule it is and that no earlier run of the slot archived."""
    ctx = session.ctx
    for source in enabled_sources(ctx.settings, ctx.sources):
        is_due = ctx.schedule in source.schedules
        if not is_due or has_observed(ctx.runs, ctx.slot, ctx.schedule, {source.name}):
            continue
        try:
            outcome = source.request(session, ()).outcome
        except (StorageError, ArchiveWriteError):
            raise
        except Exception as error:
            # the ticker of the day is archived, and a defect in another source must not hold up its release
            log.exception("%s: the request failed", source.name)
            why = f"{type(error).__name__}: {error}"
            outcome = SourceOutcome(source.name, SlotOutcome.FAILED, why, cause=Cause.MACHINE)
        if outcome is not None:
            log.info("%s: %s %s", outcome.source, outcome.outcome, outcome.reason or "")
            outcomes = (*outcomes, outcome)
            write_checkpoint(ctx.settings.data_dir, ctx.run_id, outcomes)
    return outcomes


def enabled_sources(settings: Settings, sources: Iterable[Source]) -> tuple[Source, ...]:
    """The sources beside the site that the settings name. Raises `UsageError` for a name that no source has."""
    others = {
        source.name: source for source in sources if source.schedules and source.name not in SITE_SOURCES
    }
    unknown = [name for name in settings.sources if name != ALL and name not in others]
    if unknown:
        raise UsageError(
            f"CA_ETL_SOURCES names {', '.join(unknown)}: not a source; known are {', '.join(others)}, and {ALL}",
            f"export CA_ETL_SOURCES='[\"{ALL}\"]'",
        )
    return tuple(source for name, source in others.items() if is_enabled(settings, name))


def is_enabled(settings: Settings, source: str) -> bool:
    """Whether the settings name a source beside the site, such as a bank."""
    return bool({source, ALL} & {*settings.sources})


def has_observed(
    runs: Iterable[RunRecord], slot: datetime | None, schedule: str | None, sources: Container[str]
) -> bool:
    """Whether one of `runs` has archived one of `sources` in this slot of this schedule."""
    return any(
        record.outcome in GOOD and record.source in sources
        for run in runs
        if (run.slot, run.schedule) == (slot, schedule)
        for record in run.slots
    )


@dataclass(frozen=True, slots=True)
class GivenFiles:
    """Files and folders that an operator archives, with their URL and capture time (zone-aware), None if unknown.

    `by_reference`: of WARC and WET files the archive gets path and digest alone.
    """

    paths: tuple[Path, ...]
    url: str | None = None
    captured_at: datetime | None = None
    by_reference: bool = False


def ingest(ctx: Context, given: GivenFiles) -> IngestReport:
    """Archive the files of an operator.

    Raises `CaEtlError` for a missing path, a file of an unknown kind, or a capture time that cannot be that of a page.
    """
    if given.captured_at is not None:
        _assert_possible(ctx, given, given.captured_at)
    return ingest_paths(
        given.paths,
        ctx.settings.archive_dir,
        now=ctx.started_at,
        data_dir=ctx.settings.data_dir,
        site=site_of(ctx.settings),
        url=given.url,
        captured_at=given.captured_at,
        by_reference=given.by_reference,
        progress=partial(ctx.progress, "ingest"),
    )


def _assert_possible(ctx: Context, given: GivenFiles, captured_at: datetime) -> None:
    """Raise `UsageError` where the date on a page, or an earlier ingest of the same bytes, contradicts a capture time.

    The times of excluded captures do not count. A page without a date may be given its time later.
    """
    files = expand(given.paths, ctx.settings.data_dir).taken
    check_hints(files, given.url, captured_at, ctx.started_at)
    excluded = {one.capture_id for one in overrides.read(ctx.settings.data_dir) if one.decision == "exclude"}
    known: dict[str, list[Record]] = {}
    for record in pages_by_hand(ctx.settings.archive_dir):
        if record.record_id not in excluded:
            known.setdefault(record.warc.get("warc-payload-digest", ""), []).append(record)
    on = captured_at.astimezone(ctx.settings.zone).date()
    for path in files:
        content_type = PAGES.get(path.suffix.lower())
        if content_type is None:
            continue
        with readable(path):
            payload = path.read_bytes()
        page = read_page(payload, content_type=content_type, url=given.url, on=on)
        printed = page.page_date if isinstance(page, Page) else None
        if printed is not None and printed - A_DAY > on:
            url = f" --url {shlex.quote(given.url)}" if given.url else ""
            raise UsageError(
                f"{path} prints the date {printed}, and cannot be captured at {captured_at.isoformat()}; without "
                "--captured-at the date on a page is its day",
                f"ca-etl ingest {shlex.quote(str(path))}{url}",
            )
        earlier = [one for one in known.get(sha256_label(payload), ()) if printed or _time_of(one)]
        if earlier and captured_at not in map(_time_of, earlier):
            first = _time_of(earlier[0])
            time = f"with the capture time {first.isoformat()}" if first else "without a capture time"
            raise UsageError(
                f"{path} was ingested before, {time}: the same bytes are one capture, at one time; exclude that "
                "capture where its time is wrong, then repeat this command",
                f'ca-etl decide exclude {earlier[0].record_id} --reason "its capture time is wrong"',
            )


def _time_of(record: Record) -> datetime | None:
    return None if CAPTURED_AT.lower() in record.warc else record.date
