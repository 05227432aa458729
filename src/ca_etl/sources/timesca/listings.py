"""The listing pages, with the day's ticker above them: which a slot requests, and what the archive has of it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from ca_etl.archive.client import FetchResult
from ca_etl.archive.policy import Validators, Verdict
from ca_etl.archive.reader import archive_files, leading_to, read_archive, redirects
from ca_etl.archive.sealed_file import recover_open_files
from ca_etl.parse.page import Article
from ca_etl.parse.rows import rows_of
from ca_etl.records import LISTINGS, Capture
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, SWEEP
from ca_etl.sources.session import FINAL, USABLE, Context, FetchedUrl, Session, page_of, withheld_files
from ca_etl.sources.source import Source, SourceReply
from ca_etl.warehouse import overrides
from ca_etl.warehouse.reading import (
    RESTORE,
    Consulted,
    consult,
    consult_release,
    consult_validators,
    resolver,
)

log = logging.getLogger(__name__)


def targets(settings: Settings, schedule: str = DAILY) -> tuple[str, ...]:
    """The absolute URLs of the listing pages of one slot, in the order in which they are requested.

    A slot of the daily schedule requests the first page of each listing, one of the sweep the pages after it.
    """
    paths = list(settings.listing_paths)
    if schedule == SWEEP:
        numbers = range(2, settings.sweep_pages + 1)
        paths = [f"{path.rstrip('/')}/page/{number}/" for number in numbers for path in paths]
    return tuple(urljoin(str(settings.site_url), path) for path in paths)


def request_listings(session: Session, _leads: Iterable[Article]) -> SourceReply:
    """Archive the listing pages of the slot that the archive lacks; `leads` of the reply are the articles on them.

    Where release or archive cannot be read, the pages are requested again, and in full: a page that is not requested
    today is lost for ever.
    """
    ctx = session.ctx
    archive_dir = ctx.settings.archive_dir
    recovered = consult(partial(recover_open_files, archive_dir), (), archive_dir, f"ls -lR {archive_dir}")
    files = _held_urls(ctx)
    held = frozenset(url for file in files for url in file.value)
    wanted = tuple(url for url in targets(ctx.settings, ctx.schedule or DAILY) if url not in held)
    nothing: Consulted[Mapping[str, Validators]] = Consulted({})
    release = consult_release(
        ctx.settings.data_dir,
        lambda con: consult_validators(con, archive_dir, wanted) if con and wanted else nothing,
        nothing,
    )
    results: list[FetchResult] = []
    pages = tuple(_request(session, wanted, release.value.value, results))
    is_refused = any(page.verdict in FINAL for page in pages)
    met = (recovered.problem, *(file.problem for file in files), release.problem, release.value.problem)
    problems = tuple(problem for problem in met if problem is not None)
    # read by the source that needs links: where the posts API gives all, no listing page is parsed here
    return SourceReply(None, _read_leads(results), is_refused, pages, len(held), problems)


def _held_urls(ctx: Context) -> list[Consulted[frozenset[str]]]:
    """By archive file of the slot: the URLs of the slot that need no request."""
    root = ctx.settings.archive_dir
    # the build reads the decisions again, and stops there
    decisions = consult(partial(overrides.read, ctx.settings.data_dir), (), "decisions.csv", "ca-etl doctor")
    excluded = frozenset(
        decision.capture_id for decision in decisions.value if decision.decision == "exclude"
    )
    withheld = {root / file for file in withheld_files(ctx.runs, ctx.started_at)}
    name = ctx.slot_origin(LISTINGS).name
    return [
        consult(partial(_urls_with_rates, ctx, path, excluded), frozenset[str](), path, RESTORE)
        for path in archive_files(root)
        if path.name.startswith(f"{name}.") and path not in withheld
    ]


def _urls_with_rates(ctx: Context, path: Path, excluded: Collection[str]) -> frozenset[str]:
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
        capture.url
        for capture in captures
        if isinstance(capture, Capture)
        and capture.url
        and capture.capture_id not in excluded
        and rows_of(capture, zone=ctx.settings.zone, run_id=ctx.run_id).rate_observation
    }
    return frozenset(leading_to(good, redirects(path)))


def _request(
    session: Session, urls: Sequence[str], validators: Mapping[str, Validators], results: list[FetchResult]
) -> Iterator[FetchedUrl]:
    """What became of each page; `results` receives the responses, with the pages that are to be read for links."""
    ctx = session.ctx
    with session.slot_file(LISTINGS):
        for done, url in enumerate(urls):
            ctx.progress("capture", done, len(urls))
            result = session.get(url, validators.get(url))
            log.info("%s: %s %s", url, result.verdict, result.detail)
            is_read = ctx.schedule != SWEEP and result.verdict in USABLE
            results.append(result.without_bytes(keep_page=is_read))
            yield FetchedUrl(url, Verdict.THROTTLED if result.ends_visit else result.verdict, result.detail)
            # pages of a throttled host are recorded one by one: nothing is requested
            if result.verdict in FINAL and result.verdict is not Verdict.THROTTLED:
                return


def _read_leads(results: list[FetchResult]) -> Iterator[Article]:
    """The articles of the pages, without texts: those of a hostile page have 30 MB. Empties `results`."""
    while results:
        result = results.pop(0)
        page = page_of(result) if result.verdict in USABLE else None
        yield from (article._replace(text=None) for article in (page.articles if page else ()))


SOURCE: Final = Source(
    name=LISTINGS,
    schedules=frozenset({DAILY, SWEEP}),
    tables=frozenset({"rate_observation", "article_observation", "article_text"}),
    request=request_listings,
)
