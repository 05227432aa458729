"""The Times of Central Asia: which pages a slot asks for, and how politely."""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin, urlsplit

from ca_etl import __version__
from ca_etl.archive.policy import FetchPolicy
from ca_etl.errors import UsageError
from ca_etl.records import ARTICLE_PAGES, LOOPBACK, site_name
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, SWEEP

SOURCE: Final = "timesca"
# The pages of single articles.
ARTICLES: Final = ARTICLE_PAGES


def targets(settings: Settings, schedule: str = DAILY) -> tuple[str, ...]:
    """Absolute URLs of the pages of one slot, in the order they are asked for.

    A daily slot asks for the first page of each listing, a sweep for the pages behind it.
    """
    paths = list(settings.listing_paths)
    if schedule == SWEEP:
        numbers = range(2, settings.sweep_pages + 1)
        paths = [f"{path.rstrip('/')}/page/{number}/" for number in numbers for path in paths]
    return tuple(urljoin(str(settings.site_url), path) for path in paths)


def fetch_policy(settings: Settings) -> FetchPolicy:
    """How the site is asked.

    Raises `UsageError` when the site is not on loopback and nobody can be reached: a crawler
    that hides its operator is not polite.
    """
    host = (urlsplit(str(settings.site_url)).hostname or "").lower()
    on_loopback = site_name(str(settings.site_url)) == LOOPBACK
    if not settings.contact and not on_loopback:
        raise UsageError(
            f"{settings.site_url} is asked by name only: no contact is set",
            "export CA_ETL_CONTACT=you@example.org (it goes into the User-Agent)",
        )
    bare = host.removeprefix("www.")
    contact = f" (+{settings.contact})" if settings.contact else ""
    return FetchPolicy(
        user_agent=f"ca_etl/{__version__}{contact}",
        min_interval_seconds=settings.min_interval_seconds,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        read_timeout_seconds=settings.read_timeout_seconds,
        max_attempts=settings.max_attempts,
        backoff_base_seconds=settings.backoff_seconds,
        max_retry_after_seconds=settings.max_retry_after_seconds,
        allowed_hosts=frozenset({bare, f"www.{bare}", *(name.lower() for name in settings.allowed_hosts)}),
        max_wire_bytes=settings.max_wire_bytes,
        max_decoded_bytes=settings.max_decoded_bytes,
    )
