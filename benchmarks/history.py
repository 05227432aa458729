"""A thousand days of captures, made from the demo site, whose own history has 537 days.

Days of the history are the demo's pages as they are. Days before it are the pages of the day 537 days later,
printed with the earlier date: the articles get a title, an address, a date and a first paragraph of their own,
so that a thousand days hold as many different articles, texts and dates as a site of that age would. Rates repeat
after 537 days. Every day is one archive file with four answers, written by the archive's own writer; what is
left out is HTTP, so that the thousand days take a minute to make.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

from ca_etl import __version__
from ca_etl.archive.policy import Attempt, Verdict
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.demo.content import FIRST_DAY, LAST_DAY, DemoArticle, Ticker, default_last_day, ticker_of
from ca_etl.demo.handlers import entity_tag, last_modified
from ca_etl.demo.pages import Listing, PageOptions, render_html, resolve
from ca_etl.demo.posts import default_snapshot
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_rebuild
from ca_etl.records import LISTINGS
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedule
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import RunKind, RunRecord, RunStatus

# The site's ticker had four pairs until the demo's history begins.
JOINED_LATER: Final = "TMT"
ECHO: Final = timedelta(days=(LAST_DAY - FIRST_DAY).days + 1)
# The newest day of a built history; the demo goes on from here for the days that are measured.
NEWEST: Final = default_last_day()


def settings_for(data_dir: Path, site_url: str) -> Settings:
    """The settings of a benchmark's data directory: the demo site, asked without pauses."""
    return Settings.model_validate(
        {"data_dir": data_dir, "site_url": site_url, "min_interval_seconds": 0.0, "backoff_seconds": 0.0}
    )


def build_history(settings: Settings, days: int, newest: date = NEWEST) -> Outcome:
    """Archive `days` days that end at `newest` and publish them in one release.

    The journal gets a line for each day, as if each had had its run. Raises `RuntimeError` when nothing is published.
    """
    played = [newest - timedelta(days=back) for back in range(days - 1, -1, -1)]
    for day in played:
        archive_day(settings, day)
    for day, _ in pairwise(played):
        journal.append(settings.data_dir, _run_of(settings, day))
    outcome = run_rebuild(settings)
    if outcome.release is None:
        raise RuntimeError(f"the history of {days} days was not published: {outcome.error}")
    return outcome


def slot_of(settings: Settings, day: date) -> datetime:
    """The instant of the daily slot of `day`, in UTC."""
    return schedule(settings).on(day)


def archive_day(settings: Settings, day: date) -> Path:
    """Write the archive file of one day, as the capture step names and fills it."""
    slot = slot_of(settings, day)
    base_url = str(settings.site_url)
    writer = ArchiveWriter(
        settings.archive_dir,
        f"{slot:%Y%m%dT%H%M%SZ}-{LISTINGS}",
        source=LISTINGS,
        info={"software": f"ca_etl/{__version__}"},
        clock=lambda: slot,
    )
    with writer:
        for turn, (path, body) in enumerate(pages(settings.listing_paths, day, base_url)):
            headers = {
                "Content-Type": "text/html; charset=UTF-8",
                "Content-Encoding": "gzip",
                "ETag": entity_tag(body),
                "Last-Modified": f"{last_modified(day):%a, %d %b %Y %H:%M:%S} GMT",
            }
            at = slot + timedelta(seconds=turn)
            writer.add(response(base_url + path[1:], body, at, headers, gzip.compress(body, mtime=0)))
    assert writer.path is not None
    return writer.path


def pages(paths: Iterable[str], day: date, base_url: str) -> Iterator[tuple[str, bytes]]:
    """Path and HTML of the listings of `day`, a day of the demo's history or up to 537 days earlier."""
    shown = day if day >= FIRST_DAY else day + ECHO
    for path in paths:
        page = resolve(path, default_snapshot(shown))
        assert isinstance(page, Listing)
        if shown != day:
            articles = tuple(map(_earlier, page.articles))
            page = replace(page, articles=articles, recent=tuple(map(_earlier, page.recent)))
        yield path, render_html(page, PageOptions(day, _ticker(day, shown)), base_url).encode()


def _ticker(day: date, shown: date) -> Ticker:
    printed = ticker_of(shown)
    return printed if day == shown else tuple(rate for rate in printed if rate.base != JOINED_LATER)


def _earlier(article: DemoArticle) -> DemoArticle:
    first, *others = article.paragraphs
    return replace(
        article,
        slug=f"{article.slug}-earlier",
        title=f"{article.title}, earlier",
        published_at=article.published_at - ECHO,
        paragraphs=(f"Earlier. {first}", *others),
        teaser=f"Earlier. {article.teaser}" if article.teaser else None,
    )


def response(url: str, body: bytes, at: datetime, headers: Mapping[str, str], sent: bytes) -> Attempt:
    """A response with status 200 as the client would hand it to the archive; `sent` is `body` as transferred."""
    return Attempt(
        url=url,
        number=1,
        started_at=at,
        verdict=Verdict.OK,
        detail="200 OK",
        status=200,
        reason="OK",
        response_headers=tuple(headers.items()),
        wire_body=sent,
        body=body,
    )


def _run_of(settings: Settings, day: date) -> RunRecord:
    slot = slot_of(settings, day)
    return RunRecord(
        run_id=f"{slot:%Y%m%dT%H%M%SZ}",
        kind=RunKind.RUN,
        slot=slot,
        started_at=slot,
        finished_at=slot + timedelta(seconds=1),
        status=RunStatus.SUCCEEDED,
        exit_status=0,
        release_id=f"{slot:%Y%m%dT%H%M%SZ}",
        captures=len(settings.listing_paths),
        code_version=__version__,
    )
