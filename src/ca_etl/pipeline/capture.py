"""Step 1: the slot's pages into the archive, before anything looks into them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from ca_etl.archive.client import FetchResult
from ca_etl.archive.policy import Validators, Verdict
from ca_etl.archive.reader import archive_files, leading_to, read_archive, redirects
from ca_etl.archive.sealed_file import recover_open_files
from ca_etl.errors import CaEtlError, Problem
from ca_etl.parse.rows import rows_of
from ca_etl.pipeline.articles import capture_articles, is_got
from ca_etl.pipeline.clock import held_back
from ca_etl.pipeline.consult import RESTORE, Consulted, consult, consult_release, consult_validators
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.deletion_sweep import sweep_articles
from ca_etl.pipeline.session import FINAL, USABLE, FetchedUrl, Visit, slot_origin
from ca_etl.pipeline.slots import SlotOutcome
from ca_etl.pipeline.source_outcome import SourceOutcome, write_checkpoint
from ca_etl.records import Capture
from ca_etl.sources import posts, timesca
from ca_etl.sources.schedules import DAILY, SWEEP, run_command
from ca_etl.warehouse import overrides
from ca_etl.warehouse.reading import resolver
from ca_etl.warehouse.release import GO_BACK

log = logging.getLogger(__name__)

TROUBLE: Final = frozenset({SlotOutcome.BLOCKED, SlotOutcome.FAILED})


class NothingCapturedError(CaEtlError):
    """The site gave no usable page in this slot; `pages` says what it gave instead."""

    def __init__(self, message: str, hint: str, pages: tuple[FetchedUrl, ...]) -> None:
        super().__init__(message, hint)
        self.pages = pages

    @property
    def refused(self) -> bool:
        """Whether the site said no: then asking again, soon, is not polite."""
        return any(page.verdict in FINAL for page in self.pages)


@dataclass(frozen=True, slots=True)
class Captured:
    """Outcome of the step: pages requested now, how many the archive already held, and what the articles gave.

    `problems` are those of what was only consulted: all is archived, and the run goes no further.
    """

    pages: tuple[FetchedUrl, ...]
    already_archived: int
    articles: tuple[SourceOutcome, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each page that the site did not give; that it has no posts API is none."""
        pages = (f"{p.url}: {p.verdict} ({p.detail})" for p in self.pages if p.verdict not in USABLE)
        articles = (f"{a.source}: {a.outcome} ({a.reason})" for a in self.articles if a.outcome in TROUBLE)
        return (*pages, *articles)


@dataclass(frozen=True, slots=True)
class Consultation:
    """What a capture knows before its first request: the URLs it needs, those archived already, the validators."""

    wanted: tuple[str, ...]
    held: frozenset[str]
    validators: Mapping[str, Validators]
    problems: tuple[Problem, ...] = ()


def capture(ctx: Context) -> Captured:
    """Request the slot's pages that the archive does not hold yet, then what is new among the site's articles.

    Every response is archived, also refusals and errors. Raises `NothingCapturedError` when no page of the
    slot is usable, and `UsageError` when the site may not be requested as things are set.
    """
    with Visit(ctx) as visit:
        known = consult_past(ctx, slot_origin(ctx, timesca.SOURCE).name)
        listings: list[FetchResult] = []
        pages = (
            tuple(_ask(ctx, visit, known.wanted, known.validators, listings=listings)) if known.wanted else ()
        )
        captured = Captured(pages, len(known.held), problems=known.problems)
        if not known.held and not any(page.verdict in USABLE for page in captured.pages):
            raise NothingCapturedError(
                f"{ctx.settings.site_url} gave no usable page: {_in_short(captured)}",
                f"{run_command(ctx.schedule)} (again, later: the slot stays open until a page of it is archived)",
                captured.pages,
            )
        # articles are requested by what the release knows; its damage must not hide that the pages are archived
        articles = consult(partial(_articles, ctx, visit, listings), (), "the crawl frontier", GO_BACK)
    if articles.value:
        write_checkpoint(ctx.settings.data_dir, ctx.run_id, articles.value)
    problems = captured.problems if articles.problem is None else (*captured.problems, articles.problem)
    return replace(captured, articles=articles.value, problems=problems)


