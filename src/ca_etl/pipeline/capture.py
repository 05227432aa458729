"""Step 1 of a run: archive the listing pages of a slot, then the site's new articles; or files of an operator.

The posts API has all of an article: whole text, author, times, edits. Where the site does not offer it, the feed has
the newest whole texts, without edits. Where the feed has excerpts or nothing, the pages of the articles that the
listings link to are requested, and those of known articles again. The journal has the outcome of each source.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from ca_etl.archive.ingest import IngestReport, ingest_paths
from ca_etl.errors import CaEtlError, Problem
from ca_etl.pipeline.crash_recovery import write_checkpoint
from ca_etl.records import POSTS_API
from ca_etl.sources.schedules import SWEEP, run_command
from ca_etl.sources.session import FINAL, USABLE, Context, FetchedUrl, Session
from ca_etl.sources.source import SourceOutcome, SourceReply
from ca_etl.sources.timesca import ARTICLE_SOURCES
from ca_etl.sources.timesca.deletion_sweep import sweep_articles
from ca_etl.sources.timesca.listings import request_listings
from ca_etl.warehouse.journal import GOOD, RunRecord, SlotOutcome
from ca_etl.warehouse.reading import consult
from ca_etl.warehouse.release import GO_BACK

log = logging.getLogger(__name__)

TROUBLE: Final = frozenset({SlotOutcome.BLOCKED, SlotOutcome.FAILED})


class NothingCapturedError(CaEtlError):
    """No listing page of the slot was usable; `pages` has the verdict on each."""

    def __init__(self, message: str, hint: str, pages: tuple[FetchedUrl, ...]) -> None:
        super().__init__(message, hint)
        self.pages = pages

    @property
    def refused(self) -> bool:
        """Whether the site refused a page, so that a retry within minutes would be impolite."""
        return any(page.verdict in FINAL for page in self.pages)


@dataclass(frozen=True, slots=True)
class Captured:
    """Result of `capture`: pages requested, pages that an earlier run archived, and outcomes of the article sources.

    `problems` were met while reading the release or the archive; the run ends with them after all is archived.
    """

    pages: tuple[FetchedUrl, ...]
    already_archived: int
    articles: tuple[SourceOutcome, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each page that is not usable, and for each article source that was blocked or failed."""
        articles = (f"{a.source}: {a.outcome} ({a.reason})" for a in self.articles if a.outcome in TROUBLE)
        return (*_page_warnings(self.pages), *articles)


def capture(ctx: Context) -> Captured:
    """Request and archive the listing pages of the slot that the archive lacks, then the site's new articles.

    Every response is archived, also refusals and errors. Raises `NothingCapturedError` when no page of the
    slot is usable, and `UsageError` when the settings forbid requests (see `fetch_policy`).
    """
    with Session(ctx) as session:
        listings = request_listings(session, ())
        if not listings.archived and not any(page.verdict in USABLE for page in listings.pages):
            raise NothingCapturedError(
                f"{ctx.settings.site_url} gave no usable page: {_in_short(listings.pages)}",
                f"{run_command(ctx.schedule)} (again, later: the slot stays open until a page of it is archived)",
                listings.pages,
            )
        # articles are requested by what the release knows; its damage must not hide that the pages are archived
        articles = consult(partial(_capture_articles, session, listings), (), "the crawl frontier", GO_BACK)
    if articles.value:
        write_checkpoint(ctx.settings.data_dir, ctx.run_id, articles.value)
    problems = (*listings.problems, *([articles.problem] if articles.problem else []))
    return Captured(listings.pages, listings.archived, articles.value, problems)


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
    if not ctx.settings.article_sources or has_articles(ctx.runs, ctx.slot, ctx.schedule):
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


def has_articles(runs: Iterable[RunRecord], slot: datetime | None, schedule: str | None) -> bool:
    """Whether one of `runs` has archived the articles of this slot and schedule."""
    names = {source.name for source in ARTICLE_SOURCES.values()}
    return any(
        record.outcome in GOOD and record.source in names
        for run in runs
        if (run.slot, run.schedule) == (slot, schedule)
        for record in run.slots
    )


@dataclass(frozen=True, slots=True)
class GivenFiles:
    """An operator's files and folders to archive, with their URL and capture time (zone-aware), None if unknown."""

    paths: tuple[Path, ...]
    url: str | None = None
    captured_at: datetime | None = None


def ingest(ctx: Context, given: GivenFiles) -> IngestReport:
    """Archive an operator's files. Raises `CaEtlError` for a missing path or a file of an unknown kind."""
    return ingest_paths(
        given.paths,
        ctx.settings.archive_dir,
        now=ctx.started_at,
        url=given.url,
        captured_at=given.captured_at,
    )