def consult_past(ctx: Context, name: str) -> Consultation:
    """Read archive and release for the slot whose archive files are called `name`. Damage is data here.

    What cannot be read counts as not there: the page is requested, and without a condition.
    """
    archive_dir = ctx.settings.archive_dir
    opened = consult(partial(recover_open_files, archive_dir), (), archive_dir, f"ls -lR {archive_dir}")
    # the build reads the decisions again, and stops there
    decided = consult(partial(overrides.read, ctx.settings.data_dir), (), "decisions.csv", "ca-etl doctor")
    excluded = frozenset(each.capture_id for each in decided.value if each.decision == "exclude")
    withheld = {archive_dir / file for file in held_back(ctx.runs, ctx.started_at)}
    files = [
        consult(partial(held_urls, ctx, path, excluded), frozenset[str](), path, RESTORE)
        for path in archive_files(archive_dir)
        if path.name.startswith(f"{name}.") and path not in withheld
    ]
    held = frozenset(url for file in files for url in file.value)
    wanted = tuple(url for url in timesca.targets(ctx.settings, ctx.schedule or DAILY) if url not in held)
    nothing: Consulted[Mapping[str, Validators]] = Consulted({})
    release = consult_release(
        ctx.settings.data_dir,
        lambda con: consult_validators(con, archive_dir, wanted) if con and wanted else nothing,
        nothing,
    )
    problems = (opened.problem, *(file.problem for file in files), release.problem, release.value.problem)
    return Consultation(
        wanted, held, release.value.value, tuple(each for each in problems if each is not None)
    )


def _in_short(captured: Captured) -> str:
    """What the pages said; what all said alike, as a site without a network does, once."""
    said = {(page.verdict, page.detail) for page in captured.pages}
    if len(said) > 1 or len(captured.pages) < 2:
        return "; ".join(captured.warnings)
    ((verdict, detail),) = said
    return f"all {len(captured.pages)} pages {verdict} ({detail})"


def _articles(ctx: Context, visit: Visit, listings: list[FetchResult]) -> tuple[SourceOutcome, ...]:
    """The articles that the schedule of the slot requests, unless a run of this very slot has got them."""
    if not ctx.settings.article_sources or is_got(ctx.runs, ctx.slot, ctx.schedule):
        return ()
    no = next((result for result in listings if result.verdict in FINAL or result.ends_visit), None)
    if no is not None:
        why = f"not asked: {no.final_url} was {no.verdict}"
        return (SourceOutcome(posts.SOURCE, SlotOutcome.BLOCKED, why, is_complete=False),)
    return sweep_articles(ctx, visit) if ctx.schedule == SWEEP else capture_articles(ctx, visit, listings)


def held_urls(ctx: Context, path: Path, excluded: Collection[str]) -> frozenset[str]:
    """URLs of which a file of the slot holds a response with rates in it, whatever way it was reached.

    A page without rates leaves its slot open: it may be the host's "account suspended", sent with status 200.
    So does a capture that the operator has excluded.
    """

    def resolve(capture_id: str) -> Capture | None:
        # opened for the few revisits of a slot that is run again: what damages the release must not hide other pages
        return consult_release(
            ctx.settings.data_dir,
            lambda con: resolver(con, ctx.settings.archive_dir)(capture_id) if con else None,
            None,
        ).value

    captures = read_archive(path, root=ctx.settings.archive_dir, resolve=resolve)
    good = {
        each.url
        for each in captures
        if isinstance(each, Capture)
        and each.url
        and each.capture_id not in excluded
        and rows_of(each, zone=ctx.settings.zone, run_id=ctx.run_id).rate_observation
    }
    return frozenset(leading_to(good, redirects(path)))


def _ask(
    ctx: Context,
    visit: Visit,
    wanted: Sequence[str],
    validators: Mapping[str, Validators],
    *,
    listings: list[FetchResult],
) -> Iterator[FetchedUrl]:
    """What became of each page; `listings` gets the results, with the pages that are to be read for their links."""
    with visit.slot_file(timesca.SOURCE):
        for done, url in enumerate(wanted):
            ctx.progress("capture", done, len(wanted))
            result = visit.get(url, validators.get(url))
            log.info("%s: %s %s", url, result.verdict, result.detail)
            is_read = ctx.schedule != SWEEP and result.verdict in USABLE
            listings.append(result.without_bytes(keep_page=is_read))
            yield FetchedUrl(url, Verdict.THROTTLED if result.ends_visit else result.verdict, result.detail)
            # pages of a throttled host are recorded one by one: nothing is requested
            if result.verdict in FINAL and result.verdict is not Verdict.THROTTLED:
                return
